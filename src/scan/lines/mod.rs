//! Answers as text, in each format: what a question gives depends on that question alone.

mod benchmarks;
mod features;
mod json;
mod table;

use std::ops::Range;

use super::{Question, Site};
use crate::model::Steps;
use crate::rna::{Duplex, Spliced};

pub(super) use benchmarks::{MIRBENCH_HEADER, funmirbench, mirbench};
pub(super) use features::{bed, gff3};
pub(super) use json::json;
pub(super) use table::{gene, genes_header, site, sites_header};

const IN_MEMORY: &str = "a String takes all text";

/// A question and the sites worth a row.
pub(super) struct Answered<'a> {
    pub(super) question: &'a Question,
    /// By place.
    pub(super) rows: Vec<Row<'a>>,
    pub(super) place: Place<'a>,
    discovery: Option<&'a Steps>,
}

/// Where a transcript lies on the genome.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// Nobody said.
    NoGenome,
    /// A genome was given, and the transcript is not found there.
    Lost,
    Found(&'a Spliced),
}

/// A site with its place on the transcript.
pub(super) struct Row<'a> {
    pub(super) site: &'a Site,
    /// 1-based, inclusive.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) duplex: Option<Duplex>,
}

impl<'a> Answered<'a> {
    /// Keeps sites of at least `min_probability`. Windows at a stride that show the same duplex are one site, the most
    /// probable.
    pub(super) fn new(question: &'a Question, min_probability: f32, place: Place<'a>) -> Self {
        let worth = question.sites.iter().filter(|site| site.probability >= min_probability);
        let mut rows: Vec<Row> = worth.map(|site| Row::of(question, site)).collect();
        let falling = |a: &Row, b: &Row| b.site.probability.total_cmp(&a.site.probability);
        rows.sort_by(|a, b| (a.start, a.end).cmp(&(b.start, b.end)).then(falling(a, b)));
        rows.dedup_by_key(|row| (row.start, row.end));
        Answered { question, rows, place, discovery: None }
    }

    /// The same, with what is known of false-discovery rates by probability.
    pub(super) fn judged_by(self, discovery: Option<&'a Steps>) -> Self {
        Answered { discovery, ..self }
    }

    /// The false-discovery rate of a site, where it is known.
    pub(super) fn fdr(&self, row: &Row) -> Option<f32> {
        self.discovery.map(|steps| steps.at(row.site.probability))
    }
}

impl<'a> Row<'a> {
    /// The site's place is its duplex's, or where nothing pairs its window's.
    fn of(question: &Question, site: &'a Site) -> Self {
        let duplex = site.duplex(&question.mirna.sequence, &question.target.sequence);
        let span = duplex.as_ref().map_or(&site.candidate.window, |duplex| &duplex.span);
        Row { site, start: span.start + 1, end: span.end, duplex }
    }

    /// The site on the transcript, 0-based and half open.
    pub(super) fn span(&self) -> Range<usize> {
        self.start - 1..self.end
    }
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

/// `ln(p / (1 - p))`, of probabilities kept from 0 and 1 by what f32 resolves.
pub(super) fn logit(probability: f32) -> f32 {
    let p = probability.clamp(f32::EPSILON, 1.0 - f32::EPSILON);
    (p / (1.0 - p)).ln()
}

/// A number with as many digits after the point as tables have.
pub(super) fn rounded(value: f32, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (f64::from(value) * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_finite_and_odd() {
        assert_eq!(logit(0.5), 0.0);
        assert!(logit(1.0) > 15.0 && logit(1.0).is_finite());
        assert!(logit(0.0) < -15.0 && logit(0.0).is_finite());
        assert!((logit(0.9) + logit(0.1)).abs() < 1e-5);
    }

    #[test]
    fn rounded_numbers_are_those_of_tables() {
        for p in [0.1, 0.123_456_79, 0.999_999_9, 1.0, 0.0] {
            assert_eq!(format!("{:.6}", rounded(p, 6)), format!("{p:.6}"));
        }
        assert_eq!(rounded(0.1, 6).to_string(), "0.1");
    }
}
