//! The alignment behind a duplex drawing: dynamic programming with affine gaps (Gotoh 1982,
//! <https://doi.org/10.1016/0022-2836(82)90398-9>), along the miRNA 5'->3' and the site 3'->5'.
//!
//! A drawing aid, not an energy model: Watson-Crick +5, wobble +2, facing bases that do not pair -3, a gap -8
//! and -2 for each base after its first. Either the first column is given (the seed is anchored) or the best
//! local alignment is taken; the 3' end is free.

use super::{Base, Pairing};

const WATSON_CRICK: i32 = 5;
const WOBBLE: i32 = 2;
const MISMATCH: i32 = -3;
const GAP_OPEN: i32 = -8;
const GAP_EXTEND: i32 = -2;
/// Low enough to lose, high enough not to overflow when penalties are added.
const NEVER: i32 = i32::MIN / 2;

/// Which move reached a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// Two bases face each other.
    Facing = 0,
    /// A miRNA base is bulged.
    Mirna = 1,
    /// A site base is bulged.
    Site = 2,
}

const LAYERS: [Layer; 3] = [Layer::Mirna, Layer::Site, Layer::Facing];

/// One column: an index into each strand as given, `None` for a gap.
pub(super) type Column = (Option<usize>, Option<usize>);

struct Table<'a> {
    mirna: &'a [Base],
    site: &'a [Base],
    anchored: bool,
    cells: Vec<[i32; 3]>,
}

/// Columns of the best alignment of `mirna` 5'->3' with `site` 3'->5', from the miRNA's 5' end on.
/// `anchored`: the first column is both strands' first base. Empty where nothing pairs.
pub(super) fn align(mirna: &[Base], site: &[Base], anchored: bool) -> Vec<Column> {
    let mut table = Table { mirna, site, anchored, cells: vec![[NEVER; 3]; mirna.len() * site.len()] };
    let mut best: Option<(i32, usize, usize)> = None;
    for i in 0..mirna.len() {
        for j in 0..site.len() {
            let cell = table.cell(i, j);
            table.cells[i * site.len() + j] = cell;
            let facing = cell[Layer::Facing as usize];
            if facing > best.map_or(0, |(score, ..)| score) {
                best = Some((facing, i, j));
            }
        }
    }
    best.map_or_else(Vec::new, |(_, i, j)| table.trace(i, j))
}

fn facing(a: Base, b: Base) -> i32 {
    match a.pairing(b) {
        Pairing::WatsonCrick => WATSON_CRICK,
        Pairing::Wobble => WOBBLE,
        Pairing::None => MISMATCH,
    }
}

impl Table<'_> {
    fn score(&self, i: usize, j: usize, layer: Layer) -> i32 {
        self.cells[i * self.site.len() + j][layer as usize]
    }

    /// The cell that `layer`'s move into `(i, j)` comes from.
    fn before(i: usize, j: usize, layer: Layer) -> Option<(usize, usize)> {
        match layer {
            Layer::Facing => Some((i.checked_sub(1)?, j.checked_sub(1)?)),
            Layer::Mirna => Some((i.checked_sub(1)?, j)),
            Layer::Site => Some((i, j.checked_sub(1)?)),
        }
    }

    /// The cost of a move in `layer` after one in `from`.
    fn step(&self, i: usize, j: usize, layer: Layer, from: Layer) -> i32 {
        match layer {
            Layer::Facing => facing(self.mirna[i], self.site[j]),
            _ if layer == from => GAP_EXTEND,
            _ => GAP_OPEN,
        }
    }

    fn starts(&self, i: usize, j: usize) -> bool {
        !self.anchored || (i, j) == (0, 0)
    }

    /// The best that each layer reaches at `(i, j)`, from the cells above and to the left.
    #[inline]
    fn cell(&self, i: usize, j: usize) -> [i32; 3] {
        let (at, width) = (i * self.site.len() + j, self.site.len());
        let none = [NEVER; 3];
        let above = if i > 0 { self.cells[at - width] } else { none };
        let left = if j > 0 { self.cells[at - 1] } else { none };
        let diagonal = if i > 0 && j > 0 { self.cells[at - width - 1] } else { none };
        let here = facing(self.mirna[i], self.site[j]);
        let [face, mirna, site] = diagonal;
        let start = if self.starts(i, j) { 0 } else { NEVER };
        let facing = face.max(mirna).max(site).max(start) + here;
        let [face, mirna, site] = above;
        let bulged_mirna = (face.max(site) + GAP_OPEN).max(mirna + GAP_EXTEND);
        let [face, mirna, site] = left;
        let bulged_site = (face.max(mirna) + GAP_OPEN).max(site + GAP_EXTEND);
        [facing.max(NEVER), bulged_mirna.max(NEVER), bulged_site.max(NEVER)]
    }

    /// Walks back from a facing column; of equal ways a gap comes first, so that gaps lie far from the seed.
    fn trace(&self, mut i: usize, mut j: usize) -> Vec<Column> {
        let mut columns = Vec::new();
        let mut layer = Layer::Facing;
        loop {
            columns.push(match layer {
                Layer::Facing => (Some(i), Some(j)),
                Layer::Mirna => (Some(i), None),
                Layer::Site => (None, Some(j)),
            });
            let here = self.score(i, j, layer);
            let Some((pi, pj)) = Self::before(i, j, layer) else { break };
            let reaches = |from: &Layer| self.score(pi, pj, *from) + self.step(i, j, layer, *from) == here;
            let Some(from) =
                LAYERS.into_iter().find(|from| self.score(pi, pj, *from) > NEVER / 2 && reaches(from))
            else {
                break;
            };
            (i, j, layer) = (pi, pj, from);
        }
        columns.reverse();
        columns
    }
}
