//! A run from start or checkpoint to its end: epochs of steps, validation, early stopping, files.

mod validation;

use super::{
    checkpoint::{self, AnyOptimizer, Progress},
    config::RunConfig,
    course::Course,
    data::Data,
    folder::{self, Folder},
    record::EpochMetrics,
    step::{Accumulator, Example, StepId},
    targets::Targets,
};
use crate::{
    device::Device,
    error::{Error, Result},
    model::Network,
    optim::{Schedule, clip_norm},
    params::{Builder, Params},
    tensor::Reading,
};
use std::{path::Path, time::Instant};

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
    /// The run goes on from so many steps, because what was written later is of no use.
    FellBack {
        step: u64,
        why: &'a str,
    },
}

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    pub epochs: u64,
    /// Best validation average precision, and the epoch it came in.
    pub best: (f64, u64),
    pub stopped_early: bool,
}

/// Trains as `config` says, into the folder `out`; with `resume`, from its last checkpoint.
pub fn run(
    config: &RunConfig,
    out: &Path,
    resume: bool,
    course: Course,
    observe: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    if !resume && folder::is_taken(out) {
        let name = out.display().to_string();
        return Err(Error::file(
            name,
            "holds a run already; use --resume to go on with it, or another folder",
        ));
    }
    run_on(&Data::read(config)?, (config, config.training.epochs), out, resume, course, observe)
}

/// As [`run`], on data that has been read, and to the end of the epoch `until` at most.
pub(super) fn run_on(
    data: &Data,
    (config, until): (&RunConfig, u64),
    out: &Path,
    resume: bool,
    course: Course,
    observe: &mut dyn FnMut(Event),
) -> Result<Outcome> {
    let workers = course.workers;
    let (train, held) = (data.len(), data.validation.len());
    if train == 0 || held == 0 {
        let found = format!("found {train} to train and {held} to validate on");
        let why = "a group larger than the share for validation always trains";
        return Err(Error::Setting(format!("data: expected rows of both, {found}; {why}")));
    }
    let folder = Folder::open(out)?;
    let mut builder = Builder::new(config.seed);
    let network = Network::new(&mut builder, &config.model);
    let mut params = builder.on(workers.device())?;
    let mut optimizer = AnyOptimizer::new(config, &params)?;
    let targets = Targets::new(config, data, workers)?;
    let hashes: Vec<String> = data.origins.iter().map(|o| o.sha256.clone()).chain(targets.hashes()).collect();
    let identity = checkpoint::Identity { config: config.clone(), data: hashes };
    let kept = match resume {
        true => checkpoint::load(&folder.checkpoints(), &identity, &mut params, &mut optimizer)?,
        false => None,
    };
    let progress = kept.map_or_else(Progress::start, |kept| {
        if let Some(why) = &kept.fell_back {
            observe(Event::FellBack { step: kept.progress.step, why });
        }
        kept.progress
    });
    if let Some((_, epoch)) = progress.best {
        folder.expect_best(epoch)?;
    }
    folder.describe(config, data)?;
    folder.keep_metrics_of(progress.epoch)?;
    let steps_an_epoch = data.len().div_ceil(config.training.batch) as u64;
    // One core's caches are small; a GPU is idle unless it has the whole batch.
    let micro_batch = match workers.device() {
        Device::Cuda(_) => config.training.batch,
        _ => config.training.micro_batch,
    };
    let accumulator = Accumulator::new(micro_batch).checked(course.checks_numbers);
    let mut run = Run {
        config,
        identity,
        folder,
        data,
        targets,
        network,
        params,
        optimizer,
        accumulator,
        progress,
        taken: None,
        steps_an_epoch,
        course,
    };
    run.go(until, observe)
}

struct Run<'a> {
    config: &'a RunConfig,
    identity: checkpoint::Identity,
    folder: Folder,
    data: &'a Data,
    targets: Targets,
    network: Network,
    params: Params,
    optimizer: AnyOptimizer,
    accumulator: Accumulator,
    progress: Progress,
    /// The last step, until its loss has been looked at.
    taken: Option<Taken>,
    steps_an_epoch: u64,
    course: Course<'a>,
}

/// A step whose loss a GPU may still be at.
struct Taken {
    step: u64,
    loss: Reading,
    norm: Reading,
}

impl Run<'_> {
    fn go(&mut self, until: u64, observe: &mut dyn FnMut(Event)) -> Result<Outcome> {
        let (epochs, patience) = (self.config.training.epochs, self.config.training.patience);
        let late = |p: &Progress| p.best.is_some_and(|(_, epoch)| p.epoch >= epoch + patience);
        while self.progress.epoch < until.min(epochs) && !late(&self.progress) {
            let start = Instant::now();
            let rate = self.epoch(observe)?;
            let metrics = self.validate(rate, start)?;
            observe(Event::Epoch(&metrics));
        }
        let best = self.progress.best.ok_or_else(|| Error::Setting("no epoch was run".into()))?;
        let stopped_early = self.progress.epoch < until.min(epochs);
        Ok(Outcome { epochs: self.progress.epoch, best, stopped_early })
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
            rate = schedule.rate(self.progress.step);
            let micro_batch = self.accumulator.micro_batch();
            self.step(batch, rate)?;
            observe(Event::Step { done: self.progress.step, total });
            if self.accumulator.micro_batch() < micro_batch {
                observe(Event::SmallerMicroBatch(self.accumulator.micro_batch()));
            }
            let is_stopped = self.course.is_over();
            if is_stopped || self.progress.step.is_multiple_of(t.checkpoint_steps.max(1)) {
                self.checkpoint()?;
            }
            if is_stopped {
                return Err(Error::Interrupted);
            }
        }
        self.settle()?;
        Ok(rate)
    }

    /// One step. Parameters change only where its loss and gradient are numbers, as far as they are known by then.
    fn step(&mut self, batch: &[Example], rate: f64) -> Result<()> {
        let step = self.progress.step;
        let id = StepId { seed: self.config.seed, step: step as u32 };
        let (network, params) = (&self.network, &self.params);
        let made = self.accumulator.gradients(network, params, batch, id, self.course.workers);
        let (loss, grads) = made.map_err(|e| at_step(step, e))?;
        let norm = clip_norm(grads, self.config.training.clip)?;
        let known = loss.is_known() && norm.is_known();
        let taken = Taken { step, loss, norm };
        // A GPU has the next step to do while this one's numbers are on their way.
        let next = if known { Some(taken) } else { self.taken.replace(taken) };
        if let Some(Err(error)) = next.map(|taken| self.progress.look_at(taken)) {
            return Err(if known { self.explained(error, batch, id) } else { error });
        }
        self.optimizer.step(&mut self.params, grads, rate)?;
        self.progress.step += 1;
        self.progress.step_in_epoch += 1;
        if self.course.checks_numbers {
            self.params.expect_finite(self.optimizer.name()).map_err(|e| at_step(step, e))?;
        }
        Ok(())
    }

    /// What a step has come to, and the op that it comes from: the step is taken again and looked at.
    fn explained(&self, error: Error, batch: &[Example], id: StepId) -> Error {
        let Error::Diverged { step, found } = error else { return error };
        let mut again = Accumulator::new(self.accumulator.micro_batch()).checked(true);
        let found = match again.gradients(&self.network, &self.params, batch, id, self.course.workers) {
            Err(e) => format!("{found}; {e}"),
            Ok(_) => format!("{found}; what each op makes is finite, sums of it are not"),
        };
        Error::Diverged { step, found }
    }

    /// Looks at the last step, if that has not been done: nothing is kept of what it has not been done for.
    fn settle(&mut self) -> Result<()> {
        self.taken.take().map_or(Ok(()), |last| self.progress.look_at(last))
    }

    /// Nothing is kept of parameters that are no numbers.
    fn checkpoint(&mut self) -> Result<()> {
        self.settle()?;
        self.params.expect_finite(self.optimizer.name()).map_err(|e| at_step(self.progress.step, e))?;
        let files = self.folder.checkpoints();
        checkpoint::save(&files, &self.identity, &self.params, &self.optimizer, &self.progress)
    }
}

impl Progress {
    /// Adds a step's loss, which is a number like its gradient's norm, or else the run ends.
    fn look_at(&mut self, Taken { step, loss, norm }: Taken) -> Result<()> {
        let (loss, norm) = (loss.value()?, norm.value()?);
        if !loss.is_finite() || !norm.is_finite() {
            return Err(Error::Diverged { step, found: format!("loss {loss}, gradient norm {norm}") });
        }
        self.loss_sum += loss;
        Ok(())
    }
}

/// An op's complaint of a number, with the step in which it had it.
fn at_step(step: u64, error: Error) -> Error {
    match error {
        Error::NotFinite { .. } => Error::Diverged { step, found: error.to_string() },
        other => other,
    }
}
