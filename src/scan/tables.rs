//! The two tables of a scan: binding sites, and one row for each pair.

use std::fmt::Write;

use super::{Output, Question, Site, is_closed_pipe};
use crate::Result;

const SITES_HEADER: &str =
    "mirna_id\ttarget_id\tstart\tend\tsite_type\tprobability\tscore\tn_wc\tn_gu\tn_mismatch\tpairing\n";
const GENES_HEADER: &str =
    "mirna_id\ttarget_id\tprobability\tn_sites\tbest_start\tbest_end\tbest_site_type\tn_windows\tstatus\n";

/// What the columns mean, for the meta lines.
pub const MEANINGS: [(&str, &str); 5] = [
    ("coordinates", "1-based inclusive, 5'->3' on the target"),
    ("score", "logit of the probability"),
    ("pairing", "dot-bracket of the site & the miRNA, both 5'->3'; nucleotide 1 never pairs"),
    ("gene_probability", "highest over the pair's windows"),
    ("n_sites", "sites at or above min_probability; best_* is the most probable window, above it or not"),
];

/// The tables that were asked for.
pub struct Tables {
    sites: Option<Output>,
    genes: Option<Output>,
}

/// A site as a table has it.
struct Row {
    /// 1-based, inclusive.
    start: usize,
    end: usize,
    site_type: &'static str,
    probability: f32,
    /// n_wc, n_gu, n_mismatch.
    counts: [usize; 3],
    pairing: String,
}

impl Tables {
    /// Opens tables that begin with `meta`.
    pub fn create(sites: Option<&str>, genes: Option<&str>, meta: &str) -> Result<Self> {
        let create = |path: Option<&str>, header: &str| {
            let Some(path) = path else { return Ok(None) };
            let mut output = Output::create(path)?;
            output.put(format!("{meta}{header}"))?;
            Ok(Some(output))
        };
        Ok(Tables { sites: create(sites, SITES_HEADER)?, genes: create(genes, GENES_HEADER)? })
    }

    /// Writes the rows of answered questions; sites below `min_probability` are left out.
    pub fn write(&mut self, questions: &[Question], min_probability: f32) -> Result<()> {
        let (mut sites, mut genes) = (String::new(), String::new());
        for question in questions {
            let rows = rows(question, min_probability);
            rows.iter().for_each(|row| site_line(&mut sites, question, row));
            gene_line(&mut genes, question, rows.len());
        }
        put(&mut self.sites, &sites)?;
        put(&mut self.genes, &genes)
    }

    /// Completes the tables.
    pub fn finish(self) -> Result<()> {
        [self.sites, self.genes].into_iter().flatten().try_for_each(finish)
    }

    /// Whether nobody reads any more.
    pub fn are_closed(&self) -> bool {
        self.sites.is_none() && self.genes.is_none()
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

fn row(question: &Question, site: &Site) -> Row {
    let (mirna, transcript) = (&question.mirna.sequence, &question.target.sequence);
    let (site_type, probability) = (site.candidate.seed.name(), site.probability);
    match site.duplex(mirna, transcript) {
        Some(duplex) => Row {
            start: duplex.span.start + 1,
            end: duplex.span.end,
            site_type,
            probability,
            counts: [duplex.n_wc, duplex.n_gu, duplex.n_mismatch],
            pairing: duplex.brackets(mirna, transcript),
        },
        None => Row {
            start: site.candidate.window.start + 1,
            end: site.candidate.window.end,
            site_type,
            probability,
            counts: [0; 3],
            pairing: "NA".into(),
        },
    }
}

/// The sites worth a row, by place. Windows at a stride that show the same duplex are one site, the most probable.
fn rows(question: &Question, min_probability: f32) -> Vec<Row> {
    let worth = question.sites.iter().filter(|site| site.probability >= min_probability);
    let mut rows: Vec<Row> = worth.map(|site| row(question, site)).collect();
    rows.sort_by(|a, b| {
        (a.start, a.end).cmp(&(b.start, b.end)).then(b.probability.total_cmp(&a.probability))
    });
    rows.dedup_by_key(|row| (row.start, row.end));
    rows
}

fn site_line(text: &mut String, question: &Question, row: &Row) {
    let (mirna, target) = (&question.mirna.id, &question.target.id);
    let Row { start, end, site_type, probability, counts: [wc, gu, mismatch], pairing } = row;
    let score = logit(*probability);
    let line = format_args!(
        "{mirna}\t{target}\t{start}\t{end}\t{site_type}\t{probability:.6}\t{score:.4}\t{wc}\t{gu}\t{mismatch}\t{pairing}\n"
    );
    text.write_fmt(line).expect("a String takes all text");
}

fn gene_line(text: &mut String, question: &Question, n_sites: usize) {
    let (mirna, target, status) = (&question.mirna.id, &question.target.id, question.status.name());
    let windows = question.sites.len();
    let best = question.best().map(|site| row(question, site));
    let line = match best {
        Some(Row { start, end, site_type, probability, .. }) => format!(
            "{mirna}\t{target}\t{probability:.6}\t{n_sites}\t{start}\t{end}\t{site_type}\t{windows}\t{status}\n"
        ),
        None => format!("{mirna}\t{target}\tNA\t0\tNA\tNA\tNA\t{windows}\t{status}\n"),
    };
    text.push_str(&line);
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
    fn logits_are_finite_and_odd() {
        assert_eq!(logit(0.5), 0.0);
        assert!(logit(1.0) > 15.0 && logit(1.0).is_finite());
        assert!(logit(0.0) < -15.0 && logit(0.0).is_finite());
        assert!((logit(0.9) + logit(0.1)).abs() < 1e-5);
    }
}
