//! A model's scores of the pairs under test, and of what is left of them when the pairing is gone.

use std::num::NonZeroUsize;

use crate::Result;
use crate::audit::Tampered;
use crate::cli::common::{Common, Windows};
use crate::cli::genes;
use crate::cli::rows::{Level, labels};
use crate::data::{Duo, Pair, swap_mirnas};
use crate::eval::{Scored, Scores, group_ids};
use crate::model::Predictor;
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
    /// Probability from which on a pair is called [default: each model's threshold]
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
            Level::Gene => format!("# level=gene candidates={} sites={}\n", self.windows.gate()?, self.sites),
        })
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
        self.scored(model, pairs, model.name().into(), self.scores(model, &duos, model.name())?)
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
            let name = format!("{}, {what}", model.name());
            let before = true_line.scores.scores();
            let scores = scores.into_iter().zip(before).map(|(after, &before)| after.unwrap_or(before));
            let probed = self.scored(model, pairs, name, scores.collect())?;
            let share = 100.0 * kept_calls(true_line, &probed);
            self.common.say(format_args!("{what}: {share:.1}% of the calls stay"));
            lines.push(probed);
        }
        Ok(lines)
    }

    fn scored(&self, model: &Predictor, pairs: &[Pair], name: String, scores: Vec<f64>) -> Result<Scored> {
        let threshold = Some(self.scoring.threshold.unwrap_or(model.threshold().into()));
        Ok(Scored { name, scores: Scores::new(labels(pairs), scores)?, threshold, probabilities: true })
    }

    /// One probability a pair.
    fn scores(&self, model: &Predictor, pairs: &[Duo], what: &str) -> Result<Vec<f64>> {
        match self.level {
            Level::Site => Ok(model.probabilities(pairs)?.into_iter().map(f64::from).collect()),
            Level::Gene => {
                let rule = GeneRule { gate: self.scoring.windows.gate()?, sites: self.scoring.sites };
                Ok(genes::scores(self.common, model, pairs, rule, what)?.scores)
            }
        }
    }
}

const SHUFFLED: &str = "sites shuffled";
const EXCHANGED: &str = "miRNAs exchanged";

/// The share of rows that both lines call alike.
fn kept_calls(a: &Scored, b: &Scored) -> f64 {
    let calls = |line: &Scored| -> Vec<bool> {
        let threshold = line.threshold.expect("a model has one");
        line.scores.scores().iter().map(|&score| score >= threshold).collect()
    };
    let (a, b) = (calls(a), calls(b));
    a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / a.len() as f64
}

fn duo(pair: &Pair) -> Duo<'_> {
    (&pair.mirna, &pair.site)
}
