//! The command line: one file for each command, that turns arguments into the work of a room above.

mod audit;
mod common;
mod convert;
mod crossval;
mod data;
mod devices;
mod evaluate;
mod functional;
mod genes;
mod interrupt;
mod manuals;
mod merge;
mod model;
mod part;
mod plan;
mod predict;
mod progress;
mod rows;
mod scan;
mod search;
mod show;
mod train;
mod train_genes;

use std::process::ExitCode;

use crate::memory;

/// microRNA target prediction: binding sites and target scores from sequences.
#[derive(clap::Parser)]
#[command(name = "mirscope", version, about)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// End with an error instead of taking more memory than so many bytes, as in 800M or 2G [default: no limit]
    #[arg(long, global = true, value_name = "SIZE", value_parser = memory::bytes)]
    max_memory: Option<usize>,
}

#[derive(clap::Subcommand)]
enum Command {
    Scan(scan::Args),
    Merge(merge::Args),
    Plan(plan::Args),
    Predict(predict::Args),
    Show(show::Args),
    Train(train::Args),
    Evaluate(evaluate::Args),
    Audit(audit::Args),
    Crossval(crossval::Args),
    Search(search::Args),
    TrainGenes(train_genes::Args),
    Functional(functional::Args),
    Convert(convert::Args),
    Data(data::Args),
    Model(model::Args),
    Devices(devices::Args),
    Completions(manuals::Completions),
    Man(manuals::Man),
}

/// Runs the command that was asked for.
pub fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    if let Some(bytes) = cli.max_memory {
        memory::limit(bytes)?;
    }
    match cli.command {
        Command::Scan(args) => scan::run(&args),
        Command::Merge(args) => merge::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Train(args) => train::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Audit(args) => audit::run(&args),
        Command::Crossval(args) => crossval::run(&args),
        Command::Search(args) => search::run(&args),
        Command::TrainGenes(args) => train_genes::run(&args),
        Command::Functional(args) => functional::run(&args),
        Command::Convert(args) => convert::run(&args),
        Command::Data(args) => data::run(&args),
        Command::Model(args) => model::run(&args),
        Command::Devices(args) => devices::run(&args),
        Command::Completions(args) => manuals::completions(&args),
        Command::Man(args) => manuals::man(&args),
    }
}

/// The exit code for "done, but --strict found unscored pairs".
const UNSCORED: u8 = 3;
