//! Rank statistics of numbers without labels.

/// Spearman's rank correlation of `a` with `b`, ties by mean ranks: Pearson's correlation of the ranks. `None` for
/// fewer than two values or where one side is all the same.
///
/// # Panics
/// If the sides are of unequal length.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    assert_eq!(a.len(), b.len(), "one value on each side");
    let middle = (a.len() as f64 + 1.0) / 2.0;
    let (mut both, mut left, mut right) = (0.0, 0.0, 0.0);
    for (a, b) in mean_ranks(a).into_iter().zip(mean_ranks(b)) {
        both += (a - middle) * (b - middle);
        left += (a - middle) * (a - middle);
        right += (b - middle) * (b - middle);
    }
    (left > 0.0 && right > 0.0).then(|| both / (left * right).sqrt())
}

/// The rank of each value from 1, the smallest; equal values share the mean of theirs.
pub(super) fn mean_ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let rank = before as f64 + (equal.len() as f64 + 1.0) / 2.0;
        equal.iter().for_each(|&at| ranks[at] = rank);
        before += equal.len();
    }
    ranks
}

/// The two-sample Kolmogorov-Smirnov statistic: the largest distance between the cumulative distributions of `a` and
/// `b`, both sorted. `None` if one is empty.
pub(super) fn kolmogorov_smirnov(a: &[f64], b: &[f64]) -> Option<f64> {
    let below = |sorted: &[f64], value: f64| {
        sorted.partition_point(|&other| other <= value) as f64 / sorted.len() as f64
    };
    let distance = |&value: &f64| (below(a, value) - below(b, value)).abs();
    (!a.is_empty() && !b.is_empty()).then(|| a.iter().chain(b).map(distance).fold(0.0, f64::max))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: Option<f64>, expected: f64) {
        let got = got.expect("it is defined");
        assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
    }

    const A: [f64; 9] = [0.0, 0.0, 0.31, 0.03, 0.0, 0.161, 0.31, 0.099, 0.0];
    const B: [f64; 9] = [1.5, -0.2, 2.0, 0.1, 0.1, -0.7, 0.9, 0.1, -0.0];

    /// Expected figures from scipy 1.17.1: `spearmanr`, `rankdata`, `ks_2samp(...).statistic`.
    #[test]
    fn rank_statistics_are_scipys() {
        close(spearman(&A, &B), 0.3201549767082199);
        close(spearman(&B, &A), 0.3201549767082199);
        assert_eq!(mean_ranks(&A), [2.5, 2.5, 8.5, 5.0, 2.5, 7.0, 8.5, 6.0, 2.5]);
        close(spearman(&[1.0, 2.0, 3.0], &[9.0, 4.0, 1.0]), -1.0);
        let sorted = |values: &[f64]| {
            let mut values = values.to_vec();
            values.sort_by(f64::total_cmp);
            values
        };
        close(kolmogorov_smirnov(&sorted(&A), &sorted(&B)), 0.3333333333333333);
        close(kolmogorov_smirnov(&sorted(&A[..5]), &sorted(&A[5..])), 0.55);
    }

    #[test]
    fn what_is_undefined_has_no_value() {
        assert_eq!(spearman(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(spearman(&[], &[]), None);
        assert_eq!(kolmogorov_smirnov(&[], &[1.0]), None);
    }
}
