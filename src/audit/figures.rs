//! What an audit shows.

use super::shortcuts::{MIRNA_ONLY, SEED_RULE, SITE_ONLY};
use super::verdict::percent;
use super::{Audit, Histogram, TOGETHER};
use crate::eval::{Curve, Estimate, FunctionalScore, Point, ReportRow};
use crate::figure::{Axis, Figure, Mark, Style};

/// A figure, what it is called as a file, and what stands under it.
pub struct Shown {
    pub name: &'static str,
    pub caption: String,
    pub figure: Figure,
}

/// Distance of two estimates in one line, in lines.
const APART: f64 = 0.17;
/// Half the height of an interval, in lines.
const THIN: f64 = 0.035;
/// miRNAs with this share of the rows have their names written, as many as these at most.
const NAMED: f64 = 0.025;
const NAMES: usize = 12;
/// Greatest log2 fold change drawn, either way.
const FOLD_CHANGES: f64 = 1.5;

impl Audit {
    /// Everything that can be drawn of it.
    pub fn figures(&self) -> Vec<Shown> {
        let curves = [self.roc(), self.precision_recall()];
        let of_score = [self.reliability_curve(), self.distribution()];
        let always = [self.aurocs(), self.mirnas()];
        let some = curves.into_iter().chain(of_score).chain([self.fold_changes()]).flatten();
        always.into_iter().chain(some).collect()
    }

    fn aurocs(&self) -> Shown {
        let lines = &self.report.results;
        let estimates = |of: fn(&ReportRow) -> &Estimate, shift: f64, style: Style, full: bool| {
            let mut marks = vec![];
            for (at, line) in lines.iter().enumerate() {
                let (estimate, y) = (of(line), at as f64 + shift);
                if let Some(interval) = estimate.interval {
                    let (from, to) = ([interval.low, y - THIN], [interval.high, y + THIN]);
                    marks.push(Mark::Bar { from, to, style, title: String::new() });
                }
                marks.extend(estimate.value.map(|x| Mark::Dot { at: [x, y], style, full }));
            }
            marks
        };
        let all = estimates(|line| &line.auroc, -APART, Style::Series(0), true);
        let within = estimates(|line| &line.within_mirna_auroc, APART, Style::Series(1), false);
        let least = all.iter().chain(&within).filter_map(|mark| match mark {
            Mark::Bar { from, .. } => Some(from[0]),
            Mark::Dot { at, .. } => Some(at[0]),
            _ => None,
        });
        let low = (least.fold(0.4, f64::min) * 10.0).floor() / 10.0;
        let height = lines.len() as f64 - 0.5;
        let mut marks =
            vec![Mark::Line { points: vec![[0.5, -0.5], [0.5, height]], style: Style::Reference }];
        marks.extend(all.into_iter().chain(within));
        let text = |(at, line): (usize, &ReportRow)| (at as f64, line.auroc.to_string());
        Shown {
            name: "aurocs",
            caption: format!(
                "AUROC over all rows (full; the figures to the right) and within a miRNA (hollow), with 95% intervals: {} draws \
                 of {} {}. The dotted line is chance.",
                self.report.resamples, self.report.groups, self.report.unit
            ),
            figure: Figure {
                title: "AUROC of every score, over all rows and within a miRNA".into(),
                x: Axis::linear("AUROC", low, 1.0),
                y: Axis::named(lines.iter().map(|line| line.name.clone())),
                marks,
                key: vec![(Style::Series(0), "all rows".into()), (Style::Series(1), "within a miRNA".into())],
                beside: lines.iter().enumerate().map(text).collect(),
            },
        }
    }

    /// Every miRNA as a column.
    fn mirnas(&self) -> Shown {
        let rows = self.balance.rows().max(1) as f64;
        let mut order: Vec<_> = self.balance.counts.iter().collect();
        let share =
            |count: &super::MirnaCount| count.positives as f64 / (count.positives + count.negatives) as f64;
        order.sort_by(|a, b| share(b).total_cmp(&share(a)));
        let largest: Vec<&str> = self.balance.counts.iter().take(NAMES).map(|c| c.name.as_str()).collect();
        let (mut marks, mut names, mut from) = (vec![], vec![], 0.0);
        for count in order {
            let (all, share) = (count.positives + count.negatives, share(count));
            let to = from + all as f64;
            let title = format!("{}: {} positive, {} negative", count.name, count.positives, count.negatives);
            for (y0, y1, style) in [(0.0, share, Style::Series(0)), (share, 1.0, Style::Series(1))] {
                if y1 > y0 {
                    marks.push(Mark::Bar { from: [from, y0], to: [to, y1], style, title: title.clone() });
                }
            }
            if all as f64 / rows >= NAMED && largest.contains(&count.name.as_str()) {
                names.push(Mark::Name {
                    at: [(from + to) / 2.0 + rows * 0.01, 0.04],
                    text: count.name.clone(),
                });
            }
            from = to;
        }
        marks.extend(names);
        let labels = &self.balance.mirnas;
        let one = labels.only_positive.rows + labels.only_negative.rows;
        Shown {
            name: "mirnas",
            caption: format!(
                "Each column is one of {} miRNAs: as wide as its rows are many, coloured by the share of them that is \
                 positive. {} of the rows have a miRNA with one label only. Labels balanced within each miRNA would make \
                 a level line at {}.",
                labels.parts(),
                percent(one as f64 / rows),
                percent(self.balance.positives as f64 / rows)
            ),
            figure: Figure {
                title: "Labels of each miRNA".into(),
                x: Axis::linear("rows", 0.0, rows),
                y: Axis::linear("share of the miRNA's rows", 0.0, 1.0),
                marks,
                key: vec![(Style::Series(0), "positive".into()), (Style::Series(1), "negative".into())],
                beside: vec![],
            },
        }
    }

    /// The lines that curves are drawn of, each with its style.
    fn drawn(&self) -> Vec<(Style, &super::Curves)> {
        let both = self.score.as_ref().map(|score| format!("{score} + shortcuts"));
        let names = self.score.iter().chain(&both).map(String::as_str);
        let names = names.chain([TOGETHER, MIRNA_ONLY, SITE_ONLY, SEED_RULE]);
        let curve = |name| self.curves.iter().find(|curve| curve.name == name);
        let first = if self.score.is_some() { 0 } else { 2 };
        names.enumerate().filter_map(|(at, name)| Some((Style::Series(at + first), curve(name)?))).collect()
    }

    fn roc(&self) -> Option<Shown> {
        let axis = |label| Axis::linear(label, 0.0, 1.0);
        let (x, y) = (axis("negatives called positive"), axis("positives found (recall)"));
        let diagonal = Mark::Line { points: x.diagonal(), style: Style::Reference };
        let key = |line: &ReportRow| line.auroc.value;
        let figure = self.curve_figure("ROC curves", [x, y], diagonal, |curves| &curves.roc, key)?;
        let caption = "ROC curves, with the area under each in the key; the dotted line is chance.".into();
        Some(Shown { name: "roc", caption, figure })
    }

    fn precision_recall(&self) -> Option<Shown> {
        let axis = |label| Axis::linear(label, 0.0, 1.0);
        let share = self.balance.positives as f64 / self.balance.rows() as f64;
        let base = Mark::Line { points: vec![[0.0, share], [1.0, share]], style: Style::Reference };
        let axes = [axis("recall"), axis("precision")];
        let key = |line: &ReportRow| line.average_precision.value;
        let figure =
            self.curve_figure("Precision-recall curves", axes, base, |curves| &curves.precision_recall, key)?;
        let caption = format!(
            "Precision-recall curves, with average precision in the key; the dotted line is the share of positives, {share:.3}, \
             which a score that knows nothing has at every recall."
        );
        Some(Shown { name: "precision_recall", caption, figure })
    }

    fn curve_figure(
        &self,
        title: &str,
        [x, y]: [Axis; 2],
        reference: Mark,
        points: fn(&super::Curves) -> &Vec<Point>,
        value: fn(&ReportRow) -> Option<f64>,
    ) -> Option<Figure> {
        let drawn = self.drawn();
        let line = |(style, curves): &(Style, &super::Curves)| Mark::Line {
            points: points(curves).clone(),
            style: *style,
        };
        let key = |(style, curves): &(Style, &super::Curves)| {
            let value = value(self.line(&curves.name)?)?;
            Some((*style, format!("{} {value:.3}", curves.name)))
        };
        // what is asked about lies on top
        let marks = std::iter::once(reference).chain(drawn.iter().rev().map(line)).collect();
        let key = drawn.iter().filter_map(key).collect();
        (!drawn.is_empty()).then(|| Figure { title: title.into(), x, y, marks, key, beside: vec![] })
    }

    fn reliability_curve(&self) -> Option<Shown> {
        let bins = self.reliability.as_ref()?;
        let axis = |label| Axis::linear(label, 0.0, 1.0);
        let (x, y) = (axis("probability given"), axis("share that is positive"));
        let points: Vec<Point> = bins.iter().map(|bin| [bin.predicted, bin.observed]).collect();
        let style = Style::Series(0);
        let mut marks = vec![
            Mark::Line { points: x.diagonal(), style: Style::Reference },
            Mark::Line { points: points.clone(), style },
        ];
        marks.extend(points.into_iter().map(|at| Mark::Dot { at, style, full: true }));
        let line = self.score_line()?;
        let number = |value: Option<f64>| value.map_or("-".into(), |value| format!("{value:.3}"));
        Some(Shown {
            name: "reliability",
            caption: format!(
                "Whether probabilities of {} mean what they say, in ten bins: on the dotted line they do. Brier score {}, \
                 expected calibration error {}.",
                line.name,
                number(line.brier),
                number(line.calibration_error)
            ),
            figure: Figure { title: "Reliability".into(), x, y, marks, key: vec![], beside: vec![] },
        })
    }

    /// What happens to the genes that each score puts first.
    fn fold_changes(&self) -> Option<Shown> {
        let inside = |curve: &Curve| -> Vec<Point> {
            let seen = |point: &&Point| point[0].abs() <= FOLD_CHANGES;
            curve.points.iter().filter(seen).copied().collect()
        };
        let first = &self.functional.first()?.result;
        let mut marks = vec![Mark::Line { points: inside(first.curves.first()?), style: Style::Reference }];
        let mut key = vec![(Style::Reference, "lower half of the first".into())];
        for (at, FunctionalScore { score, result }) in self.functional.iter().enumerate() {
            let (top, style) = (result.curves.last()?, Style::Series(at));
            marks.push(Mark::Line { points: inside(top), style });
            let shift = result.top_shift.value.map_or("-".into(), |shift| format!("{shift:+.3}"));
            key.push((style, format!("{score} {shift}")));
        }
        Some(Shown {
            name: "fold_changes",
            caption: format!(
                "Share of genes at or below each log2 fold change, of the 5% of genes that each score puts first in each of {} \
                 experiments: repression moves a curve to the left. In the key the median less that of the other genes.",
                first.experiments.len()
            ),
            figure: Figure {
                title: "Fold changes of the genes that each score puts first".into(),
                x: Axis::linear("log2 fold change, negative is repression", -FOLD_CHANGES, FOLD_CHANGES),
                y: Axis::linear("share of genes at or below", 0.0, 1.0),
                marks,
                key,
                beside: vec![],
            },
        })
    }

    fn distribution(&self) -> Option<Shown> {
        let histogram = self.histogram.as_ref()?;
        let classes = [("positives", 0, &histogram.positives), ("negatives", 1, &histogram.negatives)];
        let outlines: Vec<(Style, &str, Vec<Point>)> = classes
            .into_iter()
            .map(|(name, number, counts)| (Style::Series(number), name, histogram.outline(counts)))
            .collect();
        let most = outlines.iter().flat_map(|(.., points)| points).map(|point| point[1]).fold(0.0, f64::max);
        let line = self.score_line()?;
        let mut marks: Vec<Mark> = vec![];
        if let Some(threshold) = line.threshold {
            let points = vec![[threshold, 0.0], [threshold, most * 1.05]];
            marks.push(Mark::Line { points, style: Style::Reference });
        }
        let key = outlines.iter().map(|(style, name, _)| (*style, (*name).to_owned())).collect();
        marks.extend(outlines.into_iter().map(|(style, _, points)| Mark::Line { points, style }));
        let threshold =
            line.threshold.map_or(String::new(), |t| format!(" The dotted line is the threshold, {t:.3}."));
        Some(Shown {
            name: "distribution",
            caption: format!(
                "Where {} puts {} positives and {} negatives, each class by itself.{threshold}",
                line.name, self.balance.positives, self.balance.negatives
            ),
            figure: Figure {
                title: "Scores of each class".into(),
                x: Axis::linear(line.name.clone(), histogram.low, histogram.high),
                y: Axis::linear("share of the class", 0.0, most * 1.05),
                marks,
                key,
                beside: vec![],
            },
        })
    }
}

impl Histogram {
    /// The steps of one class, as shares of it.
    fn outline(&self, counts: &[usize]) -> Vec<Point> {
        let all = counts.iter().sum::<usize>().max(1) as f64;
        let width = (self.high - self.low) / counts.len() as f64;
        let step = |(at, &count): (usize, &usize)| {
            let (from, share) = (self.low + at as f64 * width, count as f64 / all);
            [[from, share], [from + width, share]]
        };
        let steps = counts.iter().enumerate().flat_map(step);
        std::iter::once([self.low, 0.0]).chain(steps).chain([[self.high, 0.0]]).collect()
    }
}
