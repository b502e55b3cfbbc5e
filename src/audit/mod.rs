//! What a score means: how much of a data set, or of anybody's score column, is a shortcut.
//!
//! A data set can be answered without reading who meets whom if its labels follow the miRNA, the target, or the seed rule;
//! a score on it is worth what it adds to these. The text, the JSON and the page are all made from one [`Audit`].

mod balance;
#[cfg(test)]
mod cases;
mod figures;
mod page;
mod shortcuts;
mod text;
mod verdict;

pub use balance::{Balance, Labels, MirnaCount, Share};
pub use figures::Shown;
pub use verdict::{Headline, Verdict};

use crate::Result;
use crate::data::{Leak, Pair, Shared, leak};
use crate::eval::{
    Bin, Draw, Estimate, FunctionalScore, Interval, Point, Report, Resampling, Rows, Scored, Scores,
    bootstrap, group_ids, reliability, thinned,
};
use shortcuts::{Shortcuts, fold_of};

/// What is audited.
pub struct Subject<'a> {
    /// Labelled rows.
    pub rows: &'a [Pair],
    /// Whether their targets are whole 3'UTRs.
    pub whole_targets: bool,
    /// Rows that shortcuts learn from; without them they learn out of fold.
    pub train: Option<&'a [Pair]>,
    /// The gene of each row. `[rows]`
    pub genes: &'a [usize],
    /// Near-duplicate targets, kept in one fold. `[rows]`
    pub folds_by: &'a [usize],
    /// With which rows each is resampled, and what that is. `[rows]`
    pub groups: &'a [usize],
    pub unit: &'a str,
    /// The score that is asked about.
    pub score: Option<Scored>,
    /// Further scores, only shown beside it.
    pub others: Vec<Scored>,
    /// The score again, on rows that were tampered with.
    pub probes: Vec<Tampered>,
    pub resampling: Resampling,
}

/// The score of rows after something was done to them.
pub struct Tampered {
    /// What was done.
    pub name: String,
    /// `None` for rows to which it could not be done. `[rows]`
    pub scores: Vec<Option<f64>>,
}

/// What became of the score when rows were tampered with.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Probe {
    pub name: String,
    /// Rows it was done to.
    pub rows: usize,
    /// The fraction of these on the same side of the threshold as before; `None` without a threshold.
    pub kept: Option<f64>,
    /// AUROC of these rows before and after, against the labels they had.
    pub before: Option<f64>,
    pub after: Estimate,
}

/// A score's curves, thinned for drawing.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Curves {
    pub name: String,
    /// False-positive rate, recall.
    pub roc: Vec<Point>,
    /// Recall, precision.
    pub precision_recall: Vec<Point>,
}

/// What of the rows was to be seen in training already.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Leaks {
    pub train_rows: usize,
    pub shared: Vec<Leak>,
}

/// Where the score of each class lies.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Histogram {
    pub low: f64,
    pub high: f64,
    /// Rows in each of the equal parts from `low` to `high`.
    pub positives: Vec<usize>,
    pub negatives: Vec<usize>,
}

/// All that is known in the end.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Audit {
    /// What was audited, and what shortcuts learned from.
    pub data: String,
    pub train: Option<String>,
    pub whole_targets: bool,
    pub verdict: Verdict,
    pub balance: Balance,
    /// Name of the score that is asked about.
    pub score: Option<String>,
    pub report: Report,
    /// AUROC of score and shortcuts together less that of the shortcuts.
    pub added: Option<Estimate>,
    pub probes: Vec<Probe>,
    pub leaks: Option<Leaks>,
    pub curves: Vec<Curves>,
    pub reliability: Option<Vec<Bin>>,
    pub histogram: Option<Histogram>,
    /// How scores order fold changes, where that was tested.
    pub functional: Vec<FunctionalScore>,
}

/// The line of all shortcuts in one.
const TOGETHER: &str = "shortcuts together";
/// Distance of a curve's points, as a fraction of an axis.
const FINE: f64 = 0.01;
const HISTOGRAM_BINS: usize = 40;
const RELIABILITY_BINS: usize = 10;

impl Audit {
    /// Computes everything. `data` and `train` name the files for the reader.
    pub fn of(subject: Subject, data: String, train: Option<String>) -> Result<Audit> {
        let Subject { rows, score, probes, resampling, .. } = &subject;
        let labels: Vec<bool> = rows.iter().map(Pair::is_positive).collect();
        let folds = fold_of(subject.folds_by, resampling.seed)?;
        let shortcuts = Shortcuts::of(rows, subject.train, subject.whole_targets, &folds, resampling.seed)?;
        let line = |name: &str, scores: Vec<f64>| -> Result<Scored> {
            let scores = Scores::new(labels.clone(), scores)?;
            Ok(Scored { name: name.into(), scores, threshold: None, probabilities: false })
        };
        let together = line(TOGETHER, shortcuts.together(&labels, &folds, None))?;
        let mut added = None;
        let mut scored = Vec::new();
        if let Some(score) = score {
            let both = shortcuts.together(&labels, &folds, Some(score.scores.scores()));
            let both = line(&format!("{} + shortcuts", score.name), both)?;
            added = Some(difference(&both.scores, &together.scores, subject.groups, *resampling));
            scored.extend([score.clone(), both]);
        }
        scored.extend(subject.others.iter().cloned());
        scored.push(together);
        for (name, scores) in shortcuts.lines.into_iter().chain(shortcuts.loose) {
            scored.push(line(name, scores)?);
        }
        let mirnas = group_ids(rows.iter().map(|pair| &pair.mirna));
        let about =
            Rows { mirnas: &mirnas, genes: Some(subject.genes), groups: subject.groups, unit: subject.unit };
        let score = score.as_ref();
        let mut audit = Audit {
            data,
            train,
            whole_targets: subject.whole_targets,
            verdict: Verdict::default(),
            balance: Balance::of(rows),
            score: score.map(|score| score.name.clone()),
            report: Report::new(&scored, about, *resampling),
            added,
            probes: score.map_or(vec![], |score| {
                probes.iter().map(|probe| probe.result(score, subject.groups, *resampling)).collect()
            }),
            leaks: subject.train.map(|train| Leaks::of(rows, train, subject.whole_targets)),
            curves: scored.iter().filter_map(Curves::of).collect(),
            reliability: score.filter(|score| score.probabilities).map(bins).transpose()?,
            histogram: score.map(|score| Histogram::of(&score.scores)),
            functional: vec![],
        };
        audit.verdict = Verdict::of(&audit);
        Ok(audit)
    }
}

fn bins(score: &Scored) -> Result<Vec<Bin>> {
    reliability(&score.scores, RELIABILITY_BINS)
}

/// AUROC of `a` less that of `b`, both of the same rows, resampled together.
fn difference(a: &Scores, b: &Scores, groups: &[usize], resampling: Resampling) -> Estimate {
    let less = |a: Option<f64>, b: Option<f64>| Some(a? - b?);
    let of = |draw: &Draw| less(a.pick(&draw.rows).auroc(), b.pick(&draw.rows).auroc());
    Estimate {
        value: less(a.auroc(), b.auroc()),
        interval: bootstrap(groups, resampling.resamples, resampling.seed, of),
    }
}

impl Tampered {
    fn result(&self, score: &Scored, groups: &[usize], resampling: Resampling) -> Probe {
        let done: Vec<usize> = (0..self.scores.len()).filter(|&row| self.scores[row].is_some()).collect();
        let before = score.scores.pick(&done);
        let after: Vec<f64> = self.scores.iter().flatten().copied().collect();
        let called = |scores: &[f64], threshold: f64| -> Vec<bool> {
            scores.iter().map(|&score| score >= threshold).collect()
        };
        let kept = score.threshold.filter(|_| !done.is_empty()).map(|threshold| {
            let calls = called(before.scores(), threshold).into_iter().zip(called(&after, threshold));
            calls.filter(|(a, b)| a == b).count() as f64 / done.len() as f64
        });
        let after = Scores::new(before.labels().to_vec(), after).expect("probabilities of as many rows");
        let groups: Vec<usize> = done.iter().map(|&row| groups[row]).collect();
        let auroc = |draw: &Draw| after.pick(&draw.rows).auroc();
        Probe {
            name: self.name.clone(),
            rows: done.len(),
            kept,
            before: before.auroc(),
            after: Estimate {
                value: after.auroc(),
                interval: bootstrap(&groups, resampling.resamples, resampling.seed, auroc),
            },
        }
    }
}

impl Curves {
    fn of(scored: &Scored) -> Option<Curves> {
        Some(Curves {
            name: scored.name.clone(),
            roc: thinned(&scored.scores.roc()?, FINE),
            precision_recall: thinned(&scored.scores.precision_recall()?, FINE),
        })
    }
}

impl Leaks {
    /// Whole 3'UTRs share 20-mers in repeats, which tells nothing: that is left out.
    fn of(rows: &[Pair], train: &[Pair], whole: bool) -> Leaks {
        let tells =
            |shared: &Shared| !(whole && matches!(shared, Shared::SiteKmer | Shared::SiteKmerAndMirna));
        let shared = Shared::ALL.into_iter().filter(tells).map(|shared| leak(shared, train, rows));
        Leaks { train_rows: train.len(), shared: shared.collect() }
    }
}

impl Histogram {
    fn of(scores: &Scores) -> Histogram {
        let finite = || scores.scores().iter().copied().filter(|score| score.is_finite());
        let (low, high) =
            (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
        // probabilities are shown in their own range, other scores in that which they take
        let (low, high) = if low >= 0.0 && high <= 1.0 { (0.0, 1.0) } else { (low, high) };
        let width = if high > low { (high - low) / HISTOGRAM_BINS as f64 } else { 1.0 };
        let mut counts = [vec![0; HISTOGRAM_BINS], vec![0; HISTOGRAM_BINS]];
        for (&label, &score) in scores.labels().iter().zip(scores.scores()) {
            counts[usize::from(label)][(((score - low) / width) as usize).min(HISTOGRAM_BINS - 1)] += 1;
        }
        let [negatives, positives] = counts;
        Histogram { low, high, positives, negatives }
    }
}

/// The interval's lower end, if there is one.
fn low(estimate: &Estimate) -> Option<f64> {
    estimate.interval.map(|Interval { low, .. }| low)
}

#[cfg(test)]
mod tests;
