//! `mirscope train`: a configuration to a run folder with a model in it.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::common::Compute;
use super::progress::Progress;
use crate::train::{self, EpochMetrics, Event, RunConfig};

/// Train a model as a TOML file describes
///
/// The folder gets config.toml (every default written out), data.json (what became of each file's rows),
/// metrics.jsonl (a line an epoch), last.safetensors (to go on from) and best.safetensors (the model).
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
    #[command(flatten)]
    compute: Compute,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = RunConfig::read(&args.config, &args.overrides)?;
    let workers = args.compute.workers(args.quiet)?;
    let consumed = Arc::<AtomicU64>::default();
    let mut progress: Option<(Progress, u64)> = None;
    let mut observe = |event: Event| match event {
        Event::Step { done, total } => {
            let fresh = || {
                let before = done - 1; // a resumed run's rate counts its own steps
                (Progress::new("steps", consumed.clone(), Some(total - before), args.quiet), before)
            };
            let (progress, before) = progress.get_or_insert_with(fresh);
            consumed.store(done - *before, Ordering::Relaxed);
            progress.tick(done - *before);
        }
        Event::SmallerMicroBatch(pairs) => {
            if let Some((progress, _)) = &progress {
                progress.say(&format!("too little GPU memory; {pairs} pairs at a time from here on"));
            }
        }
        Event::Epoch(metrics) => {
            if let Some((progress, _)) = &progress {
                progress.say(&line(metrics));
            }
        }
    };
    let outcome = train::run(&config, &args.out, args.resume, &workers, &mut observe)?;
    if let Some((progress, _)) = progress {
        progress.finish();
    }
    if !args.quiet {
        let ((best, epoch), out) = (outcome.best, args.out.display());
        let early = if outcome.stopped_early { "stopped early after" } else { "done after" };
        let epochs = outcome.epochs;
        eprintln!(
            "mirscope: {early} {epochs} epochs; best validation average precision {best:.4} in epoch {epoch}"
        );
        eprintln!("mirscope: the model is {out}/best.safetensors");
    }
    Ok(ExitCode::SUCCESS)
}

fn line(m: &EpochMetrics) -> String {
    format!(
        "epoch {}: loss {:.4}, validation loss {:.4}, average precision {:.4}, AUROC {:.4}, {:.1} s",
        m.epoch, m.loss, m.validation_loss, m.validation_average_precision, m.validation_auroc, m.seconds
    )
}
