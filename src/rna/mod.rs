//! RNA: bases, sequences and what pairs with what. Knows nothing of networks.

mod align;
mod annotation;
mod base;
mod candidates;
mod context;
mod duplex;
mod extended_seed;
mod family;
mod fasta;
mod probe;
mod seed;
mod shuffle;
mod window;

pub use annotation::{Annotation, Spliced, Strand, Unplaced};
pub use base::{Base, Pairing, UnknownBase, parse, text};
pub use candidates::{Candidate, Gate, KmerIndex};
pub use context::local_au;
pub use duplex::{Drawing, Duplex};
pub use extended_seed::ExtendedSeed;
pub use family::{name_family, seed_family};
pub use fasta::{Headers, Reader, Record};
pub use probe::Probe;
pub use seed::SeedType;
pub use shuffle::dinucleotide_shuffle;
pub use window::WindowShape;
