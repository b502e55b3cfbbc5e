//! The pairs under test, of one file or several.

use std::collections::HashMap;
use std::path::PathBuf;

use super::Args;
use crate::Result;
use crate::cli::rows::{SplitName, read};
use crate::data::Pair;
use crate::eval::{Scored, Spread};

/// Pairs, and which of them each file holds.
pub(in crate::cli) struct Tested {
    /// As they stand in one file; of several files, each pair once.
    pub pairs: Vec<Pair>,
    files: Vec<(PathBuf, Vec<usize>)>,
}

impl Tested {
    pub fn read(args: &Args) -> Result<Self> {
        Self::of(&args.data, args.split)
    }

    /// The rows of a split of some files.
    pub fn of(files: &[PathBuf], split: Option<SplitName>) -> Result<Self> {
        let mut tested = Tested { pairs: vec![], files: vec![] };
        let mut known = HashMap::new();
        for path in files {
            let first = tested.pairs.len();
            let mut held = vec![];
            for pair in read(path, split)? {
                let next = tested.pairs.len();
                let key = (pair.mirna.clone(), pair.site.clone(), pair.is_positive());
                let at = *known.entry(key).or_insert(next);
                if at < first {
                    held.push(at);
                } else {
                    held.push(next);
                    tested.pairs.push(pair);
                }
            }
            tested.files.push((path.clone(), held));
        }
        Ok(tested)
    }

    /// What papers print of several files: the mean of each one's accuracy and F1, and the standard deviation.
    pub fn each_file(&self, lines: &[Scored]) -> String {
        if self.files.len() == 1 {
            return String::new();
        }
        let mut text = String::from("each file by itself, mean and standard deviation:\n");
        for line in lines {
            let Some(threshold) = line.threshold else { continue };
            let counts: Vec<_> =
                self.files.iter().map(|(_, rows)| line.scores.pick(rows).confusion(threshold)).collect();
            let accuracy = Spread::of(counts.iter().filter_map(|c| c.accuracy()));
            let f1 = Spread::of(counts.iter().filter_map(|c| c.f1()));
            text += &format!("{}: accuracy {accuracy}, F1 {f1}\n", line.name);
        }
        text + "all distinct pairs together:\n"
    }
}
