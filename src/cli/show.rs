//! `mirscope show`: one miRNA on one transcript, as text.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use super::common::{Common, Sites, World};
use crate::data::Duo;
use crate::model::{Mutations, Predictor};
use crate::output::Output;
use crate::rna::{Base, Reader, Record, SeedType, WindowShape, parse};
use crate::scan::{Answers, Mirnas, Picture, Question, Site, duplex, questions};
use crate::{Error, Result, open};

/// Bases that are named.
const COSTLIEST: usize = 3;
/// Columns of the site map.
const MAP: usize = 80;

/// One miRNA on one transcript: a map of its sites and the duplexes of the best
#[derive(clap::Args)]
pub(super) struct Args {
    /// A FASTA file, or a sequence, 5'->3'
    #[arg(long, value_name = "FASTA|SEQUENCE")]
    mirna: String,
    /// A FASTA file, or a sequence, 5'->3'
    #[arg(long, value_name = "FASTA|SEQUENCE")]
    target: String,
    /// Only this record of the miRNAs' file
    #[arg(long, value_name = "ID")]
    mirna_id: Option<String>,
    /// Only this record of the transcripts' file
    #[arg(long, value_name = "ID")]
    target_id: Option<String>,
    /// Most duplexes drawn for a pair
    #[arg(long, value_name = "N", default_value_t = 5)]
    top: usize,
    /// The same as a drawing; of the best site also what each replaced base changes, and where attention looks
    #[arg(long, value_name = "SVG")]
    svg: Option<String>,
    #[command(flatten)]
    gate: Sites,
    #[command(flatten)]
    world: World,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.mirna == open::STANDARD && args.target == open::STANDARD {
        return Err(Error::Setting("expected one input from stdin (-), found two".into()).into());
    }
    let gate = args.gate.gate()?;
    let predictor = args.common.predictor()?.with_prior(args.world.prior)?;
    let least = args.gate.min_probability(&predictor)?;
    let mirnas = records(&args.mirna, "miRNA", args.mirna_id.as_deref())?;
    let targets = records(&args.target, "target", args.target_id.as_deref())?;
    let mirnas = Mirnas::new(mirnas, predictor.mirna_len(), gate);
    mirnas.warnings().iter().for_each(|line| args.common.say(line));
    let shape = WindowShape::of(predictor.site_len());
    let mut output = Output::create(open::STANDARD)?;
    let drawn = args.svg.as_deref().map(Output::create).transpose()?;
    let mut drawing = Picture::default();
    for target in targets.into_iter().map(Arc::new) {
        let mut questions: Vec<Question> = questions(mirnas.all(), target, shape).collect();
        Answers::default().fill(&predictor, &mut questions)?;
        for question in &questions {
            let best = best(question, args.top);
            output.put(picture(question, &predictor, least, &best))?;
            if drawn.is_some() {
                drawing.add(question, least, &best);
            }
            let Some(first) = best.first() else { continue };
            let pair: Duo =
                (&question.mirna.sequence, &question.target.sequence[first.candidate.window.clone()]);
            let mutations = predictor.mutations(pair)?;
            output.put(costliest(&mutations, pair.1, first.candidate.window.start))?;
            if drawn.is_some() {
                drawing.mutations(question, first, &mutations);
                drawing.attention(question, first, &predictor.attention(pair)?);
            }
        }
    }
    if let Some(mut file) = drawn {
        file.put(drawing.file(&format!("miRNA target sites, model {}", predictor.name())))?;
        file.finish()?;
    }
    output.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// The records of a FASTA file, or of a sequence typed instead of one.
fn records(given: &str, what: &str, id: Option<&str>) -> Result<Vec<Record>> {
    if given != open::STANDARD && !Path::new(given).exists() {
        let sequence = parse(given.as_bytes()).map_err(|found| {
            let byte = found.byte.escape_ascii().to_string();
            Error::file(
                given,
                format!(
                    "expected a FASTA file or a sequence, found no such file and '{byte}' at {}",
                    found.at + 1
                ),
            )
        })?;
        return Ok(vec![Record { id: what.to_string(), sequence, line: 0 }]);
    }
    let Some(id) = id else { return Ok(Reader::read_all(given)?.0) };
    let found = Reader::open(given)?.find(|record| record.as_ref().map_or(true, |record| record.id == id));
    match found {
        Some(record) => Ok(vec![record?]),
        None => Err(Error::file(given, format!("expected a record '{id}', found none"))),
    }
}

/// The most probable sites, each once: windows at a stride show one site several times.
fn best(question: &Question, top: usize) -> Vec<&Site> {
    let span = |site: &&Site| {
        site.duplex(&question.mirna.sequence, &question.target.sequence).map(|duplex| duplex.span)
    };
    let mut best: Vec<&Site> = question.sites.iter().collect();
    best.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    let mut drawn = HashSet::new();
    best.retain(|site| drawn.insert(span(site)));
    best.truncate(top);
    best
}

/// Everything about one pair.
fn picture(question: &Question, predictor: &Predictor, least: f32, best: &[&Site]) -> String {
    let (mirna, target) = (&question.mirna, &question.target);
    let worth = question.sites.iter().filter(|site| site.probability >= least).count();
    let mut text = format!(
        "{} ({} nt) on {} ({} nt): {}, candidate sites: {}, of p >= {least}: {worth}, model {}\n\n",
        mirna.id,
        mirna.sequence.len(),
        target.id,
        target.sequence.len(),
        question.status.name(),
        question.sites.len(),
        predictor.name(),
    );
    if question.sites.is_empty() {
        return text;
    }
    text.push_str(&map(question));
    best.iter().for_each(|site| text.push_str(&duplex(question, site)));
    text
}

/// The bases of a site, which begins at `start`, whose change costs most.
fn costliest(mutations: &Mutations, site: &[Base], start: usize) -> String {
    let mean = |changes: &[f32; 4]| changes.iter().sum::<f32>() / 3.0;
    let mut costs: Vec<(usize, f32)> = mutations.site.iter().map(mean).enumerate().collect();
    costs.sort_by(|a, b| a.1.total_cmp(&b.1));
    let name = |&(at, cost): &(usize, f32)| format!("{}{} {cost:+.2}", site[at].letter(), start + at + 1);
    let worst: Vec<String> = costs.iter().take(COSTLIEST).map(name).collect();
    format!(
        "bases of the best site whose change costs most, mean of three, in log-odds: {}\n\n",
        worst.join(", ")
    )
}

/// The transcript as one line, with a letter where a candidate lies: the strongest, where several share a column.
fn map(question: &Question) -> String {
    let length = question.target.sequence.len();
    let width = MAP.min(length);
    let mut columns = vec![None; width];
    for site in &question.sites {
        let at = site.candidate.locus.unwrap_or(site.candidate.window.start).min(length - 1) * width / length;
        let seed = site.candidate.seed;
        columns[at] = Some(columns[at].map_or(seed, |other: SeedType| other.min(seed)));
    }
    let line: String = columns.into_iter().map(|seed| seed.map_or('-', mark)).collect();
    let ruler = format!("1{length:>width$}", width = width - 1);
    format!("5' {line} 3'\n   {ruler}\n   8 8mer, 7 7mer, 6 6mer, o offset or 6mer-A1, x non-canonical\n\n")
}

fn mark(seed: SeedType) -> char {
    match seed {
        SeedType::EightMer => '8',
        SeedType::SevenMerM8 | SeedType::SevenMerA1 => '7',
        SeedType::SixMer => '6',
        SeedType::SixMerA1 | SeedType::OffsetSevenMer | SeedType::OffsetSixMer => 'o',
        SeedType::NonCanonical => 'x',
    }
}
