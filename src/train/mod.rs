//! Learning: a configuration to data, batches to gradients, epochs to a model file.

mod checkpoint;
mod config;
mod course;
mod crossval;
mod data;
mod folder;
mod genes;
mod record;
mod run;
mod search;
mod step;
mod targets;

pub use config::{
    DataConfig, NegativeRule, Optimizer, Rows, RunConfig, Source, SyntheticConfig, Training, Windows,
};
pub use course::Course;
pub use crossval::{CrossValidation, Tested, Trial};
pub use data::{Data, Origin};
pub use genes::{GeneData, GeneRows, GeneRunConfig, GeneTraining, LabelledGene};
pub use record::{EpochMetrics, Record};
pub use run::{Event, Outcome, run};
pub use search::{Search, SearchEvent, Standing};
pub use step::{Accumulator, Example, StepId};
