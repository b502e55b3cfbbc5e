//! The miRNAs of a scan, and which of them can be scored.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Status;
use super::status::SHORTEST_TARGET;
use crate::rna::{Base, Gate, Probe, Record};

/// Shortest miRNA that is scored, nt: shorter ones are fragments.
const SHORTEST: usize = 15;

/// A miRNA to scan with.
#[derive(Clone)]
pub struct Mirna {
    pub(super) record: Arc<Record>,
    /// What its pairs are whatever the transcript, where that is not [`Status::Ok`].
    pub(super) status: Status,
    pub(super) probe: Arc<Probe>,
}

impl Mirna {
    /// `longest`: what the model reads, nt.
    pub(super) fn new(record: Record, longest: usize, gate: Gate) -> Self {
        let status = mirna_status(&record.sequence, longest);
        let probe = Arc::new(Probe::new(&record.sequence, gate));
        Mirna { record: Arc::new(record), status, probe }
    }

    /// One that no file has.
    pub(super) fn unknown(id: &str) -> Self {
        let record = Record { id: id.to_string(), sequence: Vec::new(), line: 0 };
        Mirna { status: Status::UnknownId, ..Mirna::new(record, 0, Gate::Canonical) }
    }
}

/// miRNAs by id.
pub struct Mirnas {
    list: Vec<Mirna>,
    by_id: HashMap<String, usize>,
    lengths: RangeInclusive<usize>,
}

impl Mirnas {
    /// `longest`: what the model reads, nt.
    pub fn new(records: Vec<Record>, longest: usize, gate: Gate) -> Self {
        let lengths = SHORTEST..=longest;
        let by_id = records.iter().enumerate().map(|(i, record)| (record.id.clone(), i)).collect();
        let list = records.into_iter().map(|record| Mirna::new(record, longest, gate)).collect();
        Mirnas { list, by_id, lengths }
    }

    /// One line for each miRNA that cannot be scored.
    pub fn warnings(&self) -> Vec<String> {
        let warning = |Mirna { record, status, .. }: &Mirna| {
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

    /// All of them, in their file's order.
    pub fn all(&self) -> &[Mirna] {
        &self.list
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
