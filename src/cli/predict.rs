//! `mirscope predict`: a probability for each row of a table.

use std::process::ExitCode;
use std::sync::Arc;

use super::UNSCORED;
use super::common::{Common, World};
use super::progress::Progress;
use crate::output::Output;
use crate::scan::{self, Columns, Predicted};
use crate::{Error, open};

/// One probability for each row's miRNA and site: the input's columns, then the new one
///
/// Headers of TargetNet (mirna_seq, mrna_seq), miRBench (noncodingRNA, gene) and miRBind (miRNA, gene) are
/// recognised. A site longer than the model's window is scored by its centre. Rows that cannot be scored get NA.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Table of pairs, TAB-separated with a header; - for stdin
    #[arg(long, value_name = "TSV")]
    pairs: String,
    /// Column of the miRNA's sequence, 5'->3'
    #[arg(long, value_name = "NAME")]
    mirna_col: Option<String>,
    /// Column of the site's sequence, 5'->3'
    #[arg(long, value_name = "NAME")]
    target_col: Option<String>,
    /// Name of the new column
    #[arg(long, value_name = "NAME", default_value = "probability")]
    append_col: String,
    /// Also a column of this name: the chance that a window of a shuffled 3'UTR scores as high, adjusted for the rows that
    /// there are (Benjamini-Hochberg). Takes a model that was held against chance (model null); the table is held in memory
    #[arg(long, value_name = "NAME")]
    fdr: Option<String>,
    /// Where to write; gzip if the name ends in .gz
    #[arg(short, long, value_name = "TSV", default_value = open::STANDARD)]
    output: String,
    /// Exit with 3 if a row could not be scored
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    world: World,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.output == args.pairs && args.output != open::STANDARD {
        let message = format!("expected a name of its own for the output, found '{}' twice", args.output);
        return Err(Error::Setting(message).into());
    }
    let predictor = args.common.predictor()?.with_prior(args.world.prior)?;
    let columns = Columns {
        mirna: args.mirna_col.clone(),
        target: args.target_col.clone(),
        append: args.append_col.clone(),
        fdr: args.fdr.clone(),
    };
    let output = Output::create(&args.output)?;
    let mut progress = Progress::new("rows", Arc::default(), None, args.common.quiet);
    let table = (args.pairs.as_str(), &columns);
    let done = scan::predict(&predictor, table, output, &mut |rows| progress.tick(rows))?;
    progress.finish();
    args.common.say_room(&predictor);
    report(&args.common, &predictor, &done);
    let failed = args.strict && !done.unscored.is_empty();
    Ok(ExitCode::from(if failed { UNSCORED } else { 0 }))
}

fn report(common: &Common, predictor: &crate::model::Predictor, done: &Predicted) {
    let unscored: u64 = done.unscored.values().map(|(count, _)| count).sum();
    let (rows, name, hash) = (done.rows, predictor.name(), predictor.hash());
    common.say(format_args!("{rows} rows: {} scored, {unscored} not; model {name} {hash}", rows - unscored));
    for (reason, (count, line)) in &done.unscored {
        common.say(format_args!("{count} not scored: {reason} (first in line {line})"));
    }
    if done.centred > 0 {
        let length = predictor.site_len();
        common.say(format_args!("{} sites longer than {length} nt, scored by their centre", done.centred));
    }
}
