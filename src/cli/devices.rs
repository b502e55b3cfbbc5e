//! `mirscope devices`: what this machine offers to compute with.

use std::process::ExitCode;

use super::common::Threads;
use crate::device::Device;
use crate::open;
use crate::output::Output;
use crate::simd::Isa;

/// List the instruction sets and GPUs found
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    threads: Threads,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut output = Output::create(open::STANDARD)?;
    let sets: Vec<&str> = Isa::all().into_iter().map(Isa::name).collect();
    let threads = args.threads.count();
    let (best, sets) = (Isa::detect().name(), sets.join(", "));
    let plural = if threads == 1 { "" } else { "s" };
    output.put(format!("cpu\t{best} (has {sets}), {threads} thread{plural}\n"))?;
    let mut ordinal = 0;
    let absent = loop {
        match Device::cuda(ordinal) {
            Ok(Device::Cuda(gpu)) => output.put(format!("cuda:{ordinal}\t{}\n", gpu.name()))?,
            Ok(_) => unreachable!("a CUDA device is one"),
            Err(error) => break error,
        }
        ordinal += 1;
    };
    if ordinal == 0 {
        output.put(format!("cuda\tnone; {absent}\n"))?;
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}
