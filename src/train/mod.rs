//! Learning: batches to gradients to better parameters.

mod step;

pub use step::{Example, StepId, gradients};
