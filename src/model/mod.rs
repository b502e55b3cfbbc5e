//! The predictor, top to bottom: its shape ([`Config`]), the network, the model files it travels in, and what its log-odds mean
//! ([`Meaning`]).

mod calibration;
mod config;
mod flops;
mod meaning;
mod network;
mod null;
mod pairing;
mod places;
mod predictor;

pub use calibration::{Calibration, Curve, LogLoss};
pub use config::{Config, Fusion, Joins, PairingConfig, Pooling, PositionKind, Reads};
pub use meaning::Meaning;
pub use network::Network;
pub use null::{Chance, Null, Sample, Steps};
pub use predictor::{EMBEDDED, Predictor, Provenance};
