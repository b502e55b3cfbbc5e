//! mirscope: microRNA target prediction on an engine of its own.
pub mod data;
pub mod error;
pub mod eval;
pub mod rna;
pub use error::{Error, Result};
