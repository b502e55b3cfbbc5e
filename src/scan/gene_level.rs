//! One score for a miRNA and a whole transcript, for testing at gene level.
//!
//! The score is the `sites`-th greatest probability of the transcript's sites. With one site that is the greatest of all
//! windows, and calling it from a threshold on is the logical OR of the windows' calls, the published tools' rule; with K
//! sites a gene is called if K windows are that do not show the same site.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use super::{Answers, BATCH, Mirna, Question, Status, Tally, questions};
use crate::Result;
use crate::data::Duo;
use crate::model::Predictor;
use crate::rna::{Gate, Record, WindowShape};

/// How windows are chosen and become a gene's score.
#[derive(Clone, Copy, Debug)]
pub struct GeneRule {
    pub gate: Gate,
    /// Which greatest probability is the score, from 1.
    pub sites: NonZeroUsize,
}

/// What became of the pairs.
#[derive(Clone, Debug, Default)]
pub struct GeneScores {
    /// A probability for each pair; 0 for one with fewer than `sites` sites. `[pairs]`
    pub scores: Vec<f64>,
    /// The sum of each pair's windows' probabilities: how many sites are bound, if windows do not overlap. `[pairs]`
    pub expected: Vec<f64>,
    /// Windows scored.
    pub windows: u64,
    pub tally: Tally,
}

/// Scores each miRNA and transcript. `observe` is told how many pairs are done, now and then.
pub fn gene_scores(
    predictor: &Predictor,
    pairs: &[Duo],
    rule: GeneRule,
    observe: &mut dyn FnMut(u64),
) -> Result<GeneScores> {
    let shape = WindowShape::of(predictor.site_len());
    let record = |sequence: &[_]| Record { id: String::new(), sequence: sequence.to_vec(), line: 0 };
    let (mut done, mut answers) = (GeneScores::default(), Answers::default());
    let (mut held, mut windows) = (Vec::new(), 0);
    for &(mirna, transcript) in pairs {
        let mirna = Mirna::new(record(mirna), predictor.mirna_len(), rule.gate);
        for question in questions(&[mirna], Arc::new(record(transcript)), shape) {
            windows += question.sites.len();
            held.push(question);
        }
        if windows >= BATCH {
            done.settle(predictor, &mut answers, &mut held, rule.sites)?;
            observe(done.scores.len() as u64);
            windows = 0;
        }
    }
    done.settle(predictor, &mut answers, &mut held, rule.sites)?;
    Ok(done)
}

impl GeneScores {
    fn settle(
        &mut self,
        predictor: &Predictor,
        answers: &mut Answers,
        held: &mut Vec<Question>,
        sites: NonZeroUsize,
    ) -> Result<()> {
        answers.fill(predictor, held)?;
        for question in held.drain(..) {
            self.windows += question.sites.len() as u64;
            self.tally.add(question.status);
            self.scores.push(kth_greatest(&question, sites));
            self.expected.push(question.sites.iter().map(|site| f64::from(site.probability)).sum());
        }
        Ok(())
    }
}

/// The `k`-th greatest probability of the question's sites. Windows that overlap by more than half are one site, the most
/// probable.
fn kth_greatest(question: &Question, k: NonZeroUsize) -> f64 {
    debug_assert!(question.status == Status::Ok || question.sites.is_empty());
    let mut sites: Vec<_> = question.sites.iter().collect();
    sites.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let mut kept: Vec<&Range<usize>> = vec![];
    for site in sites {
        let window = &site.candidate.window;
        let apart = |other: &&Range<usize>| 2 * window.start.abs_diff(other.start) >= window.len();
        if kept.iter().all(apart) {
            kept.push(window);
        }
        if kept.len() == k.get() {
            return site.probability.into();
        }
    }
    0.0
}
