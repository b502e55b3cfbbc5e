//! The alignment behind a duplex drawing: dynamic programming with affine gaps (Gotoh 1982,
//! <https://doi.org/10.1016/0022-2836(82)90398-9>), along the miRNA 5'->3' and the site 3'->5'.
//!
//! A drawing aid, not an energy model: Watson-Crick +5, wobble +2, facing bases that do not pair -3, a gap -8
//! and -2 for each base after its first. Either the first column is given (the seed is anchored) or the best
//! local alignment is taken; the 3' end is free.

use super::{Base, Pairing};

const WATSON_CRICK: i16 = 5;
const WOBBLE: i16 = 2;
const MISMATCH: i16 = -3;
const GAP_OPEN: i16 = -8;
const GAP_EXTEND: i16 = -2;
/// Low enough to lose, high enough not to overflow when penalties are added. What is really reached lies above half of it:
/// a gap of 1,024 bases, the longest window there is, costs 2,054.
const NEVER: i16 = i16::MIN / 2;

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
    /// The best score that reaches each cell in each layer, rows along the miRNA.
    cells: [Vec<i16>; 3],
}

/// Columns of the best alignment of `mirna` 5'->3' with `site` 3'->5', from the miRNA's 5' end on.
/// `anchored`: the first column is both strands' first base. Empty where nothing pairs.
pub(super) fn align(mirna: &[Base], site: &[Base], anchored: bool) -> Vec<Column> {
    if site.is_empty() {
        return Vec::new();
    }
    let cells = [(); 3].map(|()| vec![NEVER; mirna.len() * site.len()]);
    let mut table = Table { mirna, site, anchored, cells };
    let mut best: Option<(i16, usize, usize)> = None;
    for i in 0..mirna.len() {
        let row = table.fill(i);
        let greatest = row.iter().copied().max().unwrap_or(NEVER);
        if greatest > best.map_or(0, |(score, ..)| score) {
            let j = row.iter().position(|&score| score == greatest);
            best = j.map(|j| (greatest, i, j));
        }
    }
    best.map_or_else(Vec::new, |(_, i, j)| table.trace(i, j))
}

fn facing(a: Base, b: Base) -> i16 {
    match a.pairing(b) {
        Pairing::WatsonCrick => WATSON_CRICK,
        Pairing::Wobble => WOBBLE,
        Pairing::None => MISMATCH,
    }
}

impl Table<'_> {
    fn score(&self, i: usize, j: usize, layer: Layer) -> i16 {
        self.cells[layer as usize][i * self.site.len() + j]
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
    fn step(&self, i: usize, j: usize, layer: Layer, from: Layer) -> i16 {
        match layer {
            Layer::Facing => facing(self.mirna[i], self.site[j]),
            _ if layer == from => GAP_EXTEND,
            _ => GAP_OPEN,
        }
    }

    /// Computes row `i` from the one before; the scores of its facing bases. Two layers need that one alone, so their loops
    /// are of vectors.
    fn fill(&mut self, i: usize) -> &[i16] {
        let width = self.site.len();
        let [face, mirna, site] = self.cells.each_mut().map(|layer| {
            let (before, row) =
                layer[i.saturating_sub(1) * width..].split_at_mut(if i == 0 { 0 } else { width });
            (&*before, &mut row[..width])
        });
        let scores = self.site.iter().map(|&base| facing(self.mirna[i], base));
        face.1.iter_mut().zip(scores).for_each(|(face, score)| *face = score);
        if i > 0 {
            let start = if self.anchored { NEVER } else { 0 };
            face.1[0] = face.1[0].saturating_add(start);
            for j in 1..width {
                let before = face.0[j - 1].max(mirna.0[j - 1]).max(site.0[j - 1]).max(start);
                face.1[j] += before;
            }
            for j in 0..width {
                mirna.1[j] = (face.0[j].max(site.0[j]) + GAP_OPEN).max(mirna.0[j] + GAP_EXTEND).max(NEVER);
            }
        } else if self.anchored {
            face.1[1..].fill(NEVER);
        }
        for j in 1..width {
            let open = face.1[j - 1].max(mirna.1[j - 1]) + GAP_OPEN;
            site.1[j] = open.max(site.1[j - 1] + GAP_EXTEND).max(NEVER);
        }
        face.1
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
