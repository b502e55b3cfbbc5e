//! How a figure varies over files or folds.

use std::fmt;

/// Mean and standard deviation (of a sample, n - 1) of some values.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// How many values.
    pub of: usize,
    /// `None` without values.
    pub mean: Option<f64>,
    /// `None` with fewer than two.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of these values.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = (!values.is_empty()).then(|| values.iter().sum::<f64>() / n);
        let square = |mean: f64| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let deviation = mean.filter(|_| values.len() > 1).map(|mean| (square(mean) / (n - 1.0)).sqrt());
        Spread { of: values.len(), mean, deviation }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.mean, self.deviation) {
            (Some(mean), Some(deviation)) => write!(f, "{mean:.3} +- {deviation:.3}"),
            (Some(mean), None) => write!(f, "{mean:.3}"),
            _ => f.write_str("-"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `statistics.stdev` of Python.
    #[test]
    fn the_deviation_is_a_samples() {
        assert_eq!(Spread::of([0.5, 0.7, 0.9]).to_string(), "0.700 +- 0.200");
        assert_eq!(Spread::of([0.5]).to_string(), "0.500");
        assert_eq!(Spread::of([]).to_string(), "-");
    }
}
