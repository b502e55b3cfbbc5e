//! Whether probabilities mean what they say.

use super::metrics::Scores;
use crate::{Error, Result};

/// Rows whose probability falls into one of the equal-width bins.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Bin {
    /// Rows in the bin, at least 1.
    pub rows: usize,
    /// Their mean probability.
    pub predicted: f64,
    /// The fraction of them that is positive.
    pub observed: f64,
}

/// The reliability curve: the bins of `[0, 1]` cut into `bins` equal parts that hold any row, from the lowest. A bin
/// includes its lower edge; the last includes 1.
pub fn reliability(scores: &Scores, bins: usize) -> Result<Vec<Bin>> {
    check(scores)?;
    if bins == 0 {
        return Err(Error::Setting("reliability: expected at least one bin, got 0".into()));
    }
    let mut sums = vec![(0usize, 0.0, 0.0); bins];
    for (&label, &probability) in scores.labels().iter().zip(scores.scores()) {
        let bin = &mut sums[((probability * bins as f64) as usize).min(bins - 1)];
        *bin = (bin.0 + 1, bin.1 + probability, bin.2 + f64::from(u8::from(label)));
    }
    let held = sums.into_iter().filter(|(rows, ..)| *rows > 0);
    Ok(held
        .map(|(rows, predicted, observed)| {
            let n = rows as f64;
            Bin { rows, predicted: predicted / n, observed: observed / n }
        })
        .collect())
}

/// Expected calibration error: the mean distance of predicted from observed over the rows' bins (Naeini et al. 2015,
/// AAAI 29). `None` without rows.
pub fn calibration_error(scores: &Scores, bins: usize) -> Result<Option<f64>> {
    let bins = reliability(scores, bins)?;
    let distance = |bin: &Bin| bin.rows as f64 * (bin.predicted - bin.observed).abs();
    Ok(mean(bins.iter().map(distance).sum(), scores))
}

/// Brier score: the mean squared distance of probability from label. `None` without rows.
pub fn brier(scores: &Scores) -> Result<Option<f64>> {
    check(scores)?;
    let rows = scores.labels().iter().zip(scores.scores());
    let squares = rows.map(|(&label, &probability)| (probability - f64::from(u8::from(label))).powi(2));
    Ok(mean(squares.sum(), scores))
}

fn mean(sum: f64, scores: &Scores) -> Option<f64> {
    let rows = scores.labels().len();
    (rows > 0).then(|| sum / rows as f64)
}

fn check(scores: &Scores) -> Result<()> {
    match scores.scores().iter().find(|score| !(0.0..=1.0).contains(*score)) {
        Some(other) => {
            Err(Error::Setting(format!("calibration: expected probabilities from 0 to 1, got {other}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores() -> Scores {
        let labels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0].map(|label| label == 1);
        let scores = [0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.6, 0.55, 0.4, 0.4, 0.3, 0.2, 0.1];
        Scores::new(labels.to_vec(), scores.to_vec()).unwrap()
    }

    #[test]
    fn brier_is_scikit_learns() {
        assert!((brier(&scores()).unwrap().unwrap() - 0.28096153846153843).abs() < 1e-14);
    }

    #[test]
    fn bins_by_hand() {
        let labels = vec![false, true, false, true, true];
        let five = Scores::new(labels, vec![0.125, 0.25, 0.375, 0.5, 1.0]).unwrap();
        let bins = reliability(&five, 4).unwrap();
        assert_eq!(bins.iter().map(|bin| bin.rows).collect::<Vec<_>>(), [1, 2, 1, 1]);
        assert_eq!(bins[1], Bin { rows: 2, predicted: 0.3125, observed: 0.5 });
        // (0.125 + 2 * 0.1875 + 0.5 + 0) / 5
        assert!((calibration_error(&five, 4).unwrap().unwrap() - 0.2).abs() < 1e-15);
        let logit = Scores::new(vec![true], vec![1.5]).unwrap();
        let message = brier(&logit).unwrap_err().to_string();
        assert_eq!(message, "calibration: expected probabilities from 0 to 1, got 1.5");
    }
}
