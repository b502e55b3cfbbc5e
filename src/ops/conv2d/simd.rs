//! All positions of a padded map, in reading order, are the rows of one product: row `p` of kernel row `u` is the `KW * I`
//! values from position `p + u * dilation * padded width` on. Rows that begin in a map's right padding give values
//! nobody reads; a map of one row has none of those.

use super::Dims;
use crate::{
    device::Cpu,
    ops::activation::{Activation, simd::Activated},
    simd::{
        gemm::{Mat, Start, gemm, gemm_then},
        turn,
    },
};

/// The result, activated: of `None` what backward starts from.
pub fn forward(
    cpu: &Cpu,
    d: Dims,
    activation: Option<Activation>,
    [x, w, bias]: [&[f32]; 3],
    [y]: [&mut [f32]; 1],
) {
    correlate(cpu, d, x, (d.ins, d.outs), d.before(), w, (Start::Bias(bias), activation), y);
}

/// A correlation of `dz` with the kernel turned by 180 degrees and transposed.
pub fn backward_x(cpu: &Cpu, d: Dims, [dz, w]: [&[f32]; 2], [dx]: [&mut [f32]; 1]) {
    let mut turned = cpu.scratch(w.len());
    let taps = turned.chunks_exact_mut(d.ins * d.outs).zip(w.chunks_exact(d.ins * d.outs).rev());
    for (turned, w) in taps {
        turn(cpu.isa, w, d.outs, (d.ins, d.outs), turned, d.ins);
    }
    let (top, left) = d.before();
    let after = ((d.kh - 1) * d.dilation - top, d.kw - 1 - left);
    correlate(cpu, d, dz, (d.outs, d.ins), after, &turned, (Start::Zero, None), dx);
}

impl Dims {
    /// The rows of a map's product: from its first position to the last one that is not right padding.
    fn positions(&self) -> usize {
        self.height * self.padded().1 - (self.kw - 1)
    }
    /// Every row of the product is a position of the map.
    fn is_tight(&self) -> bool {
        self.height == 1 || self.kw == 1
    }
}

/// `y[B, H, W, O] = activation(start + x[B, H, W, I] * kernel[KH, KW, I, O])`, with `before` rows and columns of zeros.
#[allow(clippy::too_many_arguments)]
fn correlate(
    cpu: &Cpu,
    d: Dims,
    x: &[f32],
    (ins, outs): (usize, usize),
    before: (usize, usize),
    kernel: &[f32],
    (start, activation): (Start, Option<Activation>),
    y: &mut [f32],
) {
    let (rows, columns) = d.padded();
    let mut padded = cpu.scratch(rows * columns * ins);
    padded.fill(0.0);
    let mut wide = cpu.scratch(if d.is_tight() { 0 } else { d.height * columns * outs });
    let maps = x.chunks_exact(d.height * d.width * ins).zip(y.chunks_exact_mut(d.height * d.width * outs));
    for (x, y) in maps {
        place(d, x, ins, before, &mut padded);
        let into = if d.is_tight() { &mut *y } else { &mut wide };
        for (u, kernel) in kernel.chunks_exact(d.kw * ins * outs).enumerate() {
            let a = Mat::rows(&padded[u * d.dilation * columns * ins..], d.positions(), d.kw * ins, ins);
            let kernel = Mat::rows(kernel, d.kw * ins, outs, outs);
            let start = if u == 0 { start } else { Start::Accumulate };
            let last = Activated(activation.filter(|_| u + 1 == d.kh));
            gemm_then(cpu.isa, a, kernel, start, into, outs, &mut [], last);
        }
        if !d.is_tight() {
            let from = wide.chunks_exact(columns * outs).zip(y.chunks_exact_mut(d.width * outs));
            from.for_each(|(wide, y)| y.copy_from_slice(&wide[..d.width * outs]));
        }
    }
}

/// Copies a map `[H, W, C]` into a padded one.
fn place(d: Dims, x: &[f32], channels: usize, (top, left): (usize, usize), padded: &mut [f32]) {
    let columns = d.padded().1;
    for (i, row) in x.chunks_exact(d.width * channels).enumerate() {
        padded[((top + i) * columns + left) * channels..][..row.len()].copy_from_slice(row);
    }
}

pub fn backward_weight(cpu: &Cpu, d: Dims, [dz, x]: [&[f32]; 2], [dw]: [&mut [f32]; 1]) {
    let (rows, columns) = d.padded();
    let mut padded = cpu.scratch(rows * columns * d.ins);
    padded.fill(0.0);
    let mut spread = cpu.scratch(if d.is_tight() { 0 } else { d.height * columns * d.outs });
    spread.fill(0.0);
    let area = d.height * d.width;
    for (b, (x, dz)) in x.chunks_exact(area * d.ins).zip(dz.chunks_exact(area * d.outs)).enumerate() {
        place(d, x, d.ins, d.before(), &mut padded);
        let dz = if d.is_tight() {
            dz
        } else {
            let into = spread.chunks_exact_mut(columns * d.outs).zip(dz.chunks_exact(d.width * d.outs));
            into.for_each(|(spread, dz)| spread[..dz.len()].copy_from_slice(dz));
            &spread
        };
        let dz = Mat::rows(dz, d.positions(), d.outs, d.outs);
        let start = if b == 0 { Start::Zero } else { Start::Accumulate };
        for (u, dw) in dw.chunks_exact_mut(d.kw * d.ins * d.outs).enumerate() {
            let x = &padded[u * d.dilation * columns * d.ins..];
            let x = Mat::rows(x, d.positions(), d.kw * d.ins, d.ins);
            gemm(cpu.isa, x.t(), dz, start, dw, d.outs, &mut []);
        }
    }
    if d.batch == 0 {
        dw.fill(0.0);
    }
}
