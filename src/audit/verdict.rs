//! The verdict in plain words. What it says follows from the figures by the thresholds here and from nothing else.
//!
//! A shortcut's *share* of the best is `(AUROC of the shortcut - 1/2) / (best AUROC - 1/2)`, where the best is the highest
//! AUROC of everything that was tried on the rows, the audited score and its combination with the shortcuts included.

use super::shortcuts::{LENGTH_ONLY, MIRNA_ONLY, SEED_RULE, SEED_SITES, SITE_ONLY, TARGET_KNOWN};
use super::{Audit, Probe, TOGETHER, low};
use crate::data::{Count, Shared};
use crate::eval::{Estimate, ReportRow};

/// AUROC below which nothing worth a share is told.
const TELLS: f64 = 0.6;
/// Share of the best from which on a shortcut tells most of what is told.
const MOST: f64 = 0.8;
/// AUROC within a miRNA from which on a score is said to order its targets, given an interval above 1/2.
const ORDERS: f64 = 0.6;
/// Decisions kept from which on what was destroyed counts as hardly read.
const HARDLY_READ: f64 = 0.9;
/// Difference from 1/2 from which on a shortcut is said to point the wrong way.
const WRONG_WAY: f64 = 0.05;

/// What the audit comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Headline {
    /// Nothing that was tried tells the labels apart.
    #[default]
    Nothing,
    /// The miRNA's identity tells most of what is told.
    Mirna,
    /// What the target is does.
    Target,
    /// The length of the target does.
    Length,
    /// The best seed match does.
    Seed,
    /// No shortcut alone does, but all together do, and the score adds nothing to them.
    Together,
    /// The score orders the targets of a miRNA and adds to the shortcuts.
    Reads,
    /// The score does not, or not so that it could be told from chance.
    ReadsLittle,
    /// There is no score, and no shortcut alone tells most of what is told.
    Open,
}

/// The headline, a sentence on it, and what else is to be known.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub struct Verdict {
    pub headline: Headline,
    pub summary: String,
    pub findings: Vec<String>,
}

/// What a shortcut looks at, for the reader.
const SHORTCUTS: [(&str, Headline, &str); 6] = [
    (MIRNA_ONLY, Headline::Mirna, "which miRNA a row has"),
    (SITE_ONLY, Headline::Target, "which 4-mers the target holds"),
    (TARGET_KNOWN, Headline::Target, "knowing the target by heart"),
    (SEED_RULE, Headline::Seed, "the type of the best seed match"),
    (SEED_SITES, Headline::Seed, "the number and types of seed sites"),
    (LENGTH_ONLY, Headline::Length, "the length of the target"),
];

impl Verdict {
    pub(super) fn of(audit: &Audit) -> Verdict {
        let (headline, summary) = headline(audit);
        let mut findings = vec![balance(audit)];
        findings.extend(SHORTCUTS.iter().filter_map(|(name, _, what)| shortcut(audit, name, what)));
        findings.extend(score(audit));
        findings.extend(audit.probes.iter().map(probe));
        findings.extend(leaks(audit));
        Verdict { headline, summary, findings }
    }
}

impl Audit {
    /// The line called `name`, if there is one; a shortcut's before a score's that took its name.
    pub(super) fn line(&self, name: &str) -> Option<&ReportRow> {
        self.report.results.iter().rev().find(|line| line.name == name)
    }

    /// The line of the score that is asked about.
    pub(super) fn score_line(&self) -> Option<&ReportRow> {
        self.report.results.first().filter(|_| self.score.is_some())
    }

    /// The line with the highest AUROC, but for those that were learned with near-duplicates on both sides.
    fn best(&self) -> Option<&ReportRow> {
        let fair = self.report.results.iter().filter(|line| !line.name.ends_with(", random rows"));
        let value = |line: &&ReportRow| line.auroc.value;
        fair.filter(|line| value(line).is_some()).max_by(|a, b| {
            let (a, b) = (value(a).expect("filtered"), value(b).expect("filtered"));
            a.total_cmp(&b)
        })
    }

    /// Share of the best AUROC, `(a - 1/2) / (best - 1/2)`, where the best tells anything.
    fn share(&self, auroc: &Estimate) -> Option<f64> {
        let best = self.best()?.auroc.value.filter(|&best| best >= TELLS)?;
        Some((auroc.value? - 0.5) / (best - 0.5))
    }
}

fn headline(audit: &Audit) -> (Headline, String) {
    let told = audit.best().filter(|best| best.auroc.value.is_some_and(|auroc| auroc >= TELLS));
    let Some(best) = told else {
        let best = audit.best().map_or("none".into(), |best| format!("{}, AUROC {}", best.name, best.auroc));
        let tried = audit.report.results.len();
        let summary = format!(
            "Nothing tried here tells positives from negatives: the best of {tried} scores is {best}."
        );
        return (Headline::Nothing, summary);
    };
    let of_best = format!("of what the best score here reaches ({}, AUROC {})", best.name, best.auroc);
    let shares = SHORTCUTS.iter().filter_map(|(name, headline, what)| {
        let auroc = &audit.line(name)?.auroc;
        Some((audit.share(auroc)?, auroc, headline, what))
    });
    if let Some((share, auroc, headline, what)) = shares.max_by(|a, b| a.0.total_cmp(&b.0))
        && share >= MOST
    {
        let share = percent(share);
        let summary =
            format!("Most of what is told here is told by {what} alone: AUROC {auroc}, {share} {of_best}.");
        return (*headline, summary);
    }
    match (audit.score_line(), &audit.added, audit.line(TOGETHER)) {
        (Some(line), Some(added), Some(together)) => of_score(audit, line, added, together, &of_best),
        (_, _, together) => {
            let together = together.map_or("-".into(), |line| line.auroc.to_string());
            let summary = format!(
                "No shortcut alone tells most of what is told here; together they give AUROC {together}, to which a \
                 score has to add."
            );
            (Headline::Open, summary)
        }
    }
}

/// Where no shortcut alone tells most.
fn of_score(
    audit: &Audit,
    line: &ReportRow,
    added: &Estimate,
    together: &ReportRow,
    of_best: &str,
) -> (Headline, String) {
    if let Some(share) = audit.share(&together.auroc).filter(|&share| share >= MOST && !adds(audit)) {
        let share = percent(share);
        let summary = format!(
            "No shortcut alone tells most of what is told here, but together they reach {share} {of_best}."
        );
        return (Headline::Together, summary);
    }
    let (headline, says) = match orders(line) && adds(audit) {
        true => (Headline::Reads, "reads more than the shortcuts do"),
        false => (Headline::ReadsLittle, "is not shown to read more than the shortcuts do"),
    };
    let (name, within) = (&line.name, &line.within_mirna_auroc);
    let summary = format!(
        "The score {name} {says}: within a miRNA it orders rows with AUROC {within}, and it adds {added} of AUROC to all shortcuts \
         together."
    );
    (headline, summary)
}

/// Whether it orders the rows of a miRNA better than chance, and enough to speak of.
fn orders(line: &ReportRow) -> bool {
    let within = &line.within_mirna_auroc;
    within.value.is_some_and(|auroc| auroc >= ORDERS) && low(within).is_some_and(|low| low > 0.5)
}

/// Whether the score adds more than nothing to the shortcuts.
fn adds(audit: &Audit) -> bool {
    audit.added.as_ref().and_then(low).is_some_and(|low| low > 0.0)
}

fn balance(audit: &Audit) -> String {
    let (rows, mirnas) = (audit.balance.rows() as f64, &audit.balance.mirnas);
    let (positive, negative) = (mirnas.only_positive, mirnas.only_negative);
    let (one, all) = (positive.parts + negative.parts, mirnas.parts());
    let share = percent((positive.rows + negative.rows) as f64 / rows);
    format!(
        "{one} of {all} miRNAs have rows of one label only ({} only positive, {} only negative); these are {share} of \
         the rows.",
        positive.parts, negative.parts
    )
}

fn shortcut(audit: &Audit, name: &str, what: &str) -> Option<String> {
    let auroc = &audit.line(name)?.auroc;
    let value = auroc.value?;
    let what = what[..1].to_uppercase() + &what[1..];
    Some(match audit.share(auroc) {
        _ if value < 0.5 - WRONG_WAY && name == LENGTH_ONLY => {
            format!("{what}, and nothing else, gives AUROC {auroc}: positives are shorter.")
        }
        _ if value < 0.5 - WRONG_WAY => format!(
            "{what}, and nothing else, gives AUROC {auroc}: it points the wrong way, as rows that it was learned from \
             lean the other way than those it is tested on."
        ),
        Some(share) if share > 0.0 => {
            format!("{what}, and nothing else, gives AUROC {auroc}: {} of the best.", percent(share))
        }
        _ => format!("{what}, and nothing else, gives AUROC {auroc}."),
    })
}

fn score(audit: &Audit) -> Vec<String> {
    let Some(line) = audit.score_line() else { return vec![] };
    let name = &line.name;
    let mut said = vec![];
    let mut within = |part: &str, estimate: &Estimate| {
        if let Some(value) = estimate.value {
            let judged = match low(estimate) {
                Some(low) if low > 0.5 && value >= ORDERS => "",
                Some(low) if low > 0.5 => ", little above chance",
                Some(_) => ", not to be told from chance",
                None => ", with no interval",
            };
            said.push(format!("Within a {part}, {name} orders rows with AUROC {estimate}{judged}."));
        }
    };
    within("miRNA", &line.within_mirna_auroc);
    within("gene", &line.within_gene_auroc);
    if let (Some(added), Some(together)) = (&audit.added, audit.line(TOGETHER)) {
        let sure = if adds(audit) { "" } else { ", not to be told from nothing" };
        let auroc = &together.auroc;
        said.push(format!(
            "All shortcuts together, without the score, give AUROC {auroc}; the score adds {added}{sure}."
        ));
    }
    said
}

fn probe(probe: &Probe) -> String {
    let Probe { name, kept, before, after, .. } = probe;
    let before = before.map_or("-".into(), |auroc| format!("{auroc:.3}"));
    let auroc = format!("AUROC goes from {before} to {after}");
    match kept {
        Some(kept) => {
            let judged = if *kept >= HARDLY_READ { ": hardly any call depends on it" } else { "" };
            format!("With {name}, {} of decisions stay, and {auroc}{judged}.", percent(*kept))
        }
        None => format!("With {name}, {auroc}."),
    }
}

fn leaks(audit: &Audit) -> Option<String> {
    let leaks = audit.leaks.as_ref()?;
    let of = |shared: Shared| {
        let leak = leaks.shared.iter().find(|leak| leak.shared == shared)?;
        let part = |count: Count| count.percent().map_or("-".into(), |share| percent(share / 100.0));
        Some(format!("{} of positives and {} of negatives", part(leak.positives), part(leak.negatives)))
    };
    let target = of(Shared::Site)?;
    let text = format!("Of the rows, {target} have a target that stands verbatim in the training rows");
    Some(match (of(Shared::SiteKmer), of(Shared::SiteKmerAndMirna)) {
        (Some(kmer), Some(both)) => {
            format!("{text}; {kmer} share a 20-mer with a training site, {both} with one of the same miRNA.")
        }
        _ => format!("{text}."),
    })
}

/// Whole per cents.
pub(super) fn percent(fraction: f64) -> String {
    format!("{:.0}%", 100.0 * fraction)
}
