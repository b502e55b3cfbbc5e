//! `mirscope search`: which changes of a configuration are worth it.

use std::path::PathBuf;
use std::process::ExitCode;

use super::common::Compute;
use super::interrupt;
use super::train::Watch;
use crate::eval::Estimate;
use crate::figure::{Axis, Figure, Mark, Style};
use crate::open;
use crate::output::{self, Output};
use crate::train::{Course, Search, SearchEvent, Standing};

/// Train a configuration with changes, named ones and random ones, and compare what each reaches
///
/// Trials are trained in rungs, after each of which the better share goes on (successive halving). All hold out the same
/// rows; a table of what they reach there goes to stdout, and into the folder beside a run for each. A stopped search goes
/// on when the same command is given again.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The search: a base configuration, [[trial]] tables, a [space] to draw from, rungs
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// Change one setting of the base, as in training.batch=256; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Also draw what each trial had reached after each epoch, as SVG
    #[arg(long, value_name = "SVG")]
    svg: Option<PathBuf>,
    /// Bootstrap resamples of miRNA families for the 95% intervals
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    #[command(flatten)]
    compute: Compute,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let search = Search::read(&args.config, &args.overrides)?;
    let workers = args.compute.workers(args.quiet)?;
    let mut told = Told { watch: None, quiet: args.quiet };
    let (impossible, repeated) = search.redrawn;
    if impossible + repeated > 0 {
        told.say(&format!("drawn again: {impossible} impossible and {repeated} repeated combinations"));
    }
    told.say(&format!("{} trials, the base among them", search.count()));
    let stop = interrupt::asked()?;
    let course = Course { workers: &workers, stop: &stop, checks_numbers: false };
    let mut standings = search.run(&args.out, course, args.resamples, &mut |event| told.of(event))?;
    let mut output = Output::create(open::STANDARD)?;
    let reached = |s: &Standing| s.average_precision.value.unwrap_or(0.0);
    standings.sort_by(|a, b| reached(b).total_cmp(&reached(a)));
    output.put(markdown(&standings))?;
    output.finish()?;
    if let Some(path) = &args.svg {
        Output::write(path, curves(&standings).file().as_bytes())?;
    }
    told.say(&format!("the table is {}/trials.tsv", args.out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Best first, as they are given.
fn markdown(standings: &[Standing]) -> String {
    let mut text =
        "| trial | changes | parameters | Mflop | epochs | average precision | above base | AUROC | s |\n\
                    |---|---|---:|---:|---:|---|---|---:|---:|\n"
            .to_string();
    for s in standings {
        let changes: Vec<String> = s.changes.iter().map(|change| format!("`{change}`")).collect();
        let above = s.difference.as_ref().map_or("-".into(), signed);
        let auroc = s.auroc.map_or("-".into(), |auroc| format!("{auroc:.3}"));
        text += &format!(
            "| {} | {} | {} | {:.1} | {} | {} | {above} | {auroc} | {:.0} |\n",
            s.name,
            changes.join(", "),
            s.parameters,
            s.mflop,
            s.epochs,
            s.average_precision,
            s.seconds
        );
    }
    text
}

/// Trials that have a line of their own in the key: the best, and what they are measured by.
const NAMED: usize = 5;

/// Average precision by epoch, the best trials first.
fn curves(standings: &[Standing]) -> Figure {
    let all = || standings.iter().flat_map(|s| s.by_epoch.iter().copied());
    let (low, high) = (all().fold(1.0, f64::min), all().fold(0.0, f64::max));
    let last = standings.iter().map(|s| s.by_epoch.len()).max().unwrap_or(1);
    let (mut marks, mut key, mut named) = (vec![], vec![], 0);
    for s in standings {
        let style = if s.difference.is_none() && s.best_epoch.is_some() {
            Style::Reference
        } else {
            Style::Series(named.min(NAMED))
        };
        if style == Style::Reference || named < NAMED {
            key.push((style, s.name.clone()));
        }
        named += usize::from(style != Style::Reference);
        let points = s.by_epoch.iter().zip(1..).map(|(&reached, epoch)| [f64::from(epoch), reached]);
        let points: Vec<[f64; 2]> = points.collect();
        marks.extend(points.last().map(|&at| Mark::Dot { at, style, full: true }));
        marks.push(Mark::Line { points, style });
    }
    if named > NAMED {
        key.push((Style::Series(NAMED), "others".into()));
    }
    marks.reverse(); // the best in front
    Figure {
        title: "Validation average precision of each trial by epoch".into(),
        x: Axis::linear("epoch", 0.0, last as f64),
        y: Axis::linear("average precision", low, high),
        marks,
        key,
        beside: vec![],
    }
}

/// A difference, which is told by its sign.
fn signed(difference: &Estimate) -> String {
    let value = difference.value.map_or("-".into(), |value| format!("{value:+.4}"));
    difference.interval.map_or(value.clone(), |i| format!("{value} [{:+.4}, {:+.4}]", i.low, i.high))
}

/// Tells which trial is trained, and how that goes on.
struct Told {
    watch: Option<Watch>,
    quiet: bool,
}

impl Told {
    fn of(&mut self, event: SearchEvent) {
        match event {
            SearchEvent::Trial { name, number, of, until } => {
                self.say(&format!("trial {name}, {number} of {of}, to epoch {until}"));
                self.watch = Some(Watch::new(self.quiet));
            }
            SearchEvent::Run(event) => {
                if let Some(watch) = &mut self.watch {
                    watch.tell(event);
                }
            }
            SearchEvent::Done(standing) => {
                if let Some(watch) = self.watch.take() {
                    watch.finish();
                }
                let above = standing.difference.as_ref().map(|d| format!(", above base {}", signed(d)));
                let reached = match standing.best_epoch {
                    Some(_) => format!("average precision {}", standing.average_precision),
                    None => "its loss is no number any more: it ends here".into(),
                };
                self.say(&format!("trial {}: {reached}{}", standing.name, above.unwrap_or_default()));
            }
        }
    }

    fn say(&self, line: &str) {
        if !self.quiet {
            output::say(line);
        }
    }
}
