//! `mirscope scan`: binding sites and pair scores of miRNAs on transcripts.

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::Arc;

use super::UNSCORED;
use super::common::{Common, Question, Sites, World};
use super::interrupt;
use super::part::Part;
use super::progress::Progress;
use crate::model::Predictor;
use crate::rna::{Gate, Headers, Reader, WindowShape};
use crate::scan::{
    Asked, Course, Format, GENOME_MEANING, Genome, Identity, InputFile, Journal, MEANINGS, Mirnas, Scan,
    Shard, Tables, Tally,
};
use crate::{Error, Result, open};

/// Every miRNA on every transcript, or only the listed pairs: binding sites, and one score for each pair
///
/// Without an output flag the genes table goes to stdout. Every pair that was asked about has a row in it, with a
/// status: ok, no_candidate, short (transcript under 20 nt), masked (unknown bases), invalid (miRNA not
/// 15 nt to the model's longest, or no sequence), unknown_id.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    question: Question,
    /// Table of binding sites; - for stdout, gzip if the name ends in .gz
    #[arg(long, value_name = "TSV")]
    sites: Option<String>,
    /// Table of pairs; - for stdout, gzip if the name ends in .gz
    #[arg(long, value_name = "TSV")]
    genes: Option<String>,
    /// Where the targets lie on a genome, GTF or BED12, gzip or not; a target is found by its id (transcript_id or gene_id, or
    /// BED's name), and its length must be that of the 3'UTR or of the whole transcript
    #[arg(long, value_name = "GTF|BED12")]
    annotation: Option<String>,
    /// Binding sites as BED6; with an annotation as BED12 on chromosomes
    #[arg(long, value_name = "BED")]
    bed: Option<String>,
    /// Binding sites as GFF3; with an annotation on chromosomes
    #[arg(long, value_name = "GFF3")]
    gff3: Option<String>,
    /// Binding sites as drawn duplexes
    #[arg(long, value_name = "TXT")]
    align: Option<String>,
    /// Binding sites as lines of JSON, with the sequences of their duplexes
    #[arg(long, value_name = "JSONL")]
    jsonl: Option<String>,
    /// Every window scored, in miRBench's columns
    #[arg(long, value_name = "TSV")]
    mirbench: Option<String>,
    /// A score for each pair that has one, in FuNmiRBench's columns
    #[arg(long, value_name = "TSV")]
    funmirbench: Option<String>,
    /// One page that needs no network: summary, sortable sites with duplexes and maps, where it comes from
    #[arg(long, value_name = "HTML")]
    html: Option<String>,
    /// The sites table as Parquet
    #[cfg(feature = "parquet")]
    #[arg(long, value_name = "PARQUET")]
    parquet: Option<String>,
    #[command(flatten)]
    gate: Sites,
    #[command(flatten)]
    world: World,
    #[command(flatten)]
    part: Part,
    /// Outputs without the lines that begin with #
    #[arg(long)]
    no_meta: bool,
    /// Exit with 3 if a pair is short, masked, invalid or of an unknown id
    #[arg(long)]
    strict: bool,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.check()?;
    let gate = args.gate.gate()?;
    let predictor = args.common.predictor()?.with_prior(args.world.prior)?;
    let min_probability = args.gate.min_probability(&predictor)?;
    let inputs = args.inputs()?;
    let (mirnas, warning) = Reader::read_all(&args.question.mirna)?;
    let mirnas = Mirnas::new(mirnas, predictor.mirna_len(), gate);
    let asked = args.question.asked()?;
    warning.into_iter().chain(mirnas.warnings()).for_each(|line| args.common.say(line));
    let meta =
        if args.no_meta { String::new() } else { args.meta(&predictor, (gate, min_probability), &inputs) };
    let genome = args.annotation.as_deref().map(Genome::open).transpose()?.map(Arc::new);
    // Those have been read; the transcripts are, from here on.
    let read = inputs.iter().filter(|input| input.flag != TARGET).filter_map(|input| input.content.as_ref());
    read.into_iter().try_for_each(open::Content::expect_unchanged)?;
    let shard = args.part.shard(&args.question.target, args.question.target_headers)?;
    let run = || args.identity(&predictor, (gate, min_probability), &inputs);
    let outputs = args.outputs();
    let device = predictor.workers().device();
    let mut journal = args.part.journal(run, (&shard, &outputs), device, &args.common)?;
    let earlier = journal.as_mut().map_or(Ok(false), Journal::is_complete)?;
    let tally = match &mut journal {
        Some(journal) if earlier => journal.manifest().statuses.clone(),
        journal => {
            let tables = match journal {
                Some(journal) => Tables::resume((&outputs, &meta), genome.clone(), journal)?,
                None => Tables::create(&outputs, &meta, genome.clone())?,
            };
            let tables = tables.judged_by(predictor.false_discovery(gate));
            let scan = Scan::new(&predictor, &mirnas, min_probability, tables);
            args.scan(scan, asked, shard, journal.as_mut(), &inputs)?
        }
    };
    args.common.say_room(&predictor);
    genome.iter().flat_map(|genome| genome.warnings()).for_each(|line| args.common.say(line));
    args.common.say(&tally);
    Ok(ExitCode::from(if args.strict && tally.unscored() > 0 { UNSCORED } else { 0 }))
}

/// The input that is streamed.
const TARGET: &str = "target";

/// An input file, as the meta lines name it.
struct Input<'a> {
    flag: &'static str,
    path: &'a str,
    /// `None` of a stream.
    content: Option<open::Content>,
}

impl Input<'_> {
    fn sha256(&self) -> String {
        self.content.as_ref().map_or("unknown (a stream)".into(), |content| content.sha256.clone())
    }
}

impl Args {
    fn scan(
        &self,
        scan: Scan,
        asked: Asked,
        shard: Shard,
        journal: Option<&mut Journal>,
        inputs: &[Input],
    ) -> Result<Tally> {
        if let Asked::Listed(listed) = &asked {
            self.common.say(format_args!("{} pairs listed", listed.pairs()));
            listed.warning().into_iter().for_each(|line| self.common.say(line));
        }
        let stop = interrupt::asked()?;
        let streamed =
            inputs.iter().find(|input| input.flag == TARGET).and_then(|input| input.content.as_ref());
        let course = Course { shard, journal, stretch: self.part.stretch(), stop: &stop, targets: streamed };
        let size = streamed.map(|content| content.bytes);
        let consumed = Arc::default();
        let mut targets = Reader::open_counting(&self.question.target, Arc::clone(&consumed))?
            .with(self.question.target_headers);
        let mut progress = Progress::new("pairs", consumed, size, self.common.quiet);
        let tally = scan.run(&mut targets, asked, course, &mut |pairs| progress.tick(pairs));
        progress.finish();
        if let Err(Error::Interrupted) = tally {
            self.common.say(self.part.after_interrupt());
        }
        targets.warning().into_iter().for_each(|line| self.common.say(line));
        tally
    }

    /// Usage that the grammar of flags cannot rule out.
    fn check(&self) -> Result<()> {
        let inputs = [
            Some(&self.question.mirna),
            Some(&self.question.target),
            self.question.pairs.as_ref(),
            self.annotation.as_ref(),
        ];
        if inputs.into_iter().flatten().filter(|path| *path == open::STANDARD).count() > 1 {
            return Err(Error::Setting("expected one input from stdin (-), found several".into()));
        }
        let outputs = self.outputs();
        let whole = outputs.iter().find(|(format, _)| !format.is_appended());
        if let (Some((format, _)), Some(_)) = (whole, self.part.manifest()) {
            let message = format!(
                "--{}: expected without --manifest: it is written at a scan's end, as a whole",
                format.name()
            );
            return Err(Error::Setting(message));
        }
        let files = inputs.into_iter().flatten().map(String::as_str).filter(|path| *path != open::STANDARD);
        let files = files.chain(self.part.manifest());
        let mut names: HashSet<&str> = files.collect();
        match outputs.iter().find(|(_, path)| !names.insert(path)) {
            Some((_, path)) => {
                let message = format!("expected a name of its own for each output, found '{path}' twice");
                Err(Error::Setting(message))
            }
            None => Ok(()),
        }
    }

    /// What is written where; the genes table to stdout if nothing was asked for.
    fn outputs(&self) -> Vec<(Format, &str)> {
        let flags = [
            (Format::Sites, &self.sites),
            (Format::Genes, &self.genes),
            (Format::Bed, &self.bed),
            (Format::Gff3, &self.gff3),
            (Format::Align, &self.align),
            (Format::Json, &self.jsonl),
            (Format::MirBench, &self.mirbench),
            (Format::FunMirBench, &self.funmirbench),
            (Format::Html, &self.html),
            #[cfg(feature = "parquet")]
            (Format::Parquet, &self.parquet),
        ];
        let given = flags.into_iter().filter_map(|(format, path)| Some((format, path.as_deref()?)));
        match given.collect::<Vec<_>>() {
            none if none.is_empty() => vec![(Format::Genes, open::STANDARD)],
            given => given,
        }
    }

    fn inputs(&self) -> Result<Vec<Input<'_>>> {
        let given = [
            ("mirna", Some(&self.question.mirna)),
            (TARGET, Some(&self.question.target)),
            ("pairs", self.question.pairs.as_ref()),
            ("annotation", self.annotation.as_ref()),
        ];
        let mut inputs = Vec::new();
        for (flag, path) in given {
            let Some(path) = path else { continue };
            inputs.push(Input { flag, path, content: open::Content::of(path)? });
        }
        Ok(inputs)
    }

    /// What a manifest says of the scan.
    fn identity(
        &self,
        predictor: &Predictor,
        (gate, min_probability): (Gate, f32),
        inputs: &[Input],
    ) -> Result<Identity> {
        let file = |input: &Input| match &input.content {
            Some(open::Content { sha256, bytes, .. }) => {
                let file = InputFile { path: input.path.into(), sha256: sha256.clone(), bytes: *bytes };
                Ok((input.flag.to_string(), file))
            }
            None => Err(Error::Setting(format!(
                "--manifest: expected --{} to be a file, found a stream",
                input.flag
            ))),
        };
        Ok(Identity {
            mirscope: env!("CARGO_PKG_VERSION").into(),
            model: predictor.name().into(),
            model_sha256: predictor.hash().into(),
            target_headers: self.question.target_headers.to_string(),
            candidates: gate.to_string(),
            prior: predictor.prior().to_string(),
            min_probability,
            meta_lines: !self.no_meta,
            stretch: self.part.stretch(),
            inputs: inputs.iter().map(file).collect::<Result<_>>()?,
        })
    }

    /// The lines before a table's header. The command is told by what decides the result: threads and
    /// outputs are left out.
    fn meta(&self, predictor: &Predictor, (gate, least): (Gate, f32), inputs: &[Input]) -> String {
        let shape = WindowShape::of(predictor.site_len());
        let flags: String = inputs.iter().map(|input| format!(" --{} {}", input.flag, input.path)).collect();
        let headers = match self.question.target_headers {
            Headers::Plain => String::new(),
            other => format!(" --target-headers {other}"),
        };
        let world = self.world.prior.map_or(String::new(), |prior| format!(" --prior {prior}"));
        let command =
            format!("mirscope scan{flags}{headers} --candidates {gate}{world} --min-probability {least}");
        let own = [
            ("mirscope", env!("CARGO_PKG_VERSION").to_string()),
            ("model", predictor.name().to_string()),
            ("model_sha256", predictor.hash().to_string()),
            ("model_threshold", predictor.threshold().to_string()),
            ("prior", predictor.prior().to_string()),
            ("command", command),
            ("min_probability", least.to_string()),
            ("window", format!("{} nt, nucleotide 2 opposite its base {}", shape.len, shape.anchor + 1)),
        ];
        let hashes = inputs.iter().map(|input| (format!("{}_sha256", input.flag), input.sha256()));
        let genome = self.annotation.iter().map(|_| GENOME_MEANING);
        let meanings = MEANINGS.into_iter().chain(genome);
        let meanings = meanings.map(|(key, value)| (key.to_string(), value.to_string()));
        let lines =
            own.map(|(key, value)| (key.to_string(), value)).into_iter().chain(hashes).chain(meanings);
        lines.map(|(key, value)| format!("# {key}={value}\n")).collect()
    }
}
