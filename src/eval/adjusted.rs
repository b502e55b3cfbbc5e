//! Many tests at once.

/// p-values adjusted so that of the tests at or below any level at most that share is expected to be false: of the sorted ones
/// `min over j >= i of p_j m / j`. Benjamini & Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x. `[tests]` in and out.
pub fn benjamini_hochberg(p_values: &[f64]) -> Vec<f64> {
    let count = p_values.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let (mut adjusted, mut least) = (vec![0.0; count], 1.0f64);
    for (place, &test) in order.iter().enumerate().rev() {
        least = least.min(p_values[test] * count as f64 / (place + 1) as f64);
        adjusted[test] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::benjamini_hochberg;

    /// scipy 1.17 `false_discovery_control`.
    #[test]
    fn adjusted_values_are_scipys() {
        let p = [0.04, 0.001, 0.2, 0.013, 0.04, 0.9, 0.013, 0.5];
        let expected = [
            0.064,
            0.008,
            0.26666666666666666,
            0.034666666666666665,
            0.064,
            0.9,
            0.034666666666666665,
            0.5714285714285714,
        ];
        for (adjusted, expected) in benjamini_hochberg(&p).iter().zip(expected) {
            assert!((adjusted - expected).abs() < 1e-12, "{adjusted} {expected}");
        }
        assert!(benjamini_hochberg(&[]).is_empty());
    }
}
