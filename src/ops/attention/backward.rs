//! The gradients of a head, block of queries by block of keys: probabilities are made again with queries in lanes, turned
//! in place into score gradients, and both broadcast into sums with channels in lanes.
//!
//! The softmax's division goes into `dout`: with `e = exp(score - greatest)` and `g = dout / sum e`, `dv = sum e g` and the
//! score's gradient is `e (g . v - out . g)`, so nothing is divided key by key; a dropout's scale goes the same way.

use super::{
    Attention, Dims, QUERIES,
    forward::{PackKeys, PerQuery, Weighted, turn_queries},
    operands::{Ahead, Gradients, Rows},
    simd::{DropOut, KEYS, SCORES, cut, kept, key_blocks, keys_len, lanes, padded},
};
use crate::{
    device::{Cpu, Par},
    simd::{
        Isa, Kernel, Simd, math, read,
        tile::{Finish, Left, Right, product, vectors},
        transpose, write,
    },
};
use rayon::prelude::*;
use std::f32::consts::LN_2;

pub fn backward(
    cpu: &Cpu,
    op: &Attention,
    d: Dims,
    qkv: [Rows; 3],
    outs: [Rows; 2],
    stats: &[f32],
    mut to: Gradients,
) {
    let of = Backward { isa: cpu.isa, op, d, qkv, outs, stats };
    let scratch = || cpu.scratch(Head::scratch(d));
    match cpu.par {
        _ if d.batch * d.tq == 0 => {}
        Par::Seq => {
            let mut scratch = scratch();
            for b in 0..d.batch {
                for h in 0..d.heads {
                    of.head(b, h, to.head(d, b, h), &mut scratch);
                }
            }
        }
        Par::Threads if d.batch >= rayon::current_num_threads() => {
            to.samples(d).into_par_iter().enumerate().for_each_init(scratch, |scratch, (b, mut to)| {
                for h in 0..d.heads {
                    of.head(b, h, to.head(d, 0, h), scratch);
                }
            });
        }
        Par::Threads => {
            for (b, mut to) in to.samples(d).into_iter().enumerate() {
                let heads = (0..d.heads).into_par_iter().map_init(scratch, |scratch, h| {
                    let mut dense = cpu.scratch((d.tq + 2 * d.tk) * d.head);
                    let (dq, rest) = dense.split_at_mut(d.tq * d.head);
                    let (dk, dv) = rest.split_at_mut(d.tk * d.head);
                    of.head(b, h, Gradients::apart([dq, dk, dv], d.head), scratch);
                    dense
                });
                let heads: Vec<_> = heads.collect();
                for (part, (from, time)) in
                    [(0, d.tq), (d.tq, d.tk), (d.tq + d.tk, d.tk)].into_iter().enumerate()
                {
                    let row = to.row;
                    to.part(part).par_chunks_mut(row).take(time).enumerate().for_each(|(t, to)| {
                        for (to, from_head) in to.chunks_exact_mut(d.head).zip(&heads) {
                            to.copy_from_slice(&from_head[(from + t) * d.head..][..d.head]);
                        }
                    });
                }
            }
        }
    }
}

struct Backward<'a> {
    isa: Isa,
    op: &'a Attention,
    d: Dims,
    qkv: [Rows<'a>; 3],
    /// out, dout
    outs: [Rows<'a>; 2],
    stats: &'a [f32],
}

impl Backward<'_> {
    fn head(&self, b: usize, h: usize, to: Gradients, scratch: &mut [f32]) {
        let (d, op) = (self.d, self.op);
        let [k, v] = [1, 2].map(|part: usize| self.qkv[part].head(d, d.tk, (b, 0, h)));
        let [q, out, dout] = [self.qkv[0], self.outs[0], self.outs[1]].map(|x| x.head(d, d.tq, (b, 0, h)));
        let stats = &self.stats[d.stat(b, h, 0)..];
        let [dq, dk, dv] = if b + 1 < d.batch { to.spans(d) } else { [(std::ptr::null(), 0); 3] };
        let [q_next, k_next, v_next] = Rows::spans(d, self.qkv, b + 1);
        let [out_next, dout_next] = self.outs.map(|x| x.span(d.batch, d.tq, b + 1));
        let next = [q_next, k_next, v_next, out_next, dout_next, dq, dk, dv];
        let ahead = Ahead::new((h, d.heads), next);
        self.isa.run(Head { op, d, at: (b, h), q, k, v, out, dout, stats, ahead, to, scratch });
    }
}

/// One head of one sample.
struct Head<'a> {
    op: &'a Attention,
    d: Dims,
    at: (usize, usize),
    q: Rows<'a>,
    k: Rows<'a>,
    v: Rows<'a>,
    out: Rows<'a>,
    dout: Rows<'a>,
    /// From the head's first block on.
    stats: &'a [f32],
    ahead: Ahead<8>,
    to: Gradients<'a>,
    scratch: &'a mut [f32],
}

impl Kernel for Head<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.d.head {
            16 if S::LANES > 4 => self.of(s, 16),
            head => self.of(s, head),
        }
    }
}

impl Head<'_> {
    fn scratch(d: Dims) -> usize {
        4 * keys_len(d) + 2 * SCORES + 4 * padded(d) * QUERIES
    }

    /// `head` is known to the compiler for the usual sizes.
    #[inline(always)]
    fn of<S: Simd>(mut self, s: S, head: usize) {
        let (d, row) = (self.d, head.next_multiple_of(S::LANES));
        let keys = self.op.keys(d, self.at.0);
        let scratch = &mut self.scratch;
        let packed = cut(scratch, 2 * keys_len(d));
        PackKeys { head, count: keys, k: self.k, v: self.v, to: packed }.run(s);
        let (k, v) = packed.split_at(keys_len(d));
        let (dk, dv) = (cut(scratch, keys_len(d)), cut(scratch, keys_len(d)));
        let (p, ds) = (cut(scratch, SCORES), cut(scratch, SCORES));
        let [q, turned_q, g, turned_g] = [(); 4].map(|()| cut(scratch, row * QUERIES));
        let (once, scale) = ([1.0; QUERIES], [1.0 / (head as f32).sqrt(); QUERIES]);
        for from in (0..d.tq).step_by(QUERIES) {
            let count = QUERIES.min(d.tq - from);
            let vectors = count.div_ceil(S::LANES);
            let stats = &self.stats[from / QUERIES * d.stats_of_block()..][..2 * QUERIES];
            let (greatest, inverse) = stats.split_at(QUERIES);
            let drop_out = DropOut::new(self.op, d, self.at.0, self.at.1, from);
            turn_queries(s, self.q.from(from), count, head, q, turned_q);
            let factor = drop_out.map_or(1.0, |d| d.mask.scale());
            let outs = (self.out.from(from), self.dout.from(from));
            let delta = divided(s, outs, count, head, inverse, factor, g);
            transpose(s, g, row, (vectors * S::LANES, row), turned_g, QUERIES);
            let (turned_q, turned_g) =
                (Right { data: turned_q, row: QUERIES }, Right { data: turned_g, row: QUERIES });
            for here in key_blocks(keys) {
                let (at, n) = (here.start * row, here.len());
                let mut bits = [0; KEYS * QUERIES / 16];
                let bits = kept(s, drop_out, here.clone(), &mut bits);
                let left = |data| (Left { data, row, col: 1 }, n);
                let ahead = &mut self.ahead;
                let mut finish = Exponentials { p, greatest, ahead };
                product(s, left(&k[at..]), (turned_q, vectors), head, &mut finish);
                let mut finish = ScoreGradients { p, ds, delta: &delta, bits, ahead };
                product(s, left(&v[at..]), (turned_g, vectors), head, &mut finish);
                let of_keys = |data| (Left { data, row: QUERIES, col: 1 }, n);
                let right = |data| (Right { data, row }, row / S::LANES);
                let first = from == 0;
                product(s, of_keys(p), right(g), count, &mut Sums { to: &mut dv[at..], row, first });
                product(s, of_keys(ds), right(q), count, &mut Sums { to: &mut dk[at..], row, first });
                let to_row = self.to.row;
                let mut finish = Weighted {
                    out: &mut self.to.part(0)[from * to_row..],
                    row: to_row,
                    head,
                    first: here.start == 0,
                    before: &once,
                    after: if here.end == keys { &scale } else { &once },
                };
                let of_queries = Left { data: ds, row: 1, col: QUERIES };
                product(s, (of_queries, count), right(&k[at..]), n, &mut finish);
            }
        }
        // Queries carry log2 e / sqrt D already.
        self.finish(s, head, 1, &dk[..keys * row], LN_2);
        self.finish(s, head, 2, &dv[..keys * row], 1.0);
    }

    /// Sums times `factor` to where they belong; zeros past the last key.
    #[inline(always)]
    fn finish<S: Simd>(&mut self, s: S, head: usize, part: usize, from: &[f32], factor: f32) {
        let (row, tk) = (self.to.row, self.d.tk);
        let mut rows = self.to.part(part).chunks_mut(row).take(tk);
        for (from, to) in from.chunks_exact(head.next_multiple_of(S::LANES)).zip(rows.by_ref()) {
            for (to, from) in to[..head].chunks_mut(S::LANES).zip(from.chunks_exact(S::LANES)) {
                write(s, to, s.mul(s.load(from), s.splat(factor)));
            }
        }
        rows.for_each(|to| to[..head].fill(0.0));
    }
}

/// `g = dout inverse factor`, dense, in whole vectors and with rows of zeros to a whole vector of queries; returns
/// `out . dout inverse` for each.
#[inline(always)]
fn divided<S: Simd>(
    s: S,
    (out, dout): (Rows, Rows),
    count: usize,
    head: usize,
    inverse: &[f32],
    factor: f32,
    g: &mut [f32],
) -> PerQuery {
    let (row, mut delta) = (head.next_multiple_of(S::LANES), [0.0; QUERIES]);
    let (rows, rest) = g.split_at_mut(count * row);
    for (t, g) in rows.chunks_exact_mut(row).enumerate() {
        let (by, mut sum) = (s.splat(inverse[t] * factor), s.splat(0.0));
        let pairs = out.at(t, head).chunks(S::LANES).zip(dout.at(t, head).chunks(S::LANES));
        for (g, (out, dout)) in g.chunks_exact_mut(S::LANES).zip(pairs) {
            let dout = read(s, dout);
            sum = s.fma(read(s, out), dout, sum);
            s.store(g, s.mul(dout, by));
        }
        delta[t] = s.sum(sum) * inverse[t];
    }
    rest.fill(0.0);
    delta
}

/// `p = 2^(product - greatest)`
struct Exponentials<'a> {
    /// `[keys, QUERIES]`
    p: &'a mut [f32],
    greatest: &'a [f32],
    ahead: &'a mut Ahead<8>,
}

impl<S: Simd> Finish<S> for Exponentials<'_> {
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        (i, rows): (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    ) {
        self.ahead.bring();
        let greatest: [S::V; NV] = vectors(s, &self.greatest[at..]);
        for (r, acc) in acc.iter().enumerate() {
            if r < rows {
                let line = &mut self.p[(i + r) * QUERIES + at..][..NV * S::LANES];
                for (v, &score) in acc.iter().enumerate() {
                    s.store(&mut line[v * S::LANES..], math::exp2(s, s.sub(score, greatest[v])));
                }
            }
        }
    }
}

/// `ds = p (product - delta)`; where dropped, the product and then `p` are zero.
struct ScoreGradients<'a> {
    /// `[keys, QUERIES]`
    p: &'a mut [f32],
    ds: &'a mut [f32],
    delta: &'a PerQuery,
    bits: Option<(&'a [u16], usize)>,
    ahead: &'a mut Ahead<8>,
}

impl<S: Simd> Finish<S> for ScoreGradients<'_> {
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        (i, rows): (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    ) {
        self.ahead.bring();
        let delta: [S::V; NV] = vectors(s, &self.delta[at..]);
        for (r, acc) in acc.iter().enumerate() {
            if r < rows {
                let from = (i + r) * QUERIES + at;
                let p = &mut self.p[from..][..NV * S::LANES];
                let ds = &mut self.ds[from..][..NV * S::LANES];
                for (v, &product) in acc.iter().enumerate() {
                    let (p, ds) = (&mut p[v * S::LANES..], &mut ds[v * S::LANES..]);
                    let (e, mut dp) = (s.load(p), product);
                    if let Some((bits, words)) = self.bits {
                        let bits = lanes(&bits[(i + r) * words..], at + v * S::LANES);
                        dp = s.keep(dp, bits);
                        s.store(p, s.keep(e, bits));
                    }
                    s.store(ds, s.mul(e, s.sub(dp, delta[v])));
                }
            }
        }
    }
}

/// Stores the `first` product, adds others.
struct Sums<'a> {
    to: &'a mut [f32],
    row: usize,
    first: bool,
}

impl<S: Simd> Finish<S> for Sums<'_> {
    #[inline(always)]
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        (i, rows): (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    ) {
        for (r, acc) in acc.iter().enumerate() {
            if r < rows {
                let line = &mut self.to[(i + r) * self.row + at..][..NV * S::LANES];
                for (v, &sum) in acc.iter().enumerate() {
                    let to = &mut line[v * S::LANES..];
                    s.store(to, if self.first { sum } else { s.add(s.load(to), sum) });
                }
            }
        }
    }
}
