//! Kernels made of `kernels/product.cuh`: one source for each precision, and their geometry.

use super::{Precision, Source};

/// A file of kernels, for each precision.
pub(crate) struct Sources {
    pub f32: Source,
    pub tf32: Source,
    pub bf16: Source,
}

impl Sources {
    pub fn of(&self, precision: Precision) -> &Source {
        match precision {
            Precision::F32 => &self.f32,
            Precision::Tf32 => &self.tf32,
            Precision::Bf16 => &self.bf16,
        }
    }
}

/// `products!("linear")`: the [`Sources`] in `kernels/linear.cu`.
macro_rules! products {
    ($name:literal) => {
        $crate::cuda::product::Sources {
            f32: $crate::cuda::kernels!($name for "F32" as "_f32"; "mma", "product", "layer"),
            tf32: $crate::cuda::kernels!($name for "Tf32" as "_tf32"; "mma", "product", "layer"),
            bf16: $crate::cuda::kernels!($name for "Bf16" as "_bf16"; "mma", "product", "layer"),
        }
    };
}
pub(crate) use products;

/// Rows of a block, and its columns unless it is wide.
const SIDE: usize = 64;
/// Blocks that a sum over rows is cut into, about: four for each processor of a large GPU. It does not depend on the GPU at
/// hand, so that sums do not.
const BLOCKS: usize = 528;
/// Fewest rows of a cut: what a block adds should be more than what it writes.
const SHORTEST: usize = 128;

/// How a result of so many rows and columns is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Product {
    /// Blocks have 128 columns.
    pub wide: bool,
    blocks: usize,
}

impl Product {
    pub fn of(rows: usize, columns: usize) -> Self {
        let wide = columns > SIDE;
        let across = columns.div_ceil(if wide { 2 * SIDE } else { SIDE });
        Self { wide, blocks: rows.div_ceil(SIDE) * across }
    }

    pub fn grid(&self) -> [u32; 3] {
        [self.blocks as u32, 1, 1]
    }

    pub fn threads(&self) -> u32 {
        if self.wide { 256 } else { 128 }
    }
}

/// How the gradient of weights, a sum over rows, is cut into shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Rows of a share.
    pub rows: usize,
    pub shares: usize,
    blocks: usize,
}

impl Cut {
    /// Of weights `[ins, outs]`.
    pub fn of(rows: usize, ins: usize, outs: usize) -> Self {
        let blocks = ins.div_ceil(SIDE) * outs.div_ceil(SIDE);
        let shares = BLOCKS.div_ceil(blocks.max(1)).min(rows.div_ceil(SHORTEST)).max(1);
        let cut = rows.div_ceil(shares).next_multiple_of(32).max(32);
        Self { rows: cut, shares: rows.div_ceil(cut).max(1), blocks }
    }

    pub fn grid(&self) -> [u32; 3] {
        [self.blocks as u32, self.shares as u32, 1]
    }

    pub const THREADS: u32 = 128;
}

#[cfg(test)]
mod tests {
    use super::Cut;

    #[test]
    fn cuts_cover_all_rows_once_in_whole_tiles() {
        for rows in [0, 1, 31, 256, 257, 4_097, 17_920, 286_720] {
            for (ins, outs) in [(1, 1), (64, 64), (128, 512), (448, 64)] {
                let cut = Cut::of(rows, ins, outs);
                assert!(cut.rows.is_multiple_of(32) && cut.shares >= 1, "{rows} {cut:?}");
                assert!(
                    cut.rows * cut.shares >= rows && cut.rows * (cut.shares - 1) < rows.max(1),
                    "{rows} {cut:?}"
                );
            }
        }
    }
}
