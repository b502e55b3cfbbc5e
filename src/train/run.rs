//! A run from start or checkpoint to its end: epochs of steps, validation, early stopping, files.

use super::{
    checkpoint::{self, AnyOptimizer, Progress},
    config::RunConfig,
    data::Data,
    step::{Accumulator, StepId},
    targets::Targets,
};
use crate::{
    data::{Duo, Layout, Pair},
    device::Device,
    error::{Error, Result},
    eval::{Criterion, Scores},
    model::{Meaning, Network, Predictor, Provenance},
    optim::{Schedule, clip_norm},
    output::Output,
    params::{Builder, Params},
    tensor::Reading,
    workers::Workers,
};
use serde::{Deserialize, Serialize};
use std::{path::Path, time::Instant};

/// One epoch, as a line of `metrics.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// Epochs finished, this one included.
    pub epoch: u64,
    /// Steps taken in all.
    pub step: u64,
    /// Mean loss of the epoch's steps.
    pub loss: f64,
    /// Learning rate of the epoch's last step.
    pub rate: f64,
    pub validation_loss: f64,
    pub validation_average_precision: f64,
    pub validation_auroc: f64,
    /// Threshold with the best F1 on the validation rows, before calibration.
    pub threshold: f64,
    /// Seconds since the program began this epoch.
    pub seconds: f64,
}

/// What a run tells while it goes on.
pub enum Event<'a> {
    /// Steps done and steps in all.
    Step {
        done: u64,
        total: u64,
    },
    Epoch(&'a EpochMetrics),
    /// A GPU had no room for a micro-batch; from here on they are of so many pairs.
    SmallerMicroBatch(usize),
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub epochs: u64,
    /// Best validation average precision, and the epoch it came in.
    pub best: (f64, u64),
    pub stopped_early: bool,
}

const CONFIG: &str = "config.toml";
pub(super) const METRICS: &str = "metrics.jsonl";
const LAST: &str = "last.safetensors";
pub(super) const BEST: &str = "best.safetensors";
pub(super) const ORIGINS: &str = "data.json";
/// The validation rows, with which ensembles and other tools' scores can be compared.
const HELD: &str = "validation.tsv";

/// Trains as `config` says, into the folder `out`; with `resume`, from its last checkpoint.
pub fn run(
    config: &RunConfig,
    out: &Path,
    resume: bool,
    workers: &Workers,
    observe: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    if !resume && out.join(CONFIG).exists() {
        let name = out.display().to_string();
        return Err(Error::file(
            name,
            "holds a run already; use --resume to go on with it, or another folder",
        ));
    }
    run_on(&Data::read(config)?, (config, config.training.epochs), out, resume, workers, observe)
}

/// As [`run`], on data that has been read, and to the end of the epoch `until` at most.
pub(super) fn run_on(
    data: &Data,
    (config, until): (&RunConfig, u64),
    out: &Path,
    resume: bool,
    workers: &Workers,
    observe: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    let last = out.join(LAST);
    let (train, held) = (data.len(), data.validation.len());
    if train == 0 || held == 0 {
        let found = format!("found {train} to train and {held} to validate on");
        let why = "a group larger than the share for validation always trains";
        return Err(Error::Setting(format!("data: expected rows of both, {found}; {why}")));
    }
    std::fs::create_dir_all(out).map_err(|e| Error::io(out, e))?;
    Output::write(&out.join(CONFIG), config.to_toml().as_bytes())?;
    let origins = serde_json::to_string_pretty(&data.origins).expect("plain fields serialise") + "\n";
    Output::write(&out.join(ORIGINS), origins.as_bytes())?;
    let held: String = data.validation.iter().map(|pair| Layout::TargetNet.row(pair)).collect();
    Output::write(&out.join(HELD), (Layout::TargetNet.header().to_string() + &held).as_bytes())?;
    let mut builder = Builder::new(config.seed);
    let network = Network::new(&mut builder, &config.model);
    let mut params = builder.on(workers.device())?;
    let mut optimizer = AnyOptimizer::new(config, &params)?;
    let targets = Targets::new(config, data, workers)?;
    let hashes: Vec<String> = data.origins.iter().map(|o| o.sha256.clone()).chain(targets.hashes()).collect();
    let progress = match resume && last.exists() {
        true => checkpoint::load(&last, (config, &hashes), &mut params, &mut optimizer)?,
        false => Progress::start(),
    };
    let steps_an_epoch = data.len().div_ceil(config.training.batch) as u64;
    // One core's caches are small; a GPU is idle unless it has the whole batch.
    let micro_batch = match workers.device() {
        Device::Cuda(_) => config.training.batch,
        _ => config.training.micro_batch,
    };
    let accumulator = Accumulator::new(micro_batch);
    let mut run = Run {
        config,
        out,
        data,
        targets,
        hashes,
        network,
        params,
        optimizer,
        accumulator,
        progress,
        taken: None,
        steps_an_epoch,
        workers,
    };
    run.go(until, observe)
}

struct Run<'a> {
    config: &'a RunConfig,
    out: &'a Path,
    data: &'a Data,
    targets: Targets,
    hashes: Vec<String>,
    network: Network,
    params: Params,
    optimizer: AnyOptimizer,
    accumulator: Accumulator,
    progress: Progress,
    /// The last step, until its loss has been looked at.
    taken: Option<Taken>,
    steps_an_epoch: u64,
    workers: &'a Workers,
}

/// A step whose loss a GPU may still be at.
struct Taken {
    step: u64,
    loss: Reading,
    norm: Reading,
}

impl Run<'_> {
    fn go(&mut self, until: u64, observe: &mut dyn FnMut(Event)) -> Result<Outcome> {
        let t = &self.config.training;
        self.keep_metrics_of(self.progress.epoch)?;
        let late = |p: &Progress| p.best.is_some_and(|(_, epoch)| p.epoch >= epoch + t.patience);
        while self.progress.epoch < until.min(t.epochs) && !late(&self.progress) {
            let start = Instant::now();
            let rate = self.epoch(observe)?;
            let metrics = self.validate(rate, start)?;
            observe(Event::Epoch(&metrics));
        }
        let best = self.progress.best.ok_or_else(|| Error::Setting("no epoch was run".into()))?;
        Ok(Outcome {
            epochs: self.progress.epoch,
            best,
            stopped_early: self.progress.epoch < until.min(t.epochs),
        })
    }

    /// The rest of the epoch under way; returns the last step's learning rate.
    fn epoch(&mut self, observe: &mut dyn FnMut(Event)) -> Result<f64> {
        let (config, t) = (self.config, &self.config.training);
        let total = self.steps_an_epoch * t.epochs;
        let warmup = (t.warmup * total as f64).round() as u64;
        let schedule = Schedule { peak: t.rate, warmup, total, floor: t.floor };
        let pairs = self.data.epoch(config.seed, self.progress.epoch, t.crop);
        let mut rate = schedule.rate(self.progress.step.saturating_sub(1));
        let examples = self.targets.examples(&pairs)?;
        for batch in examples.chunks(t.batch).skip(self.progress.step_in_epoch as usize) {
            let id = StepId { seed: config.seed, step: self.progress.step as u32 };
            let micro_batch = self.accumulator.micro_batch();
            let (loss, grads) =
                self.accumulator.gradients(&self.network, &self.params, batch, id, self.workers)?;
            let norm = clip_norm(grads, t.clip)?;
            let known = loss.is_known() && norm.is_known();
            let taken = Taken { step: self.progress.step, loss, norm };
            // A GPU has the next step to do while this one's numbers are on their way.
            let next = if known { Some(taken) } else { self.taken.replace(taken) };
            next.map_or(Ok(()), |taken| self.progress.look_at(taken))?;
            rate = schedule.rate(self.progress.step);
            self.optimizer.step(&mut self.params, grads, rate)?;
            let p = &mut self.progress;
            (p.step, p.step_in_epoch) = (p.step + 1, p.step_in_epoch + 1);
            observe(Event::Step { done: p.step, total });
            if self.accumulator.micro_batch() < micro_batch {
                observe(Event::SmallerMicroBatch(self.accumulator.micro_batch()));
            }
            if p.step.is_multiple_of(t.checkpoint_steps.max(1)) {
                self.checkpoint()?;
            }
        }
        self.settle()?;
        Ok(rate)
    }

    /// Looks at the last step, if that has not been done: nothing is kept of what it has not been done for.
    fn settle(&mut self) -> Result<()> {
        self.taken.take().map_or(Ok(()), |last| self.progress.look_at(last))
    }

    /// Ends an epoch: scores the validation rows, keeps the model if it is the best, writes the metrics.
    fn validate(&mut self, rate: f64, start: Instant) -> Result<EpochMetrics> {
        let rows = &self.data.validation;
        let duos: Vec<Duo> = rows.iter().map(duo).collect();
        let logits = self.network.logits(&self.params, &duos, self.workers)?;
        if logits.iter().any(|z| z.is_nan()) {
            let loss = self.progress.loss_sum / self.progress.step_in_epoch.max(1) as f64;
            return Err(Error::Diverged { step: self.progress.step, loss, norm: f64::NAN });
        }
        let labels = labels(rows);
        let loss = |(&z, &y): (&f32, &bool)| f64::from(if y { -z } else { z }).exp().ln_1p();
        let validation_loss = logits.iter().zip(&labels).map(loss).sum::<f64>() / labels.len() as f64;
        let probabilities: Vec<f32> = logits.iter().map(|z| 1.0 / (1.0 + (-z).exp())).collect();
        let scores = Scores::from_f32(labels, &probabilities)?;
        let p = &mut self.progress;
        let metrics = EpochMetrics {
            epoch: p.epoch + 1,
            step: p.step,
            loss: p.loss_sum / p.step_in_epoch.max(1) as f64,
            rate,
            validation_loss,
            validation_average_precision: scores.average_precision().ok_or_else(one_class)?,
            validation_auroc: scores.auroc().ok_or_else(one_class)?,
            threshold: scores.best_threshold(Criterion::F1).ok_or_else(one_class)?,
            seconds: start.elapsed().as_secs_f64(),
        };
        (p.epoch, p.step_in_epoch, p.loss_sum) = (p.epoch + 1, 0, 0.0);
        if p.best.is_none_or(|(best, _)| metrics.validation_average_precision > best) {
            p.best = Some((metrics.validation_average_precision, p.epoch));
            self.keep_best(&logits)?;
        }
        self.append(&metrics)?;
        self.checkpoint()?;
        Ok(metrics)
    }

    fn checkpoint(&mut self) -> Result<()> {
        self.settle()?;
        let run = (self.config, &self.hashes[..]);
        checkpoint::save(&self.out.join(LAST), run, &self.params, &self.optimizer, &self.progress)
    }

    /// Calibrates the network on its `log_odds` of the validation rows, and writes it.
    fn keep_best(&self, log_odds: &[f32]) -> Result<()> {
        let rows = &self.data.validation;
        let held = self.data.origins.iter().filter(|o| o.validation > 0 && !o.sha256.is_empty());
        let meaning = Meaning::of(rows, log_odds, held.map(|origin| origin.sha256.clone()).collect());
        let scores = Scores::from_f32(labels(rows), &meaning.probabilities(log_odds)?)?;
        let threshold = scores.best_threshold(Criterion::F1).ok_or_else(one_class)?;
        let provenance = Provenance {
            name: self.config.name.clone(),
            trained_by: env!("CARGO_PKG_VERSION").into(),
            threshold: threshold as f32,
            data: self.config.description.clone(),
            seed: self.config.seed,
            meaning,
        };
        let file = Predictor::file(&self.config.model, &self.params, &provenance)?;
        Output::write(&self.out.join(BEST), &file)
    }

    fn append(&self, metrics: &EpochMetrics) -> Result<()> {
        let path = self.out.join(METRICS);
        let mut text = std::fs::read_to_string(&path).unwrap_or_default();
        text += &(serde_json::to_string(metrics).expect("plain fields serialise") + "\n");
        Output::write(&path, text.as_bytes())
    }

    /// Drops lines of epochs that the checkpoint has not seen the end of.
    fn keep_metrics_of(&self, epochs: u64) -> Result<()> {
        let path = self.out.join(METRICS);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let seen = |line: &&str| serde_json::from_str::<EpochMetrics>(line).is_ok_and(|m| m.epoch <= epochs);
        let kept: String = text.lines().filter(seen).map(|line| format!("{line}\n")).collect();
        Output::write(&path, kept.as_bytes())
    }
}

impl Progress {
    /// Adds a step's loss, which is a number like its gradient's norm, or else the run ends.
    fn look_at(&mut self, Taken { step, loss, norm }: Taken) -> Result<()> {
        let (loss, norm) = (loss.value()?, norm.value()?);
        if !loss.is_finite() || !norm.is_finite() {
            return Err(Error::Diverged { step, loss, norm });
        }
        self.loss_sum += loss;
        Ok(())
    }
}

fn one_class() -> Error {
    Error::Setting("the validation rows are all of one class".into())
}

fn labels(rows: &[Pair]) -> Vec<bool> {
    rows.iter().map(Pair::is_positive).collect()
}

fn duo(pair: &Pair) -> Duo<'_> {
    (&pair.mirna, &pair.site)
}
