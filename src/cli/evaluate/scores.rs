//! A model's scores of the pairs under test, and of what is left of them when the pairing is gone.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::audit::Tampered;
use crate::cli::common::{Common, Windows};
use crate::cli::genes;
use crate::cli::rows::{Level, labels};
use crate::data::{Duo, Pair, swap_mirnas};
use crate::eval::{Scored, Scores, group_ids};
use crate::model::{GenePredictor, Predictor};
use crate::rna::{Base, dinucleotide_shuffle};
use crate::scan::GeneRule;

/// How pairs are scored and called.
#[derive(clap::Args)]
pub(in crate::cli) struct Scoring {
    #[command(flatten)]
    windows: Windows,
    /// At gene level: a gene's score is that of its K-th best site, so K sites must be called before it is; windows that
    /// overlap by more than half are one. One is the papers' OR
    #[arg(long, value_name = "K", default_value = "1")]
    sites: NonZeroUsize,
    /// At gene level: a gene's score is that of this gene-level model of `train-genes`, which was made for this site model
    #[arg(long, value_name = "PATH", conflicts_with = "sites")]
    genes: Option<PathBuf>,
    /// At gene level: from each score the mean of N shuffles of the 3'UTR is taken away, dinucleotides kept, so that neither
    /// length nor composition alone makes a gene's score high
    #[arg(long, value_name = "N", default_value_t = 0)]
    above_chance: u64,
    /// Score, a probability unless --genes or --above-chance is given, from which on a pair is called [default: each model's
    /// threshold, where scores are probabilities]
    #[arg(long, value_name = "P")]
    threshold: Option<f64>,
}

impl Scoring {
    /// The threshold that was asked for.
    pub fn threshold(&self) -> Option<f64> {
        self.threshold
    }

    /// The lines before the report that tell how genes were scored.
    pub fn meta(&self, level: Level) -> Result<String> {
        Ok(match level {
            Level::Site => String::new(),
            Level::Gene => {
                let scores = match &self.genes {
                    Some(path) => format!("genes={}", path.display()),
                    None => format!("candidates={} sites={}", self.windows.gate()?, self.sites),
                };
                let chance = match self.above_chance {
                    0 => String::new(),
                    shuffles => format!(" above_chance={shuffles}"),
                };
                format!("# level=gene {scores}{chance}\n")
            }
        })
    }

    /// Whether scores are probabilities, on which a site model's threshold lies.
    fn gives_probabilities(&self, level: Level) -> bool {
        level == Level::Site || self.genes.is_none() && self.above_chance == 0
    }
}

/// What a model is asked for its scores with.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Bench<'a> {
    pub scoring: &'a Scoring,
    pub level: Level,
    /// Of shuffles and exchanges.
    pub seed: u64,
    pub common: &'a Common,
}

impl Bench<'_> {
    /// A model's line of the report.
    pub fn line(&self, model: &Predictor, pairs: &[Pair]) -> Result<Scored> {
        let duos: Vec<Duo> = pairs.iter().map(duo).collect();
        let name = self.name(model)?;
        let scores = self.scores(model, &duos, &name)?;
        self.scored(model, pairs, name, scores)
    }

    /// What scores are called: by the model that gives them.
    fn name(&self, model: &Predictor) -> Result<String> {
        match &self.scoring.genes {
            Some(path) if self.level == Level::Gene => Ok(learned(path, model)?.name().into()),
            _ => Ok(model.name().into()),
        }
    }

    /// The model's scores of the pairs with shuffled sites, and with exchanged miRNAs.
    pub fn probes(&self, model: &Predictor, pairs: &[Pair]) -> Result<Vec<Tampered>> {
        // one arrangement for a sequence, whatever miRNA meets it
        let numbers = group_ids(pairs.iter().map(|p| &p.site));
        let shuffle = |(p, number): (&Pair, usize)| dinucleotide_shuffle(&p.site, self.seed ^ number as u64);
        let shuffled: Vec<Vec<Base>> = pairs.iter().zip(numbers).map(shuffle).collect();
        let shuffled: Vec<Duo> =
            pairs.iter().zip(&shuffled).map(|(p, site)| (&p.mirna[..], &site[..])).collect();
        let all = self.scores(model, &shuffled, SHUFFLED)?;
        let shuffled = Tampered { name: SHUFFLED.into(), scores: all.into_iter().map(Some).collect() };
        let partners = swap_mirnas(pairs, self.seed);
        let exchanged: Vec<Duo> = partners
            .iter()
            .zip(pairs)
            .filter_map(|(partner, p)| Some((&pairs[(*partner)?].mirna[..], &p.site[..])))
            .collect();
        let alone = pairs.len() - exchanged.len();
        if alone > 0 {
            self.common.say(format_args!("{alone} pairs kept their miRNA: too many are of one family"));
        }
        let mut found = self.scores(model, &exchanged, EXCHANGED)?.into_iter();
        let scores = partners.into_iter().map(|partner| partner.and_then(|_| found.next())).collect();
        Ok(vec![shuffled, Tampered { name: EXCHANGED.into(), scores }])
    }

    /// The lines of [`Bench::probes`], `true_line` being that of the pairs as they are.
    pub fn probe_lines(&self, model: &Predictor, pairs: &[Pair], true_line: &Scored) -> Result<Vec<Scored>> {
        let mut lines = vec![];
        for Tampered { name: what, scores } in self.probes(model, pairs)? {
            let name = format!("{}, {what}", true_line.name);
            let before = true_line.scores.scores();
            let scores = scores.into_iter().zip(before).map(|(after, &before)| after.unwrap_or(before));
            let probed = self.scored(model, pairs, name, scores.collect())?;
            if let Some(share) = kept_calls(true_line, &probed) {
                self.common.say(format_args!("{what}: {:.1}% of the calls stay", 100.0 * share));
            }
            lines.push(probed);
        }
        Ok(lines)
    }

    fn scored(&self, model: &Predictor, pairs: &[Pair], name: String, scores: Vec<f64>) -> Result<Scored> {
        let probabilities = self.scoring.gives_probabilities(self.level);
        let own = probabilities.then(|| f64::from(model.threshold()));
        let threshold = self.scoring.threshold.or(own);
        Ok(Scored { name, scores: Scores::new(labels(pairs), scores)?, threshold, probabilities })
    }

    /// One score a pair.
    fn scores(&self, model: &Predictor, pairs: &[Duo], what: &str) -> Result<Vec<f64>> {
        if self.level == Level::Site {
            return Ok(model.probabilities(pairs)?.into_iter().map(f64::from).collect());
        }
        let mut scores = self.of_genes(model, pairs, what)?;
        let numbers = group_ids(pairs.iter().map(|(_, transcript)| transcript));
        for shuffle in 1..=self.scoring.above_chance {
            let seed = |number: usize| self.seed.wrapping_add(shuffle << 32) ^ number as u64;
            let shuffled = pairs.iter().zip(&numbers);
            let shuffled: Vec<Vec<Base>> =
                shuffled.map(|((_, site), &number)| dinucleotide_shuffle(site, seed(number))).collect();
            let by_chance: Vec<Duo> =
                pairs.iter().zip(&shuffled).map(|((mirna, _), site)| (*mirna, &site[..])).collect();
            let of = format!("{what}, shuffle {shuffle} of {}", self.scoring.above_chance);
            let by_chance = self.of_genes(model, &by_chance, &of)?;
            let share = 1.0 / self.scoring.above_chance as f64;
            scores.iter_mut().zip(by_chance).for_each(|(score, chance)| *score -= share * chance);
        }
        Ok(scores)
    }

    fn of_genes(&self, model: &Predictor, pairs: &[Duo], what: &str) -> Result<Vec<f64>> {
        match &self.scoring.genes {
            Some(path) => genes::learned(self.common, model, &learned(path, model)?, pairs),
            None => {
                let rule = GeneRule { gate: self.scoring.windows.gate()?, sites: self.scoring.sites };
                Ok(genes::scores(self.common, model, pairs, rule, what)?.scores)
            }
        }
    }
}

/// The gene-level model, if it was made for this site model.
fn learned(path: &Path, model: &Predictor) -> Result<GenePredictor> {
    GenePredictor::load(path, model.hash())
}

const SHUFFLED: &str = "sites shuffled";
const EXCHANGED: &str = "miRNAs exchanged";

/// The share of rows that both lines call alike, where they call any.
fn kept_calls(a: &Scored, b: &Scored) -> Option<f64> {
    let calls = |line: &Scored| -> Option<Vec<bool>> {
        let threshold = line.threshold?;
        Some(line.scores.scores().iter().map(|&score| score >= threshold).collect())
    };
    let (a, b) = (calls(a)?, calls(b)?);
    Some(a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64)
}

fn duo(pair: &Pair) -> Duo<'_> {
    (&pair.mirna, &pair.site)
}
