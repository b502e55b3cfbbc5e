//! Scoring whole 3'UTRs, and saying how that goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::common::Common;
use super::progress::Progress;
use crate::Result;
use crate::data::Duo;
use crate::model::{Bag, GenePredictor, Predictor, Track, WholeConfig};
use crate::rna::Gate;
use crate::scan::{self, GeneRule, GeneScores, gene_scores, learned_scores};

/// One score a pair; `what` they are is told with what became of them and how fast.
pub(super) fn scores(
    common: &Common,
    model: &Predictor,
    pairs: &[Duo],
    rule: GeneRule,
    what: &str,
) -> Result<GeneScores> {
    let start = Instant::now();
    let scored = watched(common, pairs, |observe| gene_scores(model, pairs, rule, observe))?;
    let (windows, seconds) = (scored.windows, start.elapsed().as_secs_f64());
    let rate = windows as f64 / seconds;
    common.say(format_args!("{what}: {}", scored.tally));
    common.say(format_args!("{what}: {windows} windows in {seconds:.1} s, {rate:.0} a second"));
    Ok(scored)
}

/// The bag of sites of each pair.
pub(super) fn bags(
    common: &Common,
    model: &Predictor,
    pairs: &[Duo],
    rule: (Gate, usize),
) -> Result<Vec<Bag>> {
    watched(common, pairs, |observe| scan::bags(model, pairs, rule, observe))
}

/// The track of each pair.
pub(super) fn tracks(
    common: &Common,
    model: &Predictor,
    pairs: &[Duo],
    config: &WholeConfig,
) -> Result<Vec<Track>> {
    watched(common, pairs, |observe| scan::tracks(model, pairs, config, observe))
}

/// A gene-level model's score of each pair.
pub(super) fn learned(
    common: &Common,
    model: &Predictor,
    learned: &GenePredictor,
    pairs: &[Duo],
) -> Result<Vec<f64>> {
    let scores = watched(common, pairs, |observe| learned_scores(model, learned, pairs, observe))?;
    Ok(scores.into_iter().map(f64::from).collect())
}

/// Shows how `work` on pairs goes on.
fn watched<T>(
    common: &Common,
    pairs: &[Duo],
    work: impl FnOnce(&mut dyn FnMut(u64)) -> Result<T>,
) -> Result<T> {
    let done = Arc::new(AtomicU64::new(0));
    let mut progress = Progress::new("pairs", Arc::clone(&done), Some(pairs.len() as u64), common.quiet);
    let made = work(&mut |pairs| {
        done.store(pairs, Ordering::Relaxed);
        progress.tick(pairs);
    })?;
    progress.finish();
    Ok(made)
}
