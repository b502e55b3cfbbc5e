//! `mirscope audit`: how much of a data set, or of anybody's scores, is a shortcut.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::common::Common;
use super::evaluate::Tested;
use super::evaluate::scores::{Bench, Scoring};
use super::rows::{Intervals, Level, SplitName, labels};
use crate::audit::{Audit, Subject, Tampered};
use crate::data::{Grouping, Pair, groups, read_scores};
use crate::eval::{FunctionalScore, Resampling, Scored, Scores};
use crate::output::Output;
use crate::{Error, Result, open};

/// How much of a data set, or of anybody's scores of it, is explained by the miRNA alone, the target alone, the seed rule
///
/// Prints a verdict in words and the figures it follows from. Scores come from a table (--predictions, --score-col), or
/// from a model (--model), which is also asked about shuffled sites and exchanged miRNAs.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Labelled pairs, TAB-separated with a header; of several files, each pair counts once
    #[arg(long, value_name = "TSV", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// Only rows of this split
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// Files that shortcuts learn from, and that leaks are looked for in [default: out of ten folds of the data]
    #[arg(long, value_name = "TSV", num_args = 1..)]
    train: Vec<PathBuf>,
    /// Only rows of this split teach
    #[arg(long, value_enum, requires = "train")]
    train_split: Option<SplitName>,
    /// What a row's target is: a site, or a whole 3'UTR
    #[arg(long, value_enum, default_value_t = Level::Site)]
    level: Level,
    /// Anybody's scores of the pairs: a row for each in the same order, or named by miRNA and target ids
    #[arg(long, value_name = "TSV", requires = "score_col", conflicts_with = "model")]
    predictions: Option<PathBuf>,
    /// The column of --predictions that holds the score; more is "more likely positive"
    #[arg(long, value_name = "NAME", requires = "predictions")]
    score_col: Option<String>,
    /// What pairs get whose score is NA; without it they are an error
    #[arg(long, value_name = "SCORE", allow_negative_numbers = true)]
    missing: Option<f64>,
    /// A further column of scores to show beside; may be given several times
    #[arg(long, value_name = "NAME=TSV:COLUMN")]
    with: Vec<String>,
    /// What `functional --json` wrote, to show beside
    #[arg(long, value_name = "JSON")]
    functional: Option<PathBuf>,
    /// Ask no model about shuffled sites and exchanged miRNAs
    #[arg(long)]
    no_probes: bool,
    #[command(flatten)]
    scoring: Scoring,
    /// What is drawn with replacement for the intervals
    #[arg(long, value_enum, default_value_t = Intervals::Families)]
    intervals: Intervals,
    /// Bootstrap resamples
    #[arg(long, value_name = "N", default_value_t = 300)]
    resamples: usize,
    /// Seed of folds, intervals, shuffles and exchanges
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write the audit as JSON
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
    /// Also write the audit as one page that needs nothing else
    #[arg(long, value_name = "HTML")]
    html: Option<String>,
    /// Also write each figure as an SVG file into this folder
    #[arg(long, value_name = "DIR")]
    figures: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let rows = Tested::of(&args.data, args.split)?.pairs;
    let train = match args.train.is_empty() {
        true => None,
        false => Some(Tested::of(&args.train, args.train_split)?.pairs),
    };
    let (score, probes) = score(args, &rows)?;
    let others = args.with.iter().map(|with| beside(args, with, &rows)).collect::<Result<_>>()?;
    let genes = args.level.genes(&rows);
    let folds_by = match args.level {
        Level::Site => groups(&rows, Grouping::Sites),
        Level::Gene => genes.clone(),
    };
    let (groups, unit) = args.intervals.groups(&rows, args.level);
    let subject = Subject {
        rows: &rows,
        whole_targets: args.level == Level::Gene,
        train: train.as_deref(),
        genes: &genes,
        folds_by: &folds_by,
        groups: &groups,
        unit,
        score,
        others,
        probes,
        resampling: Resampling { resamples: args.resamples, seed: args.seed },
    };
    let teachers = (!args.train.is_empty()).then(|| names(&args.train, args.train_split));
    let functional = args.functional.as_deref().map(functional).transpose()?.unwrap_or_default();
    let audit = Audit { functional, ..Audit::of(subject, names(&args.data, args.split), teachers)? };
    write(args, &audit)
}

fn write(args: &Args, audit: &Audit) -> anyhow::Result<ExitCode> {
    let mut output = Output::create(open::STANDARD)?;
    output.put(format!("# data={}\n", audit.data))?;
    output.put(audit.train.iter().map(|train| format!("# train={train}\n")).collect::<String>())?;
    output.put(audit.to_string())?;
    output.finish()?;
    if let Some(path) = &args.json {
        Output::write(Path::new(path), (serde_json::to_string(audit)? + "\n").as_bytes())?;
    }
    if let Some(path) = &args.html {
        Output::write(Path::new(path), audit.page().as_bytes())?;
    }
    if let Some(folder) = &args.figures {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        for shown in audit.figures() {
            Output::write(&folder.join(format!("{}.svg", shown.name)), shown.figure.file().as_bytes())?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The score that is asked about, and what a model says of rows that were tampered with.
fn score(args: &Args, rows: &[Pair]) -> Result<(Option<Scored>, Vec<Tampered>)> {
    if let (Some(path), Some(column)) = (&args.predictions, &args.score_col) {
        let scored =
            Scored { threshold: args.scoring.threshold(), ..column_of(args, column, path, column, rows)? };
        return Ok((Some(scored), vec![]));
    }
    if args.common.model.is_none() {
        return Ok((None, vec![]));
    }
    let model = args.common.predictor()?;
    let bench = Bench { scoring: &args.scoring, level: args.level, seed: args.seed, common: &args.common };
    let scored = bench.line(&model, rows)?;
    let probes = if args.no_probes { vec![] } else { bench.probes(&model, rows)? };
    args.common.say_room(&model);
    Ok((Some(scored), probes))
}

fn functional(path: &Path) -> Result<Vec<FunctionalScore>> {
    let text = open::read_text(path)?;
    let what =
        |e| Error::file(path.display().to_string(), format!("expected what functional --json writes: {e}"));
    serde_json::from_str(&text).map_err(what)
}

/// The scores that a `NAME=TSV:COLUMN` names.
fn beside(args: &Args, with: &str, rows: &[Pair]) -> Result<Scored> {
    let parts = with.split_once('=').and_then(|(name, rest)| Some((name, rest.rsplit_once(':')?)));
    let (name, (path, column)) =
        parts.ok_or_else(|| Error::Setting(format!("--with: expected NAME=TSV:COLUMN, found '{with}'")))?;
    column_of(args, name, Path::new(path), column, rows)
}

/// A column of scores, with words on how it was joined.
fn column_of(args: &Args, name: &str, path: &Path, column: &str, rows: &[Pair]) -> Result<Scored> {
    let joined = read_scores(path, column, rows, args.missing)?;
    let shown = path.display();
    args.common.say(format_args!("{name}: joined {}", joined.how));
    if joined.missing > 0 {
        let score = args.missing.unwrap_or(f64::NAN);
        args.common
            .say(format_args!("{name}: {} pairs without a score in {shown} got {score}", joined.missing));
    }
    if joined.aside > 0 {
        args.common.say(format_args!("{name}: {} rows of {shown} belong to no pair", joined.aside));
    }
    let probabilities = joined.scores.iter().all(|score| (0.0..=1.0).contains(score));
    let scores = Scores::new(labels(rows), joined.scores)?;
    Ok(Scored { name: name.into(), scores, threshold: None, probabilities })
}

fn names(files: &[PathBuf], split: Option<SplitName>) -> String {
    let files: Vec<String> = files.iter().map(|path| path.display().to_string()).collect();
    let split = split.map_or(String::new(), |split| format!(" ({} rows)", split.name()));
    files.join(" ") + &split
}
