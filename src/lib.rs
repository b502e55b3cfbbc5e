//! mirscope: microRNA target prediction on an engine of its own.
pub mod arena;
pub mod autograd;
pub mod cuda;
pub mod data;
pub mod device;
pub mod error;
pub mod eval;
pub mod model;
pub mod nn;
pub mod ops;
pub mod optim;
pub mod params;
pub mod rna;
pub mod simd;
pub mod tensor;
pub mod train;
pub mod workers;
pub use error::{Error, Result};
