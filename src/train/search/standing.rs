//! How trials stand: their scores of the rows held out, and what follows from them.

use super::Trial;
use crate::{
    data::{Grouping, Pair, groups},
    error::{Error, Result},
    eval::{Estimate, Scores, bootstrap},
    model::Network,
    output::Output,
    params::Outline,
    train::{
        config::RunConfig,
        crossval::identity,
        data::Data,
        record::{EpochMetrics, METRICS},
    },
};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A trial's results after its last rung so far.
#[derive(Clone, Debug)]
pub struct Standing {
    pub name: String,
    /// As a reader would type them.
    pub changes: Vec<String>,
    pub parameters: usize,
    /// Million multiplications and additions of a forward pass over a pair.
    pub mflop: f64,
    /// Epochs trained, and the one whose model is judged: none where training has left the numbers.
    pub epochs: u64,
    pub best_epoch: Option<u64>,
    /// Average precision on the rows held out after each epoch.
    pub by_epoch: Vec<f64>,
    /// On the rows held out. Intervals are of their miRNA families.
    pub average_precision: Estimate,
    pub auroc: Option<f64>,
    /// Average precision above the base's after as many epochs; none of the base itself.
    pub difference: Option<Estimate>,
    /// Of training, as far as it was not lost with a checkpoint.
    pub seconds: f64,
}

/// What a trial has come to at a rung, as it is kept in its folder.
#[derive(Debug)]
pub(super) struct Kept {
    head: Head,
    /// Of each row held out; none of a trial that has left the numbers.
    log_odds: Vec<f32>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    best_epoch: Option<u64>,
    by_epoch: Vec<f64>,
    seconds: f64,
}

impl Kept {
    /// Of the run in `folder` that found its best model in that epoch.
    pub fn new(folder: &Path, best_epoch: Option<u64>, log_odds: Vec<f32>) -> Result<Self> {
        let path = folder.join(METRICS);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let lines = text.lines().filter_map(|line| serde_json::from_str(line).ok());
        let metrics: Vec<EpochMetrics> = lines.collect();
        let by_epoch = metrics.iter().map(|epoch| epoch.validation_average_precision).collect();
        let seconds = metrics.iter().map(|epoch| epoch.seconds).sum();
        Ok(Self { head: Head { best_epoch, by_epoch, seconds }, log_odds })
    }

    pub fn write(&self, path: &Path, of: &str) -> Result<()> {
        let head = serde_json::to_string(&self.head).expect("plain fields serialise");
        let mut text = format!("# of={of}\n# trained={head}\nlog_odds\n");
        self.log_odds.iter().for_each(|z| text += &format!("{z}\n"));
        Output::write(path, text.as_bytes())
    }

    /// `None` if there is none yet.
    pub fn read(path: &Path, of: &str) -> Result<Option<Self>> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io(path, e)),
        };
        let name = path.display().to_string();
        let mut lines = text.lines();
        if lines.next() != Some(&format!("# of={of}")) {
            return Err(Error::file(name, "is of another configuration or other data; use another folder"));
        }
        let head = lines.next().and_then(|line| serde_json::from_str(line.strip_prefix("# trained=")?).ok());
        let log_odds: Option<Vec<f32>> = lines.skip(1).map(|line| line.parse().ok()).collect();
        let broken = || Error::file(name, "expected log-odds, a line each; delete it to score again");
        head.zip(log_odds).map(|(head, log_odds)| Self { head, log_odds }).ok_or_else(broken).map(Some)
    }
}

/// The rows held out, which are the same for all trials.
pub(super) struct Judge {
    rows: Vec<Pair>,
    labels: Vec<bool>,
    families: Vec<usize>,
    data: Vec<String>,
    resamples: usize,
}

/// Of the bootstrap: the same draws for all trials.
const DRAWS: u64 = 0;

impl Judge {
    pub fn new(data: &Data, resamples: usize) -> Self {
        let rows = data.validation.clone();
        let labels = rows.iter().map(Pair::is_positive).collect();
        let families = groups(&rows, Grouping::Families);
        let data = data.origins.iter().map(|origin| origin.sha256.clone()).collect();
        Self { rows, labels, families, data, resamples }
    }

    /// What a trial's scores depend on, as SHA-256 in hex.
    pub fn identity(&self, config: &RunConfig) -> String {
        identity(config, self.data.iter())
    }

    /// An error where a trial's data hold out other rows than the base's do.
    pub fn same_rows(&self, trial: &str, data: &Data) -> Result<()> {
        match data.validation == self.rows {
            true => Ok(()),
            false => Err(Error::Setting(format!(
                "trial {trial}: its data hold out other rows ({}) than the base's ({}), so that they cannot be compared",
                data.validation.len(),
                self.rows.len()
            ))),
        }
    }

    pub fn standing(&self, trial: &Trial, kept: &Kept, base: Option<&Kept>) -> Result<Standing> {
        let scores = |kept: &Kept| Scores::from_f32(self.labels.clone(), &kept.log_odds);
        let own = kept.head.best_epoch.map(|_| scores(kept)).transpose()?;
        let base = base.map(scores).transpose()?;
        let above = |(own, base): (&Scores, &Scores)| {
            let gap =
                |own: &Scores, base: &Scores| Some(own.average_precision()? - base.average_precision()?);
            self.estimate(gap(own, base), |rows| gap(&own.pick(rows), &base.pick(rows)))
        };
        let average_precision = own.as_ref().map_or(Estimate { value: None, interval: None }, |own| {
            self.estimate(own.average_precision(), |rows| own.pick(rows).average_precision())
        });
        let Trial { name, changes, config } = trial;
        Ok(Standing {
            name: name.clone(),
            changes: changes.clone(),
            parameters: Outline::of(|p| Network::new(p, &config.model)).parameters(),
            mflop: config.model.forward_flops() / 1e6,
            epochs: kept.head.by_epoch.len() as u64,
            best_epoch: kept.head.best_epoch,
            by_epoch: kept.head.by_epoch.clone(),
            average_precision,
            auroc: own.as_ref().and_then(Scores::auroc),
            difference: own.as_ref().zip(base.as_ref()).map(above),
            seconds: kept.head.seconds,
        })
    }

    fn estimate(&self, value: Option<f64>, of: impl Fn(&[usize]) -> Option<f64>) -> Estimate {
        let interval = bootstrap(&self.families, self.resamples, DRAWS, |draw| of(&draw.rows));
        Estimate { value, interval }
    }
}

const HEADER: &str = "trial\tchanges\tparameters\tmflop\tepochs\tbest_epoch\taverage_precision\tap_low\tap_high\tauroc\t\
                      difference\tdifference_low\tdifference_high\tseconds\n";

/// The table of all trials, in their order.
pub(super) fn write<'a>(path: &Path, standings: impl Iterator<Item = &'a Standing>) -> Result<()> {
    let number = |x: Option<f64>| x.map_or("NA".into(), |x| format!("{x:.5}"));
    let cells = |estimate: Option<&Estimate>| {
        let interval = estimate.and_then(|e| e.interval);
        let all = [estimate.and_then(|e| e.value), interval.map(|i| i.low), interval.map(|i| i.high)];
        all.map(number).join("\t")
    };
    let mut text = HEADER.to_string();
    for s in standings {
        let Standing { name, parameters, mflop, epochs, best_epoch, .. } = s;
        let best_epoch = best_epoch.map_or("NA".into(), |epoch| epoch.to_string());
        let changes = if s.changes.is_empty() { "-".into() } else { s.changes.join("; ") };
        text += &format!("{name}\t{changes}\t{parameters}\t{mflop:.2}\t{epochs}\t{best_epoch}\t");
        text += &format!("{}\t{}\t", cells(Some(&s.average_precision)), number(s.auroc));
        text += &format!("{}\t{:.1}\n", cells(s.difference.as_ref()), s.seconds);
    }
    Output::write(path, text.as_bytes())
}
