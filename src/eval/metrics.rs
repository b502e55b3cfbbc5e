//! Ranking and threshold metrics of labelled scores. A metric that a set of rows does not define (no positive, say) is
//! `None`, never a made-up number.

use crate::{Error, Result};

/// Labels and scores of the same rows; higher scores mean "more likely positive". No score is NaN.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    labels: Vec<bool>,
    scores: Vec<f64>,
}

/// What a threshold is chosen for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Criterion {
    F1,
    /// Recall + specificity - 1 (Youden 1950, doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).
    Youden,
}

impl Scores {
    /// labels `[rows]`, scores `[rows]`. An error for unequal lengths and for NaN.
    pub fn new(labels: Vec<bool>, scores: Vec<f64>) -> Result<Scores> {
        if labels.len() != scores.len() {
            return Err(Error::shape(
                "scores",
                format!("one for each of {} labels", labels.len()),
                scores.len(),
            ));
        }
        if let Some(row) = scores.iter().position(|score| score.is_nan()) {
            return Err(Error::Setting(format!("scores: expected numbers, got NaN in row {row} (from 0)")));
        }
        Ok(Scores { labels, scores })
    }

    /// As [`Scores::new`], from a network's outputs.
    pub fn from_f32(labels: Vec<bool>, scores: &[f32]) -> Result<Scores> {
        Scores::new(labels, scores.iter().map(|&score| f64::from(score)).collect())
    }

    /// Whether each row is positive.
    pub fn labels(&self) -> &[bool] {
        &self.labels
    }

    /// The score of each row.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// The given rows (0-based, repeats allowed) as a set of their own.
    pub fn pick(&self, rows: &[usize]) -> Scores {
        Scores {
            labels: rows.iter().map(|&row| self.labels[row]).collect(),
            scores: rows.iter().map(|&row| self.scores[row]).collect(),
        }
    }

    /// Average precision: the sum over distinct scores, from the highest, of precision times the recall gained; rows of
    /// equal score enter together. The step-wise sum of scikit-learn's `average_precision_score`.
    pub fn average_precision(&self) -> Option<f64> {
        let steps = self.steps();
        let positives = steps.last().map_or(0, |step| step.tp) as f64;
        let mut tp_before = 0;
        let mut sum = 0.0;
        for step in &steps {
            sum += (step.tp - tp_before) as f64 * step.tp as f64 / (step.tp + step.fp) as f64;
            tp_before = step.tp;
        }
        (positives > 0.0).then_some(sum / positives)
    }

    /// Area under the ROC curve: the chance that a positive scores above a negative, ties counted half.
    pub fn auroc(&self) -> Option<f64> {
        let (won, compared) = self.comparisons();
        (compared > 0.0).then_some(won / compared)
    }

    /// The chance that a positive scores above a negative *of its group*, ties counted half: AUROC within groups,
    /// weighted by their numbers of comparisons. groups `[rows]`; groups with one class have none.
    ///
    /// # Panics
    /// If there are more or fewer groups than rows.
    pub fn within_group_auroc(&self, groups: &[usize]) -> Option<f64> {
        assert_eq!(groups.len(), self.labels.len(), "one group a row");
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by_key(|&row| groups[row]);
        let (mut won, mut compared) = (0.0, 0.0);
        for rows in order.chunk_by(|&a, &b| groups[a] == groups[b]) {
            let of_group = self.pick(rows).comparisons();
            won += of_group.0;
            compared += of_group.1;
        }
        (compared > 0.0).then_some(won / compared)
    }

    /// Counts when rows that score `threshold` or more are called positive.
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let mut counts = Confusion::default();
        for (&label, &score) in self.labels.iter().zip(&self.scores) {
            match (label, score >= threshold) {
                (true, true) => counts.tp += 1,
                (false, true) => counts.fp += 1,
                (false, false) => counts.tn += 1,
                (true, false) => counts.missed += 1,
            }
        }
        counts
    }

    /// The score from which on rows are best called positive; of equals, the highest. Choose it on validation rows.
    pub fn best_threshold(&self, criterion: Criterion) -> Option<f64> {
        let steps = self.steps();
        let last = *steps.last()?;
        let mut best: Option<(f64, f64)> = None;
        for step in steps {
            let counts =
                Confusion { tp: step.tp, fp: step.fp, tn: last.fp - step.fp, missed: last.tp - step.tp };
            let value = match criterion {
                Criterion::F1 => counts.f1()?,
                Criterion::Youden => counts.recall()? + counts.specificity()? - 1.0,
            };
            if best.is_none_or(|(most, _)| value > most) {
                best = Some((value, step.score));
            }
        }
        best.map(|(_, score)| score)
    }

    /// Won and all comparisons of a positive with a negative.
    fn comparisons(&self) -> (f64, f64) {
        let (mut won, mut before) = (0.0, Step { score: f64::INFINITY, tp: 0, fp: 0 });
        for step in self.steps() {
            // each negative entering here loses to the positives above it and ties with those entering with it
            won += (step.fp - before.fp) as f64 * (step.tp + before.tp) as f64 / 2.0;
            before = step;
        }
        (won, before.tp as f64 * before.fp as f64)
    }

    /// One step for each distinct score, from the highest.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut order: Vec<usize> = (0..self.scores.len()).collect();
        order.sort_unstable_by(|&a, &b| self.scores[b].total_cmp(&self.scores[a]));
        let mut steps: Vec<Step> = Vec::new();
        for row in order {
            let (score, positive) = (self.scores[row], self.labels[row]);
            let mut step = steps.last().copied().unwrap_or(Step { score, tp: 0, fp: 0 });
            step.tp += u64::from(positive);
            step.fp += u64::from(!positive);
            match steps.last_mut() {
                Some(last) if last.score == score => *last = step,
                _ => steps.push(Step { score, ..step }),
            }
        }
        steps
    }
}

/// Positives and negatives that score `score` or more.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    score: f64,
    pub(super) tp: u64,
    pub(super) fp: u64,
}

/// Rows by label and call. Each rate is a fraction, `None` where nothing is to be divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Confusion {
    pub tp: u64,
    pub fp: u64,
    pub tn: u64,
    /// False negatives.
    pub missed: u64,
}

impl Confusion {
    /// Fraction of rows called rightly.
    pub fn accuracy(self) -> Option<f64> {
        ratio(self.tp + self.tn, self.tp + self.tn + self.fp + self.missed)
    }

    /// Fraction of positive calls that are right (precision).
    pub fn ppv(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.fp)
    }

    /// Fraction of negative calls that are right.
    pub fn npv(self) -> Option<f64> {
        ratio(self.tn, self.tn + self.missed)
    }

    /// Fraction of positives found (sensitivity).
    pub fn recall(self) -> Option<f64> {
        ratio(self.tp, self.tp + self.missed)
    }

    /// Fraction of negatives left alone.
    pub fn specificity(self) -> Option<f64> {
        ratio(self.tn, self.tn + self.fp)
    }

    /// Harmonic mean of precision and recall.
    pub fn f1(self) -> Option<f64> {
        ratio(2 * self.tp, 2 * self.tp + self.fp + self.missed)
    }

    /// Precision if there were `negatives` negatives for each positive, at the same recall and specificity.
    pub fn ppv_at(self, negatives: f64) -> Option<f64> {
        let (recall, false_rate) = (self.recall()?, 1.0 - self.specificity()?);
        let called = recall + negatives * false_rate;
        (called > 0.0).then_some(recall / called)
    }
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: [u8; 13] = [1, 0, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 0];
    const SCORES: [f64; 13] = [0.9, 0.9, 0.8, 0.7, 0.7, 0.7, 0.6, 0.55, 0.4, 0.4, 0.3, 0.2, 0.1];

    fn scores(labels: &[u8], scores: &[f64]) -> Scores {
        Scores::new(labels.iter().map(|&label| label == 1).collect(), scores.to_vec()).unwrap()
    }

    fn close(got: Option<f64>, expected: f64) {
        let got = got.expect("the metric is defined");
        assert!((got - expected).abs() < 1e-14, "{got} is not {expected}");
    }

    /// Expected figures from scikit-learn 1.9.1 on the same vectors.
    #[test]
    fn ranking_metrics_are_scikit_learns() {
        let all = scores(&LABELS, &SCORES);
        close(all.average_precision(), 0.5396825396825397);
        close(all.auroc(), 0.5952380952380952);
        let groups = [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 3, 3];
        close(all.within_group_auroc(&groups), 0.25);
        let mixed: Vec<usize> = (0..13).map(|row| row * 5 % 13).collect();
        let groups: Vec<usize> = mixed.iter().map(|&row| groups[row]).collect();
        close(all.pick(&mixed).within_group_auroc(&groups), 0.25);
        let level = scores(&[1, 0, 0, 1, 0, 0], &[0.5; 6]);
        close(level.average_precision(), 0.3333333333333333);
        close(level.auroc(), 0.5);
    }

    #[test]
    fn threshold_metrics_are_scikit_learns() {
        let counts = scores(&LABELS, &SCORES).confusion(0.6);
        assert_eq!(counts, Confusion { tp: 4, fp: 3, tn: 4, missed: 2 });
        close(counts.accuracy(), 0.6153846153846154);
        close(counts.ppv(), 0.5714285714285714);
        close(counts.recall(), 0.6666666666666666);
        close(counts.f1(), 0.6153846153846154);
        close(counts.specificity(), 4.0 / 7.0);
        close(counts.npv(), 4.0 / 6.0);
        close(counts.ppv_at(7.0 / 6.0), 4.0 / 7.0);
        close(counts.ppv_at(10.0), (2.0 / 3.0) / (2.0 / 3.0 + 10.0 * 3.0 / 7.0));
    }

    #[test]
    fn thresholds_are_where_scikit_learns_curves_peak() {
        let all = scores(&LABELS, &SCORES);
        assert_eq!(all.best_threshold(Criterion::F1), Some(0.2));
        assert_eq!(all.best_threshold(Criterion::Youden), Some(0.6));
        let tied = scores(&[1, 0, 1, 0], &[0.9, 0.8, 0.7, 0.6]);
        assert_eq!(tied.best_threshold(Criterion::Youden), Some(0.9), "of equals, the highest");
    }

    #[test]
    fn what_is_undefined_has_no_value() {
        let none = scores(&[0, 0], &[0.1, 0.2]);
        assert_eq!((none.average_precision(), none.auroc()), (None, None));
        assert_eq!(none.best_threshold(Criterion::Youden), None);
        assert_eq!(none.confusion(1.0).ppv(), None);
        assert_eq!(scores(&[1, 0], &[0.1, 0.2]).within_group_auroc(&[0, 1]), None);
        let minus_zero = scores(&[1, 0], &[-0.0, 0.0]);
        close(minus_zero.auroc(), 0.5);
    }

    #[test]
    fn nan_and_ragged_input_are_errors() {
        let error = Scores::new(vec![true, false], vec![0.5, f64::NAN]).unwrap_err();
        assert_eq!(error.to_string(), "scores: expected numbers, got NaN in row 1 (from 0)");
        let error = Scores::new(vec![true], vec![]).unwrap_err();
        assert_eq!(error.to_string(), "scores: expected one for each of 1 labels, got 0");
    }
}
