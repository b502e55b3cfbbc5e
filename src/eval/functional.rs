//! The functional test: do scores of miRNA and gene order what happens to mRNAs when the miRNA is added or taken away?
//!
//! Each experiment is judged by itself, since experiments differ in spread, and all count alike in the mean. Intervals
//! resample whole miRNA families (miRNAs of equal nucleotides 2-8), since experiments of one family share their targets.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::bootstrap::{Draw, bootstrap, quantile};
use super::group_ids;
use super::metrics::Scores;
use super::rank::{kolmogorov_smirnov, mean_ranks, spearman};
use super::report::{Estimate, count};
use crate::data::FoldChange;
use crate::{Error, Result};

/// A gene is repressed if its log2 fold change, turned so that repression is negative, lies below this ...
const REPRESSED: f64 = -0.5;
/// ... at a false discovery rate below this.
const FDR: f64 = 0.05;
/// Repressed genes an experiment must have for an AUROC: that of fewer is mostly noise.
const MIN_REPRESSED: usize = 10;
/// Shares of an experiment's genes, from the lowest score up, between which the curves are drawn; the last is the top.
const EDGES: [f64; 5] = [0.0, 0.5, 0.8, 0.95, 1.0];
/// Points of a curve.
const POINTS: usize = 101;

/// One experiment. A figure that its genes do not define is `None`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExperimentResult {
    pub name: String,
    pub mirna_id: String,
    /// Genes with a score, and those without, which take no part.
    pub genes: usize,
    pub unscored: usize,
    /// Scored genes that are repressed: log2 fold change below -0.5 in that direction, false discovery rate below 0.05.
    pub repressed: usize,
    /// Rank correlation of score and repression.
    pub spearman: Option<f64>,
    /// Of repressed genes against the others; needs ten of them.
    pub auroc: Option<f64>,
    /// Median log2 fold change of the top twentieth less that of the rest: negative where the top is repressed more.
    pub top_shift: Option<f64>,
    /// Kolmogorov-Smirnov distance between the fold changes of the top twentieth and the rest.
    pub top_distance: Option<f64>,
}

/// The cumulative distribution of fold changes between two quantiles of the score, over all experiments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// Shares of each experiment's genes, from the lowest score; genes of equal score stay together, at their middle.
    pub from: f64,
    pub to: f64,
    pub genes: usize,
    /// `[log2 fold change, share of genes at or below it]`, 101 points; none for an empty group.
    pub points: Vec<[f64; 2]>,
}

/// The functional test of one set of scores. Means are over the experiments that define a figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Functional {
    /// Rows in all, and those without a score.
    pub rows: usize,
    pub unscored: usize,
    /// miRNA families, which are what is resampled, and how often.
    pub families: usize,
    pub resamples: usize,
    pub spearman: Estimate,
    pub auroc: Estimate,
    pub top_shift: Estimate,
    pub top_distance: Estimate,
    pub experiments: Vec<ExperimentResult>,
    pub curves: Vec<Curve>,
}

/// The functional test of a score with a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionalScore {
    pub score: String,
    pub result: Functional,
}

impl Functional {
    /// scores `[rows]`: higher is more repression expected; `None` where there is no score. The same seed gives the same
    /// intervals, and the same draws for every set of scores.
    pub fn new(
        rows: &[FoldChange],
        scores: &[Option<f64>],
        resamples: usize,
        seed: u64,
    ) -> Result<Functional> {
        if rows.len() != scores.len() {
            return Err(Error::shape(
                "functional",
                format!("a score for each of {} rows", rows.len()),
                scores.len(),
            ));
        }
        let mut judged: Vec<Judged> = Vec::new();
        let experiment = group_ids(rows.iter().map(|row| row.experiment.as_str()));
        for ((row, &score), number) in rows.iter().zip(scores).zip(experiment) {
            if number == judged.len() {
                judged.push(Judged::new(row));
            }
            judged[number].add(row, score);
        }
        let families = group_ids(judged.iter().map(|one| one.mirna.family()));
        let experiments = judged.iter().map(Judged::result).collect::<Result<Vec<_>>>()?;
        let mean_of = |figure: &dyn Fn(&ExperimentResult) -> Option<f64>| {
            let figures: Vec<Option<f64>> = experiments.iter().map(figure).collect();
            let of = |draw: &Draw| mean(draw.rows.iter().filter_map(|&row| figures[row]));
            Estimate {
                value: mean(figures.iter().flatten().copied()),
                interval: bootstrap(&families, resamples, seed, of),
            }
        };
        Ok(Functional {
            rows: rows.len(),
            unscored: scores.iter().filter(|score| score.is_none()).count(),
            families: count(&families),
            resamples,
            spearman: mean_of(&|one| one.spearman),
            auroc: mean_of(&|one| one.auroc),
            top_shift: mean_of(&|one| one.top_shift),
            top_distance: mean_of(&|one| one.top_distance),
            curves: curves(&judged),
            experiments,
        })
    }
}

impl fmt::Display for Functional {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let judged = self.experiments.iter().filter(|one| one.auroc.is_some()).count();
        let (rows, experiments) = (self.rows, self.experiments.len());
        writeln!(
            f,
            "{rows} miRNA-gene rows of {experiments} experiments, {} without a score",
            self.unscored
        )?;
        writeln!(f, "Spearman, score and repression\t{}", self.spearman)?;
        writeln!(f, "AUROC, repressed genes\t{} ({judged} experiments)", self.auroc)?;
        writeln!(f, "median log2 fold change, top 5% less the rest\t{}", self.top_shift)?;
        writeln!(f, "Kolmogorov-Smirnov distance, top 5% and the rest\t{}", self.top_distance)?;
        writeln!(f, "95% intervals: {} draws of {} miRNA families", self.resamples, self.families)
    }
}

/// The scored genes of one experiment.
struct Judged<'a> {
    /// A row of the experiment, for its names.
    mirna: &'a FoldChange,
    unscored: usize,
    scores: Vec<f64>,
    /// log2 fold change, negative is repression.
    effects: Vec<f64>,
    repressed: Vec<bool>,
}

impl<'a> Judged<'a> {
    fn new(mirna: &'a FoldChange) -> Self {
        Judged { mirna, unscored: 0, scores: vec![], effects: vec![], repressed: vec![] }
    }

    fn add(&mut self, row: &FoldChange, score: Option<f64>) {
        match score {
            None => self.unscored += 1,
            Some(score) => {
                self.scores.push(score);
                self.effects.push(row.effect());
                self.repressed.push(row.effect() < REPRESSED && row.fdr.is_some_and(|rate| rate < FDR));
            }
        }
    }

    fn result(&self) -> Result<ExperimentResult> {
        let labelled = Scores::new(self.repressed.clone(), self.scores.clone())?;
        let repressed = self.repressed.iter().filter(|one| **one).count();
        let repression: Vec<f64> = self.effects.iter().map(|effect| -effect).collect();
        let [lower @ .., top] = &self.by_quantile();
        let rest = sorted(lower.iter().flatten().copied());
        let medians = quantile(top, 0.5).zip(quantile(&rest, 0.5));
        Ok(ExperimentResult {
            name: self.mirna.experiment.clone(),
            mirna_id: self.mirna.mirna_id.clone(),
            genes: self.scores.len(),
            unscored: self.unscored,
            repressed,
            spearman: spearman(&self.scores, &repression),
            auroc: labelled.auroc().filter(|_| repressed >= MIN_REPRESSED),
            top_shift: medians.map(|(top, rest)| top - rest),
            top_distance: kolmogorov_smirnov(top, &rest),
        })
    }

    /// The fold changes between each two of [`EDGES`], sorted.
    fn by_quantile(&self) -> [Vec<f64>; EDGES.len() - 1] {
        let mut groups = [const { Vec::new() }; EDGES.len() - 1];
        let genes = self.scores.len() as f64;
        for (rank, &effect) in mean_ranks(&self.scores).into_iter().zip(&self.effects) {
            let share = (rank - 0.5) / genes;
            let inner = &EDGES[1..EDGES.len() - 1];
            groups[inner.partition_point(|&edge| edge <= share)].push(effect);
        }
        groups.map(sorted)
    }
}

fn curves(judged: &[Judged]) -> Vec<Curve> {
    let groups: Vec<_> = judged.iter().map(Judged::by_quantile).collect();
    let curve = |at: usize| {
        let effects = sorted(groups.iter().flat_map(|of| of[at].iter().copied()));
        let share = |point: usize| point as f64 / (POINTS - 1) as f64;
        let point = |at: usize| quantile(&effects, share(at)).map(|effect| [effect, share(at)]);
        Curve {
            from: EDGES[at],
            to: EDGES[at + 1],
            genes: effects.len(),
            points: (0..POINTS).filter_map(point).collect(),
        }
    };
    (0..EDGES.len() - 1).map(curve).collect()
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / count as f64)
}

#[cfg(test)]
mod tests;
