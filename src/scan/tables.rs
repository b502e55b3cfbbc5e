//! The results of a scan, in the formats that were asked for.

use serde::{Deserialize, Serialize};

use super::Journal;
use super::Question;
use super::lines::{self, Row};
use crate::Result;
use crate::output::{Output, is_closed_pipe};

/// What the columns mean, for the meta lines.
pub const MEANINGS: [(&str, &str); 5] = [
    ("coordinates", "1-based inclusive, 5'->3' on the target"),
    ("score", "logit of the probability"),
    ("pairing", "dot-bracket of the site & the miRNA, both 5'->3'; nucleotide 1 never pairs"),
    ("gene_probability", "highest over the pair's windows"),
    ("n_sites", "sites at or above min_probability; best_* is the most probable window, above it or not"),
];

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A row for each binding site.
    Sites,
    /// A row for each pair.
    Genes,
    /// BED6: 0-based, half open; the score is 1000 times the probability.
    Bed,
    /// GFF3 features `miRNA_target_site` (SO:0000934).
    Gff3,
    /// Drawn duplexes.
    Align,
}

/// The outputs of a scan.
pub struct Tables(Vec<(Format, Option<Output>)>);

impl Format {
    /// In manifests, and as a flag.
    pub fn name(self) -> &'static str {
        match self {
            Format::Sites => "sites",
            Format::Genes => "genes",
            Format::Bed => "bed",
            Format::Gff3 => "gff3",
            Format::Align => "align",
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
        }
    }

    /// The lines before the first row.
    fn head(self, meta: &str) -> String {
        match self {
            Format::Sites => format!("{meta}{}", lines::SITES_HEADER),
            Format::Genes => format!("{meta}{}", lines::GENES_HEADER),
            Format::Gff3 => format!("##gff-version 3\n{meta}"),
            Format::Bed | Format::Align => meta.to_string(),
        }
    }

    fn append(self, text: &mut String, question: &Question, rows: &[Row]) {
        match self {
            Format::Sites => rows.iter().for_each(|row| lines::site(text, question, row)),
            Format::Genes => lines::gene(text, question, rows.len()),
            Format::Bed => rows.iter().for_each(|row| lines::bed(text, question, row)),
            Format::Gff3 => rows.iter().for_each(|row| lines::gff3(text, question, row)),
            Format::Align => rows.iter().for_each(|row| text.push_str(&lines::duplex(question, row.site))),
        }
    }
}

impl Tables {
    /// Opens outputs that begin with `meta`.
    pub fn create(outputs: &[(Format, &str)], meta: &str) -> Result<Self> {
        let create = |&(format, path): &(Format, &str)| {
            let mut output = Output::create(path)?;
            output.put(format.head(meta))?;
            Ok((format, Some(output)))
        };
        Ok(Tables(outputs.iter().map(create).collect::<Result<_>>()?))
    }

    /// As [`Tables::create`], but for a scan that can be resumed: goes on where `journal` says that outputs were left off.
    pub fn resume(outputs: &[(Format, &str)], meta: &str, journal: &mut Journal) -> Result<Self> {
        let heads: Vec<String> = outputs.iter().map(|(format, _)| format.head(meta)).collect();
        let opened = journal.open(outputs, &heads)?;
        let table = |(&(format, _), output): (&(Format, &str), Output)| (format, Some(output));
        Ok(Tables(outputs.iter().zip(opened).map(table).collect()))
    }

    /// Sees to it that what was written is not lost; how many bytes that is of each output.
    pub(super) fn checkpoint(&mut self) -> Result<Vec<u64>> {
        self.0.iter_mut().filter_map(|(_, output)| output.as_mut()).map(Output::checkpoint).collect()
    }

    /// Writes what answered questions give; sites below `min_probability` are left out.
    pub(super) fn write(&mut self, questions: &[Question], min_probability: f32) -> Result<()> {
        let mut texts = vec![String::new(); self.0.len()];
        for question in questions {
            let rows = rows(question, min_probability);
            for ((format, _), text) in self.0.iter().zip(&mut texts) {
                format.append(text, question, &rows);
            }
        }
        self.0.iter_mut().zip(&texts).try_for_each(|((_, output), text)| put(output, text))
    }

    /// Completes the outputs.
    pub(super) fn finish(self) -> Result<()> {
        self.0.into_iter().filter_map(|(_, output)| output).try_for_each(finish)
    }

    /// Whether nobody reads any more.
    pub(super) fn are_closed(&self) -> bool {
        self.0.iter().all(|(_, output)| output.is_none())
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

/// The sites worth a row, by place. Windows at a stride that show the same duplex are one site, the most probable.
fn rows(question: &Question, min_probability: f32) -> Vec<Row<'_>> {
    let worth = question.sites.iter().filter(|site| site.probability >= min_probability);
    let mut rows: Vec<Row> = worth.map(|site| Row::of(question, site)).collect();
    let falling = |a: &Row, b: &Row| b.site.probability.total_cmp(&a.site.probability);
    rows.sort_by(|a, b| (a.start, a.end).cmp(&(b.start, b.end)).then(falling(a, b)));
    rows.dedup_by_key(|row| (row.start, row.end));
    rows
}
