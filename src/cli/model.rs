//! `mirscope model`: what a model is.

use std::process::ExitCode;

use super::common::Common;
use crate::open;
use crate::output::Output;
use crate::rna::WindowShape;

/// Models: what they read and which weights they hold
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Name, hash, lengths and threshold of a model
    Info(Common),
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Info(common) = &args.command;
    let model = common.predictor()?;
    let mut output = Output::create(open::STANDARD)?;
    let (mirna, site) = (model.mirna_len(), model.site_len());
    output.put(format!("name\t{}\nsha256\t{}\n", model.name(), model.hash()))?;
    output.put(format!("longest_mirna_nt\t{mirna}\nwindow_nt\t{site}\n"))?;
    let anchor = WindowShape::of(site).anchor + 1;
    output.put(format!("nucleotide_2_opposite\t{anchor}\nthreshold\t{}\n", model.threshold()))?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}
