//! Where values lie, and which are written down.

/// One direction of a figure.
#[derive(Clone, Debug)]
pub struct Axis {
    pub label: String,
    pub low: f64,
    pub high: f64,
    /// Values that are marked, and how they are written.
    pub ticks: Vec<(f64, String)>,
}

/// About how many ticks an axis has.
const TICKS: f64 = 5.0;

impl Axis {
    /// From `low` to `high`, with ticks at round values.
    pub fn linear(label: impl Into<String>, low: f64, high: f64) -> Axis {
        let high = if high > low { high } else { low + 1.0 };
        let rough = (high - low) / TICKS;
        let decade = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * decade).into_iter().find(|&step| step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * decade);
        let digits = (-step.log10().floor()).max(0.0) as usize;
        let first = (low / step - 1e-9).ceil();
        let count = ((high / step + 1e-9).floor() - first).max(0.0) as usize;
        let value = |number: usize| (first + number as f64) * step;
        let ticks = (0..=count).map(|n| (value(n), format!("{:.digits$}", value(n) + 0.0))).collect();
        Axis { label: label.into(), low, high, ticks }
    }

    /// One name under the other, the first at 0 on top.
    pub fn named(names: impl IntoIterator<Item = String>) -> Axis {
        let ticks: Vec<(f64, String)> =
            names.into_iter().enumerate().map(|(at, name)| (at as f64, name)).collect();
        Axis { label: String::new(), low: ticks.len() as f64 - 0.5, high: -0.5, ticks }
    }

    /// Where both coordinates are equal, between two axes like this one.
    pub fn diagonal(&self) -> Vec<[f64; 2]> {
        vec![[self.low; 2], [self.high; 2]]
    }

    /// How far along the axis `value` lies, 0 to 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = |low, high| -> Vec<String> {
            Axis::linear("", low, high).ticks.into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(ticks(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks(0.45, 1.0), ["0.6", "0.8", "1.0"]);
        assert_eq!(ticks(-3.0, 4.0), ["-2", "0", "2", "4"]);
        assert_eq!(ticks(0.0, 11600.0), ["0", "5000", "10000"]);
        assert_eq!(ticks(2.0, 2.0), ["2.0", "2.2", "2.4", "2.6", "2.8", "3.0"]);
    }

    #[test]
    fn names_read_downwards() {
        let axis = Axis::named(["a".into(), "b".into()]);
        assert_eq!((axis.share(0.0), axis.share(1.0)), (0.75, 0.25));
    }
}
