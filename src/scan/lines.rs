//! One result as text, in each format.

use std::fmt::Write;

use super::{Question, Site};
use crate::rna::Duplex;

pub(super) const SITES_HEADER: &str =
    "mirna_id\ttarget_id\tstart\tend\tsite_type\tprobability\tscore\tn_wc\tn_gu\tn_mismatch\tpairing\n";
pub(super) const GENES_HEADER: &str =
    "mirna_id\ttarget_id\tprobability\tn_sites\tbest_start\tbest_end\tbest_site_type\tn_windows\tstatus\n";

const IN_MEMORY: &str = "a String takes all text";

/// A site with its place on the transcript.
pub(super) struct Row<'a> {
    pub(super) site: &'a Site,
    /// 1-based, inclusive.
    pub(super) start: usize,
    pub(super) end: usize,
    duplex: Option<Duplex>,
}

impl<'a> Row<'a> {
    /// The site's place is its duplex's, or where nothing pairs its window's.
    pub(super) fn of(question: &Question, site: &'a Site) -> Self {
        let duplex = site.duplex(&question.mirna.sequence, &question.target.sequence);
        let span = duplex.as_ref().map_or(&site.candidate.window, |duplex| &duplex.span);
        Row { site, start: span.start + 1, end: span.end, duplex }
    }
}

pub(super) fn site(text: &mut String, question: &Question, row: &Row) {
    let Row { site, start, end, duplex } = row;
    let (mirna, target) = (&question.mirna, &question.target);
    let (wc, gu, mismatch) = duplex.as_ref().map_or((0, 0, 0), |d| (d.n_wc, d.n_gu, d.n_mismatch));
    let pairing = duplex.as_ref().map_or("NA".into(), |d| d.brackets(&mirna.sequence, &target.sequence));
    let (kind, p, score) = (site.candidate.seed, site.probability, logit(site.probability));
    write!(text, "{}\t{}\t{start}\t{end}\t{kind}\t{p:.6}\t{score:.4}\t", mirna.id, target.id)
        .expect(IN_MEMORY);
    writeln!(text, "{wc}\t{gu}\t{mismatch}\t{pairing}").expect(IN_MEMORY);
}

pub(super) fn gene(text: &mut String, question: &Question, n_sites: usize) {
    write!(text, "{}\t{}\t", question.mirna.id, question.target.id).expect(IN_MEMORY);
    match question.best().map(|site| Row::of(question, site)) {
        Some(Row { site, start, end, .. }) => {
            let (kind, p) = (site.candidate.seed, site.probability);
            write!(text, "{p:.6}\t{n_sites}\t{start}\t{end}\t{kind}").expect(IN_MEMORY);
        }
        None => text.push_str("NA\t0\tNA\tNA\tNA"),
    }
    writeln!(text, "\t{}\t{}", question.sites.len(), question.status.name()).expect(IN_MEMORY);
}

pub(super) fn bed(text: &mut String, question: &Question, row: &Row) {
    let (target, mirna) = (&question.target.id, &question.mirna.id);
    let score = (row.site.probability * 1000.0).round();
    writeln!(text, "{target}\t{}\t{}\t{mirna}\t{score}\t+", row.start - 1, row.end).expect(IN_MEMORY);
}

pub(super) fn gff3(text: &mut String, question: &Question, row: &Row) {
    let (target, mirna) = (escaped(&question.target.id), escaped(&question.mirna.id));
    let Row { site, start, end, .. } = row;
    let (kind, p) = (site.candidate.seed, site.probability);
    let place = format!("{target}\tmirscope\tmiRNA_target_site\t{start}\t{end}\t{p:.6}\t+\t.");
    writeln!(text, "{place}\tName={mirna};site_type={kind}").expect(IN_MEMORY);
}

/// The three lines of a duplex with their labels, and a blank one. Nothing where nothing pairs.
pub fn duplex(question: &Question, site: &Site) -> String {
    let (mirna, target) = (&question.mirna, &question.target);
    let Some(duplex) = site.duplex(&mirna.sequence, &target.sequence) else { return String::new() };
    let drawing = duplex.draw(&mirna.sequence, &target.sequence);
    let (start, end) = (duplex.span.start + 1, duplex.span.end);
    let (kind, p) = (site.candidate.seed, site.probability);
    let first = format!("miRNA  3' {} 5'   {}", drawing.mirna, mirna.id);
    let second = format!("          {}      {kind}  p={p:.2}", drawing.bars);
    let third = format!("target 5' {} 3'   {} {start}-{end}", drawing.target, target.id);
    format!("{first}\n{second}\n{third}\n\n")
}

/// An id with what GFF3 gives a meaning to written as %XX,
/// <https://github.com/The-Sequence-Ontology/Specifications/blob/master/gff3.md>.
fn escaped(id: &str) -> String {
    let escape = |c: char| match c {
        ';' | '=' | '&' | ',' | '%' | '>' => format!("%{:02X}", c as u32),
        _ => c.to_string(),
    };
    id.chars().map(escape).collect()
}

/// `ln(p / (1 - p))`, of probabilities kept from 0 and 1 by what f32 resolves.
fn logit(probability: f32) -> f32 {
    let p = probability.clamp(f32::EPSILON, 1.0 - f32::EPSILON);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gff3_ids_keep_their_separators_apart() {
        assert_eq!(escaped("a;b=c%|d"), "a%3Bb%3Dc%25|d");
    }

    #[test]
    fn logits_are_finite_and_odd() {
        assert_eq!(logit(0.5), 0.0);
        assert!(logit(1.0) > 15.0 && logit(1.0).is_finite());
        assert!(logit(0.0) < -15.0 && logit(0.0).is_finite());
        assert!((logit(0.9) + logit(0.1)).abs() < 1e-5);
    }
}
