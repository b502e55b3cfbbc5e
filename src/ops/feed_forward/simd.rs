//! Rows go through both products in blocks, so that a block's hidden values are read while they are in cache.

use super::{Dims, FeedForward};
use crate::{
    device::Cpu,
    ops::dropout::Mask,
    simd::{
        Kernel, Simd,
        gemm::{Finish, Mat, Start, gemm, gemm_then},
        math, read, turn, write,
    },
};

/// Rows of a block: ten register tiles.
const ROWS: usize = 60;

pub fn forward(
    cpu: &Cpu,
    op: &FeedForward,
    d: Dims,
    [x, up, up_bias, down, down_bias]: [&[f32]; 5],
    [y, hidden, slope]: [&mut [f32]; 3],
) {
    let (c, f) = (d.channels, d.hidden);
    let blocks = hidden.chunks_mut((ROWS * f).max(1)).zip(slope.chunks_mut((ROWS * f).max(1)));
    for (i, (hidden, slope)) in blocks.enumerate() {
        let (from, rows) = (i * ROWS, hidden.len() / f);
        let x = Mat::rows(&x[from * c..], rows, c, c);
        let finish = GeluAndSlope { slope, ld: f };
        gemm_then(cpu.isa, x, Mat::rows(up, c, f, f), Start::Bias(up_bias), hidden, f, &mut [], finish);
        if let Some(mask) = &op.dropout {
            cpu.isa.run(DropOut { mask, d, from, hidden, slope });
        }
        project(cpu, d, hidden, down, down_bias, &mut y[from * c..][..rows * c]);
    }
}

pub fn infer(cpu: &Cpu, d: Dims, [x, up, up_bias, down, down_bias]: [&[f32]; 5], [y]: [&mut [f32]; 1]) {
    let (c, f) = (d.channels, d.hidden);
    let mut hidden = cpu.scratch(ROWS * f);
    for (x, y) in x.chunks((ROWS * c).max(1)).zip(y.chunks_mut((ROWS * c).max(1))) {
        let rows = x.len() / c;
        let hidden = &mut hidden[..rows * f];
        let (x, up) = (Mat::rows(x, rows, c, c), Mat::rows(up, c, f, f));
        gemm_then(cpu.isa, x, up, Start::Bias(up_bias), hidden, f, &mut [], Gelu);
        project(cpu, d, hidden, down, down_bias, y);
    }
}

/// `y = hidden down + bias`
fn project(cpu: &Cpu, d: Dims, hidden: &[f32], down: &[f32], bias: &[f32], y: &mut [f32]) {
    let (c, f) = (d.channels, d.hidden);
    let hidden = Mat::rows(hidden, hidden.len() / f, f, f);
    gemm(cpu.isa, hidden, Mat::rows(down, f, c, c), Start::Bias(bias), y, c, &mut []);
}

/// `turned` are the transposes of `up` and `down`, where they have been kept.
pub fn backward(
    cpu: &Cpu,
    d: Dims,
    [x, up, down, hidden, slope, dy]: [&[f32]; 6],
    turned: [Option<&[f32]>; 2],
    [dx, dup, dup_bias, ddown]: [&mut [f32]; 4],
) {
    let (c, f, rows) = (d.channels, d.hidden, d.rows);
    let mut scratch = [turned[0], turned[1]].map(|kept| cpu.scratch(if kept.is_some() { 0 } else { c * f }));
    let [here_up, here_down] = &mut scratch;
    let up_t = turned[0].unwrap_or_else(|| {
        turn(cpu.isa, up, f, (c, f), here_up, c);
        here_up
    });
    let down_t = turned[1].unwrap_or_else(|| {
        turn(cpu.isa, down, c, (f, c), here_down, f);
        here_down
    });
    let mut dz = cpu.scratch(rows * f);
    dup_bias.fill(0.0);
    for from in (0..rows).step_by(ROWS) {
        let count = ROWS.min(rows - from);
        let dz = &mut dz[from * f..][..count * f];
        let dy = Mat::rows(&dy[from * c..], count, c, c);
        let finish = ThroughHidden { slope: &slope[from * f..][..count * f], ld: f, sum: dup_bias };
        gemm_then(cpu.isa, dy, Mat::rows(down_t, c, f, f), Start::Zero, dz, f, &mut [], finish);
        let dx = &mut dx[from * c..][..count * c];
        gemm(cpu.isa, Mat::rows(dz, count, f, f), Mat::rows(up_t, f, c, c), Start::Zero, dx, c, &mut []);
    }
    let (x, dz) = (Mat::rows(x, rows, c, c), Mat::rows(&dz, rows, f, f));
    gemm(cpu.isa, x.t(), dz, Start::Zero, dup, f, &mut []);
    let (hidden, dy) = (Mat::rows(hidden, rows, f, f), Mat::rows(dy, rows, c, c));
    gemm(cpu.isa, hidden.t(), dy, Start::Zero, ddown, c, &mut []);
}

/// `gelu(c)`, and its slope beside it.
struct GeluAndSlope<'a> {
    slope: &'a mut [f32],
    ld: usize,
}

impl Finish for GeluAndSlope<'_> {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, i: usize, j: usize, c: &mut [f32]) {
        let slope = &mut self.slope[i * self.ld + j..][..c.len()];
        for (z, slope) in c.chunks_mut(S::LANES).zip(slope.chunks_mut(S::LANES)) {
            let (y, dy) = math::gelu_and_slope(s, read(s, z));
            write(s, z, y);
            write(s, slope, dy);
        }
    }
}

struct Gelu;

impl Finish for Gelu {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, _: usize, _: usize, c: &mut [f32]) {
        for z in c.chunks_mut(S::LANES) {
            write(s, z, math::gelu(s, read(s, z)));
        }
    }
}

/// `dz = dhidden * slope`, and its sum over rows.
struct ThroughHidden<'a> {
    slope: &'a [f32],
    ld: usize,
    /// `[F]`
    sum: &'a mut [f32],
}

impl Finish for ThroughHidden<'_> {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, i: usize, j: usize, c: &mut [f32]) {
        let slope = self.slope[i * self.ld + j..][..c.len()].chunks(S::LANES);
        let sum = self.sum[j..][..c.len()].chunks_mut(S::LANES);
        for ((c, slope), sum) in c.chunks_mut(S::LANES).zip(slope).zip(sum) {
            let dz = s.mul(read(s, c), read(s, slope));
            write(s, c, dz);
            write(s, sum, s.add(read(s, sum), dz));
        }
    }
}

/// Rows `from..` of hidden values and slopes times their dropout factors.
struct DropOut<'a> {
    mask: &'a Mask,
    d: Dims,
    from: usize,
    hidden: &'a mut [f32],
    slope: &'a mut [f32],
}

impl Kernel for DropOut<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        /// Elements whose bits are made together.
        const GROUP: usize = 128;
        let (f, scale) = (self.d.hidden, s.splat(self.mask.scale()));
        let rows = self.hidden.chunks_exact_mut(f).zip(self.slope.chunks_exact_mut(f));
        for (i, (hidden, slope)) in rows.enumerate() {
            let (sample, first) = self.d.element(self.from + i);
            let groups = hidden.chunks_mut(GROUP).zip(slope.chunks_mut(GROUP));
            for (g, (hidden, slope)) in groups.enumerate() {
                let mut bits = [0; GROUP / 16];
                self.mask.keep_bits(s, sample, first + g * GROUP, &mut bits);
                let vectors = hidden.chunks_mut(S::LANES).zip(slope.chunks_mut(S::LANES));
                for (v, (hidden, slope)) in vectors.enumerate() {
                    let element = v * S::LANES;
                    let bits = u32::from(bits[element / 16]) >> (element % 16);
                    write(s, hidden, s.keep(s.mul(read(s, hidden), scale), bits));
                    write(s, slope, s.keep(s.mul(read(s, slope), scale), bits));
                }
            }
        }
    }
}
