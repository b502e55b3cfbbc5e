//! `mma.sync` and `ldmatrix`: fragments of matrices, spread over a warp's lanes.
//!
//! Lane `l` is in group `g = l / 4`, at place `t = l % 4` of it. Of the result, [16, 8], it holds rows `g` and `g + 8`,
//! columns `2 t` and `2 t + 1`.

use super::Machine;
use super::warp::Warp;
use crate::fault::Trouble;
use crate::kinds::{Address, Product, R, Space};
use crate::shadow::Access;

/// d [16, 8] = a [16, K] b [K, 8] + c [16, 8], products and sums in f64, rounded once.
pub(super) fn multiply(warp: &mut Warp, product: Product, d: [R; 4], a: [R; 4], b: [R; 2], c: [R; 4]) {
    let mut left = [[0f64; 16]; 16];
    let mut right = [[0f64; 8]; 16];
    let depth = match product {
        Product::Tf32 => gather_tf32(warp, a, b, &mut left, &mut right),
        Product::Brain => gather_brain(warp, a, b, &mut left, &mut right),
    };
    let mut sums = [[0f64; 8]; 16];
    for lane in 0..32 {
        for (r, c) in c.into_iter().enumerate() {
            let (row, column) = place(lane, r);
            sums[row][column] = f64::from(f32::from_bits(warp.low[c as usize][lane]));
        }
    }
    for (sums, left) in sums.iter_mut().zip(&left) {
        for (x, right) in left[..depth].iter().zip(&right) {
            sums.iter_mut().zip(right).for_each(|(s, y)| *s += x * y);
        }
    }
    for lane in 0..32 {
        for (r, d) in d.into_iter().enumerate() {
            let (row, column) = place(lane, r);
            warp.low[d as usize][lane] = (sums[row][column] as f32).to_bits();
        }
    }
}

/// Row and column of the result that a lane's register `r` holds.
fn place(lane: usize, r: usize) -> (usize, usize) {
    (lane / 4 + 8 * (r >> 1), lane % 4 * 2 + (r & 1))
}

/// One tf32 to a register: a's registers hold (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4); b's (t, g), (t + 4, g).
/// The 13 low bits are cut off, as the tensor core does.
fn gather_tf32(
    warp: &Warp,
    a: [R; 4],
    b: [R; 2],
    left: &mut [[f64; 16]; 16],
    right: &mut [[f64; 8]; 16],
) -> usize {
    let value = |r: R, lane: usize| f64::from(f32::from_bits(warp.low[r as usize][lane] & 0xffff_e000));
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        for (r, a) in a.into_iter().enumerate() {
            left[g + 8 * (r & 1)][t + 4 * (r >> 1)] = value(a, lane);
        }
        for (r, b) in b.into_iter().enumerate() {
            right[t + 4 * r][g] = value(b, lane);
        }
    }
    8
}

/// Two bf16 to a register, the lower half first: columns `2 t` and `2 t + 1` of a, and 8 further on; rows of b likewise.
fn gather_brain(
    warp: &Warp,
    a: [R; 4],
    b: [R; 2],
    left: &mut [[f64; 16]; 16],
    right: &mut [[f64; 8]; 16],
) -> usize {
    let value = |r: R, lane: usize, h: usize| {
        let bits = warp.low[r as usize][lane];
        f64::from(f32::from_bits(if h == 1 { bits & 0xffff_0000 } else { bits << 16 }))
    };
    for lane in 0..32 {
        let (g, t) = (lane / 4, lane % 4);
        for h in 0..2 {
            for (r, a) in a.into_iter().enumerate() {
                left[g + 8 * (r & 1)][2 * t + h + 8 * (r >> 1)] = value(a, lane, h);
            }
            for (r, b) in b.into_iter().enumerate() {
                right[2 * t + h + 8 * r][g] = value(b, lane, h);
            }
        }
    }
    16
}

impl Machine<'_> {
    /// Lane `8 m + r` gives the address of row `r` of matrix `m`, 8 values of 16 bits; of each matrix every lane gets
    /// elements (g, 2 t) and (g, 2 t + 1), or of the transposed one.
    pub(super) fn load_matrix(
        &mut self,
        warp: &mut Warp,
        transposed: bool,
        n: usize,
        to: [R; 4],
        from: Address,
    ) -> Result<(), Box<Trouble>> {
        for (m, to) in to.into_iter().enumerate().take(n) {
            let mut matrix = [[0u16; 8]; 8];
            for (r, row) in matrix.iter_mut().enumerate() {
                let lane = 8 * m + r;
                let address = warp.address(from, lane);
                let (region, at) = self.note(warp, lane, Space::Shared, address, 16, Access::Read)?;
                for (x, bytes) in row.iter_mut().zip(region.data[at..at + 16].as_chunks::<2>().0) {
                    *x = u16::from_le_bytes(*bytes);
                }
            }
            for lane in 0..32 {
                let (g, t) = (lane / 4, lane % 4);
                let element = |h: usize| if transposed { matrix[2 * t + h][g] } else { matrix[g][2 * t + h] };
                warp.low[to as usize][lane] = u32::from(element(0)) | u32::from(element(1)) << 16;
            }
        }
        Ok(())
    }
}
