//! Parses the command line, calls one command, sets the exit code: 0 done, 1 data or I/O, 2 usage,
//! 3 done but `--strict` found unscored pairs, 130 interrupted.

use std::process::ExitCode;

use clap::Parser;
use mirscope::{Error, cli, memory, output};

#[global_allocator]
static MEMORY: memory::Capped = memory::Capped;

fn main() -> ExitCode {
    match cli::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<Error>() {
            Some(known) if output::is_closed_pipe(known) => ExitCode::SUCCESS,
            known => {
                output::say(one_line(&error));
                ExitCode::from(match known {
                    Some(Error::Setting(_)) => 2,
                    Some(Error::Interrupted) => 130,
                    _ => 1,
                })
            }
        },
    }
}

/// The error and its causes, but for those that it quotes already.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !line.contains(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line.replace('\n', "; ")
}
