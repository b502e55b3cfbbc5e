//! Tiles of [`ROWS`] queries by [`KEYS`] keys: two products around a row-wise softmax that stays in cache. At length 70
//! a head is one tile; at any length a tile is all that exists of the score matrix.

use super::{Attention, Dims, Mask};
use crate::{
    device::{Cpu, Par},
    simd::{
        Kernel, Simd, change,
        gemm::{Mat, Start, pack, packed, packed_len},
        math, read, write,
    },
};
use rayon::prelude::*;

/// Queries in a tile: eight register tiles of twelve rows.
pub(super) const ROWS: usize = 96;
/// Keys in a tile; a whole number of GEMM panels on every instruction set.
pub(super) const KEYS: usize = 256;

/// The rows `from..from + rows` of one head of `x [B, time, C]` as a matrix `[rows, D]`.
pub(super) fn rows<'a>(
    d: Dims,
    x: &'a [f32],
    time: usize,
    b: usize,
    h: usize,
    from: usize,
    rows: usize,
) -> Mat<'a> {
    Mat::rows(&x[d.at(time, b, from, h)..], rows, d.head, d.channels())
}

/// `(from, count)` of consecutive blocks of at most `size`.
pub(super) fn blocks(len: usize, size: usize) -> impl Iterator<Item = (usize, usize)> + Clone {
    (0..len).step_by(size).map(move |from| (from, size.min(len - from)))
}

/// Copies a head's `[T, D]` into `[B, T, C]`.
pub(super) fn scatter(d: Dims, head: &[f32], time: usize, b: usize, h: usize, into: &mut [f32]) {
    for (t, row) in head.chunks_exact(d.head).enumerate() {
        into[d.at(time, b, t, h)..][..d.head].copy_from_slice(row);
    }
}

pub fn forward(cpu: &Cpu, op: &Attention, d: Dims, qkv: [&[f32]; 3], [out, lse]: [&mut [f32]; 2]) {
    let lse_rows = lse.chunks_exact_mut(d.tq.max(1)).enumerate();
    match cpu.par {
        Par::Seq => lse_rows.for_each(|(i, lse)| {
            let (b, h) = (i / d.heads, i % d.heads);
            let at = d.at(d.tq, b, 0, h);
            head(cpu, op, d, qkv, (b, h), &mut out[at..], d.channels(), lse);
        }),
        Par::Threads => {
            let heads = lse_rows.par_bridge().map(|(i, lse)| {
                let mut out = cpu.scratch(d.tq * d.head);
                head(cpu, op, d, qkv, (i / d.heads, i % d.heads), &mut out, d.head, lse);
                (i, out)
            });
            for (i, head) in heads.collect::<Vec<_>>() {
                scatter(d, &head, d.tq, i / d.heads, i % d.heads, out);
            }
        }
    }
}

/// One head of one sample, into rows of `out` that are `ld` apart.
#[allow(clippy::too_many_arguments)]
fn head(
    cpu: &Cpu,
    op: &Attention,
    d: Dims,
    [q, k, v]: [&[f32]; 3],
    (b, h): (usize, usize),
    out: &mut [f32],
    ld: usize,
    lse: &mut [f32],
) {
    let keys = op.keys(d, b);
    let (kt_len, v_len) = (packed_len(cpu.isa, d.head, KEYS), packed_len(cpu.isa, KEYS, d.head));
    let mut kt = cpu.scratch(keys.div_ceil(KEYS) * kt_len);
    let mut vs = cpu.scratch(keys.div_ceil(KEYS) * v_len);
    for (i, (from, count)) in blocks(keys, KEYS).enumerate() {
        let kt = &mut kt[i * kt_len..][..packed_len(cpu.isa, d.head, count)];
        pack(cpu.isa, rows(d, k, d.tk, b, h, from, count).t(), kt);
        let vs = &mut vs[i * v_len..][..packed_len(cpu.isa, count, d.head)];
        pack(cpu.isa, rows(d, v, d.tk, b, h, from, count), vs);
    }
    let width = KEYS.min(keys);
    let mut scores = cpu.scratch(ROWS.min(d.tq) * width);
    let mut sums = [0.0; ROWS];
    for (from, count) in blocks(d.tq, ROWS) {
        let maxima = &mut lse[from..from + count];
        let out = &mut out[from * ld..];
        for (i, (key, wide)) in blocks(keys, KEYS).enumerate() {
            let q = rows(d, q, d.tq, b, h, from, count);
            let kt = &kt[i * kt_len..][..packed_len(cpu.isa, d.head, wide)];
            packed(cpu.isa, q, kt, wide, Start::Zero, &mut scores, width);
            let p = Probabilities { tile: &mut scores[..count * width], width, wide };
            let (scale, first, sums) = (d.scale() as f32, i == 0, &mut sums[..count]);
            cpu.isa.run(Softmax { p, scale, first, maxima, sums, out, ld, head: d.head });
            if let Some(mask) = op.dropout {
                let p = Probabilities { tile: &mut scores[..count * width], width, wide };
                cpu.isa.run(DropOut {
                    mask,
                    sample: b,
                    element: d.element(h, from) + key,
                    stride: d.elements(),
                    p,
                });
            }
            let p = Mat::rows(&scores, count, wide, width);
            let vs = &vs[i * v_len..][..packed_len(cpu.isa, wide, d.head)];
            packed(cpu.isa, p, vs, d.head, if i == 0 { Start::Zero } else { Start::Accumulate }, out, ld);
        }
        cpu.isa.run(Normalize { maxima, sums: &sums[..count], out, ld, head: d.head });
    }
}

/// A tile of probabilities: rows `width` apart, the first `wide` of each in use.
pub(super) struct Probabilities<'a> {
    pub tile: &'a mut [f32],
    pub width: usize,
    pub wide: usize,
}

/// Multiplies probabilities by their dropout factors.
pub(super) struct DropOut<'a> {
    pub mask: Mask,
    pub sample: usize,
    /// The dropout element of the tile's first probability; rows are `stride` elements apart.
    pub element: usize,
    pub stride: usize,
    pub p: Probabilities<'a>,
}

impl Kernel for DropOut<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut bits = [0; KEYS / 16];
        let bits = &mut bits[..self.p.wide.div_ceil(16)];
        let scale = s.splat(self.mask.scale());
        for (r, row) in self.p.tile.chunks_exact_mut(self.p.width).enumerate() {
            self.mask.keep_bits(s, self.sample, self.element + r * self.stride, bits);
            for (i, p) in row[..self.p.wide].chunks_mut(S::LANES).enumerate() {
                let bits = u32::from(bits[i * S::LANES / 16]) >> (i * S::LANES % 16);
                write(s, p, s.keep(s.mul(read(s, p), scale), bits));
            }
        }
    }
}

/// A softmax over one more block of keys: scores in, `exp((s - max) * scale)` out, and what earlier blocks gave scaled
/// to the new maximum.
struct Softmax<'a> {
    p: Probabilities<'a>,
    scale: f32,
    /// Nothing has been summed yet.
    first: bool,
    /// Each row's greatest score so far, before scaling.
    maxima: &'a mut [f32],
    sums: &'a mut [f32],
    out: &'a mut [f32],
    ld: usize,
    head: usize,
}

impl Kernel for Softmax<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (scale, rows) = (self.scale, self.p.tile.chunks_exact_mut(self.p.width));
        for (r, (row, (max, sum))) in rows.zip(self.maxima.iter_mut().zip(self.sums)).enumerate() {
            let row = &mut row[..self.p.wide];
            let greatest = if self.first { greatest(s, row) } else { greatest(s, row).max(*max) };
            let sum_here = exponentials(s, row, greatest, scale);
            if self.first {
                *sum = sum_here;
            } else {
                let shrink = ((*max - greatest) * scale).exp();
                *sum = *sum * shrink + sum_here;
                let out = &mut self.out[r * self.ld..][..self.head];
                out.iter_mut().for_each(|x| *x *= shrink);
            }
            *max = greatest;
        }
    }
}

/// The greatest of `row`; the last vector may overlap the one before.
#[inline(always)]
fn greatest<S: Simd>(s: S, row: &[f32]) -> f32 {
    if row.len() < S::LANES {
        return row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    }
    let mut max = s.load(&row[row.len() - S::LANES..]);
    for x in row.chunks_exact(S::LANES) {
        max = s.max(max, s.load(x));
    }
    s.greatest(max)
}

/// `row = exp((row - max) * scale)`; their sum.
#[inline(always)]
fn exponentials<S: Simd>(s: S, row: &mut [f32], max: f32, scale: f32) -> f32 {
    let (scale, max) = (s.splat(scale), s.splat(max));
    let mut sum = s.splat(0.0);
    for x in row.chunks_mut(S::LANES) {
        let e = math::exp(s, s.mul(s.sub(read(s, x), max), scale));
        write(s, x, e);
        sum = s.add(sum, read(s, x)); // read again: the lanes past a short end are zero now
    }
    s.sum(sum)
}

/// Divides by the sums; leaves the log-sum-exp where the maxima were.
struct Normalize<'a> {
    maxima: &'a mut [f32],
    sums: &'a [f32],
    out: &'a mut [f32],
    ld: usize,
    head: usize,
}

impl Kernel for Normalize<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let scale = 1.0 / (self.head as f32).sqrt();
        for (r, (max, &sum)) in self.maxima.iter_mut().zip(self.sums).enumerate() {
            let factor = s.splat(1.0 / sum);
            let out = &mut self.out[r * self.ld..][..self.head];
            change(s, out, |x| s.mul(x, factor));
            *max = *max * scale + sum.ln();
        }
    }
}
