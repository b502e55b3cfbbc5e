//! Linear warm-up, then a half cosine down to a floor (Loshchilov and Hutter 2017, <https://arxiv.org/abs/1608.03983>).

/// The learning rate of each step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// Learning rate per step at its greatest.
    pub peak: f64,
    /// Steps from 0 up to the peak.
    pub warmup: u64,
    /// Steps in all.
    pub total: u64,
    /// Share of the peak that is left at the end.
    pub floor: f64,
}

impl Schedule {
    /// The rate of step `step`, counted from 0.
    pub fn rate(&self, step: u64) -> f64 {
        if step < self.warmup {
            return self.peak * (step + 1) as f64 / self.warmup as f64;
        }
        let rest = (self.total.saturating_sub(self.warmup)).max(1) as f64;
        let done = ((step - self.warmup) as f64 / rest).min(1.0);
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
        self.peak * (self.floor + (1.0 - self.floor) * cosine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn up_then_down() {
        let s = Schedule { peak: 2.0, warmup: 4, total: 14, floor: 0.1 };
        assert_eq!([s.rate(0), s.rate(3), s.rate(4)], [0.5, 2.0, 2.0]);
        assert!((s.rate(9) - 1.1).abs() < 1e-12);
        assert!((s.rate(14) - 0.2).abs() < 1e-12 && s.rate(1000) == s.rate(14));
        let none = Schedule { peak: 1.0, warmup: 0, total: 0, floor: 0.0 };
        assert!(none.rate(0).is_finite());
    }
}
