//! A model's scores of the pairs under test, and of what is left of them when the pairing is gone.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::{Args, labels};
use crate::Result;
use crate::cli::common::Windows;
use crate::cli::progress::Progress;
use crate::cli::rows::Level;
use crate::data::{Duo, Pair, swap_mirnas};
use crate::eval::{Scored, Scores, group_ids};
use crate::model::Predictor;
use crate::rna::{Base, dinucleotide_shuffle};
use crate::scan::{GeneRule, gene_scores};

/// How pairs are scored and called.
#[derive(clap::Args)]
pub(super) struct Scoring {
    #[command(flatten)]
    windows: Windows,
    /// At gene level: a gene's score is that of its K-th best window, so K windows must be called before it is. One is
    /// the papers' OR
    #[arg(long, value_name = "K", default_value = "1")]
    sites: NonZeroUsize,
    /// Probability from which on a pair is called [default: each model's threshold]
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
    /// Also score the pairs with their sites shuffled, dinucleotides kept, and with their miRNAs exchanged
    #[arg(long)]
    pub probes: bool,
}

impl Scoring {
    /// The lines before the report that tell how genes were scored.
    pub fn meta(&self, level: Level) -> Result<String> {
        Ok(match level {
            Level::Site => String::new(),
            Level::Gene => format!("# level=gene candidates={} sites={}\n", self.windows.gate()?, self.sites),
        })
    }
}

/// A model's line of the report.
pub(super) fn of_model(args: &Args, model: &Predictor, pairs: &[Pair]) -> Result<Scored> {
    let duos: Vec<Duo> = pairs.iter().map(duo).collect();
    line(args, model, pairs, model.name().into(), scores(args, model, &duos, model.name())?)
}

/// The model's lines for shuffled sites and for exchanged miRNAs, `true_line` being that of the pairs as they are.
pub(super) fn of_probes(
    args: &Args,
    model: &Predictor,
    pairs: &[Pair],
    true_line: &Scored,
) -> Result<Vec<Scored>> {
    // one arrangement for a sequence, whatever miRNA meets it
    let numbers = group_ids(pairs.iter().map(|p| &p.site));
    let shuffle = |(p, number): (&Pair, usize)| dinucleotide_shuffle(&p.site, args.seed ^ number as u64);
    let shuffled: Vec<Vec<Base>> = pairs.iter().zip(numbers).map(shuffle).collect();
    let shuffled: Vec<Duo> = pairs.iter().zip(&shuffled).map(|(p, site)| (&p.mirna[..], &site[..])).collect();
    let partners = swap_mirnas(pairs, args.seed);
    let alone = partners.iter().filter(|partner| partner.is_none()).count();
    if alone > 0 {
        args.common.say(format_args!("{alone} pairs kept their miRNA: too many are of one family"));
    }
    let given = partners.into_iter().enumerate().map(|(row, partner)| partner.unwrap_or(row));
    let exchanged: Vec<Duo> =
        given.zip(pairs).map(|(from, p)| (&pairs[from].mirna[..], &p.site[..])).collect();
    let mut lines = vec![];
    for (what, duos) in [("sites shuffled", shuffled), ("miRNAs exchanged", exchanged)] {
        let name = format!("{}, {what}", model.name());
        let probed = line(args, model, pairs, name, scores(args, model, &duos, what)?)?;
        let share = 100.0 * kept_calls(true_line, &probed);
        args.common.say(format_args!("{what}: {share:.1}% of the calls stay"));
        lines.push(probed);
    }
    Ok(lines)
}

/// The share of rows that both lines call alike.
fn kept_calls(a: &Scored, b: &Scored) -> f64 {
    let calls = |line: &Scored| -> Vec<bool> {
        let threshold = line.threshold.expect("a model has one");
        line.scores.scores().iter().map(|&score| score >= threshold).collect()
    };
    let (a, b) = (calls(a), calls(b));
    a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}

fn line(args: &Args, model: &Predictor, pairs: &[Pair], name: String, scores: Vec<f64>) -> Result<Scored> {
    let threshold = args.scoring.threshold.unwrap_or(model.threshold().into());
    let scores = Scores::new(labels(pairs), scores)?;
    Ok(Scored { name, scores, threshold: Some(threshold), probabilities: true })
}

/// One probability a pair.
fn scores(args: &Args, model: &Predictor, pairs: &[Duo], what: &str) -> Result<Vec<f64>> {
    match args.level {
        Level::Site => Ok(model.probabilities(pairs)?.into_iter().map(f64::from).collect()),
        Level::Gene => gene_level(args, model, pairs, what),
    }
}

fn gene_level(args: &Args, model: &Predictor, pairs: &[Duo], what: &str) -> Result<Vec<f64>> {
    let rule = GeneRule { gate: args.scoring.windows.gate()?, sites: args.scoring.sites };
    let total = Some(pairs.len() as u64);
    let done = Arc::new(AtomicU64::new(0));
    let mut progress = Progress::new("pairs", Arc::clone(&done), total, args.common.quiet);
    let start = Instant::now();
    let scored = gene_scores(model, pairs, rule, &mut |pairs| {
        done.store(pairs, Ordering::Relaxed);
        progress.tick(pairs);
    })?;
    progress.finish();
    let (windows, seconds) = (scored.windows, start.elapsed().as_secs_f64());
    let rate = windows as f64 / seconds;
    args.common.say(format_args!("{what}: {}", scored.tally));
    args.common.say(format_args!("{what}: {windows} windows in {seconds:.1} s, {rate:.0} a second"));
    Ok(scored.scores)
}

fn duo(pair: &Pair) -> Duo<'_> {
    (&pair.mirna, &pair.site)
}
