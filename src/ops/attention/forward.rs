//! A block of queries against all keys of a head.

use super::{
    Dims, QUERIES,
    operands::{Ahead, Rows},
    simd::{DropOut, KEYS, SCORES, cut, kept, key_blocks, lanes, padded},
};
use crate::simd::{
    Kernel, Simd, math, read,
    tile::{Finish, Left, Right, product, vectors},
    write,
};
use std::f64::consts::LOG2_E;

/// One number for each query of a block.
pub(super) type PerQuery = [f32; QUERIES];

/// Keys, then values, of a head in dense rows of whole vectors.
pub(super) struct PackKeys<'a> {
    pub head: usize,
    pub count: usize,
    pub k: Rows<'a>,
    pub v: Rows<'a>,
    pub to: &'a mut [f32],
}

impl Kernel for PackKeys<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (k, v) = self.to.split_at_mut(self.to.len() / 2);
        self.k.pack(s, self.count, self.head, 1.0, k);
        self.v.pack(s, self.count, self.head, 1.0, v);
    }
}

/// Softmax attention of up to [`QUERIES`] queries of one head.
pub(super) struct Block<'a> {
    pub d: Dims,
    pub keys: usize,
    /// From the block's first query on.
    pub q: Rows<'a>,
    pub count: usize,
    /// Packed.
    pub k: &'a [f32],
    pub v: &'a [f32],
    pub drop_out: Option<DropOut>,
    pub ahead: Ahead<3>,
    /// From the first query's channels of this head on; rows are `C` apart.
    pub out: &'a mut [f32],
    /// Each query's greatest score times log2 e, then each one's `1 / sum exp(score - greatest)`.
    pub stats: &'a mut [f32],
    pub scratch: &'a mut [f32],
}

impl Block<'_> {
    /// How much scratch a block takes.
    pub fn scratch(d: Dims) -> usize {
        SCORES + 2 * padded(d) * QUERIES
    }
}

impl Kernel for Block<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.d.head {
            16 if S::LANES > 4 => self.of(s, 16),
            32 if S::LANES > 8 => self.of(s, 32),
            64 if S::LANES > 8 => self.of(s, 64),
            head => self.of(s, head),
        }
    }
}

impl Block<'_> {
    /// `head` is known to the compiler for the usual sizes.
    #[inline(always)]
    fn of<S: Simd>(mut self, s: S, head: usize) {
        let row = head.next_multiple_of(S::LANES);
        let mut scratch = self.scratch;
        let (scores, q, turned) =
            (cut(&mut scratch, SCORES), cut(&mut scratch, row * QUERIES), cut(&mut scratch, row * QUERIES));
        let vectors = self.count.div_ceil(S::LANES);
        turn_queries(s, self.q, self.count, head, q, turned);
        let (mut greatest, mut sums) = ([f32::NEG_INFINITY; QUERIES], [0.0; QUERIES]);
        for keys in key_blocks(self.keys) {
            let (first, last, count) = (keys.start == 0, keys.end == self.keys, keys.len());
            let mut shrink = greatest;
            let k = Left { data: &self.k[keys.start * row..], row, col: 1 };
            let right = Right { data: turned, row: QUERIES };
            let mut finish = Scores { scores, greatest: &mut greatest, ahead: &mut self.ahead };
            product(s, (k, count), (right, vectors), head, &mut finish);
            if !first {
                shrunk(s, &greatest, &mut shrink, &mut sums);
            }
            let mut bits = [0; KEYS * QUERIES / 16];
            let bits = kept(s, self.drop_out, keys.clone(), &mut bits);
            exponentials(s, &mut scores[..count * QUERIES], vectors, &greatest, &mut sums, bits);
            let mut after = [1.0; QUERIES];
            if last {
                let scale = self.drop_out.map_or(1.0, |d| d.mask.scale());
                reciprocals(s, &sums, scale, &mut after);
            }
            let p = Left { data: scores, row: 1, col: QUERIES };
            let v = Right { data: &self.v[keys.start * row..], row };
            let mut finish = Weighted {
                out: self.out,
                row: self.d.channels(),
                head,
                first,
                before: &shrink,
                after: &after,
            };
            product(s, (p, self.count), (v, row / S::LANES), count, &mut finish);
        }
        self.stats[..QUERIES].copy_from_slice(&greatest);
        let mut inverse = [0.0; QUERIES];
        reciprocals(s, &sums, 1.0, &mut inverse);
        self.stats[QUERIES..].copy_from_slice(&inverse);
    }
}

/// Queries times log2 e / sqrt D, in rows, and turned to `[D, QUERIES]`; lanes without a query are zeros.
#[inline(always)]
pub(super) fn turn_queries<S: Simd>(
    s: S,
    from: Rows,
    count: usize,
    head: usize,
    q: &mut [f32],
    turned: &mut [f32],
) {
    let (row, lanes) = (head.next_multiple_of(S::LANES), count.next_multiple_of(S::LANES));
    let factor = (LOG2_E / (head as f64).sqrt()) as f32;
    from.pack(s, count, head, factor, &mut q[..lanes * row]);
    crate::simd::transpose(s, q, row, (lanes, row), turned, QUERIES);
}

/// `shrink = 2^(shrink - greatest)`, and the sums so far times that.
#[inline(always)]
fn shrunk<S: Simd>(s: S, greatest: &PerQuery, shrink: &mut PerQuery, sums: &mut PerQuery) {
    for i in (0..QUERIES).step_by(S::LANES) {
        let by = math::exp2(s, s.sub(s.load(&shrink[i..]), s.load(&greatest[i..])));
        s.store(&mut shrink[i..], by);
        let sum = s.mul(by, s.load(&sums[i..]));
        s.store(&mut sums[i..], sum);
    }
}

#[inline(always)]
fn reciprocals<S: Simd>(s: S, sums: &PerQuery, scale: f32, out: &mut PerQuery) {
    for i in (0..QUERIES).step_by(S::LANES) {
        s.store(&mut out[i..], s.div(s.splat(scale), s.load(&sums[i..])));
    }
}

/// Stores scores and follows each query's greatest.
struct Scores<'a> {
    /// `[keys, QUERIES]`
    scores: &'a mut [f32],
    greatest: &'a mut PerQuery,
    ahead: &'a mut Ahead<3>,
}

impl<S: Simd> Finish<S> for Scores<'_> {
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        (i, rows): (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    ) {
        self.ahead.bring();
        let mut greatest: [S::V; NV] = vectors(s, &self.greatest[at..]);
        for (r, acc) in acc.iter().enumerate() {
            if r < rows {
                let line = &mut self.scores[(i + r) * QUERIES + at..][..NV * S::LANES];
                for (v, &score) in acc.iter().enumerate() {
                    greatest[v] = s.max(greatest[v], score);
                    s.store(&mut line[v * S::LANES..], score);
                }
            }
        }
        for (v, &greatest) in greatest.iter().enumerate() {
            s.store(&mut self.greatest[at + v * S::LANES..], greatest);
        }
    }
}

/// `scores = 2^(scores - greatest)`, added to `sums`, and then zero where dropped.
#[inline(always)]
fn exponentials<S: Simd>(
    s: S,
    scores: &mut [f32],
    vectors: usize,
    greatest: &PerQuery,
    sums: &mut PerQuery,
    bits: Option<(&[u16], usize)>,
) {
    for v in 0..vectors {
        let at = v * S::LANES;
        let (max, mut sum) = (s.load(&greatest[at..]), s.load(&sums[at..]));
        for (j, line) in scores.chunks_exact_mut(QUERIES).enumerate() {
            let p = &mut line[at..at + S::LANES];
            let mut e = math::exp2(s, s.sub(s.load(p), max));
            sum = s.add(sum, e);
            if let Some((bits, words)) = bits {
                e = s.keep(e, lanes(&bits[j * words..], at));
            }
            s.store(p, e);
        }
        s.store(&mut sums[at..], sum);
    }
}

/// `out = (out * before + product) * after`, a factor for each row; what `out` held does not count the `first` time.
pub(super) struct Weighted<'a> {
    pub out: &'a mut [f32],
    pub row: usize,
    pub head: usize,
    pub first: bool,
    pub before: &'a PerQuery,
    pub after: &'a PerQuery,
}

impl<S: Simd> Finish<S> for Weighted<'_> {
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        (i, rows): (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    ) {
        if at + NV * S::LANES <= self.head {
            for (r, acc) in acc.iter().enumerate() {
                if r < rows {
                    let (before, after) = (s.splat(self.before[i + r]), s.splat(self.after[i + r]));
                    let line = &mut self.out[(i + r) * self.row + at..][..NV * S::LANES];
                    for (v, &sum) in acc.iter().enumerate() {
                        let out = &mut line[v * S::LANES..];
                        let x = if self.first { sum } else { s.fma(s.load(out), before, sum) };
                        s.store(out, s.mul(x, after));
                    }
                }
            }
            return;
        }
        for (r, acc) in acc.iter().enumerate() {
            if r < rows {
                let (before, after) = (s.splat(self.before[i + r]), s.splat(self.after[i + r]));
                let line = &mut self.out[(i + r) * self.row..][at.min(self.head)..self.head];
                for (&sum, out) in acc.iter().zip(line.chunks_mut(S::LANES)) {
                    let x = if self.first { sum } else { s.fma(read(s, out), before, sum) };
                    write(s, out, s.mul(x, after));
                }
            }
        }
    }
}
