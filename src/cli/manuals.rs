//! `mirscope completions` and `mirscope man`: what a shell and a reader of manuals want, from the flags themselves.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::CommandFactory;

use super::Cli;
use crate::output::Output;
use crate::{Error, Result, open};

const NAME: &str = "mirscope";
const IN_MEMORY: &str = "a Vec takes all bytes";

/// A script that completes commands and flags in a shell, to stdout
#[derive(clap::Args)]
pub(super) struct Completions {
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

/// The manual: its first page to stdout, or every page into a folder
#[derive(clap::Args)]
pub(super) struct Man {
    /// Folder for mirscope.1 and a page for each command, as in mirscope-scan.1
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn completions(args: &Completions) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    write_out(&script)
}

pub(super) fn man(args: &Man) -> anyhow::Result<ExitCode> {
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    match &args.dir {
        None => write_out(&page(&command)),
        Some(dir) => {
            std::fs::create_dir_all(dir).map_err(|e| Error::io(dir, e))?;
            pages(&command, dir)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Writes the page of `command` and of every command below it.
fn pages(command: &clap::Command, dir: &Path) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    Output::write(&dir.join(format!("{name}.1")), &page(command))?;
    command.get_subcommands().try_for_each(|below| pages(below, dir))
}

fn page(command: &clap::Command) -> Vec<u8> {
    let mut roff = Vec::new();
    clap_mangen::Man::new(command.clone()).render(&mut roff).expect(IN_MEMORY);
    roff
}

fn write_out(bytes: &[u8]) -> anyhow::Result<ExitCode> {
    let mut output = Output::create(open::STANDARD)?;
    output.put(bytes)?;
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}
