//! One score for a miRNA and a whole transcript, for testing at gene level.
//!
//! The score is the `sites`-th greatest probability of the transcript's sites. With one site that is the greatest of all
//! windows, and calling it from a threshold on is the logical OR of the windows' calls, the published tools' rule; with K
//! sites a gene is called if K windows are that do not show the same site.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use super::{Answers, BATCH, Mirna, Question, Site, Status, Tally, questions};
use crate::Result;
use crate::data::Duo;
use crate::model::{Bag, GenePredictor, Predictor, ScoredSite, Track, Trained, WholeConfig};
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
    let mut done = GeneScores::default();
    answered(predictor, pairs, rule.gate, observe, &mut |question| {
        done.windows += question.sites.len() as u64;
        done.tally.add(question.status);
        done.scores.push(kth_greatest(question, rule.sites));
        done.expected.push(question.sites.iter().map(|site| f64::from(site.probability)).sum());
    })?;
    Ok(done)
}

/// The bag of each miRNA's sites on each transcript, of at most `most` sites; `observe` as for [`gene_scores`].
pub fn bags(
    predictor: &Predictor,
    pairs: &[Duo],
    (gate, most): (Gate, usize),
    observe: &mut dyn FnMut(u64),
) -> Result<Vec<Bag>> {
    let mut bags = Vec::with_capacity(pairs.len());
    answered(predictor, pairs, gate, observe, &mut |question| bags.push(bag(predictor, question, most)))?;
    Ok(bags)
}

/// The track of each miRNA along each transcript; `observe` as for [`gene_scores`].
pub fn tracks(
    predictor: &Predictor,
    pairs: &[Duo],
    config: &WholeConfig,
    observe: &mut dyn FnMut(u64),
) -> Result<Vec<Track>> {
    let mut tracks = Vec::with_capacity(pairs.len());
    for pairs in pairs.chunks(TRACKS) {
        tracks.extend(predictor.tracks(pairs, config)?);
        observe(tracks.len() as u64);
    }
    Ok(tracks)
}

/// Tracks that are made together.
const TRACKS: usize = 256;

/// A gene-level model's score of each miRNA and transcript, higher for more repression; `observe` as for [`gene_scores`].
pub fn learned_scores(
    predictor: &Predictor,
    learned: &GenePredictor,
    pairs: &[Duo],
    observe: &mut dyn FnMut(u64),
) -> Result<Vec<f32>> {
    match (learned.trained(), &learned.config().whole) {
        (Trained::Whole(network), Some(config)) => {
            let mut scores = Vec::with_capacity(pairs.len());
            for pairs in pairs.chunks(TRACKS) {
                scores.extend(network.scores(&predictor.tracks(pairs, config)?)?);
                observe(scores.len() as u64);
            }
            Ok(scores)
        }
        (Trained::Sites(network), _) => {
            network.scores(&bags(predictor, pairs, (Gate::Canonical, learned.config().sites), observe)?)
        }
        (Trained::Whole(_), None) => {
            unreachable!("a network that reads 3'UTRs whole was made by such a shape")
        }
    }
}

/// What a gene-level network sees of an answered question.
pub(super) fn bag(predictor: &Predictor, question: &Question, most: usize) -> Bag {
    let scored = |site: &Site| {
        let (seed, log_odds) = (site.candidate.seed, predictor.log_odds_of(site.probability));
        site.candidate.locus.map(|locus| ScoredSite { seed, locus, log_odds })
    };
    let sites: Vec<ScoredSite> = question.sites.iter().filter_map(scored).collect();
    Bag::new(&question.target.sequence, &sites, most)
}

/// Asks about each pair and hands on the answers, in order.
fn answered(
    predictor: &Predictor,
    pairs: &[Duo],
    gate: Gate,
    observe: &mut dyn FnMut(u64),
    hand_on: &mut dyn FnMut(&Question),
) -> Result<()> {
    let shape = WindowShape::of(predictor.site_len());
    let record = |sequence: &[_]| Record { id: String::new(), sequence: sequence.to_vec(), line: 0 };
    let (mut answers, mut held, mut windows) = (Answers::default(), Vec::new(), 0);
    for (place, &(mirna, transcript)) in pairs.iter().enumerate() {
        let mirna = Mirna::new(record(mirna), predictor.mirna_len(), gate);
        for question in questions(&[mirna], Arc::new(record(transcript)), shape) {
            windows += question.sites.len();
            held.push(question);
        }
        if windows >= BATCH || place + 1 == pairs.len() {
            answers.fill(predictor, &mut held)?;
            held.drain(..).for_each(|question| hand_on(&question));
            observe(place as u64 + 1);
            windows = 0;
        }
    }
    Ok(())
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
