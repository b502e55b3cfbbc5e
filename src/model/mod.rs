//! The predictor, top to bottom: its shape ([`Config`]), the network, and the model files it travels in.

mod config;
mod network;
mod pairing;
mod predictor;

pub use config::{Config, PairingConfig, PositionKind, Reads};
pub use network::Network;
pub use predictor::{EMBEDDED, Predictor, Provenance};
