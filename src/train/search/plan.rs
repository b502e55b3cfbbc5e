//! From a search's file to its trials.

use super::{
    BASE, Search, Trial,
    space::{Changes, Drawn, Space},
};
use crate::{
    error::{Error, Result},
    open,
    output::Output,
    train::config::{EPOCHS, RunConfig},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, path::Path};

/// A search, as a TOML file describes it. Unknown keys are errors.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The configuration that trials change, a path from where the program runs.
    base: String,
    /// Of trials' draws and of their own seeds.
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    method: Method,
    /// Random trials.
    #[serde(default)]
    trials: usize,
    /// Epochs to which trials are trained before they are compared, rising; the last are those of a whole run. Empty: the
    /// base's, at once.
    #[serde(default)]
    rungs: Vec<u64>,
    /// Share of the trials that goes on to the next rung.
    #[serde(default = "a_third")]
    keep: f64,
    #[serde(default)]
    space: toml::Table,
    #[serde(default, rename = "trial")]
    named: Vec<Named>,
}

fn a_third() -> f64 {
    0.33
}

/// How trials are drawn from the space.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Method {
    /// Each by itself (Bergstra and Bengio 2012, <https://jmlr.org/papers/v13/bergstra12a.html>).
    #[default]
    Random,
}

/// A trial that somebody has thought of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    name: String,
    #[serde(default)]
    set: toml::Table,
    #[serde(default)]
    unset: Vec<String>,
}

/// The most trials that are drawn.
const TRIALS: usize = 10_000;

/// What a search is, in its folder.
const PLAN: &str = "search.toml";

impl Search {
    /// Reads a TOML file; `overrides` are of the configuration that trials change.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let name = path.display().to_string();
        let text = open::read_text(path)?;
        let bad = |e: toml::de::Error| Error::file(&name, e.to_string().trim_end().replace('\n', " "));
        let file: File = toml::from_str(&text).map_err(bad)?;
        let base = RunConfig::read(Path::new(&file.base), overrides)?;
        Self::new(file, base).map_err(|e| Error::file(&name, e.to_string()))
    }

    fn new(file: File, mut base: RunConfig) -> Result<Self> {
        let rungs = if file.rungs.is_empty() { vec![base.training.epochs] } else { file.rungs };
        let most = *rungs.last().expect("there is a rung at least");
        if rungs[0] == 0 || most > EPOCHS || !rungs.is_sorted_by(|a, b| a < b) {
            let expected = format!("rising epochs from 1 to at most {EPOCHS}");
            return Err(Error::Setting(format!("rungs: expected {expected}, got {rungs:?}")));
        }
        if file.trials > TRIALS {
            return Err(Error::Setting(format!("trials: expected at most {TRIALS}, got {}", file.trials)));
        }
        if !(file.keep > 0.0 && file.keep <= 1.0) {
            return Err(Error::Setting(format!("keep: expected above 0 to 1, got {}", file.keep)));
        }
        base.training.epochs = most;
        // Trials have seeds of their own, but hold out the same rows.
        base.data.seed = Some(base.held_out_by());
        let space = Space::new(&file.space)?;
        if file.named.is_empty() && file.trials == 0 || space.is_empty() != (file.trials == 0) {
            let found = format!(
                "got {} of a space {}",
                file.trials,
                if space.is_empty() { "without settings" } else { "with some" }
            );
            return Err(Error::Setting(format!(
                "expected [[trial]] tables, or trials and a [space] to draw them from; {found}"
            )));
        }
        let Method::Random = file.method;
        let drawn = space.draw(&base, file.trials, file.seed)?;
        let Drawn { impossible, repeated, .. } = drawn;
        Ok(Self {
            trials: trials(&file.named, drawn, base, file.seed)?,
            rungs,
            keep: file.keep,
            redrawn: (impossible, repeated),
        })
    }

    /// Makes the folder this search's, or sees that it is.
    pub(super) fn claim(&self, out: &Path) -> Result<()> {
        #[derive(Serialize)]
        struct Plan<'a> {
            rungs: &'a [u64],
            keep: f64,
            trial: &'a [Trial],
        }
        let plan = Plan { rungs: &self.rungs, keep: self.keep, trial: &self.trials };
        let plan = toml::to_string(&plan).expect("a plan is a table of plain values");
        let path = out.join(PLAN);
        match std::fs::read_to_string(&path) {
            Ok(known) if known == plan => Ok(()),
            Ok(_) => {
                let name = path.display().to_string();
                Err(Error::file(
                    name,
                    "is of another search, or of this one before it was changed; use another folder",
                ))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                std::fs::create_dir_all(out).map_err(|e| Error::io(out, e))?;
                Output::write(&path, plan.as_bytes())
            }
            Err(e) => Err(Error::io(&path, e)),
        }
    }
}

/// The base, then those that have been thought of, then those drawn, each with a seed of its own.
fn trials(named: &[Named], drawn: Drawn, base: RunConfig, seed: u64) -> Result<Vec<Trial>> {
    let mut all = vec![(BASE.to_string(), Changes::default(), base.clone())];
    for Named { name, set, unset } in named {
        let changes = Changes::of(set, unset);
        let said = |e: Error| Error::Setting(format!("trial {name}: {e}"));
        let (config, possible) = changes.applied(&base).map_err(said)?;
        possible.map_err(said)?;
        all.push((name.clone(), changes, config));
    }
    let digits = drawn.trials.len().to_string().len();
    for (i, (changes, config)) in drawn.trials.into_iter().enumerate() {
        all.push((format!("random-{:0digits$}", i + 1), changes, config));
    }
    let mut names = HashSet::new();
    let plain = |name: &str| {
        !name.is_empty()
            && !name.starts_with('.')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    if let Some((name, ..)) = all.iter().find(|(name, ..)| !plain(name) || !names.insert(name.clone())) {
        let expected =
            format!("names of letters, digits, '-', '_' and '.', each once and none of them {BASE}");
        return Err(Error::Setting(format!("trial: expected {expected}, got {name:?}")));
    }
    let random = &mut ChaCha8Rng::seed_from_u64(!seed);
    let trial = |(name, changes, config): (String, Changes, RunConfig)| {
        let seed = u64::from(random.random::<u32>()); // TOML has no whole numbers beyond 2^63
        let config = RunConfig { name: format!("{}, {name}", config.name), seed, ..config };
        Trial { name, changes: changes.shown(), config }
    };
    Ok(all.into_iter().map(trial).collect())
}
