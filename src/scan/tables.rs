//! The results of a scan, in the formats that were asked for.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::lines::{self, Answered, Place};
#[cfg(feature = "parquet")]
use super::parquet::Parquet;
use super::report::Report;
use super::{Genome, Journal, Question};
use crate::Result;
use crate::data::FUNMIRBENCH_HEADER;
use crate::model::Steps;
use crate::output::{Output, is_closed_pipe};
use crate::rna::Record;

/// What the columns mean, for the meta lines.
pub const MEANINGS: [(&str, &str); 6] = [
    ("coordinates", "1-based inclusive, 5'->3' on the target"),
    ("score", "logit of the probability"),
    ("pairing", "dot-bracket of the site & the miRNA, both 5'->3'; nucleotide 1 never pairs"),
    (
        "fdr",
        "share of false sites among those of at least this score, if sites in shuffled 3'UTRs are false; NA if the model was not held against these candidates",
    ),
    ("gene_probability", "highest over the pair's windows"),
    ("n_sites", "sites at or above min_probability; best_* is the most probable window, above it or not"),
];

/// What the columns of the genome mean.
pub const GENOME_MEANING: (&str, &str) =
    ("genome_coordinates", "1-based inclusive, ascending on the chromosome; introns may lie in between");

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A row for each binding site.
    Sites,
    /// A row for each pair.
    Genes,
    /// BED6, with a genome BED12: 0-based, half open; the score is 1000 times the probability.
    Bed,
    /// GFF3 features `miRNA_target_site` (SO:0000934).
    Gff3,
    /// Drawn duplexes.
    Align,
    /// An object for each binding site.
    #[serde(rename = "jsonl")]
    Json,
    /// A row for each window that was scored, likely or not.
    MirBench,
    /// A row for each pair that has a score.
    FunMirBench,
    /// One page about all of it, written at the end.
    Html,
    /// The sites table with types.
    #[cfg(feature = "parquet")]
    Parquet,
}

/// The outputs of a scan.
pub struct Tables {
    outputs: Vec<(Format, Option<Output>)>,
    genome: Option<Arc<Genome>>,
    /// The false-discovery rate of a site by its probability, where it is known.
    discovery: Option<Steps>,
    /// The target met last.
    target: Option<Arc<Record>>,
    /// What the page will say, where one is wanted.
    report: Option<Report>,
    meta: String,
    #[cfg(feature = "parquet")]
    parquet: Vec<Parquet>,
}

impl Format {
    /// In manifests, and as a flag.
    pub fn name(self) -> &'static str {
        match self {
            Format::Sites => "sites",
            Format::Genes => "genes",
            Format::Bed => "bed",
            Format::Gff3 => "gff3",
            Format::Align => "align",
            Format::Json => "jsonl",
            Format::MirBench => "mirbench",
            Format::FunMirBench => "funmirbench",
            Format::Html => "html",
            #[cfg(feature = "parquet")]
            Format::Parquet => "parquet",
        }
    }

    /// What a file of it is called where nobody named it.
    pub fn file_name(self) -> &'static str {
        match self {
            Format::Sites => "sites.tsv",
            Format::Genes => "genes.tsv",
            Format::Bed => "sites.bed",
            Format::Gff3 => "sites.gff3",
            Format::Align => "duplexes.txt",
            Format::Json => "sites.jsonl",
            Format::MirBench => "mirbench.tsv",
            Format::FunMirBench => "funmirbench.tsv",
            Format::Html => "report.html",
            #[cfg(feature = "parquet")]
            Format::Parquet => "sites.parquet",
        }
    }

    /// Whether what each pair gives is written one after the other: such outputs can be left off, gone on with and put
    /// together from shards.
    pub fn is_appended(self) -> bool {
        match self {
            Format::Html => false,
            #[cfg(feature = "parquet")]
            Format::Parquet => false,
            _ => true,
        }
    }

    /// The lines before the first row.
    fn head(self, meta: &str, on_genome: bool) -> String {
        match self {
            Format::Sites => format!("{meta}{}", lines::sites_header(on_genome)),
            Format::Genes => format!("{meta}{}", lines::genes_header(on_genome)),
            Format::Gff3 => format!("##gff-version 3\n{meta}"),
            Format::Bed | Format::Align => meta.to_string(),
            Format::Json | Format::Html => String::new(),
            #[cfg(feature = "parquet")]
            Format::Parquet => String::new(),
            Format::MirBench => lines::MIRBENCH_HEADER.to_string(),
            Format::FunMirBench => FUNMIRBENCH_HEADER.to_string(),
        }
    }

    fn append(self, text: &mut String, answered: &Answered) {
        let rows = answered.rows.iter();
        match self {
            Format::Sites => rows.for_each(|row| lines::site(text, answered, row)),
            Format::Genes => lines::gene(text, answered),
            Format::Bed => rows.for_each(|row| lines::bed(text, answered, row)),
            Format::Gff3 => rows.for_each(|row| lines::gff3(text, answered, row)),
            Format::Align => rows.for_each(|row| text.push_str(&lines::duplex(answered.question, row.site))),
            Format::Json => rows.for_each(|row| lines::json(text, answered, row)),
            Format::MirBench => lines::mirbench(text, answered),
            Format::FunMirBench => lines::funmirbench(text, answered),
            Format::Html => {}
            #[cfg(feature = "parquet")]
            Format::Parquet => {}
        }
    }
}

impl Tables {
    /// Opens outputs that begin with `meta`. With a genome, sites have places on it too.
    pub fn create(outputs: &[(Format, &str)], meta: &str, genome: Option<Arc<Genome>>) -> Result<Self> {
        #[cfg(feature = "parquet")]
        let (parquet, outputs) = Self::parquet(outputs, meta, genome.is_some())?;
        let report = outputs.iter().any(|(format, _)| *format == Format::Html).then(Report::default);
        let create = |&(format, path): &(Format, &str)| {
            let mut output = Output::create(path)?;
            output.put(format.head(meta, genome.is_some()))?;
            Ok((format, Some(output)))
        };
        let opened = outputs.iter().map(create).collect::<Result<_>>()?;
        Ok(Tables {
            report,
            #[cfg(feature = "parquet")]
            parquet,
            ..Tables::of(opened, meta, genome)
        })
    }

    fn of(outputs: Vec<(Format, Option<Output>)>, meta: &str, genome: Option<Arc<Genome>>) -> Self {
        Tables {
            outputs,
            genome,
            discovery: None,
            target: None,
            report: None,
            meta: meta.to_string(),
            #[cfg(feature = "parquet")]
            parquet: Vec::new(),
        }
    }

    /// The same tables that say of each site which share of its like is false.
    pub fn judged_by(self, discovery: Option<Steps>) -> Self {
        Tables { discovery, ..self }
    }

    /// Opens the Parquet files, which are no text, and gives back the other outputs.
    #[cfg(feature = "parquet")]
    fn parquet<'a>(
        outputs: &[(Format, &'a str)],
        meta: &str,
        on_genome: bool,
    ) -> Result<(Vec<Parquet>, Vec<(Format, &'a str)>)> {
        let (wanted, others): (Vec<_>, Vec<_>) =
            outputs.iter().copied().partition(|(format, _)| *format == Format::Parquet);
        let create = |(_, path): (Format, &str)| Parquet::create(path, meta, on_genome);
        Ok((wanted.into_iter().map(create).collect::<Result<_>>()?, others))
    }

    /// As [`Tables::create`], but for a scan that can be resumed: goes on where `journal` says that outputs, which are all
    /// appended to, were left off.
    pub fn resume(
        (outputs, meta): (&[(Format, &str)], &str),
        genome: Option<Arc<Genome>>,
        journal: &mut Journal,
    ) -> Result<Self> {
        let heads: Vec<String> =
            outputs.iter().map(|(format, _)| format.head(meta, genome.is_some())).collect();
        let opened = journal.open(outputs, &heads)?;
        let table = |(&(format, _), output): (&(Format, &str), Output)| (format, Some(output));
        Ok(Tables::of(outputs.iter().zip(opened).map(table).collect(), meta, genome))
    }

    /// Sees to it that what was written is not lost; how many bytes that is of each output.
    pub(super) fn checkpoint(&mut self) -> Result<Vec<u64>> {
        self.outputs.iter_mut().filter_map(|(_, output)| output.as_mut()).map(Output::checkpoint).collect()
    }

    /// Writes what answered questions give; sites below `min_probability` are left out.
    pub(super) fn write(&mut self, questions: &[Question], min_probability: f32) -> Result<()> {
        let mut texts = vec![String::new(); self.outputs.len()];
        questions.iter().for_each(|question| self.note(question));
        for question in questions {
            let place = self.genome.as_ref().map_or(Place::NoGenome, |genome| genome.place(question));
            let answered = Answered::new(question, min_probability, place).judged_by(self.discovery.as_ref());
            #[cfg(feature = "parquet")]
            self.parquet.iter_mut().try_for_each(|file| file.add(&answered))?;
            self.report.iter_mut().for_each(|report| report.add(&answered));
            for ((format, _), text) in self.outputs.iter().zip(&mut texts) {
                format.append(text, &answered);
            }
        }
        self.outputs.iter_mut().zip(&texts).try_for_each(|((_, output), text)| put(output, text))
    }

    /// Tells the genome of a target that is met for the first time; a target's questions follow each other.
    fn note(&mut self, question: &Question) {
        let Some(genome) = &self.genome else { return };
        if self.target.as_ref().is_none_or(|last| !Arc::ptr_eq(last, &question.target)) {
            self.target = Some(question.target.clone());
            genome.note(question);
        }
    }

    /// Completes the outputs.
    pub(super) fn finish(mut self) -> Result<()> {
        if let Some(report) = &self.report {
            let page = report.page(&self.meta);
            let mut pages = self.outputs.iter_mut().filter(|(format, _)| *format == Format::Html);
            pages.try_for_each(|(_, output)| put(output, &page))?;
        }
        #[cfg(feature = "parquet")]
        self.parquet.into_iter().try_for_each(Parquet::finish)?;
        self.outputs.into_iter().filter_map(|(_, output)| output).try_for_each(finish)
    }

    /// Whether nobody reads any more.
    pub(super) fn are_closed(&self) -> bool {
        #[cfg(feature = "parquet")]
        if !self.parquet.is_empty() {
            return false;
        }
        self.outputs.iter().all(|(_, output)| output.is_none())
    }
}

/// Writes, and gives up an output whose reader went away.
fn put(output: &mut Option<Output>, text: &str) -> Result<()> {
    let Some(open) = output else { return Ok(()) };
    match open.put(text) {
        Err(error) if is_closed_pipe(&error) => *output = None,
        written => return written,
    }
    Ok(())
}

fn finish(output: Output) -> Result<()> {
    match output.finish() {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        finished => finished,
    }
}
