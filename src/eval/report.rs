//! The table of results: a model and its shortcuts side by side, on the same rows.

use std::fmt;

use super::bootstrap::{Draw, Interval, bootstrap};
use super::calibration::{brier, calibration_error};
use super::group_ids;
use super::metrics::Scores;
use super::table;

/// One line of the table before it is computed.
#[derive(Clone, Debug)]
pub struct Scored {
    /// `model`, `miRNA only`, ...
    pub name: String,
    pub scores: Scores,
    /// From which score on a row is called positive, fixed on validation rows; `None` leaves those columns empty.
    pub threshold: Option<f64>,
    /// Whether the scores are probabilities, so that it can be asked whether they mean what they say.
    pub probabilities: bool,
}

/// What the scored rows have in common with each other. Each `[rows]`.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// Which miRNA each row has.
    pub mirnas: &'a [usize],
    /// Which gene each row has, where that is known.
    pub genes: Option<&'a [usize]>,
    /// With which rows it is resampled.
    pub groups: &'a [usize],
    /// What those groups are, in the plural.
    pub unit: &'a str,
}

/// How intervals are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Resampling {
    pub resamples: usize,
    pub seed: u64,
}

/// A metric and the interval it was resampled to; `None` where the rows do not define it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Estimate {
    pub value: Option<f64>,
    pub interval: Option<Interval>,
}

/// The results of one set of scores. Rates are fractions.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct ReportRow {
    pub name: String,
    pub average_precision: Estimate,
    pub auroc: Estimate,
    /// AUROC within miRNAs.
    pub within_mirna_auroc: Estimate,
    /// AUROC within genes, where these are known.
    pub within_gene_auroc: Estimate,
    /// Area under the precision-recall curve by straight lines; larger than average precision.
    pub trapezoid_auc_pr: Option<f64>,
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
    /// Mean squared distance of probability from label.
    pub brier: Option<f64>,
    /// Expected calibration error over ten bins.
    pub calibration_error: Option<f64>,
}

/// Results on one test set. `Display` writes plain-text tables, serde the same for machines.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Report {
    /// Rows scored, and how many of them are positive.
    pub rows: usize,
    pub positives: usize,
    /// Groups drawn for the intervals, what they are, and how often.
    pub groups: usize,
    pub unit: String,
    pub resamples: usize,
    pub results: Vec<ReportRow>,
}

const CALIBRATION_BINS: usize = 10;

impl Report {
    /// All of `scored` are scores of the same rows, and every line is resampled by the same draws.
    ///
    /// # Panics
    /// If there are more or fewer miRNAs, genes or groups than rows.
    pub fn new(scored: &[Scored], rows: Rows, resampling: Resampling) -> Report {
        let labels = scored.first().map_or(&[][..], |first| first.scores.labels());
        let same = |one: &Scored| one.scores.labels() == labels;
        assert!(
            scored.iter().all(same) && rows.groups.len() == labels.len(),
            "all scores are of the same rows"
        );
        let result = |one: &Scored| ReportRow::new(one, rows, resampling);
        Report {
            rows: labels.len(),
            positives: labels.iter().filter(|label| **label).count(),
            groups: count(rows.groups),
            unit: rows.unit.into(),
            resamples: resampling.resamples,
            results: scored.iter().map(result).collect(),
        }
    }
}

impl ReportRow {
    fn new(scored: &Scored, rows: Rows, Resampling { resamples, seed }: Resampling) -> ReportRow {
        let scores = &scored.scores;
        let counts = scored.threshold.map(|threshold| scores.confusion(threshold));
        let estimate = |metric: &dyn Fn(&Scores) -> Option<f64>| Estimate {
            value: metric(scores),
            interval: bootstrap(rows.groups, resamples, seed, |draw| metric(&scores.pick(&draw.rows))),
        };
        let within = |parts: &[usize]| {
            let whole = count(parts.iter().zip(rows.groups)) == count(parts);
            let metric = |draw: &Draw| within_group_auroc(scores, parts, whole, draw);
            let interval = bootstrap(rows.groups, resamples, seed, metric);
            Estimate { value: scores.within_group_auroc(parts), interval }
        };
        let calibration = |metric: &dyn Fn(&Scores) -> crate::Result<Option<f64>>| {
            scored.probabilities.then(|| metric(scores).ok().flatten()).flatten()
        };
        ReportRow {
            name: scored.name.clone(),
            average_precision: estimate(&Scores::average_precision),
            auroc: estimate(&Scores::auroc),
            within_mirna_auroc: within(rows.mirnas),
            within_gene_auroc: rows.genes.map_or(Estimate { value: None, interval: None }, within),
            trapezoid_auc_pr: scores.trapezoid_auc_pr(),
            threshold: scored.threshold,
            accuracy: counts.and_then(|c| c.accuracy()),
            ppv: counts.and_then(|c| c.ppv()),
            recall: counts.and_then(|c| c.recall()),
            specificity: counts.and_then(|c| c.specificity()),
            f1: counts.and_then(|c| c.f1()),
            npv: counts.and_then(|c| c.npv()),
            ppv_1_10: counts.and_then(|c| c.ppv_at(10.0)),
            ppv_1_100: counts.and_then(|c| c.ppv_at(100.0)),
            brier: calibration(&brier),
            calibration_error: calibration(&|scores| calibration_error(scores, CALIBRATION_BINS)),
        }
    }

    /// How it orders the rows.
    pub fn ranking(&self) -> [String; 6] {
        [
            self.name.clone(),
            self.average_precision.to_string(),
            self.auroc.to_string(),
            self.within_mirna_auroc.to_string(),
            self.within_gene_auroc.to_string(),
            number(self.trapezoid_auc_pr),
        ]
    }

    /// What its calls and its probabilities are worth; `None` for scores with neither.
    pub fn calls(&self) -> Option<[String; 12]> {
        let cells = [
            self.threshold,
            self.accuracy,
            self.ppv,
            self.recall,
            self.specificity,
            self.f1,
            self.npv,
            self.ppv_1_10,
            self.ppv_1_100,
            self.brier,
            self.calibration_error,
        ];
        let any = self.threshold.is_some() || self.brier.is_some();
        let mut cells = cells.into_iter().map(number);
        any.then(|| {
            std::array::from_fn(|at| if at == 0 { self.name.clone() } else { cells.next().expect("11") })
        })
    }
}

/// AUROC within the drawn parts (miRNAs, genes). Where groups hold parts whole (families their miRNAs), one drawn twice is
/// two parts and its copies are not compared with each other; where they cut across parts (genes and miRNAs), a part's
/// rows come from several draws.
fn within_group_auroc(scores: &Scores, parts: &[usize], whole: bool, draw: &Draw) -> Option<f64> {
    let drawn = draw.rows.iter().zip(&draw.draws);
    let drawn = drawn.map(|(&row, &number)| (parts[row], if whole { number } else { 0 }));
    scores.pick(&draw.rows).within_group_auroc(&group_ids(drawn))
}

/// Number of distinct things.
pub(super) fn count<K: std::hash::Hash + Eq>(things: impl IntoIterator<Item = K>) -> usize {
    group_ids(things).into_iter().max().map_or(0, |last| last + 1)
}

/// Over [`ReportRow::ranking`].
pub const RANKING: [&str; 6] = ["", "AP", "AUROC", "within miRNA", "within gene", "AUC-PR"];
/// Over [`ReportRow::calls`].
pub const CALLS: [&str; 12] = [
    "",
    "threshold",
    "accuracy",
    "PPV",
    "recall",
    "specificity",
    "F1",
    "NPV",
    "PPV 1:10",
    "PPV 1:100",
    "Brier",
    "ECE",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { rows, positives, groups, unit, resamples, .. } = self;
        writeln!(
            f,
            "{rows} rows, {positives} positive; 95% intervals: {resamples} draws of {groups} {unit}"
        )?;
        table::write(f, &RANKING, self.results.iter().map(ReportRow::ranking))?;
        let calls: Vec<_> = self.results.iter().filter_map(ReportRow::calls).collect();
        if calls.is_empty() {
            return Ok(());
        }
        writeln!(f)?;
        table::write(f, &CALLS, calls)
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
            probabilities: threshold.is_some(),
        };
        let lines = [
            scored("model", [0.9, 0.2, 0.8, 0.1, 0.7, 0.3], Some(0.75)),
            scored("miRNA only", [0.5, 0.5, 0.2, 0.2, 0.1, 0.1], None),
        ];
        let mirnas = [0, 0, 1, 1, 2, 2];
        let rows =
            Rows { mirnas: &mirnas, genes: Some(&[0, 1, 1, 0, 2, 2]), groups: &mirnas, unit: "miRNAs" };
        Report::new(&lines, rows, Resampling { resamples: 200, seed: 1 })
    }

    #[test]
    fn the_table_reads_as_written() {
        let text = report().to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "6 rows, 3 positive; 95% intervals: 200 draws of 3 miRNAs");
        assert!(lines[1].trim_start().starts_with("AP "), "{text}");
        let cells = |line: &str| -> Vec<String> {
            line.split("  ").filter(|cell| !cell.is_empty()).map(|cell| cell.trim().to_owned()).collect()
        };
        let perfect = "1.000 [1.000, 1.000]";
        assert_eq!(cells(lines[2]), ["model", perfect, perfect, perfect, perfect, "1.000"]);
        let half = "0.500 [0.500, 0.500]";
        let only = cells(lines[3]);
        assert_eq!((&*only[0], &*only[2], &*only[3]), ("miRNA only", half, half), "{text}");
        assert_eq!(cells(lines[5])[..3], ["threshold", "accuracy", "PPV"]);
        let calls = cells(lines[6]);
        let expected = ["model", "0.750", "0.833", "1.000", "0.667", "1.000", "0.800", "0.750"];
        assert_eq!(calls[..8], expected);
        // (.01 + .04 + .04 + .01 + .09 + .09) / 6; each probability has a bin of its own
        assert_eq!(calls[10..], ["0.047", "0.200"]);
        assert_eq!(lines.len(), 7, "what has no threshold has no calls: {text}");
    }

    #[test]
    fn a_mirna_drawn_twice_counts_twice_and_gene_draws_still_meet_within_it() {
        let labels = vec![true, false, true, false];
        let scores = Scores::new(labels, vec![0.9, 0.1, 0.2, 0.8]).unwrap();
        // miRNA 0 wins its comparison and is drawn twice, miRNA 1 loses its own
        let draw = Draw { rows: vec![0, 1, 0, 1, 2, 3], draws: vec![0, 0, 1, 1, 2, 2] };
        assert_eq!(within_group_auroc(&scores, &[0, 0, 1, 1], true, &draw), Some(2.0 / 3.0));
        let one = Scored { name: "model".into(), scores, threshold: None, probabilities: false };
        let rows = Rows { mirnas: &[0, 0, 1, 1], genes: None, groups: &[0, 1, 2, 3], unit: "genes" };
        let genes = Report::new(&[one], rows, Resampling { resamples: 100, seed: 1 });
        assert!(genes.results[0].within_mirna_auroc.interval.is_some());
    }

    #[test]
    fn machines_read_the_same() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["results"][0]["auroc"]["interval"]["low"], 1.0);
        assert_eq!(json["results"][1]["f1"], serde_json::Value::Null);
    }
}
