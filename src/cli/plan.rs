//! `mirscope plan`: what a scan will take.

use std::process::ExitCode;

use super::common::{Common, Question, Sites};
use crate::output::Output;
use crate::rna::Reader;
use crate::scan::{Cut, Mirnas, Plan, plan};
use crate::{Error, Result, open};

/// What a scan will take: windows, time, memory, sizes, and how to cut it
///
/// Windows are counted by the gate alone; the network is timed for two seconds, on this machine and with these threads.
/// Times are for this machine, and somewhat too long where transcripts share sequences: equal windows are scored once.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,
    /// Cut into so many shards
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    shards: u32,
    /// Cut into so many shards that none takes longer, as in 90s, 30m or 1h
    #[arg(long, value_name = "TIME", conflicts_with = "shards", value_parser = seconds)]
    within: Option<f64>,
    /// The plan as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gate: Sites,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let predictor = args.common.predictor()?;
    let least = args.gate.min_probability(&predictor)?;
    let (mirnas, _) = Reader::read_all(&args.question.mirna)?;
    let mirnas = Mirnas::new(mirnas, predictor.mirna_len(), args.gate.gate()?);
    let asked = args.question.asked()?;
    let cut = args.within.map_or(Cut::Into(args.shards), Cut::Within);
    let mut targets = Reader::open(&args.question.target)?.with(args.question.target_headers);
    let plan = plan(&predictor, &mirnas, (&mut targets, asked), least, cut)?;
    if let Some(limit) = args.within
        && plan.shards.iter().any(|shard| shard.seconds > limit)
    {
        args.common.say("a single transcript takes longer than a shard may");
    }
    let mut output = Output::create(open::STANDARD)?;
    match args.json {
        true => output.put(serde_json::to_string_pretty(&plan).expect("plain fields serialise") + "\n")?,
        false => output.put(text(&plan))?,
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn text(plan: &Plan) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| text.push_str(&format!("{key}\t{value}\n"));
    line("transcripts", plan.transcripts.to_string());
    line("nucleotides", plan.nucleotides.to_string());
    line("pairs", plan.pairs.to_string());
    line("windows", plan.windows.to_string());
    line("windows_per_second", format!("{:.0}", plan.windows_per_second));
    line("gate_seconds", format!("{:.2}", plan.gate_seconds));
    line("seconds", format!("{:.1}", plan.seconds));
    let mib = |bytes: u64| bytes.div_ceil(1 << 20).to_string();
    line("memory_mib", plan.memory_bytes.map_or("NA".into(), mib));
    line("genes_mib", mib(plan.genes_bytes));
    line("sites_mib", mib(plan.sites_bytes));
    text.push_str("\nshard\ttranscripts\tnucleotides\twindows\tseconds\n");
    for planned in &plan.shards {
        let shard = &planned.shard;
        let transcripts = shard.transcripts.end - shard.transcripts.start;
        let (index, of, nucleotides) = (shard.index, shard.of, shard.nucleotides);
        let (windows, seconds) = (planned.windows, planned.seconds);
        text.push_str(&format!("{index}/{of}\t{transcripts}\t{nucleotides}\t{windows}\t{seconds:.1}\n"));
    }
    text
}

/// A time with its unit.
fn seconds(text: &str) -> Result<f64> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let unit = match unit {
        "s" => Some(1.0),
        "m" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let seconds = number.parse::<f64>().ok().zip(unit).map(|(number, unit)| number * unit);
    let seconds = seconds.filter(|seconds| *seconds > 0.0 && seconds.is_finite());
    seconds.ok_or_else(|| Error::Setting(format!("expected a time such as 90s, 30m or 1h, found '{text}'")))
}
