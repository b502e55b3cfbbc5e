//! In-silico mutagenesis: what the network makes of a pair with one base replaced.

use super::Predictor;
use crate::{data::Duo, error::Result, rna::Base};

/// Changes of a pair's log-odds, before calibration and prior, when one base is replaced by A, C, G or U; 0 for what is there.
#[derive(Clone, Debug)]
pub struct Mutations {
    /// Of the pair as it is.
    pub log_odds: f32,
    /// For each base of the miRNA.
    pub mirna: Vec<[f32; 4]>,
    /// For each base of the site.
    pub site: Vec<[f32; 4]>,
}

impl Predictor {
    /// Scores every pair that differs from this one by a base.
    pub fn mutations(&self, (mirna, site): Duo) -> Result<Mutations> {
        let whole = [mirna, site].concat();
        let mut changed: Vec<Vec<Base>> = vec![whole.clone()];
        for at in 0..whole.len() {
            for base in Base::KNOWN {
                let mut other = whole.clone();
                other[at] = base;
                changed.push(other);
            }
        }
        let pairs: Vec<Duo> = changed.iter().map(|pair| pair.split_at(mirna.len())).collect();
        let scores = self.log_odds(&pairs)?;
        let (log_odds, scores) = (scores[0], &scores[1..]);
        let change = |scores: &[f32]| std::array::from_fn(|base| scores[base] - log_odds);
        let mut changes: Vec<[f32; 4]> = scores.chunks_exact(Base::KNOWN.len()).map(change).collect();
        let site = changes.split_off(mirna.len());
        Ok(Mutations { log_odds, mirna: changes, site })
    }
}
