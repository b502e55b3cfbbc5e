//! What a score can reach without reading the pairing: baselines that stand beside every result. A model that does not
//! beat them has not read which miRNA meets which site.
//!
//! The miRNA alone and the site alone are fitted to training rows only; the seed rule has nothing to fit.

use std::collections::HashMap;

use super::metrics::{Criterion, Scores};
use crate::data::{Pair, seed_score};
use crate::rna::Base;
use crate::{Error, Result};

/// Weight of the overall positive rate in a sequence's own, in rows.
const PRIOR_ROWS: f64 = 1.0;
/// Length of the words by which a site is judged, in nucleotides.
const WORD: usize = 4;
const WORDS: usize = 1 << (2 * WORD);

/// The miRNA alone: the smoothed log-odds of its positive rate in training.
#[derive(Clone, Debug)]
pub struct MirnaPrior(Rates);

impl MirnaPrior {
    /// Counts the labelled rows of `train`, which must hold both labels.
    pub fn fit<'a>(train: impl IntoIterator<Item = &'a Pair> + Clone) -> Result<MirnaPrior> {
        Ok(MirnaPrior(Rates::fit("miRNA prior", train, |pair| &pair.mirna)?))
    }

    /// Natural-log odds of a positive, from the miRNA's sequence.
    pub fn score(&self, pair: &Pair) -> f64 {
        self.0.log_odds(&pair.mirna)
    }
}

/// The target alone, known by heart: the smoothed log-odds of the positive rate of just this site or 3'UTR in training.
#[derive(Clone, Debug)]
pub struct TargetPrior(Rates);

impl TargetPrior {
    /// Counts the labelled rows of `train`, which must hold both labels.
    pub fn fit<'a>(train: impl IntoIterator<Item = &'a Pair> + Clone) -> Result<TargetPrior> {
        Ok(TargetPrior(Rates::fit("target prior", train, |pair| &pair.site)?))
    }

    /// Natural-log odds of a positive, from the whole target's sequence.
    pub fn score(&self, pair: &Pair) -> f64 {
        self.0.log_odds(&pair.site)
    }
}

/// Smoothed positive rates of sequences.
#[derive(Clone, Debug)]
struct Rates {
    /// Natural-log odds of each sequence.
    known: HashMap<Vec<Base>, f64>,
    /// Log odds over all training rows, for unseen sequences.
    overall: f64,
}

impl Rates {
    fn fit<'a>(
        what: &str,
        train: impl IntoIterator<Item = &'a Pair> + Clone,
        of: impl Fn(&'a Pair) -> &'a [Base],
    ) -> Result<Rates> {
        let [negatives, positives] = class_sizes(what, train.clone())?;
        let rate = positives / (positives + negatives);
        let mut counts: HashMap<&[Base], [f64; 2]> = HashMap::new();
        for (pair, class) in train.into_iter().filter_map(labelled) {
            counts.entry(of(pair)).or_default()[class] += 1.0;
        }
        let log_odds = |[negatives, positives]: [f64; 2]| {
            ((positives + PRIOR_ROWS * rate) / (negatives + PRIOR_ROWS * (1.0 - rate))).ln()
        };
        let known =
            counts.into_iter().map(|(sequence, count)| (sequence.to_vec(), log_odds(count))).collect();
        Ok(Rates { known, overall: (positives / negatives).ln() })
    }

    fn log_odds(&self, sequence: &[Base]) -> f64 {
        self.known.get(sequence).copied().unwrap_or(self.overall)
    }
}

/// The site alone: multinomial naive Bayes over its 4-mers, each counted once too often (Laplace).
#[derive(Clone, Debug)]
pub struct SitePrior {
    /// Log ratio of each 4-mer's frequency in positives to that in negatives. `[256]`
    words: Vec<f64>,
    overall: f64,
}

impl SitePrior {
    /// Counts the 4-mers in the labelled rows of `train`, which must hold both labels.
    pub fn fit<'a>(train: impl IntoIterator<Item = &'a Pair> + Clone) -> Result<SitePrior> {
        let [negatives, positives] = class_sizes("site prior", train.clone())?;
        let mut counts = vec![[1.0f64; 2]; WORDS];
        for (pair, class) in train.into_iter().filter_map(labelled) {
            words(&pair.site).for_each(|word| counts[word][class] += 1.0);
        }
        let total = |class: usize| counts.iter().map(|count| count[class]).sum::<f64>();
        let (all_negative, all_positive) = (total(0), total(1));
        let ratio = |count: &[f64; 2]| (count[1] / all_positive).ln() - (count[0] / all_negative).ln();
        Ok(SitePrior { words: counts.iter().map(ratio).collect(), overall: (positives / negatives).ln() })
    }

    /// Natural-log odds of a positive, from the site's sequence.
    pub fn score(&self, pair: &Pair) -> f64 {
        self.overall + words(&pair.site).map(|word| self.words[word]).sum::<f64>()
    }
}

/// What needs no network: the miRNA alone and the site alone, fitted, and the seed rule.
#[derive(Clone, Debug)]
pub struct Shortcuts {
    mirna: MirnaPrior,
    site: SitePrior,
    /// Of the two, where F1 is best on the rows they were fitted to.
    thresholds: [f64; 2],
}

impl Shortcuts {
    /// Fits both to the labelled rows of `train`, which must hold both labels.
    pub fn fit<'a>(train: impl IntoIterator<Item = &'a Pair> + Clone) -> Result<Shortcuts> {
        let (mirna, site) = (MirnaPrior::fit(train.clone())?, SitePrior::fit(train.clone())?);
        let known: Vec<&Pair> = train.into_iter().filter(|pair| pair.label.is_some()).collect();
        let best = |score: &dyn Fn(&Pair) -> f64| -> Result<f64> {
            let labels = known.iter().map(|pair| pair.is_positive()).collect();
            let scores = Scores::new(labels, known.iter().map(|pair| score(pair)).collect())?;
            Ok(scores.best_threshold(Criterion::F1).expect("both were fitted to rows of both labels"))
        };
        let thresholds = [best(&|pair| mirna.score(pair))?, best(&|pair| site.score(pair))?];
        Ok(Shortcuts { mirna, site, thresholds })
    }

    /// The margins of each row, fitted to the rows of all folds but its own. folds `[rows]`, from 0.
    pub fn out_of_fold(rows: &[Pair], folds: &[usize]) -> Result<Vec<[f64; 3]>> {
        let mut margins = vec![[0.0; 3]; rows.len()];
        for fold in 0..folds.iter().max().map_or(0, |last| last + 1) {
            let (tested, others): (Vec<usize>, Vec<usize>) =
                (0..rows.len()).partition(|&row| folds[row] == fold);
            let shortcuts = Shortcuts::fit(others.iter().map(|&row| &rows[row]))?;
            tested.into_iter().for_each(|row| margins[row] = shortcuts.margins(&rows[row]));
        }
        Ok(margins)
    }

    /// Names of the scores of [`Shortcuts::margins`].
    pub const NAMES: [&str; 3] = ["miRNA only", "site only", "seed rule"];

    /// How far the miRNA alone, the site alone and the seed rule put `pair` above their thresholds: from 0 on each calls it.
    pub fn margins(&self, pair: &Pair) -> [f64; 3] {
        let [of_mirna, of_site] = self.thresholds;
        [self.mirna.score(pair) - of_mirna, self.site.score(pair) - of_site, seed_margin(pair)]
    }
}

/// The seed rule with 0 for the weakest canonical match, from which on it calls a site.
pub fn seed_margin(pair: &Pair) -> f64 {
    seed_rule(pair) - 1.0
}

/// The seed rule: 8mer 4, 7mer-m8 3, 7mer-A1 2, 6mer 1, no canonical match 0.
pub fn seed_rule(pair: &Pair) -> f64 {
    f64::from(seed_score(&pair.mirna, &pair.site))
}

/// The pair and its class: 0 negative, 1 positive.
fn labelled(pair: &Pair) -> Option<(&Pair, usize)> {
    pair.label.map(|_| (pair, usize::from(pair.is_positive())))
}

/// Negatives and positives of `train`.
fn class_sizes<'a>(what: &str, train: impl IntoIterator<Item = &'a Pair>) -> Result<[f64; 2]> {
    let mut sizes = [0usize; 2];
    train.into_iter().filter_map(labelled).for_each(|(_, class)| sizes[class] += 1);
    let [negatives, positives] = sizes;
    if negatives == 0 || positives == 0 {
        let got = format!("got {positives} positives and {negatives} negatives");
        return Err(Error::Setting(format!("{what}: expected training rows of both labels, {got}")));
    }
    Ok(sizes.map(|size| size as f64))
}

/// The 4-mers of `site` as numbers below 256; those with an N are skipped.
fn words(site: &[Base]) -> impl Iterator<Item = usize> {
    let clean = site.windows(WORD).filter(|word| !word.contains(&Base::N));
    clean.map(|word| word.iter().fold(0, |packed, &base| packed << 2 | base as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Synthetic, read_pairs};

    fn pairs(rows: &str) -> Vec<Pair> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), format!("miRNA\tgene\tlabel\n{rows}")).unwrap();
        read_pairs(file.path(), None).unwrap()
    }

    #[test]
    fn the_mirna_prior_is_its_smoothed_rate() {
        let train = pairs("AAAA\tC\t1\nAAAA\tC\t1\nAAAA\tC\t0\nCCCC\tC\t0\n");
        let prior = MirnaPrior::fit(&train).unwrap();
        let close = |got: f64, odds: f64| assert!((got - odds.ln()).abs() < 1e-12, "{got}");
        close(prior.score(&train[0]), 2.5 / 1.5);
        close(prior.score(&train[3]), 0.5 / 1.5);
        close(prior.score(&pairs("GGGG\tC\t1\n")[0]), 1.0);
        let target = TargetPrior::fit(&pairs("A\tACGU\t1\nC\tACGU\t1\nA\tGG\t0\nG\tGG\t0\n")).unwrap();
        close(target.score(&pairs("U\tACGU\t0\n")[0]), 2.5 / 0.5);
        close(target.score(&pairs("A\tACGUA\t0\n")[0]), 1.0);
    }

    #[test]
    fn the_site_prior_is_naive_bayes_over_words() {
        let train = pairs("A\tAAAAA\t1\nA\tCCCC\t0\n");
        let prior = SitePrior::fit(&train).unwrap();
        let of = |site: &str| prior.score(&pairs(&format!("A\t{site}\t0\n"))[0]);
        // 2 + 1 of 258 words against 0 + 1 of 257
        assert!((of("AAAA") - (3.0f64 / 258.0 * 257.0).ln()).abs() < 1e-12);
        assert!((of("AAAANCCC") - of("AAAA")).abs() < 1e-12);
        assert_eq!(of("ACN"), 0.0);
        let train = pairs("A\tACAA\t1\nA\tCCCC\t0\n");
        let unseen = SitePrior::fit(&train).unwrap().score(&pairs("A\tAAGA\t1\n")[0]);
        assert!(unseen.abs() < 1e-12, "each word is its own: {unseen}");
    }

    #[test]
    fn margins_call_where_f1_is_best() {
        let train = pairs("AAAA\tC\t1\nAAAA\tC\t1\nAAAA\tC\t0\nCCCC\tC\t0\nCCCC\tC\t0\nGGGG\tC\t1\n");
        let shortcuts = Shortcuts::fit(&train).unwrap();
        let called = train.iter().map(|pair| shortcuts.margins(pair)[0] >= 0.0);
        assert_eq!(called.collect::<Vec<_>>(), [true, true, true, false, false, true]);
        let seed =
            pairs("UGAGGUAGUAGGUUGUAUAGUU\tGGUACCUCGGGG\t1\nUGAGGUAGUAGGUUGUAUAGUU\tGGGGGGGGGGGG\t0\n");
        assert_eq!(
            seed.iter().map(seed_margin).collect::<Vec<_>>(),
            [0.0, -1.0],
            "a 6mer is called, none is not"
        );
    }

    #[test]
    fn one_class_cannot_be_fitted() {
        let error = MirnaPrior::fit(&pairs("A\tC\t1\n")).unwrap_err().to_string();
        assert_eq!(
            error,
            "miRNA prior: expected training rows of both labels, got 1 positives and 0 negatives"
        );
    }

    /// Re-paired negatives leave the single partners nothing to say and the pairing everything.
    #[test]
    fn balanced_negatives_close_the_shortcuts() {
        let train = Synthetic { pairs: 2000, site_length: 40, mirnas: 50, seed: 3 }.generate().unwrap();
        let (mirna, site) = (MirnaPrior::fit(&train).unwrap(), SitePrior::fit(&train).unwrap());
        let auroc = |score: &dyn Fn(&Pair) -> f64| {
            let labels = train.iter().map(Pair::is_positive).collect();
            Scores::new(labels, train.iter().map(score).collect()).unwrap().auroc().unwrap()
        };
        assert_eq!(auroc(&|pair| mirna.score(pair)), 0.5);
        assert!((auroc(&|pair| site.score(pair)) - 0.5).abs() < 1e-9);
        assert_eq!(auroc(&seed_rule), 1.0);
    }
}
