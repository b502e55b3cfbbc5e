//! `mirscope model null`: what a model says of shuffled 3'UTRs.

use std::sync::Arc;

use crate::cli::common::Common;
use crate::cli::progress::Progress;
use crate::model::{Meaning, Null};
use crate::output::Output;
use crate::rna::Reader;
use crate::scan::{Draw, chance, drawn};
use crate::{Error, Result, open};

/// Hold a model against chance: score 3'UTRs as they are and shuffled, and write it with what that gives
///
/// With it scan knows false-discovery rates for the candidates canonical, relaxed and all, and predict adjusted p-values.
/// Shuffling keeps each 3'UTR's dinucleotides. With candidates all each transcript meets one miRNA in sixteen.
#[derive(clap::Args)]
pub(super) struct Args {
    /// miRNAs, FASTA
    #[arg(long, value_name = "FASTA")]
    mirna: String,
    /// 3'UTRs, FASTA
    #[arg(long, value_name = "FASTA")]
    target: String,
    /// How many miRNAs are drawn
    #[arg(long, value_name = "N", default_value_t = 100)]
    mirnas: usize,
    /// How many 3'UTRs are drawn
    #[arg(long, value_name = "N", default_value_t = 500)]
    transcripts: usize,
    /// Seed of draws and shuffles
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where to write the model; - for stdout
    #[arg(short, long, value_name = "SAFETENSORS")]
    output: String,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> Result<()> {
    let model = args.common.predictor()?.uncalibrated();
    let (mirna_sha256, target_sha256) = (digest(&args.mirna)?, digest(&args.target)?);
    let (mirnas, warning) = Reader::read_all(&args.mirna)?;
    let (targets, other) = Reader::read_all(&args.target)?;
    warning.into_iter().chain(other).for_each(|line| args.common.say(line));
    let draw = Draw { mirnas: args.mirnas, transcripts: args.transcripts, seed: args.seed };
    let sample = drawn(&model, mirnas, targets, draw);
    let [mirnas, transcripts] = sample.each_ref().map(Vec::len);
    let mut progress = Progress::new("pairs", Arc::default(), None, args.common.quiet);
    let gates = chance(&model, &sample, args.seed, &mut |pairs| progress.tick(pairs))?;
    progress.finish();
    if gates.is_empty() {
        let message = "expected 3'UTRs with candidates of the miRNAs, found none";
        return Err(Error::file(&args.target, message));
    }
    let said = "3'UTRs, of those that can be scored";
    args.common.say(format_args!("drawn: {mirnas} miRNAs and {transcripts} {said}"));
    let null = Some(Null { mirnas, transcripts, seed: args.seed, mirna_sha256, target_sha256, gates });
    let mut output = Output::create(&args.output)?;
    output.put(model.file_with(Meaning { null, ..model.provenance().meaning.clone() })?)?;
    output.finish()
}

fn digest(path: &str) -> Result<String> {
    let found = open::Content::of(path)?.map(|content| content.sha256);
    found.ok_or_else(|| Error::file(path, "expected a file, whose hash the model keeps, found a stream"))
}
