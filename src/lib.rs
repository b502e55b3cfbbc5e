//! mirscope: microRNA target prediction on an engine of its own.
pub mod cli;
pub mod error;
pub mod model;
pub mod open;
pub mod rna;
pub mod scan;
pub use error::{Error, Result};
