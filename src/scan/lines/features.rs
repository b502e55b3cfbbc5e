//! Sites as features of a browser: BED and GFF3, along their transcripts or on a genome.

use std::fmt::Write;

use super::{Answered, IN_MEMORY, Place, Row};

/// BED6 of a site on its transcript; BED12 on the genome, a block each exon it lies on.
/// <https://samtools.github.io/hts-specs/BEDv1.pdf>.
pub(in crate::scan) fn bed(text: &mut String, answered: &Answered, row: &Row) {
    let (target, mirna) = (&answered.question.target.id, &answered.question.mirna.id);
    let score = (row.site.probability * 1000.0).round();
    let transcript = match answered.place {
        Place::Lost => return,
        Place::NoGenome => {
            writeln!(text, "{target}\t{}\t{}\t{mirna}\t{score}\t+", row.start - 1, row.end).expect(IN_MEMORY);
            return;
        }
        Place::Found(transcript) => transcript,
    };
    let (chrom, strand, blocks) = (&transcript.chrom, transcript.strand, transcript.locate(row.span()));
    let (start, end) = (blocks[0].start, blocks[blocks.len() - 1].end);
    let list = |numbers: Vec<usize>| numbers.iter().map(|n| format!("{n},")).collect::<String>();
    let sizes = list(blocks.iter().map(|block| block.len()).collect());
    let starts = list(blocks.iter().map(|block| block.start - start).collect());
    write!(text, "{chrom}\t{start}\t{end}\t{mirna}\t{score}\t{strand}\t{start}\t{end}\t0\t")
        .expect(IN_MEMORY);
    writeln!(text, "{}\t{sizes}\t{starts}", blocks.len()).expect(IN_MEMORY);
}

/// A `miRNA_target_site` (SO:0000934) on its transcript; on the genome a line each exon it lies on, joined by their ID.
/// <https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md>.
pub(in crate::scan) fn gff3(text: &mut String, answered: &Answered, row: &Row) {
    let (target, mirna) = (&answered.question.target.id, &answered.question.mirna.id);
    let Row { site, start, end, .. } = row;
    let (kind, p, name) = (site.candidate.seed, site.probability, value(mirna));
    let fdr = answered.fdr(row).map_or(String::new(), |fdr| format!(";fdr={fdr:.6}"));
    let mut line = |seqid: &str, start: usize, end: usize, strand: &dyn std::fmt::Display, more: &str| {
        let place = format!("{seqid}\tmirscope\tmiRNA_target_site\t{start}\t{end}\t{p:.6}\t{strand}\t.");
        writeln!(text, "{place}\t{more}Name={name};site_type={kind}{fdr}").expect(IN_MEMORY);
    };
    match answered.place {
        Place::Lost => {}
        Place::NoGenome => line(&seqid(target), *start, *end, &'+', ""),
        Place::Found(transcript) => {
            let id = format!("ID={name}:{0}:{start}-{end};transcript={0};", value(target));
            for block in transcript.locate(row.span()) {
                line(&seqid(&transcript.chrom), block.start + 1, block.end, &transcript.strand, &id);
            }
        }
    }
}

/// The first column: what is not in its alphabet is written as %XX.
fn seqid(id: &str) -> String {
    escaped(id, |byte| byte.is_ascii_alphanumeric() || b".:^*$@!+_?-|".contains(&byte))
}

/// An attribute's value: what has a meaning there is written as %XX.
fn value(id: &str) -> String {
    escaped(id, |byte| !byte.is_ascii_control() && !b";=&,%".contains(&byte))
}

fn escaped(id: &str, keeps: impl Fn(u8) -> bool) -> String {
    let mut text = String::with_capacity(id.len());
    for c in id.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() && !keeps(byte) => {
                write!(text, "%{byte:02X}").expect(IN_MEMORY);
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gff3_ids_keep_their_separators_apart() {
        assert_eq!(value("a;b=c%|d>µ"), "a%3Bb%3Dc%25|d>µ");
        assert_eq!(seqid("#a;b=c%|d>µ"), "%23a%3Bb%3Dc%25|d%3Eµ");
    }
}
