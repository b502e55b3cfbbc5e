use super::Dims;
use crate::{
    device::Cpu,
    simd::gemm::{Mat, Start, gemm, scratch_len},
};

pub fn forward(cpu: &Cpu, d: Dims, x: &[f32], w: &[f32], bias: Option<&[f32]>, z: &mut [f32]) {
    let (rows, ins, outs) = d.usizes();
    let start = bias.map_or(Start::Zero, Start::Bias);
    product(cpu, Mat::rows(x, rows, ins, ins), Mat::rows(w, ins, outs, outs), start, z);
}

/// `turned` is the transpose of the weights, where it has been kept.
pub fn backward_x(cpu: &Cpu, d: Dims, [dz, w]: [&[f32]; 2], turned: Option<&[f32]>, [dx]: [&mut [f32]; 1]) {
    let (rows, ins, outs) = d.usizes();
    let wt = match turned {
        Some(turned) => Mat::rows(turned, outs, ins, ins),
        None => Mat::rows(w, ins, outs, outs).t(),
    };
    product(cpu, Mat::rows(dz, rows, outs, outs), wt, Start::Zero, dx);
}

pub fn backward_weight(cpu: &Cpu, d: Dims, [dz, x]: [&[f32]; 2], [dw]: [&mut [f32]; 1]) {
    let (rows, ins, outs) = d.usizes();
    product(cpu, Mat::rows(x, rows, ins, ins).t(), Mat::rows(dz, rows, outs, outs), Start::Zero, dw);
}

/// `c = start + a b`, all dense.
fn product(cpu: &Cpu, a: Mat, b: Mat, start: Start, c: &mut [f32]) {
    let mut scratch = cpu.scratch(scratch_len(b));
    gemm(cpu.isa, a, b, start, c, b.cols, &mut scratch);
}

impl Dims {
    fn usizes(self) -> (usize, usize, usize) {
        (self.rows as usize, self.ins as usize, self.outs as usize)
    }
}
