//! All positions of a padded map, in reading order, are the rows of one product: row `p` of kernel row `u` is the `KW * I`
//! values from position `p + u * dilation * padded width` on. Rows that begin in a map's right padding give values
//! nobody reads.

use super::Dims;
use crate::{
    device::Cpu,
    simd::gemm::{Mat, Start, gemm, pack, packed, packed_len},
};

pub fn forward(cpu: &Cpu, d: Dims, [x, w, bias]: [&[f32]; 3], [z]: [&mut [f32]; 1]) {
    let kernel =
        Kernel::new(cpu, d, |u| Mat::rows(&w[u * d.kw * d.ins * d.outs..], d.kw * d.ins, d.outs, d.outs));
    correlate(cpu, d, x, (d.ins, d.outs), d.before(), &kernel, Start::Bias(bias), z);
}

/// A correlation of `dz` with the kernel turned by 180 degrees and transposed.
pub fn backward_x(cpu: &Cpu, d: Dims, [dz, w]: [&[f32]; 2], [dx]: [&mut [f32]; 1]) {
    let mut turned = cpu.scratch(w.len());
    let taps = turned.chunks_exact_mut(d.ins * d.outs).zip(w.chunks_exact(d.ins * d.outs).rev());
    for (turned, w) in taps {
        for (o, row) in turned.chunks_exact_mut(d.ins).enumerate() {
            for (i, t) in row.iter_mut().enumerate() {
                *t = w[i * d.outs + o];
            }
        }
    }
    let kernel =
        Kernel::new(cpu, d, |u| Mat::rows(&turned[u * d.kw * d.outs * d.ins..], d.kw * d.outs, d.ins, d.ins));
    let (top, left) = d.before();
    let after = ((d.kh - 1) * d.dilation - top, d.kw - 1 - left);
    correlate(cpu, d, dz, (d.outs, d.ins), after, &kernel, Start::Zero, dx);
}

/// The kernel's rows, packed one after the other.
struct Kernel {
    rows: crate::arena::Lease,
    /// Values of a packed row.
    row: usize,
}

impl Kernel {
    fn new<'a>(cpu: &Cpu, d: Dims, of: impl Fn(usize) -> Mat<'a>) -> Self {
        let row = packed_len(cpu.isa, of(0).rows, of(0).cols);
        let mut rows = cpu.scratch(d.kh * row);
        rows.chunks_exact_mut(row).enumerate().for_each(|(u, packed)| pack(cpu.isa, of(u), packed));
        Self { rows, row }
    }
}

/// `y[B, H, W, O] = start + x[B, H, W, I] * kernel`, with `before` rows and columns of zeros.
#[allow(clippy::too_many_arguments)]
fn correlate(
    cpu: &Cpu,
    d: Dims,
    x: &[f32],
    (ins, outs): (usize, usize),
    before: (usize, usize),
    kernel: &Kernel,
    start: Start,
    y: &mut [f32],
) {
    let (rows, columns) = d.padded();
    let positions = d.height * columns - (d.kw - 1);
    let mut padded = cpu.scratch(rows * columns * ins);
    padded.fill(0.0);
    let mut wide = cpu.scratch(d.height * columns * outs);
    let maps = x.chunks_exact(d.height * d.width * ins).zip(y.chunks_exact_mut(d.height * d.width * outs));
    for (x, y) in maps {
        place(d, x, ins, before, &mut padded);
        let direct = columns == d.width;
        let into = if direct { &mut *y } else { &mut wide };
        for (u, packed_row) in kernel.rows.chunks_exact(kernel.row).enumerate() {
            let a = Mat::rows(&padded[u * d.dilation * columns * ins..], positions, d.kw * ins, ins);
            packed(cpu.isa, a, packed_row, outs, if u == 0 { start } else { Start::Accumulate }, into, outs);
        }
        if !direct {
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
    let positions = d.height * columns - (d.kw - 1);
    let mut padded = cpu.scratch(rows * columns * d.ins);
    padded.fill(0.0);
    let mut spread = cpu.scratch(d.height * columns * d.outs);
    spread.fill(0.0);
    let mut scratch = cpu.scratch(packed_len(cpu.isa, positions, d.outs));
    let area = d.height * d.width;
    for (b, (x, dz)) in x.chunks_exact(area * d.ins).zip(dz.chunks_exact(area * d.outs)).enumerate() {
        place(d, x, d.ins, d.before(), &mut padded);
        let into = spread.chunks_exact_mut(columns * d.outs).zip(dz.chunks_exact(d.width * d.outs));
        into.for_each(|(spread, dz)| spread[..dz.len()].copy_from_slice(dz));
        let dz = Mat::rows(&spread, positions, d.outs, d.outs);
        let start = if b == 0 { Start::Zero } else { Start::Accumulate };
        for (u, dw) in dw.chunks_exact_mut(d.kw * d.ins * d.outs).enumerate() {
            let x = Mat::rows(&padded[u * d.dilation * columns * d.ins..], positions, d.kw * d.ins, d.ins);
            gemm(cpu.isa, x.t(), dz, start, dw, d.outs, &mut scratch);
        }
    }
    if d.batch == 0 {
        dw.fill(0.0);
    }
}
