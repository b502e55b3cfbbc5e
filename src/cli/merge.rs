//! `mirscope merge`: a scan's shards back into one.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::scan::{Format, Shards};
use crate::{Error, output};

/// Put the outputs of a scan's shards together: the same bytes as those of the whole
///
/// From the shards' manifests, in any order. Shards that are missing, doubled, unfinished, of another scan, or not what
/// their manifest says are refused, and then nothing is written.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The manifest of every shard
    #[arg(value_name = "JSON", required = true)]
    manifests: Vec<String>,
    /// Folder for sites.tsv, genes.tsv and whatever else the shards wrote
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
    /// Compress the outputs
    #[arg(long)]
    gzip: bool,
    /// Say nothing on stderr but errors
    #[arg(long)]
    quiet: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let shards = Shards::read(&args.manifests)?;
    std::fs::create_dir_all(&args.output).map_err(|e| Error::io(&args.output, e))?;
    let outputs: Vec<(Format, String)> =
        shards.formats().map(|format| (format, place(&args.output, format, args.gzip))).collect();
    let outputs: Vec<(Format, &str)> =
        outputs.iter().map(|(format, path)| (*format, path.as_str())).collect();
    shards.merge(&outputs)?;
    if !args.quiet {
        let devices = shards.devices();
        if devices.len() > 1 {
            let devices = devices.join("; ");
            output::say(format_args!(
                "run on several devices, which may differ in a probability's last digit: {devices}"
            ));
        }
        output::say(shards.statuses());
    }
    Ok(ExitCode::SUCCESS)
}

fn place(folder: &Path, format: Format, gzip: bool) -> String {
    let ending = if gzip { ".gz" } else { "" };
    folder.join(format!("{}{ending}", format.file_name())).display().to_string()
}
