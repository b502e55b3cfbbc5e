//! The shortcuts as scores of the audited rows, and what they tell together.
//!
//! What is learned is learned on other rows: on a training file if there is one, else out of fold. The combination, a
//! ridge logistic regression, is always fitted out of fold on the audited rows, so that it is no better informed than
//! whoever knows their labels in nine folds and guesses the tenth.

use ndarray::Array2;

use crate::data::{Pair, folds_of};
use crate::eval::{Logistic, MirnaPrior, SitePrior, TargetPrior, seed_efficacy, seed_rule};
use crate::rna::KmerIndex;
use crate::{Error, Result};

/// Folds.
const FOLDS: usize = 10;

/// A shortcut's name and its scores. `[rows]`
pub(super) type Line = (&'static str, Vec<f64>);

/// Names of [`learned`]'s columns.
const LEARNED: [&str; 3] = [MIRNA_ONLY, SITE_ONLY, TARGET_KNOWN];
pub(super) const MIRNA_ONLY: &str = "miRNA only";
pub(super) const SITE_ONLY: &str = "site only";
pub(super) const TARGET_KNOWN: &str = "target known";
pub(super) const SEED_RULE: &str = "seed rule";
/// All seed sites of a whole target, weighed by what they repress.
pub(super) const SEED_SITES: &str = "seed sites";
pub(super) const LENGTH_ONLY: &str = "length only";
/// As [`LEARNED`], out of folds of single rows.
const LOOSE: [&str; 3] = ["miRNA only, random rows", "site only, random rows", "target known, random rows"];

/// Every shortcut of some rows.
pub(super) struct Shortcuts {
    pub(super) lines: Vec<Line>,
    /// Learned with near-duplicates on both sides, for comparison; empty with a training file.
    pub(super) loose: Vec<Line>,
}

/// Fold of each row: near-duplicates (`groups`) together.
pub(super) fn fold_of(groups: &[usize], seed: u64) -> Result<Vec<usize>> {
    folds_of(groups, FOLDS, seed).map_err(|_| {
        let found = crate::eval::group_ids(groups).into_iter().max().map_or(0, |last| last + 1);
        let message = format!("audit: expected targets of at least {FOLDS} kinds to fold, found {found}");
        Error::Setting(message)
    })
}

impl Shortcuts {
    /// Of `rows`, learned on `train` or, without it, out of `folds`; `whole` targets are 3'UTRs.
    pub(super) fn of(
        rows: &[Pair],
        train: Option<&[Pair]>,
        whole: bool,
        folds: &[usize],
        seed: u64,
    ) -> Result<Shortcuts> {
        let (strict, loose) = match train {
            Some(train) => (learned(train, rows)?, None),
            None => {
                let alone: Vec<usize> = (0..rows.len()).collect();
                (out_of_fold(rows, folds)?, Some(out_of_fold(rows, &fold_of(&alone, seed)?)?))
            }
        };
        let mut lines = columns(LEARNED, &strict);
        lines.push((SEED_RULE, rows.iter().map(seed_rule).collect()));
        if whole {
            let sites = |pair: &Pair| seed_efficacy(&KmerIndex::new(&pair.site), &pair.mirna, &pair.site);
            lines.push((SEED_SITES, rows.iter().map(sites).collect()));
        }
        let length = |pair: &Pair| (pair.site.len() as f64).max(1.0).ln();
        if rows.iter().any(|pair| pair.site.len() != rows[0].site.len()) {
            lines.push((LENGTH_ONLY, rows.iter().map(length).collect()));
        }
        Ok(Shortcuts { lines, loose: loose.map(|loose| columns(LOOSE, &loose)).unwrap_or_default() })
    }

    /// Out-of-fold log-odds from all of them, and from `score` if there is one. A score enters by its rank, so that no
    /// rescaling of it changes the result. `[rows]`
    pub(super) fn together(&self, labels: &[bool], folds: &[usize], score: Option<&[f64]>) -> Vec<f64> {
        let mut features: Vec<Vec<f64>> = self.lines.iter().map(|(_, scores)| scores.clone()).collect();
        // longer targets may be the positives or the negatives: the one direction that helps is kept
        let length = self.lines.iter().find(|(name, _)| *name == LENGTH_ONLY);
        features.extend(length.map(|(_, scores)| scores.iter().map(|length| -length).collect()));
        features.extend(score.map(rank_log_odds));
        let table = Array2::from_shape_fn((labels.len(), features.len()), |(row, k)| features[k][row]);
        let mut together = vec![0.0; labels.len()];
        for fold in 0..FOLDS {
            let (inside, outside): (Vec<usize>, Vec<usize>) =
                (0..labels.len()).partition(|&row| folds[row] == fold);
            let known: Vec<bool> = outside.iter().map(|&row| labels[row]).collect();
            let model = Logistic::fit_forward(&table.select(ndarray::Axis(0), &outside), &known);
            inside.iter().for_each(|&row| together[row] = model.score(table.row(row)));
        }
        together
    }
}

fn columns(names: [&'static str; 3], rows: &[[f64; 3]]) -> Vec<Line> {
    let column = |(at, name)| (name, rows.iter().map(|row| row[at]).collect());
    names.into_iter().enumerate().map(column).collect()
}

/// How much the miRNA alone, the words of the target alone, and the target known by heart add to the log-odds of `tested`.
/// The log-odds of all training rows are taken off: they differ between folds, and against the rows held out.
fn learned<'a>(
    train: impl IntoIterator<Item = &'a Pair> + Clone,
    tested: impl IntoIterator<Item = &'a Pair>,
) -> Result<Vec<[f64; 3]>> {
    let mirna = MirnaPrior::fit(train.clone())?;
    let site = SitePrior::fit(train.clone())?;
    let target = TargetPrior::fit(train.clone())?;
    let class = |positive: bool| train.clone().into_iter().filter(|p| p.is_positive() == positive).count();
    let overall = (class(true) as f64 / class(false) as f64).ln();
    let added =
        |pair: &Pair| [mirna.score(pair), site.score(pair), target.score(pair)].map(|odds| odds - overall);
    Ok(tested.into_iter().map(added).collect())
}

fn out_of_fold(rows: &[Pair], folds: &[usize]) -> Result<Vec<[f64; 3]>> {
    let mut scores = vec![[0.0; 3]; rows.len()];
    for fold in 0..FOLDS {
        let inside = |yes: bool| {
            let of = move |(_, f): &(&Pair, &usize)| (**f == fold) == yes;
            rows.iter().zip(folds).filter(of).map(|(pair, _)| pair)
        };
        let mut found = learned(inside(false), inside(true))?.into_iter();
        let tested = scores.iter_mut().zip(folds).filter(|(_, f)| **f == fold);
        tested.for_each(|(score, _)| *score = found.next().expect("one for each row of the fold"));
    }
    Ok(scores)
}

/// `ln(r / (1 - r))` of each score's rank `r` among all, from 0 to 1, equals at their middle.
fn rank_log_odds(scores: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let mut odds = vec![0.0; scores.len()];
    let mut below = 0;
    for equal in order.chunk_by(|&a, &b| scores[a] == scores[b]) {
        let rank = (below as f64 + equal.len() as f64 / 2.0) / scores.len() as f64;
        equal.iter().for_each(|&row| odds[row] = (rank / (1.0 - rank)).ln());
        below += equal.len();
    }
    // a score that is the same everywhere has rank 1/2
    odds
}

#[cfg(test)]
mod tests {
    use super::super::cases;
    use super::*;
    use crate::eval::Scores;

    fn auroc(labels: &[bool], scores: &[f64]) -> f64 {
        Scores::new(labels.to_vec(), scores.to_vec()).unwrap().auroc().unwrap()
    }

    #[test]
    fn ranks_ignore_the_scale() {
        let odds = rank_log_odds(&[0.1, 0.1, 3.0, 2.0]);
        let expected = [0.25f64, 0.25, 0.875, 0.625].map(|r| (r / (1.0 - r)).ln());
        assert_eq!(odds, expected);
        assert_eq!(rank_log_odds(&[5.0; 3]), [0.0; 3]);
    }

    /// Labels drawn by a coin: whatever is learned on the same rows seems to know them, out of fold nothing does.
    #[test]
    fn out_of_fold_knows_no_label_of_its_own() {
        let rows = cases::coin(600, 200);
        let labels: Vec<bool> = rows.iter().map(Pair::is_positive).collect();
        let itself: Vec<f64> = learned(&rows, &rows).unwrap().iter().map(|row| row[0]).collect();
        assert!(auroc(&labels, &itself) > 0.7, "about three rows a miRNA are easily learned by heart");
        let alone: Vec<usize> = (0..rows.len()).collect();
        let folds = fold_of(&alone, 1).unwrap();
        let shortcuts = Shortcuts::of(&rows, None, false, &folds, 1).unwrap();
        for (name, scores) in &shortcuts.lines {
            assert!(*name != TARGET_KNOWN || scores.iter().all(|s| s.abs() < 1e-12), "every target is new");
            assert!((auroc(&labels, scores) - 0.5).abs() < 0.08, "{name}: {}", auroc(&labels, scores));
        }
        let together = shortcuts.together(&labels, &folds, None);
        assert!((auroc(&labels, &together) - 0.5).abs() < 0.08, "{}", auroc(&labels, &together));
    }

    /// A miRNA's rows are half positive: what is held out is the opposite of what is left.
    #[test]
    fn a_prior_that_points_the_wrong_way_is_not_turned_round() {
        let rows = cases::balanced(400, 20);
        let labels: Vec<bool> = rows.iter().map(Pair::is_positive).collect();
        let folds = fold_of(&(0..rows.len()).collect::<Vec<_>>(), 3).unwrap();
        let shortcuts = Shortcuts::of(&rows, None, false, &folds, 3).unwrap();
        assert!(auroc(&labels, &shortcuts.lines[0].1) < 0.48);
        let together = auroc(&labels, &shortcuts.together(&labels, &folds, None));
        assert!(together < 0.56, "{together}");
    }

    #[test]
    fn lengths_tell_in_either_direction() {
        let mut rows = cases::coin(400, 50);
        rows.iter_mut().filter(|pair| pair.is_positive()).for_each(|pair| pair.site.truncate(25));
        let labels: Vec<bool> = rows.iter().map(Pair::is_positive).collect();
        let folds = fold_of(&(0..rows.len()).collect::<Vec<_>>(), 1).unwrap();
        let shortcuts = Shortcuts::of(&rows, None, false, &folds, 1).unwrap();
        let length = shortcuts.lines.iter().find(|(name, _)| *name == LENGTH_ONLY).unwrap();
        assert_eq!(auroc(&labels, &length.1), 0.0);
        assert!(auroc(&labels, &shortcuts.together(&labels, &folds, None)) > 0.99);
    }

    #[test]
    fn too_few_targets_to_fold_are_named() {
        let error = fold_of(&[0, 0, 1], 1).unwrap_err().to_string();
        assert_eq!(error, "audit: expected targets of at least 10 kinds to fold, found 2");
    }
}
