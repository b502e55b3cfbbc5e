//! A pair drawn: its sites along the transcript, duplexes base by base, and what the network makes of one.

mod attention;
mod mutations;

use std::fmt::Write;

use super::report::{KINDS, kind};
use super::{Question, Site};
use crate::figure::{Axis, drawing, escape};
use crate::rna::Drawing;

/// Width of the drawing and of what lies left and right of the map, px.
const WIDTH: f64 = 800.0;
const MARGIN: f64 = 20.0;
/// Distance of bases and of the three lines of a duplex, px.
const BASE: f64 = 12.0;
const LINE: f64 = 20.0;
/// Longest mark of the map, and what each weaker kind is shorter, px.
const MARK: f64 = 34.0;
const SHORTER: f64 = 4.5;
/// Nucleotides that the seed box holds.
const SEED: std::ops::RangeInclusive<usize> = 2..=8;

const IN_MEMORY: &str = "a String takes all text";

/// Pairs one under the other.
#[derive(Default)]
pub struct Picture {
    height: f64,
    inside: String,
}

impl Picture {
    /// Adds a pair: all its candidates on the map, faint those below `least`, and the duplexes of `drawn`.
    pub fn add(&mut self, question: &Question, least: f32, drawn: &[&Site]) {
        let (mirna, target) = (&question.mirna, &question.target);
        let (from, on) = (mirna.sequence.len(), target.sequence.len());
        let words = format!(
            "{} ({from} nt) on {} ({on} nt): {}, {} candidate sites",
            mirna.id,
            target.id,
            question.status.name(),
            question.sites.len()
        );
        self.height += 34.0;
        self.text(MARGIN, self.height, "title", &words);
        if question.sites.is_empty() {
            return;
        }
        self.map(question, least);
        drawn.iter().for_each(|site| self.duplex(question, site));
    }

    /// The whole as an SVG file.
    pub fn file(&self, title: &str) -> String {
        const STYLE: &str = "<style>.title { font-size: 14px; font-weight: 600; } .base { font: 14px ui-monospace, 'DejaVu Sans Mono', \
            monospace; text-anchor: middle; } .bond { stroke: var(--ink); stroke-width: 1.6; } .wobble { fill: none; stroke: var(--ink); \
            stroke-width: 1.2; } .seed { fill: var(--grid); } .faintly { opacity: .3; } .letter { font: 11px ui-monospace, 'DejaVu Sans Mono', monospace; text-anchor: middle; } \
            .less { fill: var(--s1); } .more { fill: var(--s0); } .look { fill: var(--s2); } .less, .more, .look { shape-rendering: \
            crispEdges; } .dot { fill: var(--ink); } .frame { fill: none; stroke: var(--grid); }</style>\n";
        drawing(title, [WIDTH, self.height + MARGIN], &format!("{STYLE}{}", self.inside))
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.inside, "{element}").expect(IN_MEMORY);
    }

    fn text(&mut self, x: f64, y: f64, class: &str, words: &str) {
        let words = escape(words);
        self.put(format_args!("<text class='{class}' x='{x:.1}' y='{y:.1}'>{words}</text>"));
    }

    fn tick(&mut self, [x, y]: [f64; 2], anchor: &str, words: &str) {
        let words = escape(words);
        self.put(format_args!(
            "<text class='tick' x='{x:.1}' y='{y:.1}' text-anchor='{anchor}'>{words}</text>"
        ));
    }

    /// A cell of a heat map: colour by `class`, as strong as `share`, 0 to 1.
    fn cell(&mut self, class: &str, [x, y]: [f64; 2], [width, height]: [f64; 2], share: f32, title: &str) {
        self.put(format_args!(
            "<rect class='{class}' x='{x:.2}' y='{y:.2}' width='{width:.2}' height='{height:.2}' fill-opacity='{share:.2}'>\
             <title>{}</title></rect>",
            escape(title)
        ));
    }

    /// The edge of a heat map.
    fn frame(&mut self, [x, y]: [f64; 2], [width, height]: [f64; 2]) {
        self.put(format_args!(
            "<rect class='frame' x='{x:.2}' y='{y:.2}' width='{width:.2}' height='{height:.2}'/>"
        ));
    }

    fn map(&mut self, question: &Question, least: f32) {
        let length = question.target.sequence.len() as f64;
        let line = self.height + 22.0 + MARK;
        let x = |base: f64| MARGIN + (WIDTH - 2.0 * MARGIN) * (base - 0.5) / length;
        self.put(format_args!("<path class='axis' d='M{MARGIN} {line:.1}H{:.1}'/>", WIDTH - MARGIN));
        let round = Axis::linear("", 1.0, length).ticks.into_iter().map(|(at, _)| at.round());
        let inner = round.filter(|at| (0.06..0.94).contains(&(at / length)));
        for (at, anchor) in inner.map(|at| (at, "middle")).chain([(1.0, "start"), (length, "end")]) {
            let x = x(at);
            self.put(format_args!("<path class='axis' d='M{x:.1} {line:.1}v5'/>"));
            self.tick([x, line + 18.0], anchor, &at.to_string());
        }
        let mut kinds = [false; KINDS.len()];
        // short marks lie on long ones
        let mut sites: Vec<&Site> = question.sites.iter().collect();
        sites.sort_by_key(|site| kind(site.candidate.seed));
        for site in sites {
            let duplex = site.duplex(&question.mirna.sequence, &question.target.sequence);
            let span = duplex.map_or(site.candidate.window.clone(), |duplex| duplex.span);
            let (kind, p) = (kind(site.candidate.seed), site.probability);
            kinds[kind] = true;
            let (left, right) = (x(span.start as f64 + 0.5), x(span.end as f64 + 0.5));
            let height = MARK - SHORTER * kind as f64;
            let faint = if p < least { " faintly" } else { "" };
            self.put(format_args!(
                "<rect class='bar s{kind}{faint}' x='{left:.1}' y='{:.1}' width='{:.1}' height='{height:.1}'>\
                 <title>{}-{} {} p={p:.3}</title></rect>",
                line - height,
                (right - left).max(2.5),
                span.start + 1,
                span.end,
                site.candidate.seed
            ));
        }
        let faint = question.sites.iter().any(|site| site.probability < least);
        self.key(line + 38.0, &kinds, least, faint);
        self.height = line + 44.0;
    }

    fn key(&mut self, y: f64, kinds: &[bool], least: f32, faint: bool) {
        let mut x = MARGIN;
        for (kind, name) in KINDS.iter().enumerate().filter(|&(kind, _)| kinds[kind]) {
            self.put(format_args!(
                "<rect class='bar s{kind}' x='{x:.1}' y='{:.1}' width='10' height='10'/>",
                y - 9.0
            ));
            self.text(x + 15.0, y, "", name);
            x += 40.0 + 7.0 * name.len() as f64;
        }
        if faint {
            self.text(x, y, "tick", &format!("faint: probability below {least}"));
        }
    }

    fn duplex(&mut self, question: &Question, site: &Site) {
        let (mirna, target) = (&question.mirna, &question.target);
        let Some(duplex) = site.duplex(&mirna.sequence, &target.sequence) else { return };
        let drawn = duplex.draw(&mirna.sequence, &target.sequence);
        let top = self.height + 30.0;
        let left = MARGIN + 80.0;
        self.seed(&drawn, left, top);
        let end = left + BASE * drawn.mirna.chars().count() as f64 + 12.0;
        for (y, name, ends, letters) in [
            (top, "miRNA", ["3'", "5'"], &drawn.mirna),
            (top + 2.0 * LINE, "target", ["5'", "3'"], &drawn.target),
        ] {
            self.text(MARGIN, y, "", name);
            self.text(left - 24.0, y, "tick", ends[0]);
            for (n, letter) in letters.chars().enumerate().filter(|(_, letter)| *letter != '.') {
                self.text(left + BASE * n as f64, y, "base", letter.encode_utf8(&mut [0; 4]));
            }
            self.text(end - 10.0, y, "tick", ends[1]);
        }
        self.bonds(&drawn, left, top + LINE - 5.0);
        let (start, last) = (duplex.span.start + 1, duplex.span.end);
        self.text(end + 14.0, top, "", &mirna.id);
        self.text(
            end + 14.0,
            top + LINE,
            "",
            &format!("{}, p = {:.3}", site.candidate.seed, site.probability),
        );
        self.text(end + 14.0, top + 2.0 * LINE, "", &format!("{} {start}-{last}", target.id));
        self.height = top + 2.0 * LINE + 16.0;
    }

    /// A line for a Watson-Crick pair, a ring for a wobble.
    fn bonds(&mut self, drawn: &Drawing, left: f64, middle: f64) {
        for (n, bar) in drawn.bars.chars().enumerate() {
            let x = left + BASE * n as f64;
            match bar {
                '|' => self.put(format_args!("<path class='bond' d='M{x:.1} {:.1}v12'/>", middle - 6.0)),
                ':' => {
                    self.put(format_args!("<circle class='wobble' cx='{x:.1}' cy='{middle:.1}' r='3.2'/>"))
                }
                _ => {}
            }
        }
    }

    /// A box behind the seed, nucleotides 2 to 8, which are counted from the right.
    fn seed(&mut self, drawn: &Drawing, left: f64, top: f64) {
        let letters: Vec<usize> =
            drawn.mirna.chars().enumerate().filter(|(_, c)| *c != '-').map(|(n, _)| n).collect();
        let column = |nucleotide: usize| letters.len().checked_sub(nucleotide).map(|at| letters[at]);
        let (Some(first), Some(last)) = (column(*SEED.end()), column(*SEED.start())) else { return };
        let x = left + BASE * (first as f64 - 0.5);
        self.put(format_args!(
            "<rect class='seed' x='{x:.1}' y='{:.1}' width='{:.1}' height='{:.1}' rx='3'/>",
            top - 15.0,
            BASE * (last - first + 1) as f64,
            2.0 * LINE + 20.0
        ));
    }
}
