//! Stand-in for the predictor: the longest run of Watson-Crick pairs, squashed to (0, 1).

use crate::rna::{Base, Pairing};

/// The stand-in: no weights.
pub struct Predictor {
    name: String,
    hash: String,
}

impl Predictor {
    /// The default model.
    pub fn embedded() -> crate::Result<Self> {
        Ok(Predictor { name: "stand-in".into(), hash: "0".repeat(64) })
    }
    /// A model from a file.
    pub fn load(path: &std::path::Path) -> crate::Result<Self> {
        std::fs::metadata(path).map_err(|e| crate::Error::io(path, e))?;
        Self::embedded()
    }
    /// The model's name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// SHA-256 of the weights file, hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }
    /// Longest miRNA read, nt.
    pub fn mirna_len(&self) -> usize {
        30
    }
    /// Window length, nt.
    pub fn site_len(&self) -> usize {
        50
    }
    /// Decision threshold on the probability.
    pub fn threshold(&self) -> f32 {
        0.5
    }
    /// One probability per pair, in order.
    pub fn probabilities(&self, pairs: &[(&[Base], &[Base])], _threads: usize) -> crate::Result<Vec<f32>> {
        Ok(pairs.iter().map(|(mirna, site)| probability(mirna, site)).collect())
    }
}

fn probability(mirna: &[Base], site: &[Base]) -> f32 {
    let mut longest = 0;
    for end in 1..site.len() {
        let pairs = (1..mirna.len())
            .take_while(|&k| end >= k && mirna[k].pairing(site[end - k]) == Pairing::WatsonCrick);
        longest = longest.max(pairs.count());
    }
    1.0 / (1.0 + (6.5 - longest as f32).exp())
}
