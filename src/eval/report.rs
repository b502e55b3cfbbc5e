//! The table of results: a model and its shortcuts side by side, on the same rows.

use std::fmt;

use super::bootstrap::{Draw, Interval, bootstrap};
use super::group_ids;
use super::metrics::Scores;

/// One line of the table before it is computed.
pub struct Scored {
    /// `model`, `miRNA only`, ...
    pub name: String,
    pub scores: Scores,
    /// From which score on a row is called positive, fixed on validation rows; `None` leaves those columns empty.
    pub threshold: Option<f64>,
}

/// A metric and the interval it was resampled to; `None` where the rows do not define it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Estimate {
    pub value: Option<f64>,
    pub interval: Option<Interval>,
}

/// The results of one set of scores. Rates are fractions.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct ReportRow {
    pub name: String,
    pub average_precision: Estimate,
    pub auroc: Estimate,
    /// AUROC within miRNAs.
    pub within_mirna_auroc: Estimate,
    pub threshold: Option<f64>,
    pub accuracy: Option<f64>,
    pub ppv: Option<f64>,
    pub recall: Option<f64>,
    pub specificity: Option<f64>,
    pub f1: Option<f64>,
    pub npv: Option<f64>,
    /// Precision re-weighted to ten negatives for each positive.
    pub ppv_1_10: Option<f64>,
    /// Precision re-weighted to a hundred negatives for each positive.
    pub ppv_1_100: Option<f64>,
}

/// Results on one test set. `Display` writes a plain-text table, serde the same for machines.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Report {
    /// Rows scored, and how many of them are positive.
    pub rows: usize,
    pub positives: usize,
    /// Groups drawn for the intervals, and how often.
    pub groups: usize,
    pub resamples: usize,
    pub results: Vec<ReportRow>,
}

impl Report {
    /// mirnas, groups `[rows]`: which miRNA each row has, and with which rows it is resampled (its family, say). All of
    /// `scored` are scores of the same rows, and every line is resampled by the same draws of `seed`.
    ///
    /// # Panics
    /// If there are more or fewer miRNAs or groups than rows.
    pub fn new(scored: &[Scored], mirnas: &[usize], groups: &[usize], resamples: usize, seed: u64) -> Report {
        let labels = scored.first().map_or(&[][..], |first| first.scores.labels());
        let same = |one: &Scored| one.scores.labels() == labels;
        assert!(scored.iter().all(same) && groups.len() == labels.len(), "all scores are of the same rows");
        let result = |one: &Scored| ReportRow::new(one, mirnas, groups, resamples, seed);
        Report {
            rows: labels.len(),
            positives: labels.iter().filter(|label| **label).count(),
            groups: count(groups),
            resamples,
            results: scored.iter().map(result).collect(),
        }
    }
}

impl ReportRow {
    fn new(scored: &Scored, mirnas: &[usize], groups: &[usize], resamples: usize, seed: u64) -> ReportRow {
        let scores = &scored.scores;
        let counts = scored.threshold.map(|threshold| scores.confusion(threshold));
        let interval = |metric: &dyn Fn(&Draw) -> Option<f64>| bootstrap(groups, resamples, seed, metric);
        let whole = count(mirnas.iter().zip(groups)) == count(mirnas);
        let within = |draw: &Draw| within_mirna_auroc(scores, mirnas, whole, draw);
        ReportRow {
            name: scored.name.clone(),
            average_precision: Estimate {
                value: scores.average_precision(),
                interval: interval(&|draw| scores.pick(&draw.rows).average_precision()),
            },
            auroc: Estimate {
                value: scores.auroc(),
                interval: interval(&|draw| scores.pick(&draw.rows).auroc()),
            },
            within_mirna_auroc: Estimate {
                value: scores.within_group_auroc(mirnas),
                interval: interval(&within),
            },
            threshold: scored.threshold,
            accuracy: counts.and_then(|c| c.accuracy()),
            ppv: counts.and_then(|c| c.ppv()),
            recall: counts.and_then(|c| c.recall()),
            specificity: counts.and_then(|c| c.specificity()),
            f1: counts.and_then(|c| c.f1()),
            npv: counts.and_then(|c| c.npv()),
            ppv_1_10: counts.and_then(|c| c.ppv_at(10.0)),
            ppv_1_100: counts.and_then(|c| c.ppv_at(100.0)),
        }
    }

    fn cells(&self) -> [String; 12] {
        [
            self.name.clone(),
            self.average_precision.to_string(),
            self.auroc.to_string(),
            self.within_mirna_auroc.to_string(),
            number(self.accuracy),
            number(self.ppv),
            number(self.recall),
            number(self.specificity),
            number(self.f1),
            number(self.npv),
            number(self.ppv_1_10),
            number(self.ppv_1_100),
        ]
    }
}

/// AUROC within the drawn miRNAs. Where groups hold miRNAs whole (families), one drawn twice is two miRNAs and its copies
/// are not compared with each other; where they cut across miRNAs (genes), a miRNA's rows come from several draws.
fn within_mirna_auroc(scores: &Scores, mirnas: &[usize], whole: bool, draw: &Draw) -> Option<f64> {
    let drawn = draw.rows.iter().zip(&draw.draws);
    let drawn = drawn.map(|(&row, &number)| (mirnas[row], if whole { number } else { 0 }));
    scores.pick(&draw.rows).within_group_auroc(&group_ids(drawn))
}

/// Number of distinct things.
pub(super) fn count<K: std::hash::Hash + Eq>(things: impl IntoIterator<Item = K>) -> usize {
    group_ids(things).into_iter().max().map_or(0, |last| last + 1)
}

const HEADER: [&str; 12] = [
    "",
    "AP",
    "AUROC",
    "within miRNA",
    "accuracy",
    "PPV",
    "recall",
    "specificity",
    "F1",
    "NPV",
    "PPV 1:10",
    "PPV 1:100",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { rows, positives, groups, resamples, .. } = self;
        writeln!(
            f,
            "{rows} rows, {positives} positive; 95% intervals: {resamples} draws of {groups} groups"
        )?;
        let mut lines = vec![HEADER.map(str::to_owned)];
        lines.extend(self.results.iter().map(ReportRow::cells));
        let width =
            |column: usize| lines.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..HEADER.len()).map(width).collect();
        for cells in &lines {
            let padded = cells.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
            writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&number(self.value))?;
        match self.interval {
            Some(Interval { low, high }) => write!(f, " [{low:.3}, {high:.3}]"),
            None => Ok(()),
        }
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let labels = vec![true, false, true, false, true, false];
        let scored = |name: &str, scores: [f64; 6], threshold| Scored {
            name: name.into(),
            scores: Scores::new(labels.clone(), scores.to_vec()).unwrap(),
            threshold,
        };
        let lines = [
            scored("model", [0.9, 0.2, 0.8, 0.1, 0.7, 0.3], Some(0.75)),
            scored("miRNA only", [0.5, 0.5, 0.2, 0.2, 0.1, 0.1], None),
        ];
        Report::new(&lines, &[0, 0, 1, 1, 2, 2], &[0, 0, 1, 1, 2, 2], 200, 1)
    }

    #[test]
    fn the_table_reads_as_written() {
        let text = report().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "6 rows, 3 positive; 95% intervals: 200 draws of 3 groups");
        assert!(lines[1].trim_start().starts_with("AP "), "{text}");
        let cells: Vec<&str> = lines[2].split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect();
        let perfect = "1.000 [1.000, 1.000]";
        let expected =
            ["model", perfect, perfect, perfect, "0.833", "1.000", "0.667", "1.000", "0.800", "0.750"];
        assert_eq!(cells[..10], expected);
        let cells: Vec<&str> = lines[3].split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect();
        assert_eq!(cells[0], "miRNA only");
        assert_eq!(cells[2..5], ["0.500 [0.500, 0.500]", "0.500 [0.500, 0.500]", "-"]);
    }

    #[test]
    fn a_mirna_drawn_twice_counts_twice_and_gene_draws_still_meet_within_it() {
        let labels = vec![true, false, true, false];
        let scores = Scores::new(labels, vec![0.9, 0.1, 0.2, 0.8]).unwrap();
        // miRNA 0 wins its comparison and is drawn twice, miRNA 1 loses its own
        let draw = Draw { rows: vec![0, 1, 0, 1, 2, 3], draws: vec![0, 0, 1, 1, 2, 2] };
        assert_eq!(within_mirna_auroc(&scores, &[0, 0, 1, 1], true, &draw), Some(2.0 / 3.0));
        let one = Scored { name: "model".into(), scores, threshold: None };
        let genes = Report::new(&[one], &[0, 0, 1, 1], &[0, 1, 2, 3], 100, 1);
        assert!(genes.results[0].within_mirna_auroc.interval.is_some());
    }

    #[test]
    fn machines_read_the_same() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["results"][0]["auroc"]["interval"]["low"], 1.0);
        assert_eq!(json["results"][1]["f1"], serde_json::Value::Null);
    }
}
