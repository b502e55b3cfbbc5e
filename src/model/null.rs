//! How often a score comes by chance: what the network says of 3'UTRs whose bases were shuffled, dinucleotides kept, against
//! what it says of them as they are.
//!
//! A site in a shuffled 3'UTR counts as false. Of the sites at or above a score about `shuffled / real` are then false; the
//! false-discovery rate of a site is the least that a threshold at or below its score gives (a q-value; Storey & Tibshirani
//! 2003, doi:10.1073/pnas.1530509100), with one more shuffled site than were seen, as for a p-value of drawn scores (Phipson &
//! Smyth 2010, doi:10.2202/1544-6115.1585).

use super::meaning::Scale;
use crate::rna::Gate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Points of a table, at most.
const POINTS: usize = 64;

/// What chance gives, by gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Null {
    /// Drawn for it, at most.
    pub mirnas: usize,
    pub transcripts: usize,
    pub seed: u64,
    /// SHA-256 of their files, in hex.
    pub mirna_sha256: String,
    pub target_sha256: String,
    /// By the gate's name.
    pub gates: BTreeMap<String, Chance>,
}

/// What chance gives with one gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// Nucleotides of transcript for each miRNA, in all.
    pub nucleotides: u64,
    /// Sites found in them as they are, and shuffled.
    pub real: u64,
    pub shuffled: u64,
    /// Log-odds before calibration, ascending; the false-discovery rate of sites from there on; and the share of shuffled
    /// windows from there on.
    pub points: Vec<[f32; 3]>,
}

/// Log-odds before calibration, of one gate.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    pub nucleotides: u64,
    /// Of sites, those that a scan would write.
    pub real: Vec<f32>,
    pub shuffled: Vec<f32>,
    /// Of every shuffled window.
    pub windows: Vec<f32>,
}

impl Chance {
    /// The table of what was seen; `None` if nothing was.
    pub fn of(mut sample: Sample) -> Option<Self> {
        for scores in [&mut sample.real, &mut sample.shuffled, &mut sample.windows] {
            scores.sort_by(f32::total_cmp);
        }
        let mut points: Vec<[f32; 3]> = vec![];
        for from in thresholds(&sample) {
            let [real, shuffled, windows] =
                [&sample.real, &sample.shuffled, &sample.windows].map(|scores| at_least(scores, from) as f64);
            let rate = ((shuffled + 1.0) / real.max(1.0)).min(1.0) as f32;
            let rate = points.last().map_or(rate, |[_, before, _]| rate.min(*before));
            let share = (windows + 1.0) / (sample.windows.len() + 1) as f64;
            points.push([from, rate, share as f32]);
        }
        let (real, shuffled) = (sample.real.len() as u64, sample.shuffled.len() as u64);
        let chance = Chance { nucleotides: sample.nucleotides, real, shuffled, points };
        (!chance.points.is_empty()).then_some(chance)
    }
}

/// Scores that are tabled, ascending: so that from each to the next about the same share of all scores is lost.
fn thresholds(sample: &Sample) -> Vec<f32> {
    let mut all = [&sample.real[..], &sample.shuffled, &sample.windows].concat();
    all.sort_by(|a, b| b.total_cmp(a));
    let mut chosen: Vec<f32> = (0..POINTS)
        .filter_map(|k| {
            let rank = (all.len() as f64).powf(k as f64 / (POINTS - 1) as f64).round() as usize;
            all.get(rank.checked_sub(1)?).copied()
        })
        .collect();
    chosen.reverse();
    chosen.dedup();
    chosen
}

/// Of ascending scores.
fn at_least(scores: &[f32], from: f32) -> usize {
    scores.len() - scores.partition_point(|&score| score < from)
}

/// A table's column over probabilities: it falls by steps.
#[derive(Clone, Debug)]
pub struct Steps(Vec<(f32, f32)>);

impl Steps {
    /// The value at the step that `probability` has reached.
    pub fn at(&self, probability: f32) -> f32 {
        let reached = self.0.partition_point(|(from, _)| *from <= probability);
        self.0[reached.saturating_sub(1)].1
    }
}

impl Null {
    /// Whether its points are of rising log-odds and of shares that fall.
    pub(super) fn is_ordered(&self) -> bool {
        let shares = |&[z, a, b]: &[f32; 3]| z.is_finite() && [a, b].iter().all(|x| (0.0..=1.0).contains(x));
        let ordered =
            |two: &[[f32; 3]]| two[0][0] < two[1][0] && two[0][1] >= two[1][1] && two[0][2] >= two[1][2];
        let known = |c: &Chance| !c.points.is_empty() && c.points.iter().all(shares);
        self.gates.values().all(|c| known(c) && c.points.windows(2).all(ordered))
    }

    /// The false-discovery rate of a site by its probability.
    pub(super) fn false_discovery(&self, gate: Gate, scale: &Scale) -> Option<Steps> {
        self.steps(gate, scale, 1)
    }

    /// The chance that a shuffled window is given at least a probability.
    pub(super) fn survival(&self, gate: Gate, scale: &Scale) -> Option<Steps> {
        self.steps(gate, scale, 2)
    }

    fn steps(&self, gate: Gate, scale: &Scale, column: usize) -> Option<Steps> {
        let points = &self.gates.get(&gate.to_string())?.points;
        let mut steps: Vec<(f32, f32)> =
            points.iter().map(|point| (scale.probability(point[0]), point[column])).collect();
        // points that have become one probability count by the first, which promises least
        steps.dedup_by_key(|(from, _)| *from);
        Some(Steps(steps))
    }
}

#[cfg(test)]
mod tests;
