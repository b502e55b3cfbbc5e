//! From gradients to better parameters: each optimizer is one pass over flat arrays.

mod adamw;
mod clip;
mod cuda;
mod schedule;
mod sgd;

pub use adamw::AdamW;
pub use clip::clip_norm;
pub use schedule::Schedule;
pub use sgd::Sgd;
