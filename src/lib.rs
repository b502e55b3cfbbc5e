//! mirscope: microRNA target prediction on an engine of its own.
pub mod error;
pub mod rna;
pub mod simd;
pub use error::{Error, Result};
