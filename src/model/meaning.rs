//! What a network's log-odds mean, which a model file says, and what is asked of them: probabilities in which world.

use super::calibration::{Calibration, Curve};
use super::null::Null;
use crate::data::{Grouping, Pair, folds};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Log-odds beyond which nothing is looked for.
const FAR: f32 = 1000.0;
/// Of rows that curves of calibration are compared on; sites that share a 20-mer stay together.
const FOLDS: usize = 5;

/// What a model file says of its probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Meaning {
    /// The share of positives among the rows that the probabilities were fitted to.
    pub prevalence: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null: Option<Null>,
}

/// As many positives as negatives, and nothing else known.
impl Default for Meaning {
    fn default() -> Self {
        Meaning { prevalence: 0.5, calibration: None, null: None }
    }
}

impl Meaning {
    /// What `log_odds` of labelled `pairs`, `[pairs]`, which are from files of these SHA-256, say. There is no calibration if
    /// the pairs are too few for one.
    pub fn of(pairs: &[Pair], log_odds: &[f32], sha256: Vec<String>) -> Self {
        let labels: Vec<bool> = pairs.iter().map(Pair::is_positive).collect();
        let positives = labels.iter().filter(|label| **label).count();
        let folds = folds(pairs, Grouping::Sites, FOLDS, 0).ok();
        let calibration = folds.and_then(|folds| Calibration::fit(log_odds, &labels, &folds, sha256));
        Meaning { prevalence: positives as f64 / labels.len() as f64, calibration, null: None }
    }

    pub(super) fn is_default(&self) -> bool {
        *self == Meaning::default()
    }

    /// Probabilities of `log_odds`, in the world of its own prevalence.
    pub fn probabilities(&self, log_odds: &[f32]) -> Result<Vec<f32>> {
        let scale = Scale::new(self, self.prevalence)?;
        Ok(log_odds.iter().map(|&z| scale.probability(z)).collect())
    }

    /// Whether it can be computed with; `path` is for messages.
    pub(super) fn check(&self, path: &str) -> Result<()> {
        let curve = self.calibration.as_ref().map(|calibration| &calibration.curve);
        let expected = match () {
            _ if !is_share(self.prevalence) => "a prevalence between 0 and 1",
            _ if curve.is_some_and(|curve| !curve.rises()) => "a calibration that rises",
            _ if self.null.as_ref().is_some_and(|null| !null.is_ordered()) => {
                "tables of the null that go up in log-odds and down in shares"
            }
            _ => return Ok(()),
        };
        Err(Error::file(path, format!("metadata: expected {expected}, found none")))
    }
}

fn is_share(p: f64) -> bool {
    p > 0.0 && p < 1.0
}

/// From the network's log-odds to probabilities. Without a curve and a shift the plain sigmoid.
#[derive(Clone, Debug, Default)]
pub(super) struct Scale {
    pub curve: Option<Curve>,
    /// Added to log-odds.
    pub shift: f64,
}

impl Scale {
    /// What `meaning` says, for a world with a share `prior` of positives: log-odds are shifted by
    /// `ln(P / (1 - P)) - ln(P0 / (1 - P0))` from that of its own share P0. Saerens, Latinne & Decaestecker 2002,
    /// doi:10.1162/089976602753284446.
    pub fn new(meaning: &Meaning, prior: f64) -> Result<Self> {
        if !is_share(prior) {
            return Err(Error::Setting(format!("--prior: expected a share between 0 and 1, found {prior}")));
        }
        let odds = |p: f64| (p / (1.0 - p)).ln();
        let curve = meaning.calibration.as_ref().map(|calibration| calibration.curve.clone());
        Ok(Scale { curve, shift: odds(prior) - odds(meaning.prevalence) })
    }

    pub fn probability(&self, z: f32) -> f32 {
        if self.curve.is_none() && self.shift == 0.0 {
            return 1.0 / (1.0 + (-z).exp());
        }
        let z = f64::from(z);
        let z = self.curve.as_ref().map_or(z, |curve| curve.log_odds(z)) + self.shift;
        (1.0 / (1.0 + (-z).exp())) as f32
    }

    /// The least log-odds that have at least this probability.
    pub fn least(&self, probability: f32) -> f32 {
        let (mut below, mut enough) = (-FAR, FAR);
        loop {
            let middle = below + (enough - below) / 2.0;
            if middle == below || middle == enough {
                return enough;
            }
            match self.probability(middle) >= probability {
                true => enough = middle,
                false => below = middle,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogLoss;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    fn meaning(curve: Curve) -> Meaning {
        let log_loss = LogLoss { uncalibrated: 0.0, temperature: None, line: None, isotonic: None };
        let calibration = Calibration { curve, log_loss, rows: 0, sha256: vec![] };
        Meaning { calibration: Some(calibration), ..Meaning::default() }
    }

    fn isotonic() -> Curve {
        Curve::Isotonic { points: vec![[-2.0, -3.0], [0.5, -0.25], [3.0, 1.0]] }
    }

    #[test]
    fn files_of_before_say_nothing_of_it() {
        let text = r#"{"name": "m", "trained_by": "0", "threshold": 0.5, "data": "d", "seed": 1}"#;
        let said: crate::model::Provenance = serde_json::from_str(text).unwrap();
        assert_eq!(said.meaning, Meaning::default());
        assert!(serde_json::from_str::<Meaning>(r#"{"prevalance": 0.2}"#).is_err());
    }

    #[test]
    fn a_prior_multiplies_odds() {
        let odds = |p: f32| p / (1.0 - p);
        let tenth = Scale::new(&Meaning::default(), 0.1).unwrap();
        for z in [-5.0, -0.3, 0.0, 1.0, 4.0] {
            let (balanced, rare) = (Scale::default().probability(z), tenth.probability(z));
            assert!((odds(rare) / odds(balanced) - 1.0 / 9.0).abs() < 1e-6, "{z}");
        }
        // of rows of which a fifth are positive, odds of one to four, to as many as negatives
        let fifth = Meaning { prevalence: 0.2, ..Meaning::default() };
        assert!((Scale::new(&fifth, 0.5).unwrap().probability(0.0) - 0.8).abs() < 1e-6);
        for wrong in [0.0, 1.0, -0.1, f64::NAN] {
            let message = Scale::new(&fifth, wrong).unwrap_err().to_string();
            assert_eq!(message, format!("--prior: expected a share between 0 and 1, found {wrong}"));
        }
    }

    #[test]
    fn without_a_curve_and_a_shift_probabilities_are_the_sigmoids_to_the_bit() {
        let scale = Scale::new(&Meaning::default(), 0.5).unwrap();
        for z in [-90.0f32, -3.25, 0.1, 17.0] {
            assert_eq!(scale.probability(z).to_bits(), (1.0f32 / (1.0 + (-z).exp())).to_bits());
        }
    }

    #[test]
    fn a_threshold_that_goes_along_calls_the_same_rows() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let log_odds: Vec<f32> = (0..2000).map(|_| rng.random_range(-9.0f32..9.0)).collect();
        let plain = Scale::default();
        let others = [
            Scale::new(&Meaning::default(), 0.01).unwrap(),
            Scale::new(&meaning(isotonic()), 0.5).unwrap(),
            Scale::new(&meaning(isotonic()), 0.9).unwrap(),
            Scale::new(&meaning(Curve::Line { scale: 0.3, offset: -1.0 }), 0.1).unwrap(),
        ];
        for from in log_odds[..50].iter().map(|&z| plain.probability(z)) {
            for other in &others {
                let threshold = other.probability(plain.least(from));
                let same = |&z: &f32| (plain.probability(z) >= from) == (other.probability(z) >= threshold);
                assert!(log_odds.iter().all(same), "{from}: {other:?}");
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_computed_with_is_refused() {
        let wrong = [
            (Meaning { prevalence: 1.0, ..Meaning::default() }, "a prevalence between 0 and 1"),
            (meaning(Curve::Temperature { scale: -1.0 }), "a calibration that rises"),
            (meaning(Curve::Isotonic { points: vec![] }), "a calibration that rises"),
            (meaning(Curve::Isotonic { points: vec![[0.0, 1.0], [1.0, 1.0]] }), "a calibration that rises"),
        ];
        for (meaning, expected) in wrong {
            let message = meaning.check("m").unwrap_err().to_string();
            assert_eq!(message, format!("m: metadata: expected {expected}, found none"));
        }
        assert!(Meaning::default().check("m").is_ok() && meaning(isotonic()).check("m").is_ok());
    }
}
