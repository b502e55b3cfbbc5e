use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::data::{Grouping, groups};

fn audit_with(rows: &[Pair], score: Option<Vec<f64>>, probes: Vec<Tampered>) -> Audit {
    let labels: Vec<bool> = rows.iter().map(Pair::is_positive).collect();
    let score = score.map(|scores| Scored {
        name: "score".into(),
        scores: Scores::new(labels, scores).unwrap(),
        threshold: Some(0.5),
        probabilities: false,
    });
    let genes = groups(rows, Grouping::Genes);
    let subject = Subject {
        rows,
        whole_targets: false,
        train: None,
        genes: &genes,
        folds_by: &genes,
        groups: &groups(rows, Grouping::Families),
        unit: "miRNA families",
        score,
        others: vec![],
        probes,
        resampling: Resampling { resamples: 50, seed: 1 },
    };
    Audit::of(subject, "made up".into(), None).unwrap()
}

/// Label plus noise: AUROC about .86 whatever the miRNA.
fn reading(rows: &[Pair]) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let uniform = |rng: &mut ChaCha8Rng| -> f64 { rng.random() };
    rows.iter().map(|pair| f64::from(pair.label.unwrap()) * 0.5 + uniform(&mut rng)).collect()
}

fn auroc(audit: &Audit, name: &str) -> f64 {
    audit.line(name).unwrap().auroc.value.unwrap()
}

#[test]
fn where_the_mirna_decides_the_verdict_says_so() {
    let rows = cases::by_mirna(800, 40);
    let audit = audit_with(&rows, None, vec![]);
    assert_eq!(audit.verdict.headline, Headline::Mirna, "{audit}");
    assert!(auroc(&audit, "miRNA only") > 0.93);
    let summary = &audit.verdict.summary;
    assert!(
        summary.starts_with("Most of what is told here is told by which miRNA a row has alone: AUROC 0.9"),
        "{summary}"
    );
    assert_eq!(audit.added, None);
    // a score that gives each miRNA its own number knows nothing else
    let by_name: Vec<f64> = rows
        .iter()
        .map(|pair| f64::from(u8::from(pair.mirna_id.len() % 2 == 0)) + pair.mirna_id.len() as f64)
        .collect();
    let audit = audit_with(&rows, Some(by_name), vec![]);
    assert_eq!(audit.verdict.headline, Headline::Mirna);
    assert!(
        audit.verdict.findings.iter().any(|text| text.contains("not to be told from nothing")),
        "{audit}"
    );
}

#[test]
fn where_the_seed_decides_the_verdict_says_so() {
    let audit = audit_with(&cases::by_seed(600, 30), None, vec![]);
    assert_eq!(audit.verdict.headline, Headline::Seed, "{audit}");
    assert_eq!(auroc(&audit, "seed rule"), 1.0);
    let seed = audit.verdict.findings.iter().find(|text| text.starts_with("The type")).unwrap();
    assert!(seed.ends_with("100% of the best."), "{seed}");
}

#[test]
fn a_score_that_reads_is_told_from_one_that_does_not() {
    let rows = cases::balanced(800, 40);
    let audit = audit_with(&rows, Some(reading(&rows)), vec![]);
    assert_eq!(audit.verdict.headline, Headline::Reads, "{audit}");
    let line = audit.score_line().unwrap();
    assert!(line.within_mirna_auroc.value.unwrap() > 0.8);
    assert!(audit.added.unwrap().value.unwrap() > 0.25, "{audit}");
    assert!(audit.histogram.is_some() && audit.reliability.is_none());
    let noise: Vec<f64> = reading(&cases::coin(800, 40));
    let audit = audit_with(&rows, Some(noise), vec![]);
    assert_eq!(audit.verdict.headline, Headline::Nothing, "{audit}");
}

/// The score reads something, yet nothing that it orders within a miRNA.
#[test]
fn a_score_that_stands_above_the_shortcuts_by_the_mirna_alone_reads_little() {
    // the label follows the miRNA, but 600 of 700 miRNAs have one row, so that no other row tells it
    let rows = cases::by_mirna(800, 700);
    let scores: Vec<f64> = rows
        .iter()
        .map(|pair| f64::from(u8::from(pair.mirna_id[4..].parse::<usize>().unwrap().is_multiple_of(2))))
        .collect();
    let audit = audit_with(&rows, Some(scores), vec![]);
    assert!(auroc(&audit, "score") > 0.93);
    assert_eq!(audit.verdict.headline, Headline::ReadsLittle, "{audit}");
}

#[test]
fn where_nothing_tells_the_verdict_says_so() {
    let audit = audit_with(&cases::coin(800, 40), None, vec![]);
    assert_eq!(audit.verdict.headline, Headline::Nothing, "{audit}");
    assert!(audit.verdict.summary.starts_with("Nothing tried here tells positives from negatives"));
}

#[test]
fn probes_count_decisions_and_leave_out_rows_not_tampered_with() {
    let rows = cases::balanced(100, 10);
    let scores: Vec<f64> = (0..100).map(|row| if rows[row].is_positive() { 0.9 } else { 0.1 }).collect();
    // every fourth row cannot be done; of the others, the first thirty change sides
    let after =
        |row: usize| (!row.is_multiple_of(4)).then(|| if row < 40 { 1.0 - scores[row] } else { scores[row] });
    let probe = Tampered { name: "a change".into(), scores: (0..100).map(after).collect() };
    let audit = audit_with(&rows, Some(scores.clone()), vec![probe]);
    let probe = &audit.probes[0];
    assert_eq!((probe.rows, probe.before), (75, Some(1.0)));
    assert!((probe.kept.unwrap() - 45.0 / 75.0).abs() < 1e-12);
    assert!(probe.after.value.unwrap() < 0.8);
    let said = audit.verdict.findings.iter().find(|text| text.contains("a change")).unwrap();
    assert!(said.starts_with("With a change, 60% of decisions stay, and AUROC goes from 1.000 to"), "{said}");
}

#[test]
fn text_and_machines_get_the_same() {
    let rows = cases::by_mirna(400, 20);
    let audit = audit_with(&rows, Some(reading(&rows)), vec![]);
    let json = serde_json::to_value(&audit).unwrap();
    assert_eq!(json["verdict"]["headline"], "mirna");
    assert_eq!(json["balance"]["counts"].as_array().unwrap().len(), 20);
    assert_eq!(json["curves"][0]["roc"][0], serde_json::json!([0.0, 0.0]));
    let text = audit.to_string();
    let heads: Vec<&str> = text.lines().filter(|line| line.chars().all(|c| c.is_ascii_uppercase())).collect();
    assert_eq!(heads, ["VERDICT", "", "BALANCE", "", "SCORES", ""], "{text}");
    assert!(text.contains("20 miRNAs"), "{text}");
}

/// Seed and miRNA each tell a part.
#[test]
fn shortcuts_that_are_only_strong_together_leave_the_verdict_open() {
    let (by_mirna, by_seed) = (cases::by_mirna(400, 20), cases::by_seed(400, 20));
    let rows = [by_mirna, by_seed].concat();
    let audit = audit_with(&rows, None, vec![]);
    assert_eq!(audit.verdict.headline, Headline::Open, "{audit}");
    let together = auroc(&audit, TOGETHER);
    assert!(["miRNA only", "seed rule"].iter().all(|name| auroc(&audit, name) < together - 0.1), "{audit}");
    let noise: Vec<f64> = reading(&cases::coin(800, 40));
    assert_eq!(audit_with(&rows, Some(noise), vec![]).verdict.headline, Headline::Together);
}

/// Names come from files, and files from anybody.
#[test]
fn the_page_stands_alone_and_runs_nothing() {
    let mut rows = cases::by_mirna(400, 20);
    rows.iter_mut().for_each(|pair| pair.mirna_id = format!("<script>{}</script>", pair.mirna_id));
    let audit = audit_with(&rows, Some(reading(&rows)), vec![]);
    let page = audit.page();
    assert!(page.contains(&audit.verdict.summary) && page.contains("&lt;script&gt;miR-0&lt;/script&gt;"));
    for outside in ["<script", "<link", "src=", "href=", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
    let names: Vec<&str> = audit.figures().iter().map(|shown| shown.name).collect();
    assert_eq!(names, ["aurocs", "mirnas", "roc", "precision_recall", "distribution"]);
    assert_eq!(page.matches("<svg").count(), names.len());
    assert!(page.contains("prefers-color-scheme: dark"));
}
