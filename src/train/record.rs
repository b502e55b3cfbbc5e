//! What a run wrote of itself, read again.

use super::data::Origin;
use crate::{Error, Result, open};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

/// A line an epoch, as it ends.
pub(super) const METRICS: &str = "metrics.jsonl";
/// What became of each data file's rows.
pub(super) const ORIGINS: &str = "data.json";

/// One epoch, as a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Epochs finished, this one included.
    pub epoch: u64,
    /// Steps taken in all.
    pub step: u64,
    /// Mean loss of the epoch's steps.
    pub loss: f64,
    /// Learning rate of the epoch's last step.
    pub rate: f64,
    pub validation_loss: f64,
    pub validation_average_precision: f64,
    pub validation_auroc: f64,
    /// Threshold with the best F1 on the validation rows, before calibration.
    pub threshold: f64,
    /// Seconds since the program began this epoch.
    pub seconds: f64,
}

/// A run's data and its epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub origins: Vec<Origin>,
    pub epochs: Vec<EpochMetrics>,
}

impl Record {
    /// From a run's folder, or another that has its `data.json` and `metrics.jsonl`.
    pub fn read(folder: &Path) -> Result<Self> {
        let origins = parsed(&folder.join(ORIGINS), 1, &open::read_text(&folder.join(ORIGINS))?)?;
        let path = folder.join(METRICS);
        let epochs = open::read_text(&path)?;
        let epochs = (1..).zip(epochs.lines()).map(|(line, text)| parsed(&path, line, text));
        Ok(Record { origins, epochs: epochs.collect::<Result<_>>()? })
    }

    /// The epoch whose model was kept: the first of the highest average precision on the validation rows.
    pub fn best(&self) -> Option<&EpochMetrics> {
        let precision = |epoch: &EpochMetrics| epoch.validation_average_precision;
        self.epochs.iter().rev().max_by(|a, b| precision(a).total_cmp(&precision(b)))
    }

    /// Of all epochs.
    pub fn seconds(&self) -> f64 {
        self.epochs.iter().map(|epoch| epoch.seconds).sum()
    }
}

fn parsed<T: DeserializeOwned>(path: &Path, line: u64, text: &str) -> Result<T> {
    let wrong = |e| Error::line(path.display().to_string(), line, format!("expected a run's record: {e}"));
    serde_json::from_str(text).map_err(wrong)
}
