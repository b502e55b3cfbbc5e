//! K-fold cross-validation: every row is scored by a network that was not trained on its fold.
//!
//! Each network is a run of its own in a folder of its own, so that a stopped cross-validation goes on where it was.

use super::{
    config::RunConfig,
    course::Course,
    data::Data,
    folder::BEST,
    run::{Event, run_on},
};
use crate::{
    data::{Duo, Grouping, Pair, folds, hold_out},
    error::{Error, Result},
    model::{Predictor, Reads},
    output::Output,
    workers::Workers,
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// What the network of a fold says of its rows, in its folder.
const SCORES: &str = "tested.tsv";

/// How rows are divided and what is trained on them.
#[derive(Clone, Debug)]
pub struct CrossValidation {
    /// Folds, at least 2.
    pub folds: usize,
    /// What stays together; near-duplicates too, but for [`Grouping::Rows`].
    pub grouping: Grouping,
    /// Share of each fold's training rows that is held out to stop by and to choose the threshold on.
    pub validation: f64,
    /// What the networks are shown, one cross-validation each.
    pub reads: Vec<Reads>,
    /// Cross-validations with seeds counted up from the configuration's.
    pub seeds: u64,
}

/// One network of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    pub seed: u64,
    pub reads: Reads,
    /// From 0.
    pub fold: usize,
}

/// The scores of one seed's networks that were shown the same half.
#[derive(Clone, Debug)]
pub struct Tested {
    pub seed: u64,
    pub reads: Reads,
    /// The fold of each row, `[rows]`.
    pub folds: Vec<usize>,
    /// How far each row's log-odds lie above the threshold of its fold's network, `[rows]`: from 0 on it is called positive.
    pub margins: Vec<f64>,
}

impl CrossValidation {
    /// The rows that are divided: all that `config` names, cleared of what is kept out, negatives drawn once.
    pub fn rows(config: &RunConfig) -> Result<Vec<Pair>> {
        Ok(Data::read(config)?.into_rows(config.seed))
    }

    /// Trains and tests every network, in folders under `out`; those that are there already with this configuration are
    /// gone on with.
    pub fn run(
        &self,
        config: &RunConfig,
        rows: &[Pair],
        out: &Path,
        course: Course,
        observe: &mut dyn FnMut(Trial, Event),
    ) -> Result<Vec<Tested>> {
        let mut all = vec![];
        for seed in config.seed..config.seed + self.seeds {
            let fold_of = folds(rows, self.grouping, self.folds, seed)?;
            for &reads in &self.reads {
                let mut margins = vec![0.0; rows.len()];
                for fold in 0..self.folds {
                    let trial = Trial { seed, reads, fold };
                    let scored = self.trial(trial, config, (rows, &fold_of), out, course, observe)?;
                    scored.into_iter().for_each(|(row, margin)| margins[row] = margin);
                }
                all.push(Tested { seed, reads, folds: fold_of.clone(), margins });
            }
        }
        Ok(all)
    }

    /// The rows of one fold with their margins.
    fn trial(
        &self,
        trial: Trial,
        config: &RunConfig,
        (rows, fold_of): (&[Pair], &[usize]),
        out: &Path,
        course: Course,
        observe: &mut dyn FnMut(Trial, Event),
    ) -> Result<Vec<(usize, f64)>> {
        let mut config = config.clone();
        (config.seed, config.model.reads, config.data.grouping) = (trial.seed, trial.reads, self.grouping);
        let folder = out.join(trial.folder());
        let (tested, learned): (Vec<usize>, Vec<usize>) =
            (0..rows.len()).partition(|&row| fold_of[row] == trial.fold);
        let learned = learned.into_iter().map(|row| rows[row].clone()).collect();
        let (train, held) = hold_out(learned, self.grouping, self.validation, trial.seed)?;
        let data = Data::given(train, held, &trial.folder().display().to_string(), &config);
        let scores = Scores {
            path: folder.join(SCORES),
            of: identity(&config, data.origins.iter().map(|origin| &origin.sha256)),
        };
        if let Some(known) = scores.read(&tested)? {
            return Ok(known);
        }
        run_on(&data, (&config, config.training.epochs), &folder, true, course, &mut |event| {
            observe(trial, event)
        })?;
        let again = Workers::new(course.workers.device(), course.workers.threads())?;
        let margins = margins(&Predictor::load(&folder.join(BEST), again)?, rows, &tested)?;
        let scored: Vec<(usize, f64)> = tested.into_iter().zip(margins).collect();
        scores.write(&scored)?;
        Ok(scored)
    }
}

/// What a network's scores depend on, its configuration and the hashes of its data, as SHA-256 in hex.
pub(super) fn identity<'a>(config: &RunConfig, data: impl Iterator<Item = &'a String>) -> String {
    let mut hash = Sha256::new();
    hash.update(config.to_toml());
    data.for_each(|sha256| hash.update(sha256));
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// A finished network's scores on disk.
struct Scores {
    path: PathBuf,
    of: String,
}

impl Scores {
    fn write(&self, scored: &[(usize, f64)]) -> Result<()> {
        let mut text = format!("# of={}\nrow\tmargin\n", self.of);
        scored.iter().for_each(|(row, margin)| text += &format!("{row}\t{margin}\n"));
        Output::write(&self.path, text.as_bytes())
    }

    /// `None` if there are none yet.
    fn read(&self, tested: &[usize]) -> Result<Option<Vec<(usize, f64)>>> {
        let path = self.path.display().to_string();
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(&self.path, e)),
        };
        let mut lines = text.lines();
        if lines.next() != Some(&format!("# of={}", self.of)) {
            return Err(Error::file(path, "is of another configuration or other data; use another folder"));
        }
        let row = |line: &str| {
            let (row, margin) = line.split_once('\t')?;
            Some((row.parse().ok()?, margin.parse().ok()?))
        };
        let known: Option<Vec<(usize, f64)>> = lines.skip(1).map(row).collect();
        let whole = |known: &Vec<(usize, f64)>| known.iter().map(|(row, _)| row).eq(tested);
        let broken =
            || Error::file(path, "expected the margin of each row of the fold; delete it to test again");
        known.filter(whole).ok_or_else(broken).map(Some)
    }
}

impl Trial {
    fn folder(&self) -> PathBuf {
        let reads = match self.reads {
            Reads::Both => "both",
            Reads::Mirna => "mirna-only",
            Reads::Site => "site-only",
        };
        format!("seed-{}/{reads}/fold-{}", self.seed, self.fold + 1).into()
    }
}

/// Log-odds of each tested row above those of the model's threshold.
fn margins(predictor: &Predictor, rows: &[Pair], tested: &[usize]) -> Result<Vec<f64>> {
    let most = predictor.site_len();
    let duos: Vec<Duo> = tested.iter().map(|&row| rows[row].duo(most)).collect();
    let log_odds = |p: f32| {
        let p = f64::from(p).clamp(1e-9, 1.0 - 1e-9);
        (p / (1.0 - p)).ln()
    };
    let threshold = log_odds(predictor.threshold());
    Ok(predictor.probabilities(&duos)?.into_iter().map(|p| log_odds(p) - threshold).collect())
}
