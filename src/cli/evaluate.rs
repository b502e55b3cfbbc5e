//! `mirscope evaluate`: a model on labelled pairs, beside what needs no model.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::common::Common;
use super::rows::{Intervals, Level, SplitName, mirnas, read};
use crate::data::{Duo, Pair};
use crate::eval::{MirnaPrior, Report, Resampling, Rows, Scored, Scores, SitePrior, seed_rule};
use crate::output::Output;
use crate::{Error, Result, open};

/// Test a model on labelled sites, beside the miRNA alone, the site alone and the seed rule
///
/// Intervals are 95% percentile bootstraps. Data marked for testing should be opened once.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Labelled pairs, TAB-separated with a header
    #[arg(long, value_name = "TSV")]
    data: PathBuf,
    /// Only rows of this split
    #[arg(long, value_enum)]
    split: Option<SplitName>,
    /// What is tested
    #[arg(long, value_enum, default_value_t = Level::Site)]
    level: Level,
    /// Files that the miRNA-only and site-only shortcuts learn from; without them, only the seed rule is shown
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
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.level == Level::Gene {
        let message = "--level gene: expected sites, found whole 3'UTRs asked for; see `audit --predictions`";
        return Err(Error::Setting(message.into()).into());
    }
    let rows = read(&args.data, args.split)?;
    let predictor = args.common.predictor()?;
    let duos: Vec<Duo> = rows.iter().map(|p| (&p.mirna[..], &p.site[..])).collect();
    let probabilities: Vec<f64> = predictor.probabilities(&duos)?.into_iter().map(f64::from).collect();
    args.common.say_room(&predictor);
    let mut scored = vec![line(predictor.name(), &rows, probabilities, Some(predictor.threshold().into()))?];
    let mut teachers = vec![];
    for path in &args.shortcuts_from {
        teachers.extend(read(path, args.shortcuts_split)?);
    }
    if teachers.is_empty() {
        args.common
            .say("miRNA only and site only: skipped, --shortcuts-from names no files they could learn from");
    } else {
        let (mirna, site) = (MirnaPrior::fit(&teachers)?, SitePrior::fit(&teachers)?);
        scored.push(line("miRNA only", &rows, rows.iter().map(|p| mirna.score(p)).collect(), None)?);
        scored.push(line("site only", &rows, rows.iter().map(|p| site.score(p)).collect(), None)?);
    }
    scored.push(line("seed rule", &rows, rows.iter().map(seed_rule).collect(), None)?);
    let (groups, unit) = args.intervals.groups(&rows, args.level);
    let genes = args.level.genes(&rows);
    let about = Rows { mirnas: &mirnas(&rows), genes: Some(&genes), groups: &groups, unit };
    let report = Report::new(&scored, about, Resampling { resamples: args.resamples, seed: args.seed });
    let mut output = Output::create(open::STANDARD)?;
    output.put(format!(
        "# model={} {}\n# data={}\n{report}",
        predictor.name(),
        predictor.hash(),
        args.data.display()
    ))?;
    output.finish()?;
    if let Some(path) = &args.json {
        let json = serde_json::to_string_pretty(&report)? + "\n";
        Output::write(Path::new(path), json.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn line(name: &str, rows: &[Pair], scores: Vec<f64>, threshold: Option<f64>) -> Result<Scored> {
    let scores = Scores::new(rows.iter().map(Pair::is_positive).collect(), scores)?;
    Ok(Scored { name: name.into(), scores, threshold, probabilities: threshold.is_some() })
}
