//! The gradients, tile by tile: a tile's probabilities are made again from the scores and the saved log-sum-exp, used for
//! `dv`, turned in place into score gradients, and used for `dk` and `dq`.

use super::{
    Attention, Dims,
    simd::{DropOut, KEYS, Probabilities, ROWS, blocks, rows, scatter},
};
use crate::{
    device::{Cpu, Par},
    simd::{
        Kernel, Simd,
        gemm::{Mat, Start, gemm, pack, packed, packed_len},
        math, read, sum2, update, write,
    },
};
use rayon::prelude::*;

pub fn backward(
    cpu: &Cpu,
    op: &Attention,
    d: Dims,
    [q, k, v, out, lse, dout]: [&[f32]; 6],
    [dq, dk, dv]: [&mut [f32]; 3],
) {
    let head = |i: usize| {
        let (b, h) = (i / d.heads, i % d.heads);
        let lse = &lse[i * d.tq..][..d.tq];
        Head { cpu, op, d, b, h, q, k, v, out, lse, dout }
    };
    let sizes = [d.tq * d.head, d.tk * d.head, d.tk * d.head];
    let mut spread = |i: usize, grads: &[&[f32]; 3]| {
        let (b, h) = (i / d.heads, i % d.heads);
        scatter(d, grads[0], d.tq, b, h, dq);
        scatter(d, grads[1], d.tk, b, h, dk);
        scatter(d, grads[2], d.tk, b, h, dv);
    };
    match cpu.par {
        Par::Seq => {
            let mut grads = sizes.map(|n| cpu.scratch(n));
            for i in 0..d.batch * d.heads {
                head(i).backward(grads.each_mut().map(|g| &mut **g));
                spread(i, &grads.each_ref().map(|g| &**g));
            }
        }
        Par::Threads => {
            let heads = (0..d.batch * d.heads).into_par_iter().map(|i| {
                let mut grads = sizes.map(|n| cpu.scratch(n));
                head(i).backward(grads.each_mut().map(|g| &mut **g));
                grads
            });
            for (i, grads) in heads.collect::<Vec<_>>().iter().enumerate() {
                spread(i, &grads.each_ref().map(|g| &**g));
            }
        }
    }
}

/// One head of one sample.
struct Head<'a> {
    cpu: &'a Cpu,
    op: &'a Attention,
    d: Dims,
    b: usize,
    h: usize,
    q: &'a [f32],
    k: &'a [f32],
    v: &'a [f32],
    out: &'a [f32],
    /// `[Tq]`
    lse: &'a [f32],
    dout: &'a [f32],
}

impl Head<'_> {
    /// Writes `dq [Tq, D], dk [Tk, D], dv [Tk, D]`.
    fn backward(&self, [dq, dk, dv]: [&mut [f32]; 3]) {
        let (d, cpu) = (self.d, self.cpu);
        let keys = self.op.keys(d, self.b);
        dk[keys * d.head..].fill(0.0);
        dv[keys * d.head..].fill(0.0);
        let mut delta = cpu.scratch(d.tq);
        let (out, dout) =
            (&self.out[d.at(d.tq, self.b, 0, self.h)..], &self.dout[d.at(d.tq, self.b, 0, self.h)..]);
        cpu.isa.run(Delta { out, dout, head: d.head, ld: d.channels(), delta: &mut delta });
        for (key, wide) in blocks(keys, KEYS) {
            let (dk, dv) =
                (&mut dk[key * d.head..][..wide * d.head], &mut dv[key * d.head..][..wide * d.head]);
            self.key_block(key, wide, &delta, [dq, dk, dv]);
        }
    }

    fn packed(&self, m: Mat) -> crate::arena::Lease {
        let mut packed = self.cpu.scratch(packed_len(self.cpu.isa, m.rows, m.cols));
        pack(self.cpu.isa, m, &mut packed);
        packed
    }

    /// All queries against the keys `key..key + wide`.
    fn key_block(&self, key: usize, wide: usize, delta: &[f32], [dq, dk, dv]: [&mut [f32]; 3]) {
        let (d, isa) = (self.d, self.cpu.isa);
        let keys = |x| rows(d, x, d.tk, self.b, self.h, key, wide);
        let (kt, vt, k) =
            (self.packed(keys(self.k).t()), self.packed(keys(self.v).t()), self.packed(keys(self.k)));
        let tile = ROWS.min(d.tq) * wide;
        let (mut p, mut dp) = (self.cpu.scratch(tile), self.cpu.scratch(tile));
        let mut scratch = self.cpu.scratch(packed_len(isa, ROWS.min(d.tq), d.head));
        for (from, count) in blocks(d.tq, ROWS) {
            let queries = |x| rows(d, x, d.tq, self.b, self.h, from, count);
            let (p, dp) = (&mut p[..count * wide], &mut dp[..count * wide]);
            packed(isa, queries(self.q), &kt, wide, Start::Zero, p, wide);
            packed(isa, queries(self.dout), &vt, wide, Start::Zero, dp, wide);
            let (lse, delta) = (&self.lse[from..][..count], &delta[from..][..count]);
            isa.run(Probability { p, wide, lse, scale: d.scale() as f32 });
            let dropped = self.drop_out(from, key, wide, p, dp);
            let add = |first| if first { Start::Zero } else { Start::Accumulate };
            let kept = Mat::rows(dropped.as_deref().unwrap_or(p), count, wide, wide);
            gemm(isa, kept.t(), queries(self.dout), add(from == 0), dv, d.head, &mut scratch);
            isa.run(ScoreGradient { p, dp, wide, delta, scale: d.scale() as f32 });
            let ds = Mat::rows(dp, count, wide, wide);
            gemm(isa, ds.t(), queries(self.q), add(from == 0), dk, d.head, &mut scratch);
            packed(isa, ds, &k, d.head, add(key == 0), &mut dq[from * d.head..], d.head);
        }
    }

    /// The probabilities after dropout, where there is any; `dp` becomes the gradient in those before it.
    fn drop_out(
        &self,
        from: usize,
        key: usize,
        wide: usize,
        p: &[f32],
        dp: &mut [f32],
    ) -> Option<crate::arena::Lease> {
        let (mask, d) = (self.op.dropout?, self.d);
        let mut dropped = self.cpu.scratch(p.len());
        dropped.copy_from_slice(p);
        for tile in [&mut dropped[..], dp] {
            let p = Probabilities { tile, width: wide, wide };
            let element = d.element(self.h, from) + key;
            self.cpu.isa.run(DropOut { mask, sample: self.b, element, stride: d.elements(), p });
        }
        Some(dropped)
    }
}

/// `delta = rowsum(out * dout)`, rows `ld` apart.
struct Delta<'a> {
    out: &'a [f32],
    dout: &'a [f32],
    head: usize,
    ld: usize,
    delta: &'a mut [f32],
}

impl Kernel for Delta<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (r, delta) in self.delta.iter_mut().enumerate() {
            let row = r * self.ld..r * self.ld + self.head;
            *delta = sum2(s, &self.out[row.clone()], &self.dout[row], |a, b| s.mul(a, b));
        }
    }
}

/// Scores in, `exp(s * scale - lse)` out.
struct Probability<'a> {
    p: &'a mut [f32],
    wide: usize,
    lse: &'a [f32],
    scale: f32,
}

impl Kernel for Probability<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let scale = s.splat(self.scale);
        for (row, &lse) in self.p.chunks_exact_mut(self.wide).zip(self.lse) {
            let lse = s.splat(-lse);
            for x in row.chunks_mut(S::LANES) {
                write(s, x, math::exp(s, s.fma(read(s, x), scale, lse)));
            }
        }
    }
}

/// `dp` becomes `p * (dp - delta) * scale`.
struct ScoreGradient<'a> {
    p: &'a [f32],
    dp: &'a mut [f32],
    wide: usize,
    delta: &'a [f32],
    scale: f32,
}

impl Kernel for ScoreGradient<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let scale = s.splat(self.scale);
        let rows = self.dp.chunks_exact_mut(self.wide).zip(self.p.chunks_exact(self.wide));
        for ((dp, p), &delta) in rows.zip(self.delta) {
            let delta = s.splat(delta);
            update(s, dp, p, |dp, p| s.mul(s.mul(p, scale), s.sub(dp, delta)));
        }
    }
}
