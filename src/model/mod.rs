//! The predictor, top to bottom: its shape ([`Config`]), the network, the model files it travels in, and what its log-odds mean
//! ([`Meaning`]).

mod attention;
mod calibration;
mod card;
mod config;
mod flops;
mod genes;
mod meaning;
mod mutations;
mod network;
mod null;
mod pairing;
mod places;
mod predictor;

pub use attention::{Gaze, Looks};
pub use calibration::{Calibration, Curve, LogLoss};
pub use config::{Config, Fusion, Joins, PairingConfig, Pooling, PositionKind, Reads};
pub use genes::{
    Bag, BagPooling, GeneConfig, GeneNetwork, GenePredictor, GeneProvenance, GeneReader, Learned,
    SITE_FEATURES, ScoredSite, Track, Trained, WholeConfig, WholeNetwork,
};
pub use meaning::Meaning;
pub use mutations::Mutations;
pub use network::Network;
pub use null::{Chance, Null, Sample, Steps};
use predictor::finite;
pub use predictor::{EMBEDDED, Predictor, Provenance};
