//! Calibration: a rising curve from a network's log-odds to log-odds that were held against what was observed.
//!
//! | curve | log-odds `z` become | |
//! |---|---|---|
//! | temperature | `scale z` | Guo et al. 2017, doi:10.48550/arXiv.1706.04599 |
//! | line | `scale z + offset` | Platt 1999; Lin, Lin & Weng 2007, doi:10.1007/s10994-007-5018-6 |
//! | isotonic | straight lines between the blocks' centres | Zadrozny & Elkan 2002, doi:10.1145/775047.775151 |
//!
//! All three are fitted to the log loss with Platt's targets, `(n + 1) / (n + 2)` for the n positives and `1 / (m + 2)` for
//! the m negatives, so that no row, however sure, drives a curve to infinity. The curve with the lowest log loss of rows that
//! it was not fitted to is taken.

use crate::eval::newton;
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Beyond an isotonic curve's ends, where blocks would say that nothing changes: just enough to keep the order.
const END_SLOPE: f64 = 0.05;

/// From log-odds to calibrated log-odds; strictly rising.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    Temperature {
        scale: f32,
    },
    Line {
        scale: f32,
        offset: f32,
    },
    /// Corners, both numbers ascending.
    Isotonic {
        points: Vec<[f32; 2]>,
    },
}

/// A curve and what it was fitted to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    pub curve: Curve,
    pub log_loss: LogLoss,
    pub rows: usize,
    /// SHA-256 of the files that the rows are from, in hex.
    pub sha256: Vec<String>,
}

/// Mean negative log-likelihood a row, nats; of curves that are fitted, on rows of folds that they were not fitted to, where
/// all folds give one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogLoss {
    pub uncalibrated: f64,
    pub temperature: Option<f64>,
    pub line: Option<f64>,
    pub isotonic: Option<f64>,
}

/// The three kinds, simplest first.
const FITS: [fn(&Rows) -> Option<Curve>; 3] = [temperature, line, isotonic];

/// What a curve is fitted to: log-odds, and whether each row is positive.
struct Rows {
    log_odds: Vec<f64>,
    labels: Vec<bool>,
}

impl Calibration {
    /// log_odds, labels and folds `[rows]`. `None` if the rows are too few or too alike for every curve, or no curve rises.
    pub fn fit(log_odds: &[f32], labels: &[bool], folds: &[usize], sha256: Vec<String>) -> Option<Self> {
        let log_odds = log_odds.iter().map(|&z| f64::from(z)).collect();
        let rows = Rows { log_odds, labels: labels.to_vec() };
        let [temperature, line, isotonic] = FITS.map(|fit| cross_validated(&rows, folds, fit));
        let uncalibrated = mean((0..labels.len()).map(|row| rows.loss(row, rows.log_odds[row])));
        let tried = FITS.into_iter().zip([temperature, line, isotonic]);
        let fitted = tried.filter_map(|(fit, loss)| Some((fit, loss?)));
        let (fit, _) = fitted.min_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let log_loss = LogLoss { uncalibrated, temperature, line, isotonic };
        Some(Calibration { curve: fit(&rows)?, log_loss, rows: labels.len(), sha256 })
    }
}

/// The mean loss of rows by curves that were not fitted to their fold.
fn cross_validated(rows: &Rows, folds: &[usize], fit: fn(&Rows) -> Option<Curve>) -> Option<f64> {
    let count = folds.iter().max().map_or(0, |last| last + 1);
    let curve = |fold| fit(&rows.pick(|row| folds[row] != fold));
    let curves: Vec<Curve> = (0..count).map(curve).collect::<Option<_>>()?;
    let loss = |row: usize| rows.loss(row, curves[folds[row]].log_odds(rows.log_odds[row]));
    Some(mean((0..rows.labels.len()).map(loss)))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

impl Rows {
    fn pick(&self, wanted: impl Fn(usize) -> bool) -> Rows {
        let kept: Vec<usize> = (0..self.labels.len()).filter(|&row| wanted(row)).collect();
        let log_odds = kept.iter().map(|&row| self.log_odds[row]).collect();
        Rows { log_odds, labels: kept.iter().map(|&row| self.labels[row]).collect() }
    }

    /// `ln(1 + e^-z)` of a positive, `ln(1 + e^z)` of a negative.
    fn loss(&self, row: usize, z: f64) -> f64 {
        let against = if self.labels[row] { -z } else { z };
        against.max(0.0) + (-against.abs()).exp().ln_1p()
    }

    /// Platt's; `None` for rows of one class.
    fn targets(&self) -> Option<Array1<f64>> {
        let positives = self.labels.iter().filter(|label| **label).count();
        let negatives = self.labels.len() - positives;
        let (high, low) = ((positives + 1) as f64 / (positives + 2) as f64, 1.0 / (negatives + 2) as f64);
        let target = |&label: &bool| if label { high } else { low };
        (positives > 0 && negatives > 0).then(|| self.labels.iter().map(target).collect())
    }
}

fn temperature(rows: &Rows) -> Option<Curve> {
    let design = Array2::from_shape_fn((rows.log_odds.len(), 1), |(row, _)| rows.log_odds[row]);
    let scale = newton(&design, &rows.targets()?, 0.0)[0] as f32;
    (scale > 0.0).then_some(Curve::Temperature { scale })
}

fn line(rows: &Rows) -> Option<Curve> {
    let cell = |(row, column)| if column == 0 { 1.0 } else { rows.log_odds[row] };
    let design = Array2::from_shape_fn((rows.log_odds.len(), 2), cell);
    let weights = newton(&design, &rows.targets()?, 0.0);
    let (offset, scale) = (weights[0] as f32, weights[1] as f32);
    (scale > 0.0).then_some(Curve::Line { scale, offset })
}

/// Neighbouring rows whose targets fall where they should rise are pooled until none are.
fn isotonic(rows: &Rows) -> Option<Curve> {
    let targets = rows.targets()?;
    let mut order: Vec<usize> = (0..targets.len()).collect();
    order.sort_by(|&a, &b| rows.log_odds[a].total_cmp(&rows.log_odds[b]));
    let mut blocks: Vec<Block> = vec![];
    for tied in order.chunk_by(|&a, &b| rows.log_odds[a] == rows.log_odds[b]) {
        let z = tied.len() as f64 * rows.log_odds[tied[0]];
        let target = tied.iter().map(|&row| targets[row]).sum();
        let mut block = Block { rows: tied.len() as f64, z, target };
        while let Some(before) = blocks.pop_if(|before| before.mean() >= block.mean()) {
            block = Block {
                rows: before.rows + block.rows,
                z: before.z + block.z,
                target: before.target + block.target,
            };
        }
        blocks.push(block);
    }
    let corner = |block: &Block| [block.z / block.rows, (block.mean() / (1.0 - block.mean())).ln()];
    let mut points: Vec<[f32; 2]> = blocks.iter().map(|block| corner(block).map(|x| x as f32)).collect();
    // what was apart in double precision may not be in single
    points.dedup_by(|next, kept| next[0] <= kept[0] || next[1] <= kept[1]);
    Some(Curve::Isotonic { points })
}

/// Sums over pooled rows.
struct Block {
    rows: f64,
    z: f64,
    target: f64,
}

impl Block {
    fn mean(&self) -> f64 {
        self.target / self.rows
    }
}

impl LogLoss {
    /// As people read them: uncalibrated, temperature, line, isotonic.
    pub fn shown(&self) -> [String; 4] {
        let tried = [Some(self.uncalibrated), self.temperature, self.line, self.isotonic];
        tried.map(|loss| loss.map_or("-".into(), |loss| format!("{loss:.4}")))
    }
}

/// As people read it.
impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Curve::Temperature { scale } => write!(f, "temperature, log-odds times {scale}"),
            Curve::Line { scale, offset } => write!(f, "line, log-odds times {scale} plus {offset}"),
            Curve::Isotonic { points } => write!(f, "isotonic, {} points", points.len()),
        }
    }
}

impl Curve {
    pub(super) fn log_odds(&self, z: f64) -> f64 {
        match self {
            Curve::Temperature { scale } => f64::from(*scale) * z,
            Curve::Line { scale, offset } => f64::from(*scale) * z + f64::from(*offset),
            Curve::Isotonic { points } => {
                let corner = |at: usize| points[at].map(f64::from);
                let last = points.len() - 1;
                let after = points.partition_point(|point| f64::from(point[0]) <= z);
                let ([x, y], slope) = match after {
                    0 => (corner(0), END_SLOPE),
                    _ if after > last => (corner(last), END_SLOPE),
                    _ => {
                        let ([x0, y0], [x1, y1]) = (corner(after - 1), corner(after));
                        ([x0, y0], (y1 - y0) / (x1 - x0))
                    }
                };
                y + slope * (z - x)
            }
        }
    }

    /// Whether it rises, and is of numbers.
    pub(super) fn rises(&self) -> bool {
        let positive = |scale: f32| scale.is_finite() && scale > 0.0;
        match self {
            Curve::Temperature { scale } => positive(*scale),
            Curve::Line { scale, offset } => positive(*scale) && offset.is_finite(),
            Curve::Isotonic { points } => {
                let numbers = points.iter().flatten().all(|x| x.is_finite());
                let rising = |two: &[[f32; 2]]| two[0][0] < two[1][0] && two[0][1] < two[1][1];
                !points.is_empty() && numbers && points.windows(2).all(rising)
            }
        }
    }
}

#[cfg(test)]
mod tests;
