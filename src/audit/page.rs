//! The audit as a page.

use super::text::{FUNCTIONAL, LABELS, LEAKS, PROBES};
use super::{Audit, MirnaCount};
use crate::eval::{CALLS, RANKING, ReportRow};
use crate::figure::{escape, page, table};

/// miRNAs in the table.
const LISTED: usize = 25;

impl Audit {
    /// One HTML page that needs nothing else.
    pub fn page(&self) -> String {
        let title = match &self.score {
            Some(score) => format!("Audit of {score} on {}", self.data),
            None => format!("Audit of {}", self.data),
        };
        let tables = [self.scores(), self.tampered(), self.seen(), self.functional(), self.labels()];
        let body = [self.head(&title), self.shown(), tables.concat()];
        page(&title, &body.concat())
    }

    fn head(&self, title: &str) -> String {
        let train = self.train.as_ref().map_or(String::new(), |train| {
            format!("<p class='faint'>Shortcuts learned from {}</p>\n", escape(train))
        });
        let findings: String =
            self.verdict.findings.iter().map(|text| format!("<li>{}</li>\n", escape(text))).collect();
        format!(
            "<h1>{}</h1>\n{train}<p class='verdict'>{}</p>\n<ul>\n{findings}</ul>\n",
            escape(title),
            escape(&self.verdict.summary)
        )
    }

    fn shown(&self) -> String {
        let figure = |(at, shown): (usize, super::figures::Shown)| {
            let class = if at == 0 { " class='whole'" } else { "" };
            let caption = escape(&shown.caption);
            format!(
                "<figure{class}>\n{}<figcaption>{caption}</figcaption>\n</figure>\n",
                shown.figure.inline()
            )
        };
        let figures: String = self.figures().into_iter().enumerate().map(figure).collect();
        format!("<h2>Figures</h2>\n<div class='figures'>\n{figures}</div>\n")
    }

    fn scores(&self) -> String {
        let report = &self.report;
        let ranking = table(&RANKING, report.results.iter().map(ReportRow::ranking));
        let calls: Vec<_> = report.results.iter().filter_map(ReportRow::calls).collect();
        let calls = match calls.is_empty() {
            true => String::new(),
            false => format!("<h2>Calls and probabilities</h2>\n{}", table(&CALLS, calls)),
        };
        let how = escape(&self.how());
        let drawn = format!("95% intervals: {} draws of {} {}", report.resamples, report.groups, report.unit);
        format!("<h2>Scores</h2>\n<p class='faint'>{how} {}.</p>\n{ranking}{calls}", escape(&drawn))
    }

    fn tampered(&self) -> String {
        match self.probes.is_empty() {
            true => String::new(),
            false => format!("<h2>When the pairing is gone</h2>\n{}", table(&PROBES, self.probe_cells())),
        }
    }

    fn seen(&self) -> String {
        self.leaks.as_ref().map_or(String::new(), |leaks| {
            let rows = leaks.train_rows;
            format!("<h2>Seen in {rows} training rows</h2>\n{}", table(&LEAKS, leaks.cells()))
        })
    }

    fn functional(&self) -> String {
        match self.functional.is_empty() {
            true => String::new(),
            false => format!("<h2>Fold changes</h2>\n{}", table(&FUNCTIONAL, self.functional_cells())),
        }
    }

    fn labels(&self) -> String {
        let count = |c: &MirnaCount| [c.name.clone(), c.positives.to_string(), c.negatives.to_string()];
        let most = self.balance.counts.iter().take(LISTED).map(count);
        format!(
            "<h2>Labels</h2>\n{}<h2>miRNAs with most rows</h2>\n{}",
            table(&LABELS, self.label_cells()),
            table(&["", "positives", "negatives"], most)
        )
    }
}
