//! A training run, as a TOML file describes it. Unknown keys are errors; every default is written back with the run.

use crate::{
    data::Grouping,
    error::{Error, Result},
    model::Config,
    open,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::Path;

/// The most epochs: steps and seeds are counted by them.
pub(super) const EPOCHS: u64 = 1_000_000;
/// The most pairs of a step.
const PAIRS: u64 = 1 << 20;

/// Everything that decides a run's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// What the model will call itself.
    pub name: String,
    /// What it was trained on, in a sentence, for the model file.
    pub description: String,
    #[serde(default)]
    pub seed: u64,
    #[serde(default)]
    pub model: Config,
    #[serde(default)]
    pub training: Training,
    pub data: DataConfig,
}

/// How to learn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    pub optimizer: Optimizer,
    /// Passes over the data at most.
    pub epochs: u64,
    /// Pairs a step learns from.
    pub batch: usize,
    /// Pairs that go through the network together; part of the result's last bits.
    pub micro_batch: usize,
    /// Learning rate per step at its greatest.
    pub rate: f64,
    /// Share of all steps in which the rate rises.
    pub warmup: f64,
    /// Share of the rate that is left at the end.
    pub floor: f64,
    pub weight_decay: f64,
    /// Of `sgd`.
    pub momentum: f64,
    /// Greatest norm of a gradient; longer ones are scaled down.
    pub clip: f64,
    /// Epochs without a better validation average precision after which to stop.
    pub patience: u64,
    /// Up to so many nucleotides are cut from one end of a site, at random, so that positions tell less of the source.
    pub crop: usize,
    /// Of sites longer than the network reads, their middle is read; otherwise they are an error.
    pub cut_sites: bool,
    /// Steps between checkpoints.
    pub checkpoint_steps: u64,
    /// Weight of a positive pair in the loss, beside 1 of a negative one.
    pub positive_weight: f32,
    /// The loss is given what each miRNA's labels alone say, so that the network need not learn it.
    pub debias: bool,
    /// Models whose mean probability of a pair is learned beside its label (Hinton et al. 2015, arXiv 1503.02531).
    pub teachers: Vec<String>,
    /// Share of the teachers in what is learned, the label's being the rest.
    pub distillation: f32,
}

/// Which rule takes the steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimizer {
    AdamW,
    Sgd,
}

impl Default for Training {
    fn default() -> Self {
        Self {
            optimizer: Optimizer::AdamW,
            epochs: 10,
            batch: 128,
            micro_batch: 4,
            rate: 1e-3,
            warmup: 0.05,
            floor: 0.01,
            weight_decay: 0.01,
            momentum: 0.9,
            clip: 1.0,
            patience: 4,
            crop: 0,
            cut_sites: false,
            checkpoint_steps: 100,
            positive_weight: 1.0,
            debias: false,
            teachers: vec![],
            distillation: 0.5,
        }
    }
}

/// What to learn from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Files, or a generated set.
    #[serde(default)]
    pub train: Vec<Source>,
    /// A data set that the program makes, with planted seed matches.
    #[serde(default)]
    pub synthetic: Option<SyntheticConfig>,
    /// Rows that validate, as they are, beside what `train` holds out.
    #[serde(default)]
    pub validate: Vec<Rows>,
    /// How rows are kept together when a part is held out. `rows` also leaves training rows in whose site is a validation
    /// site's near-duplicate: only for comparison with papers that did so.
    #[serde(default = "by_sites")]
    pub grouping: Grouping,
    /// Seed of what is held out; the run's if not given. Runs that are compared have one.
    #[serde(default)]
    pub seed: Option<u64>,
    /// Test files: a training row whose site shares a 20-mer with a site here is dropped.
    #[serde(default)]
    pub keep_out: Vec<Rows>,
    /// Gene-level test files: training pairs of the same miRNA and gene are dropped.
    #[serde(default)]
    pub keep_out_pairs: Vec<String>,
    /// Share of the rows left that is learned from, for learning curves; a smaller one is part of a greater.
    #[serde(default = "all")]
    pub share: f64,
    /// Hard negatives among the re-paired ones.
    #[serde(default)]
    pub windows: Option<Windows>,
}

fn all() -> f64 {
    1.0
}

fn by_sites() -> Grouping {
    Grouping::Sites
}

/// A file of labelled pairs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub path: String,
    /// Only rows of these splits; empty: all rows.
    #[serde(default)]
    pub splits: Vec<crate::data::Split>,
    #[serde(default)]
    pub negatives: NegativeRule,
    /// Share of the rows held out for validation.
    #[serde(default)]
    pub validation: f64,
}

/// Where negatives come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NegativeRule {
    /// The file's own.
    #[default]
    Given,
    /// Positives with their miRNAs exchanged, drawn anew each epoch; the file's own are left out.
    Repaired,
}

/// Candidate windows of transcripts, as negatives of the miRNAs they are candidates of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Windows {
    /// FASTA of the transcripts; ids as the training files name genes.
    pub target: String,
    /// Share of the re-paired negatives in whose place they stand, drawn anew each epoch.
    pub share: f64,
}

/// Rows of a file that is validated or tested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rows {
    pub path: String,
    #[serde(default)]
    pub splits: Vec<crate::data::Split>,
}

/// A generated set; see [`crate::data::Synthetic`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyntheticConfig {
    pub pairs: usize,
    pub mirnas: usize,
    /// Share held out for validation.
    pub validation: f64,
}

impl RunConfig {
    /// Reads a TOML file, with `overrides` of the form `training.epochs=3` applied to it.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        let text = open::read_text(path)?;
        Self::parse(&text, &path.display().to_string(), overrides)
    }

    fn parse(text: &str, path: &str, overrides: &[String]) -> Result<Self> {
        let config: RunConfig = parsed(text, path, overrides)?;
        config.check().map_err(|e| Error::file(path, e.to_string()))?;
        Ok(config)
    }

    /// Refuses what no run can be.
    pub(super) fn check(&self) -> Result<()> {
        self.model.check()?;
        one_line("name", &self.name)?;
        one_line("description", &self.description)?;
        let t = &self.training;
        let (batch, micro_batch) = (t.batch as u64, t.micro_batch as u64);
        for (what, n, most) in
            [("epochs", t.epochs, EPOCHS), ("batch", batch, PAIRS), ("micro_batch", micro_batch, PAIRS)]
        {
            if !(1..=most).contains(&n) {
                return Err(Error::Setting(format!("training.{what}: expected 1 to {most}, got {n}")));
            }
        }
        let all_finite = [t.rate, t.warmup, t.floor, t.weight_decay, t.momentum, t.clip];
        if all_finite.iter().any(|x| !x.is_finite() || *x < 0.0) || t.clip == 0.0 || t.rate == 0.0 {
            return Err(Error::Setting(
                "training: expected rates and shares of at least 0, clip and rate above".into(),
            ));
        }
        if !(t.positive_weight > 0.0 && t.positive_weight.is_finite()) {
            let found = t.positive_weight;
            return Err(Error::Setting(format!("training.positive_weight: expected above 0, got {found}")));
        }
        if !(0.0..=1.0).contains(&t.distillation) {
            let found = t.distillation;
            return Err(Error::Setting(format!("training.distillation: expected 0 to 1, got {found}")));
        }
        let of_data = [
            ("share", Some(self.data.share)),
            ("windows.share", self.data.windows.as_ref().map(|w| w.share)),
        ];
        for (what, share) in of_data {
            if let Some(found) = share.filter(|share| !(*share > 0.0 && *share <= 1.0)) {
                return Err(Error::Setting(format!("data.{what}: expected above 0 to 1, got {found}")));
            }
        }
        if self.data.train.is_empty() && self.data.synthetic.is_none() {
            return Err(Error::Setting("data: expected train files or a synthetic set, got neither".into()));
        }
        Ok(())
    }

    /// Seed of what is held out.
    pub(super) fn held_out_by(&self) -> u64 {
        self.data.seed.unwrap_or(self.seed)
    }

    /// The resolved configuration as TOML.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration is a table of plain values")
    }
}

/// Refuses what no line of a table, and so no model file, can hold.
pub(super) fn one_line(what: &str, text: &str) -> Result<()> {
    match text.contains(char::is_control) {
        true => Err(Error::Setting(format!("{what}: expected a text of one line, got {text:?}"))),
        false => Ok(()),
    }
}

/// A table of settings with `overrides` applied to it. Unknown keys are errors.
pub(super) fn parsed<T: DeserializeOwned>(text: &str, path: &str, overrides: &[String]) -> Result<T> {
    let bad = |e: toml::de::Error| Error::file(path, e.to_string().trim_end().replace('\n', " "));
    let mut table: toml::Table = text.parse().map_err(bad)?;
    for item in overrides {
        apply(&mut table, item)?;
    }
    match overrides.is_empty() {
        true => toml::from_str(text).map_err(bad), // its errors say the line
        false => table.try_into().map_err(bad),
    }
}

/// Sets `a.b=value` in a table; the value is read as TOML, or as a string where it is none.
fn apply(table: &mut toml::Table, item: &str) -> Result<()> {
    let wrong = || Error::Setting(format!("--set: expected key=value, got {item:?}"));
    let (key, value) = item.split_once('=').ok_or_else(wrong)?;
    let parsed = format!("v = {value}").parse::<toml::Table>().ok().and_then(|mut t| t.remove("v"));
    set(table, key, parsed.unwrap_or_else(|| toml::Value::String(value.to_string())))
}

/// Sets what has the dotted `key`, in tables that are made where there are none.
pub(super) fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<()> {
    let (scope, last) = scope(table, key)?;
    scope.insert(last.to_string(), value);
    Ok(())
}

/// Takes away what has the dotted `key`; an error where there is nothing.
pub(super) fn unset(table: &mut toml::Table, key: &str) -> Result<()> {
    let (scope, last) = scope(table, key)?;
    let nothing = || Error::Setting(format!("{key}: there is nothing to take away"));
    scope.remove(last).map(drop).ok_or_else(nothing)
}

/// The table in which the dotted `key` stands, and its last part.
fn scope<'t, 'k>(table: &'t mut toml::Table, key: &'k str) -> Result<(&'t mut toml::Table, &'k str)> {
    let mut at = table;
    let (scopes, last) = key.rsplit_once('.').unwrap_or(("", key));
    for scope in scopes.split('.').filter(|s| !s.is_empty()) {
        let next = at.entry(scope).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        let no_table = || Error::Setting(format!("{key}: {scope} is a value, and has no settings"));
        at = next.as_table_mut().ok_or_else(no_table)?;
    }
    Ok((at, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "name = \"t\"\ndescription = \"d\"\n[data.synthetic]\npairs = 8\nmirnas = 2\nvalidation = 0.5\n";

    #[test]
    fn resolved_configuration_reads_back_the_same() {
        let config =
            RunConfig::parse(TEXT, "t.toml", &["training.epochs=3".into(), "model.heads=2".into()]).unwrap();
        assert_eq!((config.training.epochs, config.model.heads), (3, 2));
        assert_eq!(RunConfig::parse(&config.to_toml(), "r", &[]).unwrap(), config);
    }

    #[test]
    fn mistakes_are_named() {
        let complaint = |text: &str| RunConfig::parse(text, "t.toml", &[]).unwrap_err().to_string();
        let unknown = complaint(&format!("learning_rate = 3\n{TEXT}"));
        assert!(unknown.starts_with("t.toml: ") && unknown.contains("learning_rate"), "{unknown}");
        assert!(unknown.contains("line 1"), "{unknown}");
        let heads = complaint(&format!("{TEXT}\n[model]\nheads = 7\n"));
        assert_eq!(heads, "t.toml: model.heads: expected a divisor of width 64, got 7");
        let set = RunConfig::parse(TEXT, "t", &["epochs".into()]).unwrap_err().to_string();
        assert_eq!(set, "--set: expected key=value, got \"epochs\"");
    }
}
