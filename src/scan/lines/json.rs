//! A site as one line of JSON, with the sequences that a table has no room for.

use serde::Serialize;

use super::{Answered, Place, Row, logit, rounded};
use crate::rna::text as letters;

#[derive(Serialize)]
struct Site<'a> {
    mirna_id: &'a str,
    target_id: &'a str,
    /// 1-based, inclusive.
    start: usize,
    end: usize,
    site_type: &'static str,
    probability: f64,
    score: f64,
    n_wc: usize,
    n_gu: usize,
    n_mismatch: usize,
    pairing: Option<String>,
    fdr: Option<f64>,
    /// 5'->3'.
    mirna_seq: String,
    /// 5'->3', from start to end.
    site_seq: String,
    /// Drawn: the miRNA 3'->5', bars, the site 5'->3'.
    duplex: Option<[String; 3]>,
    #[serde(flatten)]
    place: Option<Genomic<'a>>,
}

/// On the genome; every field is null where the transcript is not found there.
#[derive(Default, Serialize)]
struct Genomic<'a> {
    chrom: Option<&'a str>,
    strand: Option<char>,
    /// First and last base of each exon the site lies on, 1-based, ascending.
    blocks: Option<Vec<[usize; 2]>>,
}

pub(in crate::scan) fn json(text: &mut String, answered: &Answered, row: &Row) {
    let (mirna, target) = (&answered.question.mirna, &answered.question.target);
    let duplex = row.duplex.as_ref();
    let drawn = duplex.map(|d| d.draw(&mirna.sequence, &target.sequence));
    let place = match answered.place {
        Place::NoGenome => None,
        Place::Lost => Some(Genomic::default()),
        Place::Found(transcript) => Some(Genomic {
            chrom: Some(&transcript.chrom),
            strand: Some(transcript.strand.sign()),
            blocks: Some(transcript.locate(row.span()).iter().map(|b| [b.start + 1, b.end]).collect()),
        }),
    };
    let site = Site {
        mirna_id: &mirna.id,
        target_id: &target.id,
        start: row.start,
        end: row.end,
        site_type: row.site.candidate.seed.name(),
        probability: rounded(row.site.probability, 6),
        score: rounded(logit(row.site.probability), 4),
        n_wc: duplex.map_or(0, |d| d.n_wc),
        n_gu: duplex.map_or(0, |d| d.n_gu),
        n_mismatch: duplex.map_or(0, |d| d.n_mismatch),
        pairing: duplex.map(|d| d.brackets(&mirna.sequence, &target.sequence)),
        fdr: answered.fdr(row).map(|fdr| rounded(fdr, 6)),
        mirna_seq: letters(&mirna.sequence),
        site_seq: letters(&target.sequence[row.span()]),
        duplex: drawn.map(|drawing| [drawing.mirna, drawing.bars, drawing.target]),
        place,
    };
    *text += &serde_json::to_string(&site).expect("plain fields serialise");
    text.push('\n');
}
