//! What each head of each layer looks at, as maps of miRNA and site with what each base gets at their edges.

use std::fmt::Write;

use super::{IN_MEMORY, MARGIN, Picture, Question, Site, WIDTH};
use crate::model::Gaze;

/// Maps side by side.
const ACROSS: usize = 2;
/// Room for the numbers of rows left of a map, for the strip right of it, and between that strip or the one above and the map, px.
const NUMBERS: f64 = 22.0;
const STRIP: f64 = 9.0;
const GAP: f64 = 3.0;
/// Widest cell of a map, and the height of one, px.
const CELL: f64 = 6.5;
/// Pairs of bases that are named.
const NAMED: usize = 2;
/// Shades of a map.
const SHADES: usize = 25;

impl Picture {
    /// What each head looks at where the network reads this site.
    pub fn attention(&mut self, question: &Question, site: &Site, gazes: &[Gaze]) {
        if gazes.is_empty() {
            return;
        }
        self.height += 36.0;
        let words = "Attention, which is no explanation: what bases of miRNA and site get from each other";
        self.text(MARGIN, self.height, "title", words);
        let width = (WIDTH - 2.0 * MARGIN) / ACROSS as f64;
        for row in gazes.chunks(ACROSS) {
            let top = self.height + 20.0;
            for (n, gaze) in row.iter().enumerate() {
                self.gaze(question, site, gaze, [MARGIN + width * n as f64, top, width]);
            }
            let rows = row.iter().map(|gaze| gaze.mirna.len()).max().unwrap_or(0);
            self.height = top + 8.0 + STRIP + GAP + CELL * rows as f64 + 36.0;
        }
        self.height += 16.0;
        let words = "edges: what each base gets from all, as a share of the most; dots: pairs of the duplex; rows: the miRNA from its 5' end";
        self.tick([MARGIN, self.height], "start", words);
    }

    /// One head, its upper left corner at `x`, `y`.
    fn gaze(&mut self, question: &Question, site: &Site, gaze: &Gaze, [x, y, room]: [f64; 3]) {
        let (rows, columns) = (gaze.mirna.len(), gaze.site.len());
        let cell = CELL.min((room - NUMBERS - GAP - STRIP - 16.0) / columns.max(1) as f64);
        let above = y + 8.0;
        let map =
            Map { left: x + NUMBERS, top: above + STRIP + GAP, cell, first: site.candidate.window.start };
        let [right, bottom] = map.at(rows, columns);
        let name = format!("layer {}, head {}", gaze.layer + 1, gaze.head + 1);
        self.text(x, y, "", &format!("{name} (padding gets {:.0}%)", 100.0 * gaze.padding));
        let most = greatest(gaze.site.iter().chain(&gaze.mirna));
        for (s, got) in gaze.site.iter().enumerate() {
            let title = format!("{}: {got:.3}", map.number(s));
            self.cell("look", [map.at(0, s)[0], above], [cell, STRIP], got / most, &title);
        }
        for (m, got) in gaze.mirna.iter().enumerate() {
            let (at, title) = ([right + GAP, map.at(m, 0)[1]], format!("nucleotide {}: {got:.3}", m + 1));
            self.cell("look", at, [STRIP, CELL], got / most, &title);
        }
        self.between(gaze, map);
        self.frame([map.left, above], [right - map.left, STRIP]);
        self.frame([right + GAP, map.top], [STRIP, bottom - map.top]);
        self.frame([map.left, map.top], [right - map.left, bottom - map.top]);
        for m in (0..rows).filter(|m| *m == 0 || m % 5 == 4) {
            self.tick([map.left - 4.0, map.at(m, 0)[1] + 7.0], "end", &(m + 1).to_string());
        }
        for s in (0..columns).filter(|&s| map.number(s).is_multiple_of(10)) {
            self.tick([map.at(0, s)[0] + cell / 2.0, bottom + 13.0], "middle", &map.number(s).to_string());
        }
        self.pairs(question, site, map, [rows, columns]);
        let words = format!("most: {}", strongest(gaze, map));
        self.tick([map.left, bottom + 28.0], "start", &words);
    }

    /// The map's cells: one path for all of a shade, since there are a thousand.
    fn between(&mut self, gaze: &Gaze, map: Map) {
        let most = greatest(&gaze.between);
        let mut shades = vec![String::new(); SHADES];
        for (n, both) in gaze.between.iter().enumerate() {
            let shade = (both / most * SHADES as f32).round() as usize;
            let Some(path) = shade.checked_sub(1).map(|n| &mut shades[n]) else { continue };
            let [x, y] = map.at(n / gaze.site.len(), n % gaze.site.len());
            let width = map.cell;
            write!(path, "M{x:.2} {y:.1}h{width:.2}v{CELL}h{:.2}z", -width).expect(IN_MEMORY);
        }
        for (n, path) in shades.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
            let share = (n + 1) as f32 / SHADES as f32;
            self.put(format_args!("<path class='look' fill-opacity='{share:.2}' d='{path}'/>"));
        }
    }

    /// A dot on every pair of the duplex that is drawn.
    fn pairs(&mut self, question: &Question, site: &Site, map: Map, [rows, columns]: [usize; 2]) {
        let (mirna, target) = (&question.mirna.sequence, &question.target.sequence);
        let Some(duplex) = site.duplex(mirna, target) else { return };
        for (m, base) in duplex.pairs(mirna, target) {
            let Some(s) = base.checked_sub(map.first).filter(|&s| s < columns && m < rows) else { continue };
            let [x, y] = map.at(m, s);
            let (x, y) = (x + map.cell / 2.0, y + CELL / 2.0);
            self.put(format_args!("<circle class='dot' cx='{x:.2}' cy='{y:.2}' r='1.1'/>"));
        }
    }
}

/// A map of miRNA, downwards, and site.
#[derive(Clone, Copy)]
struct Map {
    left: f64,
    top: f64,
    cell: f64,
    /// 0-based place of its first column on the transcript.
    first: usize,
}

impl Map {
    fn at(self, mirna: usize, site: usize) -> [f64; 2] {
        [self.left + self.cell * site as f64, self.top + CELL * mirna as f64]
    }

    /// The number of a column.
    fn number(self, site: usize) -> usize {
        self.first + site + 1
    }
}

/// What is divided by, so that the greatest share is 1.
fn greatest<'a>(values: impl IntoIterator<Item = &'a f32>) -> f32 {
    values.into_iter().copied().fold(f32::MIN_POSITIVE, f32::max)
}

/// The pairs of bases that get most of each other.
fn strongest(gaze: &Gaze, map: Map) -> String {
    let mut order: Vec<usize> = (0..gaze.between.len()).collect();
    order.sort_by(|&a, &b| gaze.between[b].total_cmp(&gaze.between[a]));
    let name = |n: &usize| {
        let (m, s) = (n / gaze.site.len() + 1, map.number(n % gaze.site.len()));
        format!("{m} and {s} ({:.2})", gaze.between[*n])
    };
    order.iter().take(NAMED).map(name).collect::<Vec<_>>().join(", ")
}
