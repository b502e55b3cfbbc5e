mod batch;
pub use batch::{Batch, Duo, Lengths, PAD, PAIR_CHANNELS, VOCABULARY};
