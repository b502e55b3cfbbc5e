//! One row of any data set: a miRNA, a site, and what is known of them.

use std::str::FromStr;

use super::batch::Duo;
use crate::rna::Base;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a row may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    Train,
    /// Model choice, early stopping, thresholds.
    Val,
    /// Never trained on, tuned on or stopped by.
    Test,
}

impl Split {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
        }
    }

    /// Reads `train`, `val` (or `validation`) and `test`.
    pub(super) fn from_name(name: &str) -> Option<Split> {
        match name {
            "train" => Some(Split::Train),
            "val" | "validation" => Some(Split::Val),
            "test" => Some(Split::Test),
            _ => None,
        }
    }
}

impl FromStr for Split {
    type Err = Error;
    fn from_str(name: &str) -> Result<Split> {
        let unknown = || Error::Setting(format!("split: expected train, val or test, found '{name}'"));
        Split::from_name(name).ok_or_else(unknown)
    }
}

/// A miRNA and a site in a transcript, both 5'->3'.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The miRNA's name, or its sequence where the file names none.
    pub mirna_id: String,
    pub mirna: Vec<Base>,
    /// Gene, transcript or place of the site; its sequence where the file names none; `.` if unknown.
    pub site_id: String,
    pub site: Vec<Base>,
    /// 1 if the miRNA binds the site, 0 if not, `None` if the file does not say.
    pub label: Option<f32>,
    pub split: Option<Split>,
    /// The file's own name for a cluster of overlapping sites.
    pub cluster: Option<String>,
    /// The file's own name for the miRNA's family.
    pub family: Option<String>,
}

impl Pair {
    /// The miRNA, and of the site at most `most` nt from its middle.
    pub fn duo(&self, most: usize) -> Duo<'_> {
        let beyond = self.site.len().saturating_sub(most);
        (&self.mirna, &self.site[beyond / 2..self.site.len() - beyond.div_ceil(2)])
    }

    /// Whether the row is labelled as binding.
    pub fn is_positive(&self) -> bool {
        self.label == Some(1.0)
    }

    /// Whether the row is labelled as not binding.
    pub fn is_negative(&self) -> bool {
        self.label == Some(0.0)
    }
}
