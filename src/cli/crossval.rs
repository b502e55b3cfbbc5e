//! `mirscope crossval`: what a configuration reaches on rows that its networks were not trained on.

use std::path::PathBuf;
use std::process::ExitCode;

use super::common::Compute;
use super::interrupt;
use super::rows::{Intervals, Level, mirnas};
use super::train::Watch;
use crate::data::{Grouping, Pair};
use crate::eval::{Report, Resampling, Rows, Scored, Scores, Shortcuts, Spread, group_ids};
use crate::model::Reads;
use crate::output::{self, Output};
use crate::train::{Course, CrossValidation, Event, RunConfig, Tested, Trial};
use crate::{Result, open};

/// Cross-validate a configuration, beside the miRNA alone, the site alone and the seed rule
///
/// Every row is scored by a network that was trained without its fold; intervals are 95% percentile bootstraps.
/// The folder gets a run for each network. A stopped cross-validation goes on when the same command is given again.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The runs' configuration; the rows of all its files are divided into folds
    #[arg(long, value_name = "TOML")]
    config: PathBuf,
    /// Change one setting, as in training.epochs=3; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folds
    #[arg(long, value_name = "K", default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..))]
    folds: u16,
    /// What is kept on one side. random: nothing, as many papers did; near-duplicates leak
    #[arg(long, value_enum, default_value_t = SplitBy::MirnaFamily)]
    split: SplitBy,
    /// Share of each fold's training rows by which it is stopped and its threshold chosen
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    validation: f64,
    /// Also cross-validate networks that are shown the miRNA alone and the site alone
    #[arg(long)]
    masked: bool,
    /// Cross-validations, with seeds counted up from the configuration's
    #[arg(long, value_name = "N", default_value_t = 1)]
    seeds: u64,
    /// What is drawn with replacement for the intervals
    #[arg(long, value_enum, default_value_t = Intervals::Families)]
    intervals: Intervals,
    /// Bootstrap resamples
    #[arg(long, value_name = "N", default_value_t = 1000)]
    resamples: usize,
    /// Seed of the bootstrap
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Also write the results as JSON
    #[arg(long, value_name = "JSON")]
    json: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum SplitBy {
    Random,
    /// Sites that share a 20-mer stay together
    Site,
    /// As site, and sites of one gene
    Gene,
    /// miRNAs with the same nucleotides 2-8
    MirnaFamily,
    /// As mirna-family, and miRNAs whose names are of one family, as miR-15a and miR-15b
    MirnaName,
}

impl SplitBy {
    fn grouping(self) -> Grouping {
        match self {
            SplitBy::Random => Grouping::Rows,
            SplitBy::Site => Grouping::Sites,
            SplitBy::Gene => Grouping::Genes,
            SplitBy::MirnaFamily => Grouping::Families,
            SplitBy::MirnaName => Grouping::Names,
        }
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let config = RunConfig::read(&args.config, &args.overrides)?;
    let workers = args.compute.workers(args.quiet)?;
    let reads = [Reads::Both, Reads::Mirna, Reads::Site];
    let validation = CrossValidation {
        folds: args.folds.into(),
        grouping: args.split.grouping(),
        validation: args.validation,
        reads: reads[..if args.masked { 3 } else { 1 }].to_vec(),
        seeds: args.seeds,
    };
    let rows = CrossValidation::rows(&config)?;
    let mut told = Told { trial: None, args };
    let stop = interrupt::asked()?;
    let course = Course { workers: &workers, stop: &stop, checks_numbers: false };
    let tested =
        validation.run(&config, &rows, &args.out, course, &mut |trial, event| told.of(trial, event))?;
    told.finish();
    let mut output = Output::create(open::STANDARD)?;
    let mut reports = vec![];
    for of_seed in tested.chunk_by(|a, b| a.seed == b.seed) {
        let (text, report) = report(args, &config.name, &rows, of_seed)?;
        output.put(text)?;
        reports.push(report);
    }
    output.finish()?;
    if let Some(path) = &args.json {
        Output::write(path, (serde_json::to_string_pretty(&reports)? + "\n").as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Of one seed's networks: each fold by itself, as papers give it, then all rows.
fn report(args: &Args, name: &str, rows: &[Pair], tested: &[Tested]) -> Result<(String, Report)> {
    let (seed, folds) = (tested[0].seed, &tested[0].folds);
    let mut lines = vec![];
    for Tested { reads, margins, .. } in tested {
        // margins of different networks are ranked together: what each calls positive lies at 0 and above
        lines.push(scored(format!("{name}, {}", shown(*reads)), rows, margins.clone())?);
    }
    lines.extend(shortcuts(rows, folds)?);
    let (groups, unit) = args.intervals.groups(rows, Level::Site);
    // rows of different folds have scores of different networks: only those of one fold are compared within a miRNA
    let in_fold = |parts: Vec<usize>| group_ids(parts.into_iter().zip(folds));
    let (mirnas, genes) = (in_fold(mirnas(rows)), in_fold(Level::Site.genes(rows)));
    let about = Rows { mirnas: &mirnas, genes: Some(&genes), groups: &groups, unit };
    let report = Report::new(&lines, about, Resampling { resamples: args.resamples, seed: args.seed });
    let mut text = format!("# config={} seed={seed} folds={}\n", args.config.display(), args.folds);
    text += "each fold by itself, mean and standard deviation:\n";
    lines.iter().for_each(|line| text += &each_fold(line, folds, args.folds.into()));
    text += &format!("all rows together:\n{report}");
    Ok((text, report))
}

fn each_fold(line: &Scored, folds: &[usize], count: usize) -> String {
    let of_fold = |fold| (0..folds.len()).filter(move |&row| folds[row] == fold).collect::<Vec<_>>();
    let parts: Vec<Scores> = (0..count).map(|fold| line.scores.pick(&of_fold(fold))).collect();
    let spread = |metric: &dyn Fn(&Scores) -> Option<f64>| Spread::of(parts.iter().filter_map(metric));
    let threshold = line.threshold.unwrap_or(0.0);
    format!(
        "{}: accuracy {}, F1 {}, AUROC {}, AP {}\n",
        line.name,
        spread(&|part| part.confusion(threshold).accuracy()),
        spread(&|part| part.confusion(threshold).f1()),
        spread(&Scores::auroc),
        spread(&Scores::average_precision),
    )
}

/// The shortcuts, each fold's fitted to the rows of the others.
fn shortcuts(rows: &[Pair], folds: &[usize]) -> Result<Vec<Scored>> {
    let margins = Shortcuts::out_of_fold(rows, folds)?;
    let names = Shortcuts::NAMES.into_iter().enumerate();
    names.map(|(i, name)| scored(name.into(), rows, margins.iter().map(|all| all[i]).collect())).collect()
}

fn scored(name: String, rows: &[Pair], margins: Vec<f64>) -> Result<Scored> {
    let labels = rows.iter().map(Pair::is_positive).collect();
    let scores = Scores::new(labels, margins)?;
    Ok(Scored { name, scores, threshold: Some(0.0), probabilities: false })
}

/// Tells which network is trained, and how that goes on.
struct Told<'a> {
    trial: Option<(Trial, Watch)>,
    args: &'a Args,
}

impl Told<'_> {
    fn of(&mut self, trial: Trial, event: Event) {
        if self.trial.as_ref().is_none_or(|(known, _)| *known != trial) {
            self.finish();
            if !self.args.quiet {
                let (fold, folds) = (trial.fold + 1, self.args.folds);
                output::say(format_args!(
                    "seed {}, {}, fold {fold} of {folds}",
                    trial.seed,
                    shown(trial.reads)
                ));
            }
            self.trial = Some((trial, Watch::new(self.args.quiet)));
        }
        if let Some((_, watch)) = &mut self.trial {
            watch.tell(event);
        }
    }

    fn finish(&mut self) {
        if let Some((_, watch)) = self.trial.take() {
            watch.finish();
        }
    }
}

fn shown(reads: Reads) -> &'static str {
    match reads {
        Reads::Both => "both sequences",
        Reads::Mirna => "the miRNA only",
        Reads::Site => "the site only",
    }
}
