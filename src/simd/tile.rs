//! Products by register tiles, for kernels that go on computing with a tile while it is in registers.
//!
//! As in [`gemm`](super::gemm), values of `A` are broadcast and rows of `B` are vectors, both where they lie; but what becomes
//! of a finished tile is the caller's: a [`Finish`] is inlined behind the last multiplication, so a maximum, an exponential
//! or a sum costs no pass over memory.

use super::{Simd, extent};

/// The left factor: element `(i, p)` is `data[i * row + p * col]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub col: usize,
}

/// The right factor: row `p` is at `data[p * row..]`.
#[derive(Clone, Copy)]
pub struct Right<'a> {
    pub data: &'a [f32],
    pub row: usize,
}

/// What becomes of a tile.
pub trait Finish<S: Simd> {
    /// Vectors of rows `i..i + rows` of the product, from column `at`; past `rows <= MR` they hold anything.
    /// Implementations are `#[inline(always)]` and go over all of `acc`, which the compiler can take apart:
    /// `for (r, acc) in acc.iter().enumerate() { if r < rows { .. } }`.
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        s: S,
        rows: (usize, usize),
        at: usize,
        acc: [[S::V; NV]; MR],
    );
}

/// The most rows that [`product`] reads of `A` together: so many may lie past its last, and are read but not used.
pub const MOST_ROWS: usize = 24;

/// `A [rows, depth] B [depth, vectors * LANES]`, tile by tile. `A` has [`MOST_ROWS`] rows to read from the start of each
/// tile on, whatever they hold.
#[inline(always)]
pub fn product<S: Simd, F: Finish<S>>(
    s: S,
    (a, rows): (Left, usize),
    (b, vectors): (Right, usize),
    depth: usize,
    finish: &mut F,
) {
    let widest = if S::LANES == 16 { 4 } else { 3 };
    let mut v = 0;
    while v < vectors {
        let here = widest.min(vectors - v);
        let b = (Right { data: &b.data[v * S::LANES..], row: b.row }, v * S::LANES);
        // 32 registers hold 24 sums beside a row of B and a value of A; 16 registers hold 12.
        match (S::LANES, here) {
            (16, 4) => panel::<S, F, 6, 4>(s, (a, rows), b, depth, finish),
            (16, 3) => panel::<S, F, 8, 3>(s, (a, rows), b, depth, finish),
            (16, 2) => panel::<S, F, 12, 2>(s, (a, rows), b, depth, finish),
            (16, _) => panel::<S, F, 24, 1>(s, (a, rows), b, depth, finish),
            (_, 3) => panel::<S, F, 4, 3>(s, (a, rows), b, depth, finish),
            (_, 2) => panel::<S, F, 6, 2>(s, (a, rows), b, depth, finish),
            _ => panel::<S, F, 12, 1>(s, (a, rows), b, depth, finish),
        }
        v += here;
    }
}

#[inline(always)]
fn panel<S: Simd, F: Finish<S>, const MR: usize, const NV: usize>(
    s: S,
    (a, rows): (Left, usize),
    (b, at): (Right, usize),
    depth: usize,
    finish: &mut F,
) {
    for i in (0..rows).step_by(MR) {
        let acc = tile::<S, MR, NV>(s, Left { data: &a.data[i * a.row..], ..a }, b, depth);
        finish.tile(s, (i, MR.min(rows - i)), at, acc);
    }
}

/// `NV` vectors from `x` on.
#[inline(always)]
pub fn vectors<S: Simd, const NV: usize>(s: S, x: &[f32]) -> [S::V; NV] {
    let mut all = [s.splat(0.0); NV];
    for (v, to) in all.iter_mut().enumerate() {
        *to = s.load(&x[v * S::LANES..]);
    }
    all
}

/// The first `MR` rows and `NV` vectors of a product.
#[inline(always)]
fn tile<S: Simd, const MR: usize, const NV: usize>(
    s: S,
    a: Left,
    b: Right,
    depth: usize,
) -> [[S::V; NV]; MR] {
    let mut acc = [[s.splat(0.0); NV]; MR];
    if depth == 0 {
        return acc;
    }
    let (left, right) = (extent((MR, a.row), (depth, a.col)), extent((depth, b.row), (NV * S::LANES, 1)));
    assert!(left.is_some_and(|n| n <= a.data.len()), "a tile lies inside A");
    assert!(right.is_some_and(|n| n <= b.data.len()), "a tile lies inside B");
    let (left, right) = (a.data.as_ptr(), b.data.as_ptr());
    for p in 0..depth {
        // SAFETY: p < depth, r < MR and the NV vectors of a row of B: the greatest offsets are those asserted above.
        unsafe {
            let mut line = [s.splat(0.0); NV];
            for (v, x) in line.iter_mut().enumerate() {
                *x = s.load_ptr(right.add(p * b.row + v * S::LANES));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                let a = s.splat(*left.add(r * a.row + p * a.col));
                for (v, acc) in acc.iter_mut().enumerate() {
                    *acc = s.fma(a, line[v], *acc);
                }
            }
        }
    }
    acc
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel};

    /// Keeps the product, with rows `width` values apart.
    struct Keep<'a>(&'a mut [f32], usize);
    impl<S: Simd> Finish<S> for Keep<'_> {
        #[inline(always)]
        fn tile<const MR: usize, const NV: usize>(
            &mut self,
            s: S,
            (i, rows): (usize, usize),
            at: usize,
            acc: [[S::V; NV]; MR],
        ) {
            for (r, acc) in acc.iter().enumerate().take(rows) {
                for (v, &acc) in acc.iter().enumerate() {
                    s.store(&mut self.0[(i + r) * self.1 + at + v * S::LANES..], acc);
                }
            }
        }
    }

    /// Rows, vectors and depth of a product; whether A lies by columns.
    struct Case((usize, usize, usize), bool);
    impl Kernel for Case {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            let Case((rows, vectors, depth), turned) = self;
            let (tall, width) = (rows + MOST_ROWS, vectors * S::LANES);
            let value = |i: usize, j: usize| (i * 7 + j * 3) as f32 % 11.0 - 5.0;
            let (row, col) = if turned { (1, tall) } else { (depth, 1) };
            let mut a = vec![0.0; tall * depth];
            for i in 0..tall {
                for p in 0..depth {
                    a[i * row + p * col] = value(i, p);
                }
            }
            let b: Vec<f32> = (0..depth * width).map(|at| value(at / width, at % width)).collect();
            let mut c = vec![f32::NAN; rows * width];
            let (left, right) = (Left { data: &a, row, col }, Right { data: &b, row: width });
            product(s, (left, rows), (right, vectors), depth, &mut Keep(&mut c, width));
            for (at, &found) in c.iter().enumerate() {
                let (i, j) = (at / width, at % width);
                let want: f32 = (0..depth).map(|p| value(i, p) * value(p, j)).sum();
                assert_eq!(found, want, "{rows} rows, {vectors} vectors, depth {depth}: ({i}, {j})");
            }
        }
    }

    /// Of the sizes, those that an interpreter gets done.
    #[test]
    fn products_are_sums_on_every_instruction_set() {
        for isa in Isa::all() {
            for rows in [1, 5, 24, 25] {
                for vectors in [1, 2, 3, 4, 5] {
                    if cfg!(miri) && rows * vectors > 25 {
                        continue;
                    }
                    for depth in [1, 3] {
                        for turned in [false, true] {
                            isa.run(Case((rows, vectors, depth), turned));
                        }
                    }
                }
            }
        }
    }
}
