//! Where the targets of a scan lie on a genome, and which lie nowhere.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::lines::Place;
use super::{Question, Status};
use crate::Result;
use crate::rna::{Annotation, Unplaced};

/// An annotation, and the targets that were not found in it.
pub struct Genome {
    annotation: Annotation,
    /// For each reason: how many targets, and the first one's id.
    lost: Mutex<BTreeMap<Unplaced, (u64, String)>>,
}

impl Genome {
    /// Reads GTF or BED12; see [`Annotation`].
    pub fn open(path: &str) -> Result<Self> {
        Ok(Genome { annotation: Annotation::open(path)?, lost: Mutex::default() })
    }

    /// A line for each reason why targets have no place.
    pub fn warnings(&self) -> Vec<String> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |(reason, (count, first)): (&Unplaced, &(u64, String))| {
            format!("{count} targets without a place on the genome: {reason} (the first is '{first}')")
        };
        lost.iter().map(line).collect()
    }

    pub(super) fn place(&self, question: &Question) -> Place<'_> {
        let target = &question.target;
        self.annotation.place(&target.id, target.sequence.len()).map_or(Place::Lost, Place::Found)
    }

    /// Notes that `question`'s target, met for the first time, has no place. A target that the FASTA file does not have has
    /// none anyway.
    pub(super) fn note(&self, question: &Question) {
        let target = &question.target;
        let found = self.annotation.place(&target.id, target.sequence.len());
        if let (Err(reason), true) = (found, question.status != Status::UnknownId) {
            let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
            lost.entry(reason).or_insert_with(|| (0, target.id.clone())).0 += 1;
        }
    }
}
