//! RNA: bases, sequences and what pairs with what. Knows nothing of networks.

mod base;

pub use base::{Base, Pairing, UnknownBase, parse, text};
