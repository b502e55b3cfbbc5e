//! The points of ROC and precision-recall curves, and the area under the second by straight lines.

use super::metrics::Scores;

/// x and y of one point of a curve, fractions.
pub type Point = [f64; 2];

impl Scores {
    /// False-positive rate and recall at each distinct score, from (0, 0). `None` unless there are both classes.
    pub fn roc(&self) -> Option<Vec<Point>> {
        let steps = self.steps();
        let last = *steps.last().filter(|last| last.tp > 0 && last.fp > 0)?;
        let point = |tp: u64, fp: u64| [fp as f64 / last.fp as f64, tp as f64 / last.tp as f64];
        Some(std::iter::once([0.0, 0.0]).chain(steps.iter().map(|step| point(step.tp, step.fp))).collect())
    }

    /// Recall and precision at each distinct score from the highest, after (0, 1), as scikit-learn begins it. `None`
    /// without positives.
    pub fn precision_recall(&self) -> Option<Vec<Point>> {
        let steps = self.steps();
        let positives = steps.last().map_or(0, |last| last.tp);
        let point = |tp: u64, fp: u64| [tp as f64 / positives as f64, tp as f64 / (tp + fp) as f64];
        let points = steps.iter().map(|step| point(step.tp, step.fp));
        (positives > 0).then(|| std::iter::once([0.0, 1.0]).chain(points).collect())
    }

    /// Area under straight lines between the points of [`Scores::precision_recall`]. It is not average precision: a line
    /// between two points passes over precisions that no threshold reaches, so this area is mostly the larger (Davis &
    /// Goadrich 2006, doi:10.1145/1143844.1143874). Here to compare with papers that report it.
    pub fn trapezoid_auc_pr(&self) -> Option<f64> {
        let points = self.precision_recall()?;
        let area = |pair: &[Point]| (pair[1][0] - pair[0][0]) * (pair[1][1] + pair[0][1]) / 2.0;
        Some(points.windows(2).map(area).sum())
    }
}

/// Of a curve's points those that a drawing needs: the first, the last, and each that is `distance` or more from the one
/// kept before it, in x or in y. Coordinates are rounded to four digits.
pub fn thinned(points: &[Point], distance: f64) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for (place, point) in points.iter().enumerate() {
        let far = |from: &Point| (0..2).any(|axis| (point[axis] - from[axis]).abs() >= distance);
        if place + 1 == points.len() || kept.last().is_none_or(far) {
            kept.push(*point);
        }
    }
    kept.into_iter().map(|point| point.map(|x| (x * 1e4).round() / 1e4)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores() -> Scores {
        let labels = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0].map(|label| label == 1);
        let scores = [0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.6, 0.55, 0.4, 0.4, 0.3, 0.2, 0.1];
        Scores::new(labels.to_vec(), scores.to_vec()).unwrap()
    }

    fn close(got: &[Point], expected: &[Point]) {
        assert_eq!(got.len(), expected.len(), "{got:?}");
        let near = |(a, b): (&Point, &Point)| (0..2).all(|axis| (a[axis] - b[axis]).abs() < 1e-12);
        assert!(got.iter().zip(expected).all(near), "{got:?}");
    }

    /// Expected figures from scikit-learn 1.9.1: `roc_curve(drop_intermediate=False)`, `precision_recall_curve` (read from
    /// its end), `auc`.
    #[test]
    fn curves_are_scikit_learns() {
        let [s, h] = [1.0 / 7.0, 1.0 / 6.0];
        let roc = [
            [0.0, 0.0],
            [s, h],
            [s, 2.0 * h],
            [3.0 * s, 3.0 * h],
            [3.0 * s, 4.0 * h],
            [4.0 * s, 4.0 * h],
            [5.0 * s, 5.0 * h],
            [6.0 * s, 5.0 * h],
            [6.0 * s, 1.0],
            [1.0, 1.0],
        ];
        close(&scores().roc().unwrap(), &roc);
        let precision = [1.0, 0.5, 2.0 / 3.0, 0.5, 4.0 / 7.0, 0.5, 0.5, 5.0 / 11.0, 0.5, 6.0 / 13.0];
        let recall = [0.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0, 5.0, 6.0, 6.0];
        let curve: Vec<Point> = recall.iter().zip(precision).map(|(r, p)| [r / 6.0, p]).collect();
        close(&scores().precision_recall().unwrap(), &curve);
        let area = scores().trapezoid_auc_pr().unwrap();
        assert!((area - 0.5716089466089466).abs() < 1e-14, "{area}");
    }

    #[test]
    fn one_class_has_no_curve() {
        let none = Scores::new(vec![false, false], vec![0.1, 0.2]).unwrap();
        assert_eq!((none.roc(), none.precision_recall(), none.trapezoid_auc_pr()), (None, None, None));
    }

    #[test]
    fn thinning_keeps_the_ends_and_what_moves() {
        let points: Vec<Point> = (0..=1024).map(|i| [f64::from(i) / 1024.0, 0.5]).collect();
        let few = thinned(&points, 1.0 / 64.0);
        assert_eq!((few.len(), few[0], few[1], few[64]), (65, [0.0, 0.5], [0.0156, 0.5], [1.0, 0.5]));
        let jump = [[0.0, 0.0], [0.0, 0.001], [0.0, 0.9], [0.001, 0.9]];
        assert_eq!(thinned(&jump, 0.01), [[0.0, 0.0], [0.0, 0.9], [0.001, 0.9]]);
    }
}
