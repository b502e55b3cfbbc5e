//! Labelled rows of a file, and what keeps them together: flags that testing commands share.

use std::path::Path;

use crate::data::{Grouping, Pair, Split, groups, read_labelled};
use crate::eval::group_ids;
use crate::{Error, Result};

#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum SplitName {
    Train,
    Val,
    Test,
}

impl SplitName {
    /// As it is typed.
    pub(super) fn name(self) -> &'static str {
        match self {
            SplitName::Train => "train",
            SplitName::Val => "val",
            SplitName::Test => "test",
        }
    }

    fn split(self) -> Split {
        match self {
            SplitName::Train => Split::Train,
            SplitName::Val => Split::Val,
            SplitName::Test => Split::Test,
        }
    }
}

/// What intervals are drawn over.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(super) enum Intervals {
    Mirnas,
    Families,
    Genes,
}

impl Intervals {
    /// The group of each row, and what the groups are.
    pub(super) fn groups(self, rows: &[Pair], level: Level) -> (Vec<usize>, &'static str) {
        match self {
            Intervals::Mirnas => (mirnas(rows), "miRNAs"),
            Intervals::Families => (groups(rows, Grouping::Families), "miRNA families"),
            Intervals::Genes => (level.genes(rows), "genes"),
        }
    }
}

/// What a row's target is.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Level {
    /// A site of some tens of nucleotides
    Site,
    /// A whole 3'UTR
    Gene,
}

impl Level {
    /// The gene of each row. Sites are of one gene if the file says so or if they share a 20-mer; 3'UTRs share 20-mers in
    /// repeats, so there it takes the same id or the same sequence.
    pub(super) fn genes(self, rows: &[Pair]) -> Vec<usize> {
        match self {
            Level::Site => groups(rows, Grouping::Genes),
            Level::Gene => group_ids(rows.iter().map(|pair| match pair.site_id.as_str() {
                "." => Err(&pair.site),
                id => Ok(id),
            })),
        }
    }
}

/// Whether each row is positive.
pub(super) fn labels(rows: &[Pair]) -> Vec<bool> {
    rows.iter().map(Pair::is_positive).collect()
}

/// The miRNA of each row, by sequence.
pub(super) fn mirnas(rows: &[Pair]) -> Vec<usize> {
    group_ids(rows.iter().map(|pair| &pair.mirna))
}

/// The labelled rows of `path`, all or one split of them.
pub(super) fn read(path: &Path, split: Option<SplitName>) -> Result<Vec<Pair>> {
    let mut rows = read_labelled(path, None)?;
    rows.retain(|p| split.is_none_or(|s| p.split == Some(s.split())));
    match rows.is_empty() {
        true => {
            Err(Error::file(path.display().to_string(), "expected labelled rows of the split, found none"))
        }
        false => Ok(rows),
    }
}
