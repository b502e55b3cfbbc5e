//! How good scores are, and how much of it needs no model: numbers in, numbers out.

mod adjusted;
mod bootstrap;
mod calibration;
mod curves;
mod functional;
mod gene_means;
mod logistic;
mod metrics;
mod rank;
mod report;
mod shortcuts;
mod spread;
pub mod table;
mod utr;

pub use adjusted::benjamini_hochberg;
pub use bootstrap::{Draw, Interval, bootstrap, quantile};
pub use calibration::{Bin, brier, calibration_error, reliability};
pub use curves::{Point, thinned};
pub use functional::{Curve, ExperimentResult, Functional, FunctionalScore};
pub use gene_means::gene_means;
pub use logistic::Logistic;
pub(crate) use logistic::newton;
pub use metrics::{Confusion, Criterion, Scores};
pub use rank::spearman;
pub use report::{CALLS, Estimate, RANKING, Report, ReportRow, Resampling, Rows, Scored};
pub use shortcuts::{MirnaPrior, Shortcuts, SitePrior, TargetPrior, seed_margin, seed_rule};
pub use spread::Spread;
pub use utr::{Utrs, seed_efficacies, seed_efficacy, utr_lengths};

use std::collections::HashMap;
use std::hash::Hash;

/// Equal names by equal numbers, from 0 in order of first appearance: the groups that metrics and intervals take.
pub fn group_ids<K: Hash + Eq>(names: impl IntoIterator<Item = K>) -> Vec<usize> {
    let mut number = HashMap::new();
    let id = |name| {
        let next = number.len();
        *number.entry(name).or_insert(next)
    };
    names.into_iter().map(id).collect()
}

/// The places that have each id of [`group_ids`], ascending.
pub fn members(ids: &[usize]) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); ids.iter().max().map_or(0, |last| last + 1)];
    ids.iter().enumerate().for_each(|(place, &id)| members[id].push(place));
    members
}
