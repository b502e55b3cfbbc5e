//! A run's folder: what lies in it, and that one program writes it.

use super::{
    config::RunConfig,
    data::Data,
    record::{EpochMetrics, METRICS, ORIGINS},
};
use crate::{
    data::Layout,
    error::{Error, Result},
    output::Output,
};
use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
};

const CONFIG: &str = "config.toml";
const LAST: &str = "last.safetensors";
const PREVIOUS: &str = "previous.safetensors";
pub(super) const BEST: &str = "best.safetensors";
/// The validation rows, with which ensembles and other tools' scores can be compared.
const HELD: &str = "validation.tsv";

/// See the module's description.
pub(super) struct Folder {
    path: PathBuf,
    /// Locked, where the system locks folders, until the run is over.
    _lock: Option<File>,
}

/// Whether a run has begun in a folder.
pub(super) fn is_taken(path: &Path) -> bool {
    path.join(CONFIG).exists()
}

impl Folder {
    /// Makes the folder where it is not there. Refused while another program trains in it.
    pub fn open(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let lock = File::open(path).ok();
        if let Some(Err(TryLockError::WouldBlock)) = lock.as_ref().map(File::try_lock) {
            return Err(Error::file(path.display().to_string(), "another program trains in this folder"));
        }
        Ok(Self { path: path.to_path_buf(), _lock: lock })
    }

    /// Writes what the run is of.
    pub fn describe(&self, config: &RunConfig, data: &Data) -> Result<()> {
        self.write(CONFIG, &config.to_toml())?;
        let origins = serde_json::to_string_pretty(&data.origins).expect("plain fields serialise") + "\n";
        self.write(ORIGINS, &origins)?;
        let held: String = data.validation.iter().map(|pair| Layout::TargetNet.row(pair)).collect();
        self.write(HELD, &(Layout::TargetNet.header().to_string() + &held))
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        Output::write(&self.path.join(name), text.as_bytes())
    }

    /// The newest checkpoint, and the one before it.
    pub fn checkpoints(&self) -> [PathBuf; 2] {
        [LAST, PREVIOUS].map(|name| self.path.join(name))
    }

    /// Keeps a model as the best so far.
    pub fn keep_best(&self, model: &[u8]) -> Result<()> {
        Output::write(&self.path.join(BEST), model)
    }

    /// A run that is gone on with has to have the best model of the epochs that it will not see again.
    pub fn expect_best(&self, epoch: u64) -> Result<()> {
        let path = self.path.join(BEST);
        let missing = format!("expected the best model so far, epoch {epoch}'s, found none; train again");
        if path.exists() { Ok(()) } else { Err(Error::file(path.display().to_string(), missing)) }
    }

    /// Adds an epoch.
    pub fn append(&self, metrics: &EpochMetrics) -> Result<()> {
        let line = serde_json::to_string(metrics).expect("plain fields serialise") + "\n";
        self.write(METRICS, &(self.metrics() + &line))
    }

    /// Drops lines of epochs that the checkpoint has not seen the end of.
    pub fn keep_metrics_of(&self, epochs: u64) -> Result<()> {
        let seen = |line: &&str| serde_json::from_str::<EpochMetrics>(line).is_ok_and(|m| m.epoch <= epochs);
        let kept: String = self.metrics().lines().filter(seen).map(|line| format!("{line}\n")).collect();
        self.write(METRICS, &kept)
    }

    fn metrics(&self) -> String {
        std::fs::read_to_string(self.path.join(METRICS)).unwrap_or_default()
    }
}
