//! The audit as plain text.

use std::fmt;

use super::verdict::percent;
use super::{Audit, Labels, Leaks, Share};
use crate::data::{Count, Leak};
use crate::eval::{FunctionalScore, table};

/// miRNAs listed by name.
const LISTED: usize = 10;

impl fmt::Display for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "VERDICT\n{}", self.verdict.summary)?;
        self.verdict.findings.iter().try_for_each(|finding| writeln!(f, "- {finding}"))?;
        writeln!(f, "\nBALANCE")?;
        balance(self, f)?;
        writeln!(f, "\nSCORES\n{}", self.how())?;
        write!(f, "{}", self.report)?;
        if !self.probes.is_empty() {
            writeln!(f, "\nPROBES")?;
            table::write(f, &PROBES, self.probe_cells())?;
        }
        if let Some(leaks) = &self.leaks {
            writeln!(f, "\nLEAKS: rows seen in {} training rows", leaks.train_rows)?;
            table::write(f, &LEAKS, leaks.cells())?;
        }
        if !self.functional.is_empty() {
            writeln!(f, "\nFOLD CHANGES: how scores order repression")?;
            table::write(f, &FUNCTIONAL, self.functional_cells())?;
        }
        Ok(())
    }
}

/// Over [`Audit::probe_cells`].
pub(super) const PROBES: [&str; 5] = ["with", "rows", "decisions kept", "AUROC before", "AUROC after"];
/// Over [`Leaks::cells`].
pub(super) const LEAKS: [&str; 3] = ["", "positives", "negatives"];
/// Over [`Audit::label_cells`].
pub(super) const LABELS: [&str; 4] = ["", "only positive", "only negative", "both"];

/// Over [`Audit::functional_cells`].
pub(super) const FUNCTIONAL: [&str; 5] =
    ["", "experiments", "Spearman", "AUROC of repressed genes", "median of the top 5% less the rest"];

impl Audit {
    pub(super) fn functional_cells(&self) -> Vec<[String; 5]> {
        let cells = |FunctionalScore { score, result }: &FunctionalScore| {
            let experiments = result.experiments.len().to_string();
            let figures = [result.spearman, result.auroc, result.top_shift].map(|figure| figure.to_string());
            let [spearman, auroc, shift] = figures;
            [score.clone(), experiments, spearman, auroc, shift]
        };
        self.functional.iter().map(cells).collect()
    }

    /// How shortcuts were learned, in words.
    pub(super) fn how(&self) -> String {
        let kept = if self.whole_targets { "one gene" } else { "near-duplicate sites" };
        let learned = match &self.train {
            Some(train) => format!("miRNA only, site only and target known are learned from {train}"),
            None => format!(
                "miRNA only, site only and target known are learned out of ten folds that keep {kept} together; 'random \
                 rows': folds that do not. Rows of a miRNA or target that stay behind lean against those held out, so that \
                 within it such a shortcut falls below chance"
            ),
        };
        format!("{learned}. Combinations are fitted out of ten folds that keep {kept} together.")
    }

    pub(super) fn probe_cells(&self) -> Vec<[String; 5]> {
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        let cells = self.probes.iter().map(|probe| {
            let kept = probe.kept.map_or("-".into(), percent);
            [probe.name.clone(), probe.rows.to_string(), kept, number(probe.before), probe.after.to_string()]
        });
        cells.collect()
    }

    pub(super) fn label_cells(&self) -> [[String; 4]; 2] {
        let rows = self.balance.rows();
        let share = |share: Share| {
            format!("{} ({} of rows)", share.parts, percent(share.rows as f64 / rows.max(1) as f64))
        };
        let line = |name: &str, labels: &Labels| {
            [
                format!("{} {name}", labels.parts()),
                share(labels.only_positive),
                share(labels.only_negative),
                share(labels.both),
            ]
        };
        [line("miRNAs", &self.balance.mirnas), line("distinct targets", &self.balance.targets)]
    }
}

impl Leaks {
    pub(super) fn cells(&self) -> Vec<[String; 3]> {
        let share = |count: Count| {
            let part = count.percent().map_or("-".into(), |share| percent(share / 100.0));
            format!("{} ({part})", count.rows)
        };
        let line = |leak: &Leak| [leak.shared.name().into(), share(leak.positives), share(leak.negatives)];
        self.shared.iter().map(line).collect()
    }
}

fn balance(audit: &Audit, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let balance = &audit.balance;
    let share = percent(balance.positives as f64 / balance.rows().max(1) as f64);
    writeln!(f, "{} rows, {} positive ({share})", balance.rows(), balance.positives)?;
    table::write(f, &LABELS, audit.label_cells())?;
    let count = |c: &super::MirnaCount| format!("{} {}+{}", c.name, c.positives, c.negatives);
    let most: Vec<String> = balance.counts.iter().take(LISTED).map(count).collect();
    writeln!(f, "most rows (positives+negatives): {}", most.join(", "))
}
