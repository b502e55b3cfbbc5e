//! Rows of the sites and genes tables.

use std::fmt::Write;

use super::{Answered, IN_MEMORY, Place, Row, logit};

const SITES: &str =
    "mirna_id\ttarget_id\tstart\tend\tsite_type\tprobability\tscore\tn_wc\tn_gu\tn_mismatch\tpairing\tfdr";
const GENES: &str =
    "mirna_id\ttarget_id\tprobability\tn_sites\tbest_start\tbest_end\tbest_site_type\tn_windows\tstatus";
/// Where transcripts are known to lie on a genome.
const GENOME: &str = "\tchrom\tchrom_start\tchrom_end\tstrand";

pub(in crate::scan) fn sites_header(on_genome: bool) -> String {
    format!("{SITES}{}\n", if on_genome { GENOME } else { "" })
}

pub(in crate::scan) fn genes_header(on_genome: bool) -> String {
    format!("{GENES}{}\n", if on_genome { GENOME } else { "" })
}

/// A site.
pub(in crate::scan) fn site(text: &mut String, answered: &Answered, row: &Row) {
    let Row { site, start, end, duplex } = row;
    let (mirna, target) = (&answered.question.mirna, &answered.question.target);
    let (wc, gu, mismatch) = duplex.as_ref().map_or((0, 0, 0), |d| (d.n_wc, d.n_gu, d.n_mismatch));
    let pairing = duplex.as_ref().map_or("NA".into(), |d| d.brackets(&mirna.sequence, &target.sequence));
    let (kind, p, score) = (site.candidate.seed, site.probability, logit(site.probability));
    write!(text, "{}\t{}\t{start}\t{end}\t{kind}\t{p:.6}\t{score:.4}\t", mirna.id, target.id)
        .expect(IN_MEMORY);
    let fdr = answered.fdr(row).map_or("NA".into(), |fdr| format!("{fdr:.6}"));
    write!(text, "{wc}\t{gu}\t{mismatch}\t{pairing}\t{fdr}").expect(IN_MEMORY);
    on_genome(text, Some(row), answered.place);
}

/// A pair: its most probable window stands for it.
pub(in crate::scan) fn gene(text: &mut String, answered: &Answered) {
    let question = answered.question;
    let best = question.best().map(|site| Row::of(question, site));
    write!(text, "{}\t{}\t", question.mirna.id, question.target.id).expect(IN_MEMORY);
    match &best {
        Some(Row { site, start, end, .. }) => {
            let (kind, p, n_sites) = (site.candidate.seed, site.probability, answered.rows.len());
            write!(text, "{p:.6}\t{n_sites}\t{start}\t{end}\t{kind}").expect(IN_MEMORY);
        }
        None => text.push_str("NA\t0\tNA\tNA\tNA"),
    }
    write!(text, "\t{}\t{}", question.sites.len(), question.status.name()).expect(IN_MEMORY);
    on_genome(text, best.as_ref(), answered.place);
}

/// Ends a row, with chromosome, first and last base and strand where there is a genome.
fn on_genome(text: &mut String, row: Option<&Row>, place: Place) {
    match (place, row) {
        (Place::NoGenome, _) => {}
        (Place::Found(transcript), Some(row)) => {
            let blocks = transcript.locate(row.span());
            let (first, last) = (&blocks[0], &blocks[blocks.len() - 1]);
            let (chrom, strand) = (&transcript.chrom, transcript.strand);
            write!(text, "\t{chrom}\t{}\t{}\t{strand}", first.start + 1, last.end).expect(IN_MEMORY);
        }
        _ => text.push_str("\tNA\tNA\tNA\tNA"),
    }
    text.push('\n');
}
