//! microRNA target prediction on an engine of its own.
//!
//! Data flows down through the rooms, and no arrow goes up: [`cli`] over [`scan`] and [`train`], over [`model`], over [`nn`]
//! and [`optim`], over [`autograd`] and [`params`], over [`ops`], over [`tensor`] and [`device`], over [`simd`] and
//! [`cuda`]. Beside them [`rna`], [`data`], [`eval`] and [`audit`]: sequences, labelled pairs, figures,
//! what figures mean. An op knows its maths, the tape
//! knows the order, a layer knows its parameters, the model knows biology.
//!
//! ```
//! use mirscope::{device::Device, model::Predictor, rna::parse, workers::Workers};
//!
//! let predictor = Predictor::embedded(Workers::new(&Device::cpu(), 1)?)?;
//! let let7 = parse(b"UGAGGUAGUAGGUUGUAUAGUU").expect("bases");
//! let site = parse(b"AACUAUACAACCUACUACCUCAUUAACAAGGGAUUUCUAC").expect("bases");
//! let other = parse(b"GGACCGGAGGAUUUCCAAUUCAGGACCAUUAGGACCAUUA").expect("bases");
//! let p = predictor.probabilities(&[(&let7, &site), (&let7, &other)])?;
//! assert!(p[0] > predictor.threshold() && p[1] < predictor.threshold(), "{p:?}");
//! # Ok::<(), mirscope::Error>(())
//! ```

pub mod arena;
pub mod audit;
pub mod autograd;
pub mod cli;
pub mod cuda;
pub mod data;
pub mod device;
pub mod error;
pub mod eval;
pub mod figure;
pub mod memory;
pub mod model;
pub mod nn;
pub mod open;
pub mod ops;
pub mod optim;
pub mod output;
pub mod params;
pub mod rna;
pub mod scan;
pub mod simd;
pub mod tensor;
pub mod train;
pub mod workers;

pub use error::{Error, Result};
