//! `mirscope evaluate`: a model on labelled pairs, beside what needs no model.

pub(super) mod scores;
mod shortcuts;
mod tested;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::common::{Common, World};
use super::rows::{Intervals, Level, SplitName, mirnas};
use crate::data::Pair;
use crate::eval::{Report, Resampling, Rows, Scored};
use crate::output::Output;
use crate::{Result, open};
use scores::Bench;
pub(super) use tested::Tested;

/// Test a model on labelled sites or whole 3'UTRs, beside the miRNA alone, the site alone and the seed rule
///
/// Intervals are 95% percentile bootstraps. Data marked for testing should be opened once.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Labelled pairs, TAB-separated with a header; of several files, each pair counts once
    #[arg(long, value_name = "TSV", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// Only rows of this split
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// What is tested: sites, or the best windows of whole 3'UTRs
    #[arg(long, value_enum, default_value_t = Level::Site)]
    level: Level,
    #[command(flatten)]
    scoring: scores::Scoring,
    /// Also score the pairs with their sites shuffled, dinucleotides kept, and with their miRNAs exchanged
    #[arg(long)]
    probes: bool,
    /// Models to show beside, such as those that were shown one half of a pair
    #[arg(long, value_name = "PATH", num_args = 1..)]
    beside: Vec<PathBuf>,
    /// Files that the miRNA-only and site-only shortcuts learn from [default: ten folds of the data]
    #[arg(long, value_name = "TSV", num_args = 1..)]
    shortcuts_from: Vec<PathBuf>,
    /// Only rows of this split teach the shortcuts
    #[arg(long, value_enum)]
    shortcuts_split: Option<SplitName>,
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
    json: Option<String>,
    /// Also write the model's score of each pair
    #[arg(long, value_name = "TSV")]
    predictions: Option<String>,
    #[command(flatten)]
    world: World,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let tested = Tested::read(args)?;
    let model = args.common.predictor()?.with_prior(args.world.prior)?;
    let bench = Bench { scoring: &args.scoring, level: args.level, seed: args.seed, common: &args.common };
    let mut lines = vec![bench.line(&model, &tested.pairs)?];
    if model.provenance().meaning.calibration.is_some() && args.level == Level::Site {
        let plain = args.common.predictor()?.with_prior(args.world.prior)?.uncalibrated();
        let name = format!("{}, uncalibrated", model.name());
        lines.push(Scored { name, ..bench.line(&plain, &tested.pairs)? });
    }
    if let Some(path) = &args.predictions {
        write_predictions(path, &tested.pairs, &lines[0])?;
    }
    if args.probes {
        lines.extend(bench.probe_lines(&model, &tested.pairs, &lines[0])?);
    }
    for path in &args.beside {
        lines.push(bench.line(&args.common.load(path)?.with_prior(args.world.prior)?, &tested.pairs)?);
    }
    args.common.say_room(&model);
    lines.extend(shortcuts::lines(args, &tested.pairs)?);
    let (groups, unit) = args.intervals.groups(&tested.pairs, args.level);
    let genes = args.level.genes(&tested.pairs);
    let rows = Rows { mirnas: &mirnas(&tested.pairs), genes: Some(&genes), groups: &groups, unit };
    let report = Report::new(&lines, rows, Resampling { resamples: args.resamples, seed: args.seed });
    let data: Vec<String> = args.data.iter().map(|path| path.display().to_string()).collect();
    let mut output = Output::create(open::STANDARD)?;
    output.put(format!("# model={} {}\n# data={}\n", model.name(), model.hash(), data.join(" ")))?;
    if let Some(prior) = args.world.prior {
        output.put(format!("# prior={prior}\n"))?;
    }
    output.put(args.scoring.meta(args.level)?)?;
    output.put(tested.each_file(&lines))?;
    output.put(report.to_string())?;
    output.finish()?;
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)? + "\n";
        Output::write(Path::new(path), json.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn write_predictions(path: &str, pairs: &[Pair], line: &Scored) -> Result<()> {
    let mut table = Output::create(path)?;
    table.put("mirna_id\tmrna_id\tlabel\tscore\n")?;
    for (pair, score) in pairs.iter().zip(line.scores.scores()) {
        let label = u8::from(pair.is_positive());
        table.put(format!("{}\t{}\t{label}\t{score}\n", pair.mirna_id, pair.site_id))?;
    }
    table.finish()
}
