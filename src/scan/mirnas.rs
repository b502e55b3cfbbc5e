//! The miRNAs of a scan, and which of them can be scored.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Status;
use super::status::SHORTEST_TARGET;
use crate::rna::{Base, Record};

/// Shortest miRNA that is scored, nt: shorter ones are fragments.
const SHORTEST: usize = 15;

/// miRNAs by id, each with its status where that is not [`Status::Ok`] whatever the transcript.
pub struct Mirnas {
    pub(super) list: Vec<(Arc<Record>, Status)>,
    by_id: HashMap<String, usize>,
    lengths: RangeInclusive<usize>,
}

impl Mirnas {
    /// `longest`: what the model reads, nt.
    pub fn new(records: Vec<Record>, longest: usize) -> Self {
        let lengths = SHORTEST..=longest;
        let by_id = records.iter().enumerate().map(|(i, record)| (record.id.clone(), i)).collect();
        let judged = |record: Record| {
            let status = mirna_status(&record.sequence, longest);
            (Arc::new(record), status)
        };
        Mirnas { list: records.into_iter().map(judged).collect(), by_id, lengths }
    }

    /// One line for each miRNA that cannot be scored.
    pub fn warnings(&self) -> Vec<String> {
        let warning = |(record, status): &(Arc<Record>, Status)| {
            let (id, found) = (&record.id, record.sequence.len());
            let (least, most) = (self.lengths.start(), self.lengths.end());
            match status {
                Status::Ok => None,
                Status::Masked => Some(format!("miRNA '{id}': expected known bases only, found N: masked")),
                _ => Some(format!("miRNA '{id}': expected {least} to {most} nt, found {found}: invalid")),
            }
        };
        self.list.iter().filter_map(warning).collect()
    }

    /// All of them, in their file's order, each with its status whatever the transcript.
    pub fn all(&self) -> Vec<(Arc<Record>, Status)> {
        self.list.clone()
    }

    /// The miRNA's place in its file.
    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }
}

/// Whether a model that reads `longest` nt can score `mirna`.
pub(super) fn mirna_status(mirna: &[Base], longest: usize) -> Status {
    match () {
        _ if !(SHORTEST..=longest).contains(&mirna.len()) => Status::Invalid,
        _ if mirna.contains(&Base::N) => Status::Masked,
        _ => Status::Ok,
    }
}

/// Whether `site` can be scored as it stands.
pub(super) fn target_status(site: &[Base]) -> Status {
    let known = site.iter().filter(|&&base| base != Base::N).count();
    match () {
        _ if site.is_empty() => Status::Invalid,
        _ if site.len() < SHORTEST_TARGET => Status::Short,
        _ if known < SHORTEST_TARGET => Status::Masked,
        _ => Status::Ok,
    }
}
