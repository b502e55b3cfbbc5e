//! The predictor, top to bottom: its shape ([`Config`]), the network, and the model files it travels in.

mod config;
mod flops;
mod network;
mod pairing;
mod places;
mod predictor;

pub use config::{Config, Fusion, Joins, PairingConfig, Pooling, PositionKind, Reads};
pub use network::Network;
pub use predictor::{EMBEDDED, Predictor, Provenance};
