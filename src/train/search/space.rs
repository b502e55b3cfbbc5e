//! What may vary between the runs of a search, and draws from it.

use crate::{
    error::{Error, Result},
    train::config::{RunConfig, set, unset},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;
use std::collections::HashSet;
use toml::{Table, Value};

/// One setting of a run and the values that it may have.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    key: String,
    values: Values,
}

#[derive(Clone, Debug, PartialEq)]
enum Values {
    Choices(Vec<Value>),
    Range(Range),
}

/// Numbers from `low` to `high`; whole ones where both are. With `log` each factor is as likely as any other.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    low: Number,
    high: Number,
    #[serde(default)]
    log: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Number {
    Whole(i64),
    Real(f64),
}

impl Number {
    fn value(self) -> f64 {
        match self {
            Number::Whole(x) => x as f64,
            Number::Real(x) => x,
        }
    }
}

/// What a run changes of the configuration that a search begins from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Changes {
    pub set: Vec<(String, Value)>,
    pub unset: Vec<String>,
}

impl Changes {
    /// The settings of a nested table, by dotted keys.
    pub fn of(table: &Table, unset: &[String]) -> Self {
        let mut set = vec![];
        leaves(table, "", &mut |_| false, &mut |key, value| set.push((key, value.clone())));
        Self { set, unset: unset.to_vec() }
    }

    /// As a reader would type them.
    pub fn shown(&self) -> Vec<String> {
        let set = self.set.iter().map(|(key, value)| format!("{key}={value}"));
        set.chain(self.unset.iter().map(|key| format!("no {key}"))).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(|(key, _)| &key[..]).chain(self.unset.iter().map(|key| &key[..]))
    }

    /// `base` with these changes, and whether a network can be so: the error of [`RunConfig::check`].
    pub fn applied(&self, base: &RunConfig) -> Result<(RunConfig, Result<()>)> {
        if let Some(key) = self.keys().find(|key| is_the_searchs(key)) {
            return Err(Error::Setting(format!("{key} is the search's own, and the same in all trials")));
        }
        let mut table = Table::try_from(base).expect("a configuration is a table of plain values");
        for key in &self.unset {
            unset(&mut table, key)?;
        }
        for (key, value) in &self.set {
            set(&mut table, key, value.clone())?;
        }
        let said = |e: toml::de::Error| {
            let what = e.to_string().trim_end().replace('\n', " ");
            Error::Setting(format!("{}: {what}", self.shown().join(", ")))
        };
        let config: RunConfig = table.try_into().map_err(said)?;
        let possible = config.check();
        Ok((config, possible))
    }
}

/// What a search decides itself, and what it compares trials on.
fn is_the_searchs(key: &str) -> bool {
    ["name", "description", "seed", "training.epochs", "data.seed", "data.validate", "data.grouping"]
        .contains(&key)
}

/// Calls `leaf` for every value under `prefix` that is no table, or one that is `whole`.
fn leaves<'a>(
    table: &'a Table,
    prefix: &str,
    whole: &mut dyn FnMut(&Table) -> bool,
    leaf: &mut dyn FnMut(String, &'a Value),
) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) if !whole(inner) => leaves(inner, &key, whole, leaf),
            value => leaf(key, value),
        }
    }
}

/// Settings and the values that each may have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Space {
    axes: Vec<Axis>,
}

/// What random draws came to.
pub(super) struct Drawn {
    pub trials: Vec<(Changes, RunConfig)>,
    /// Draws of settings that no network can have together.
    pub impossible: usize,
    /// Draws of what had been drawn before.
    pub repeated: usize,
}

/// Draws in vain after which a space counts as empty.
const IN_VAIN: usize = 1000;

impl Space {
    /// A table of lists of choices and of ranges, by dotted or nested keys.
    pub fn new(table: &Table) -> Result<Self> {
        let mut axes = vec![];
        let mut whole = |table: &Table| table.contains_key("low") || table.contains_key("high");
        leaves(table, "", &mut whole, &mut |key, value| axes.push((key, value)));
        let axes = axes.into_iter().map(|(key, value)| Axis::new(key, value));
        Ok(Self { axes: axes.collect::<Result<_>>()? })
    }

    pub fn is_empty(&self) -> bool {
        self.axes.is_empty()
    }

    /// `count` different trials, the same for the same seed.
    pub fn draw(&self, base: &RunConfig, count: usize, seed: u64) -> Result<Drawn> {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let mut drawn = Drawn { trials: vec![], impossible: 0, repeated: 0 };
        let (mut seen, mut in_vain) = (HashSet::new(), 0);
        while drawn.trials.len() < count {
            let set = self.axes.iter().map(|axis| (axis.key.clone(), axis.values.draw(random))).collect();
            let changes = Changes { set, unset: vec![] };
            let (config, possible) = changes.applied(base)?;
            in_vain += 1;
            match possible {
                _ if in_vain > IN_VAIN => {
                    let found = drawn.trials.len();
                    let expected = format!("space: expected {count} different possible trials");
                    return Err(Error::Setting(format!("{expected}, found {found} in {IN_VAIN} more draws")));
                }
                Err(_) => drawn.impossible += 1,
                Ok(()) if !seen.insert(changes.shown()) => drawn.repeated += 1,
                Ok(()) => {
                    drawn.trials.push((changes, config));
                    in_vain = 0;
                }
            }
        }
        Ok(drawn)
    }
}

impl Axis {
    fn new(key: String, value: &Value) -> Result<Self> {
        let wrong = |what: &str| Error::Setting(format!("space: {key}: expected {what}, got {value}"));
        let values = match value {
            Value::Array(choices) if !choices.is_empty() => Values::Choices(choices.clone()),
            Value::Table(range) => {
                let range: Range = range
                    .clone()
                    .try_into()
                    .map_err(|_| wrong("numbers low and high, and log = true or false"))?;
                let (low, high) = (range.low.value(), range.high.value());
                if low.is_nan() || low >= high || !high.is_finite() || (range.log && low <= 0.0) {
                    return Err(wrong("low below high, and above 0 where log"));
                }
                Values::Range(range)
            }
            _ => return Err(wrong("a list of choices or { low, high, log }")),
        };
        Ok(Self { key, values })
    }
}

impl Values {
    fn draw(&self, random: &mut ChaCha8Rng) -> Value {
        match self {
            Values::Choices(choices) => choices[random.random_range(0..choices.len())].clone(),
            Values::Range(range) => range.draw(random),
        }
    }
}

impl Range {
    fn draw(self, random: &mut ChaCha8Rng) -> Value {
        let share: f64 = random.random();
        let between = |low: f64, high: f64| match self.log {
            true => low * (high / low).powf(share),
            false => low + (high - low) * share,
        };
        match (self.low, self.high) {
            // Each whole number has as much of the line as any other (of its logarithm).
            (Number::Whole(low), Number::Whole(high)) => {
                let x = between(low as f64, high as f64 + 1.0).floor() as i64;
                Value::Integer(x.clamp(low, high))
            }
            // Four digits: what a table of results can say, and what a reader can run again.
            (low, high) => {
                let x = between(low.value(), high.value());
                Value::Float(format!("{x:.3e}").parse().expect("digits are a number"))
            }
        }
    }
}
