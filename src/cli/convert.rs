//! `mirscope convert`: the public data sets' files as tables of pairs, predictions or fold changes.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use crate::data::{
    FUNMIRBENCH_HEADER, FoldChange, Format, Layout, LeftOut, PairReader, Repeats, Split, read_experiments,
    read_predictions,
};
use crate::output::{self, Output};
use crate::rna::Reader;
use crate::{Error, open};

/// The name of FuNmiRBench's table of predictions.
const FUNMIRBENCH: &str = "funmirbench";
/// The name of tables of fold changes.
const FOLD_CHANGES: &str = "fold-changes";

/// Turn data sets' files into one table: of pairs, of predictions, or of fold changes
///
/// Pairs are read from targetnet, mirbench, clash, miraw-sites, miraw-genes, miraw-bits and tec-mitarget, which are
/// recognised, and mitar, which has to be named. A row that cannot be used ends it, unless --lenient; repeats are
/// counted. Predictions are read from scan's genes table or FuNmiRBench's, fold changes from FuNmiRBench's registry of
/// experiments.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Files to read, one after another; gzip or not, - for stdin
    #[arg(required = true, value_name = "FILE")]
    inputs: Vec<String>,
    /// The files' format [default: recognised]
    #[arg(long, value_name = "FORMAT")]
    from: Option<Format>,
    /// The table to write: of pairs targetnet or mirbench, of predictions funmirbench, or fold-changes
    #[arg(long, value_name = "FORMAT", default_value = "targetnet")]
    to: String,
    /// Where to write; gzip if the name ends in .gz
    #[arg(short, long, value_name = "TSV", default_value = open::STANDARD)]
    output: String,
    /// Write this split in every row: train, val or test
    #[arg(long, value_name = "NAME")]
    split: Option<Split>,
    /// Leave out rows that cannot be used, counted by reason on stderr
    #[arg(long)]
    lenient: bool,
    /// Leave out rows that repeat miRNA, site and label of an earlier one
    #[arg(long)]
    distinct: bool,
    /// With --to fold-changes: FASTA of the miRNAs that the registry names
    #[arg(long, value_name = "FASTA")]
    mirna: Option<String>,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.output != open::STANDARD && args.inputs.contains(&args.output) {
        let message = format!("expected a name of its own for the output, found '{}' twice", args.output);
        return Err(Error::Setting(message).into());
    }
    let pairs_only = args.from.is_some() || args.split.is_some() || args.lenient || args.distinct;
    match (args.to.as_str(), &args.mirna) {
        (FUNMIRBENCH | FOLD_CHANGES, _) if pairs_only => {
            let message =
                format!("--to {}: expected none of --from, --split, --lenient, --distinct", args.to);
            return Err(Error::Setting(message).into());
        }
        (FOLD_CHANGES, None) => {
            return Err(Error::Setting("--to fold-changes: expected --mirna FASTA".into()).into());
        }
        (FOLD_CHANGES, Some(mirnas)) => args.fold_changes(mirnas)?,
        (_, Some(_)) => {
            return Err(Error::Setting("--mirna: expected with --to fold-changes only".into()).into());
        }
        (FUNMIRBENCH, None) => args.predictions()?,
        (name, None) => args.pairs(name.parse()?)?,
    }
    Ok(ExitCode::SUCCESS)
}

impl Args {
    fn pairs(&self, layout: Layout) -> crate::Result<()> {
        let mut output = Output::create(&self.output)?;
        output.put(layout.header())?;
        let mut repeats = Repeats::default();
        let mut losing = 0u64;
        for input in &self.inputs {
            let mut reader = PairReader::open(Path::new(input), self.from)?;
            let (mut written, mut left_out, before) = (0u64, LeftOut::new(), repeats.repeated());
            while let Some((_, mut pair)) = reader.next_pair(self.lenient.then_some(&mut left_out))? {
                pair.split = self.split.or(pair.split);
                if !repeats.is_repeat(&pair) || !self.distinct {
                    output.put(layout.row(&pair))?;
                    losing += u64::from(layout.loses(&pair));
                    written += 1;
                }
            }
            self.say(format_args!("{} ({}): {written} pairs written", reader.path(), reader.format().name()));
            for (reason, (rows, line)) in &left_out {
                self.say(format_args!("{rows} left out: {reason} (first in line {line})"));
            }
            let repeated = repeats.repeated() - before;
            if repeated > 0 {
                let done = if self.distinct { "left out" } else { "kept" };
                self.say(format_args!(
                    "{repeated} {done}: they repeat miRNA, site and label of an earlier row"
                ));
            }
        }
        if repeats.contradicted() > 0 {
            self.say(format_args!("{} pairs have both labels", repeats.contradicted()));
        }
        if losing > 0 {
            let lost = match layout {
                Layout::TargetNet => "the file's own cluster or family",
                Layout::MirBench => "their split, or an id that is no place",
            };
            self.say(format_args!("{losing} pairs lost {lost}, for which {} has no column", self.to));
        }
        output.finish()
    }

    fn predictions(&self) -> crate::Result<()> {
        let mut output = Output::create(&self.output)?;
        output.put(FUNMIRBENCH_HEADER)?;
        for input in &self.inputs {
            let predictions = read_predictions(Path::new(input))?;
            let rows: Vec<String> = predictions.iter().filter_map(|one| one.funmirbench_row()).collect();
            rows.iter().try_for_each(|row| output.put(row))?;
            self.say(format_args!("{input}: {} predictions written", rows.len()));
            if rows.len() < predictions.len() {
                self.say(format_args!("{} left out: no score", predictions.len() - rows.len()));
            }
        }
        output.finish()
    }

    fn fold_changes(&self, mirnas: &str) -> crate::Result<()> {
        let (records, warning) = Reader::read_all(mirnas)?;
        warning.into_iter().for_each(|line| self.say(line));
        let mirnas: HashMap<_, _> = records.into_iter().map(|record| (record.id, record.sequence)).collect();
        let mut output = Output::create(&self.output)?;
        output.put(FoldChange::HEADER)?;
        for input in &self.inputs {
            for experiment in read_experiments(Path::new(input), &mirnas)? {
                let done = experiment.fold_changes()?;
                done.rows.iter().try_for_each(|row| output.put(row.row()))?;
                self.say(format_args!("{}: {} genes written", experiment.id, done.rows.len()));
                if let Some((genes, line)) = done.without {
                    self.say(format_args!("{genes} left out: no fold change (first in line {line})"));
                }
            }
        }
        output.finish()
    }

    fn say(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            output::say(line);
        }
    }
}
