//! `mirscope convert`: the public data sets' files as tables of pairs.

use std::path::Path;
use std::process::ExitCode;

use crate::data::{
    FUNMIRBENCH_HEADER, Format, Layout, LeftOut, PairReader, Repeats, Split, read_predictions,
};
use crate::output::Output;
use crate::{Error, open};

/// The name of FuNmiRBench's table of predictions.
const FUNMIRBENCH: &str = "funmirbench";

/// Turn data sets' files into one table of pairs, or predictions into FuNmiRBench's
///
/// Reads targetnet, mirbench, clash, miraw-sites, miraw-genes, miraw-bits and tec-mitarget, which are recognised, and
/// mitar, which has to be named. A row that cannot be used ends it, unless --lenient; repeats are counted.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Files to read, one after another; gzip or not, - for stdin
    #[arg(required = true, value_name = "FILE")]
    inputs: Vec<String>,
    /// The files' format [default: recognised]
    #[arg(long, value_name = "FORMAT")]
    from: Option<Format>,
    /// The table to write: targetnet, mirbench, or of predictions funmirbench
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
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.output != open::STANDARD && args.inputs.contains(&args.output) {
        let message = format!("expected a name of its own for the output, found '{}' twice", args.output);
        return Err(Error::Setting(message).into());
    }
    match args.to.as_str() {
        FUNMIRBENCH => args.predictions()?,
        name => args.pairs(name.parse()?)?,
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
        if self.from.is_some() || self.split.is_some() || self.lenient || self.distinct {
            let message =
                "--to funmirbench: expected predictions, and none of --from, --split, --lenient, --distinct";
            return Err(Error::Setting(message.into()));
        }
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

    fn say(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            eprintln!("mirscope: {line}");
        }
    }
}
