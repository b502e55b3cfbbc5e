//! GTF as Ensembl, GENCODE, NCBI and UCSC write it.
//!
//! A transcript's 3'UTR is what lies downstream of its CDS and stop codon: of its `three_prime_utr` features where there
//! are any (Ensembl), else of its `UTR` features (GENCODE), else of its exons. Ensembl's 3'UTR sequences begin behind the
//! stop codon, which GENCODE's UTR features hold.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::{Annotation, GTF, Lines, Spliced, Strand};
use crate::Result;

/// Features of one transcript, 0-based and half open.
struct Transcript {
    id: String,
    gene: Option<String>,
    chrom: Arc<str>,
    strand: Strand,
    exons: Vec<Range<usize>>,
    utrs: Vec<Range<usize>>,
    utr3s: Vec<Range<usize>>,
    /// From the first to the last base of CDS and stop codon.
    coding: Option<Range<usize>>,
}

/// Reads all lines, from the one `lines` stands on.
pub(super) fn read(lines: &mut Lines, annotation: &mut Annotation) -> Result<()> {
    let mut transcripts: Vec<Transcript> = Vec::new();
    let mut numbers: HashMap<(String, Arc<str>), usize> = HashMap::new();
    let mut chroms: HashMap<String, Arc<str>> = HashMap::new();
    loop {
        let [chrom, _, feature, start, end, _, strand, _, attributes] = lines.fields::<GTF>()?;
        if ["exon", "CDS", "stop_codon", "UTR", "three_prime_utr"].contains(&feature) {
            let (first, end) = (lines.number("start", start)?, lines.number("end", end)?);
            if first == 0 || end < first {
                return Err(
                    lines.complaint(format!("expected a start from 1 to the end, found {first} to {end}"))
                );
            }
            let strand = Strand::of(strand)
                .ok_or_else(|| lines.complaint(format!("expected + or - as strand, found '{strand}'")))?;
            let id = attribute(attributes, "transcript_id").ok_or_else(|| {
                lines.complaint(format!(
                    "expected the attribute transcript_id \"...\"; as in GTF, found '{attributes}'"
                ))
            })?;
            let chrom = chroms.entry(chrom.to_string()).or_insert_with(|| chrom.into()).clone();
            // Names of the pseudoautosomal regions stand on both X and Y in some files.
            let number = *numbers.entry((id.to_string(), chrom.clone())).or_insert_with(|| {
                let gene = attribute(attributes, "gene_id").map(str::to_string);
                transcripts.push(Transcript::new(id, gene, chrom, strand));
                transcripts.len() - 1
            });
            transcripts[number].add(feature, first - 1..end);
        }
        if !lines.advance()? {
            break;
        }
    }
    transcripts.into_iter().for_each(|transcript| transcript.join(annotation));
    Ok(())
}

impl Transcript {
    fn new(id: &str, gene: Option<String>, chrom: Arc<str>, strand: Strand) -> Self {
        let (exons, utrs, utr3s) = (Vec::new(), Vec::new(), Vec::new());
        Transcript { id: id.to_string(), gene, chrom, strand, exons, utrs, utr3s, coding: None }
    }

    fn add(&mut self, feature: &str, place: Range<usize>) {
        match feature {
            "exon" => self.exons.push(place),
            "UTR" => self.utrs.push(place),
            "three_prime_utr" => self.utr3s.push(place),
            _ => {
                let coding = self.coding.get_or_insert(place.clone());
                *coding = coding.start.min(place.start)..coding.end.max(place.end);
            }
        }
    }

    fn join(self, annotation: &mut Annotation) {
        let ids: Vec<&str> = [Some(self.id.as_str()), self.gene.as_deref()].into_iter().flatten().collect();
        let spliced = |blocks| Spliced::new(self.chrom.clone(), self.strand, blocks);
        if let Some(utr3) = spliced(self.utr3()) {
            annotation.add(&ids, utr3, true);
        }
        if let Some(whole) = spliced(self.exons.clone()) {
            annotation.add(&ids, whole, false);
        }
    }

    /// Blocks of the 3'UTR; none without a CDS.
    fn utr3(&self) -> Vec<Range<usize>> {
        let from = [&self.utr3s, &self.utrs, &self.exons].into_iter().find(|features| !features.is_empty());
        let (Some(coding), Some(from)) = (&self.coding, from) else { return self.utr3s.clone() };
        let downstream = |block: &Range<usize>| match self.strand {
            Strand::Plus => block.start.max(coding.end)..block.end,
            Strand::Minus => block.start..block.end.min(coding.start),
        };
        from.iter().map(downstream).collect()
    }
}

/// The value of `key` in GTF's ninth column, `key "value"; ...`.
fn attribute<'a>(attributes: &'a str, key: &str) -> Option<&'a str> {
    let pairs = attributes.split(';').filter_map(|pair| pair.trim().split_once(' '));
    let value =
        pairs.filter(|(name, _)| *name == key).map(|(_, value)| value.trim().trim_matches('"')).next();
    value.filter(|value| !value.is_empty())
}
