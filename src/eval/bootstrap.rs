//! Percentile bootstrap intervals that resample whole groups (miRNA families, genes), since rows of one group are not
//! independent observations. Efron 1979, doi:10.1214/aos/1176344552.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The middle 95% of a metric's resampled values.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// One resample: as many groups as there are, drawn with replacement.
pub struct Draw {
    /// Row numbers (0-based), with repeats.
    pub rows: Vec<usize>,
    /// Which draw brought each row: a group drawn twice is two groups. `[rows]`
    pub draws: Vec<usize>,
}

/// The 95% interval of `metric` over `resamples` draws of the groups in `groups` `[rows]`. Draws that do not define the
/// metric are left out; `None` if none does. The same seed gives the same interval.
pub fn bootstrap(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    metric: impl Fn(&Draw) -> Option<f64>,
) -> Option<Interval> {
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); groups.iter().max()? + 1];
    groups.iter().enumerate().for_each(|(row, &group)| members[group].push(row));
    members.retain(|rows| !rows.is_empty());
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut values: Vec<f64> = (0..resamples).filter_map(|_| metric(&draw(&members, &mut rng))).collect();
    values.sort_unstable_by(f64::total_cmp);
    Some(Interval { low: quantile(&values, 0.025)?, high: quantile(&values, 0.975)? })
}

fn draw(members: &[Vec<usize>], rng: &mut ChaCha8Rng) -> Draw {
    let mut drawn = Draw { rows: Vec::new(), draws: Vec::new() };
    for number in 0..members.len() {
        let rows = &members[rng.random_range(0..members.len())];
        drawn.rows.extend(rows);
        drawn.draws.extend(std::iter::repeat_n(number, rows.len()));
    }
    drawn
}

/// Between the two nearest of the sorted `values` in proportion, as numpy's default.
pub fn quantile(values: &[f64], at: f64) -> Option<f64> {
    let place = at * values.len().checked_sub(1)? as f64;
    let (below, share) = (place.floor() as usize, place.fract());
    let above = values[(below + 1).min(values.len() - 1)];
    Some(values[below] + share * (above - values[below]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> impl Fn(&Draw) -> Option<f64> {
        |draw: &Draw| Some(draw.rows.iter().map(|&row| values[row]).sum::<f64>() / draw.rows.len() as f64)
    }

    #[test]
    fn quantiles_are_numpys() {
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.75), Some(5.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn groups_not_rows_are_resampled() {
        // 400 rows in 4 groups of one value each: rows would give a narrow interval, groups the full range
        let groups: Vec<usize> = (0..400).map(|row| row / 100 * 2).collect();
        let values: Vec<f64> = groups.iter().map(|&group| group as f64 / 6.0).collect();
        let of = |groups: &[usize], seed| bootstrap(groups, 500, seed, mean(&values)).unwrap();
        let by_group = of(&groups, 1);
        assert!(by_group.low < 0.2 && by_group.high > 0.8, "{by_group:?}");
        let rows: Vec<usize> = (0..400).collect();
        let by_row = of(&rows, 1);
        // the standard error of a mean of 400 is 0.0186, so the interval is about 0.073 wide
        assert!((0.06..0.09).contains(&(by_row.high - by_row.low)), "{by_row:?}");
        assert_eq!(of(&groups, 7), of(&groups, 7));
        assert_ne!(of(&rows, 7), of(&rows, 8));
    }

    #[test]
    fn a_group_drawn_twice_is_two_draws() {
        let whole_draws = |draw: &Draw| {
            let sizes = draw.draws.chunk_by(|a, b| a == b).map(<[usize]>::len);
            Some(if sizes.eq([2, 2, 2]) { 1.0 } else { 0.0 })
        };
        let always = Interval { low: 1.0, high: 1.0 };
        assert_eq!(bootstrap(&[0, 0, 1, 1, 2, 2], 50, 1, whole_draws), Some(always));
    }

    #[test]
    fn undefined_draws_are_left_out() {
        assert_eq!(bootstrap(&[0, 1], 50, 1, |_| None), None);
        assert_eq!(bootstrap(&[], 50, 1, |_| Some(1.0)), None);
        let first_only = |draw: &Draw| draw.rows.contains(&0).then_some(1.0);
        assert_eq!(bootstrap(&[0, 1], 50, 1, first_only), Some(Interval { low: 1.0, high: 1.0 }));
    }
}
