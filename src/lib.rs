//! mirscope: microRNA target prediction on an engine of its own.
pub mod arena;
pub mod autograd;
pub mod cuda;
pub mod device;
pub mod error;
pub mod ops;
pub mod optim;
pub mod params;
pub mod rna;
pub mod simd;
pub mod tensor;
pub use error::{Error, Result};
