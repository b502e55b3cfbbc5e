//! Learning: a configuration to data, batches to gradients, epochs to a model file.

mod checkpoint;
mod config;
mod crossval;
mod data;
mod record;
mod run;
mod search;
mod step;
mod targets;

pub use config::{DataConfig, NegativeRule, Optimizer, Rows, RunConfig, Source, SyntheticConfig, Training};
pub use crossval::{CrossValidation, Tested, Trial};
pub use data::{Data, Origin};
pub use record::Record;
pub use run::{EpochMetrics, Event, Outcome, run};
pub use search::{Search, SearchEvent, Standing};
pub use step::{Accumulator, Example, StepId};
