//! From a pair to its windows.

use std::sync::Arc;

use super::{Mirna, Status, target_status};
use crate::rna::{Base, Candidate, Duplex, KmerIndex, Record, WindowShape};

/// A candidate site, before or after it is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// What put the window here.
    pub candidate: Candidate,
    /// Probability that the miRNA binds here.
    pub probability: f32,
}

impl Site {
    /// The duplex drawn here. `None` where nothing pairs.
    pub fn duplex(&self, mirna: &[Base], transcript: &[Base]) -> Option<Duplex> {
        match self.candidate.locus {
            Some(locus) => Duplex::anchored(mirna, transcript, locus),
            None => Duplex::best(mirna, transcript, self.candidate.window.clone()),
        }
    }
}

/// One pair that was asked about, and after [`Answers::fill`](super::Answers::fill) its answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// The miRNA.
    pub mirna: Arc<Record>,
    /// The transcript.
    pub target: Arc<Record>,
    /// What became of the pair.
    pub status: Status,
    /// Every window scored, by place on the transcript; none unless the status is ok.
    pub sites: Vec<Site>,
}

impl Question {
    /// A pair that is not scored.
    pub(super) fn settled(mirna: Arc<Record>, target: Arc<Record>, status: Status) -> Self {
        Question { mirna, target, status, sites: Vec::new() }
    }

    /// A pair and its windows. `index` is of the target's sequence, which can be scored.
    fn new(mirna: &Mirna, target: Arc<Record>, index: &KmerIndex, shape: WindowShape) -> Self {
        let transcript = &target.sequence;
        let candidates = index.candidates(&mirna.probe, transcript, shape);
        let none = candidates.is_empty();
        let known = |candidate: &Candidate| {
            index.is_known() || !transcript[candidate.window.clone()].contains(&Base::N)
        };
        let site = |candidate| Site { candidate, probability: f32::NAN };
        let sites: Vec<Site> = candidates.into_iter().filter(known).map(site).collect();
        let status = match (none, sites.is_empty()) {
            (true, _) => Status::NoCandidate,
            (false, true) => Status::Masked,
            (false, false) => Status::Ok,
        };
        Question { mirna: mirna.record.clone(), target, status, sites }
    }

    /// The most probable site, the most upstream of equals.
    pub(super) fn best(&self) -> Option<&Site> {
        self.sites.iter().rev().max_by(|a, b| a.probability.total_cmp(&b.probability))
    }
}

/// The pairs of `mirnas` and `target`, one at a time.
pub fn questions(
    mirnas: &[Mirna],
    target: Arc<Record>,
    shape: WindowShape,
) -> impl Iterator<Item = Question> {
    let index = KmerIndex::new(&target.sequence);
    let status = target_status(&target.sequence);
    mirnas.iter().map(move |mirna| match (mirna.status, status) {
        (Status::Ok, Status::Ok) => Question::new(mirna, target.clone(), &index, shape),
        (Status::Ok, status) | (status, _) => Question::settled(mirna.record.clone(), target.clone(), status),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::SeedType;

    #[test]
    fn the_best_site_is_the_most_upstream_of_equals() {
        let record = Arc::new(Record { id: "x".into(), sequence: Vec::new(), line: 0 });
        let mut question = Question::settled(record.clone(), record, Status::Ok);
        assert_eq!(question.best(), None);
        for (start, probability) in [(0, 0.2), (10, 0.7), (20, 0.7), (30, 0.1)] {
            let candidate =
                Candidate { seed: SeedType::SixMer, locus: Some(start + 6), window: start..start + 50 };
            question.sites.push(Site { candidate, probability });
        }
        assert_eq!(question.best(), Some(&question.sites[1]));
    }
}
