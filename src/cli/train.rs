//! `mirscope train`: a configuration to a run folder with a model in it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::common::Compute;
use super::interrupt;
use super::progress::Progress;
use crate::train::{self, Course, EpochMetrics, Event, RunConfig};
use crate::{Error, output};

/// Train a model as a TOML file describes
///
/// The folder gets config.toml (every default written out), data.json (what became of each file's rows), validation.tsv (those
/// held out), metrics.jsonl (a line an epoch), last.safetensors (to go on from) and best.safetensors (the model).
#[derive(clap::Args)]
pub(super) struct Args {
    /// The run's configuration
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// Change one setting, as in training.epochs=3; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder of the run
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Go on from the folder's last checkpoint: the result has the same bits as that of an undisturbed run
    #[arg(long)]
    resume: bool,
    /// Look at everything that each op makes, and end with its name where that is infinite or no number; several times slower.
    /// Without this, the step in which a loss is no number is taken again and looked at, on the CPU
    #[arg(long)]
    check_numerics: bool,
    #[command(flatten)]
    compute: Compute,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = RunConfig::read(&args.config, &args.overrides)?;
    let workers = args.compute.workers(args.quiet)?;
    let mut watch = Watch::new(args.quiet);
    let (stop, checks_numbers) = (interrupt::asked()?, args.check_numerics);
    let course = Course { workers: &workers, stop: &stop, checks_numbers };
    let outcome = train::run(&config, &args.out, args.resume, course, &mut |event| watch.tell(event));
    watch.finish();
    if let (Err(Error::Interrupted), false) = (&outcome, args.quiet) {
        output::say("a checkpoint is kept; the same command with --resume goes on from it");
    }
    let outcome = outcome?;
    if !args.quiet {
        let ((best, epoch), out) = (outcome.best, args.out.display());
        let early = if outcome.stopped_early { "stopped early after" } else { "done after" };
        let epochs = outcome.epochs;
        output::say(format_args!(
            "{early} {epochs} epochs; best validation average precision {best:.4} in epoch {epoch}"
        ));
        output::say(format_args!("the model is {out}/best.safetensors"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Tells how a run goes on.
pub(super) struct Watch {
    steps: Arc<AtomicU64>,
    /// From its first step, and the steps done before it.
    progress: Option<(Progress, u64)>,
    quiet: bool,
}

impl Watch {
    pub(super) fn new(quiet: bool) -> Self {
        Watch { steps: Arc::default(), progress: None, quiet }
    }

    pub(super) fn tell(&mut self, event: Event) {
        let say = |line: String| match &self.progress {
            Some((progress, _)) => progress.say(&line),
            None if self.quiet => {}
            None => output::say(line),
        };
        match event {
            Event::Step { done, total } => self.step(done, total),
            Event::SmallerMicroBatch(pairs) => {
                say(format!("too little GPU memory; {pairs} pairs at a time from here on"));
            }
            Event::Epoch(metrics) => say(line(metrics)),
            Event::FellBack { step, why } => {
                say(format!("{why}; goes on from the checkpoint of step {step}"))
            }
        }
    }

    fn step(&mut self, done: u64, total: u64) {
        let fresh = || {
            let before = done - 1; // a resumed run's rate counts its own steps
            (Progress::new("steps", self.steps.clone(), Some(total - before), self.quiet), before)
        };
        let (progress, before) = self.progress.get_or_insert_with(fresh);
        self.steps.store(done - *before, Ordering::Relaxed);
        progress.tick(done - *before);
    }

    pub(super) fn finish(self) {
        if let Some((progress, _)) = self.progress {
            progress.finish();
        }
    }
}

fn line(m: &EpochMetrics) -> String {
    format!(
        "epoch {}: loss {:.4}, validation loss {:.4}, average precision {:.4}, AUROC {:.4}, {:.1} s",
        m.epoch, m.loss, m.validation_loss, m.validation_average_precision, m.validation_auroc, m.seconds
    )
}
