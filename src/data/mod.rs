//! Labelled pairs of a miRNA and a site: reading them, balancing them, keeping test sites out of training.
//!
//! Everything is 5'->3'. A row that cannot be read is an error that names its file and line; nothing is dropped in
//! silence, and whatever is left out on purpose is counted for the report.

mod batch;
mod check;
mod cuda;
mod experiments;
mod fold_changes;
mod folds;
mod formats;
mod groups;
mod leaks;
mod lines;
mod pairing;
mod pairs;
mod predictions;
mod repeats;
mod scores;
mod seed;
mod swap;
mod synthetic;
mod table;
mod windows;

pub use batch::{Batch, Duo, Lengths, PAD, PAIR_CHANNELS, VOCABULARY};
pub(crate) use batch::{Halves, pair_channel};
pub use check::{Count, Leak, Shared, check, leak};
pub use experiments::{Differential, Experiment, read_experiments};
pub use fold_changes::{FoldChange, Treatment, read_fold_changes};
pub use folds::{folds, folds_of, hold_out};
pub use formats::{Format, Layout, LeftOut, PairReader, read_labelled, read_pairs};
pub use groups::{Grouping, groups};
pub use leaks::{KmerSet, drop_leaks, drop_pairs};
pub use pairing::{Negatives, Options as PairingOptions, negatives};
pub use pairs::{Pair, Split};
pub use predictions::{FUNMIRBENCH_HEADER, Prediction, predicted, read_predictions};
pub use repeats::Repeats;
pub use scores::{Joined, read_scores};
pub use seed::{seed_match_start, seed_score};
pub use swap::swap_mirnas;
pub use synthetic::Synthetic;
pub use table::{Row, Table};
pub use windows::{Form, TranscriptWindows};
