//! `C = A B`, `C += A B` or `C = bias + A B` for matrices with any strides.
//!
//! The one idea: `B` is packed once into panels two vectors wide; a register tile of [`Simd::TILE_ROWS`] rows then reads
//! a panel row and broadcasts values of `A` straight from where they lie. Since `A` needs only a row and a column
//! stride, a transposed matrix, a head of an interleaved tensor and the overlapping rows of a convolution are all the
//! same call, without a copy.

use super::{Isa, Kernel, Simd, read, write};

/// Depth of a block of `A` and `B`: a panel of this depth stays in the first-level cache.
const DEPTH: usize = 256;
/// Rows of a block of `A`: a whole number of register tiles, and with [`DEPTH`] an eighth of a second-level cache.
const ROWS: usize = 240;

/// A `rows x cols` matrix inside `data`: element `(i, j)` is `data[i * row + j * col]`. Rows may overlap.
#[derive(Clone, Copy, Debug)]
pub struct Mat<'a> {
    pub data: &'a [f32],
    pub rows: usize,
    pub cols: usize,
    pub row: usize,
    pub col: usize,
}

impl<'a> Mat<'a> {
    /// A dense row-major matrix, or one whose rows are `row` values apart.
    pub fn rows(data: &'a [f32], rows: usize, cols: usize, row: usize) -> Self {
        Self { data, rows, cols, row, col: 1 }
    }

    /// The transpose, without moving anything.
    pub fn t(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row: self.col, col: self.row, ..self }
    }

    fn check(&self) {
        if self.rows > 0 && self.cols > 0 {
            let last = (self.rows - 1) * self.row + (self.cols - 1) * self.col;
            assert!(last < self.data.len(), "a matrix lies inside its data");
        }
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    Zero,
    /// What `C` holds.
    Accumulate,
    /// `[n]`, the same for every row.
    Bias(&'a [f32]),
}

/// How many values [`pack`] writes for a `k x n` matrix.
pub fn packed_len(isa: Isa, k: usize, n: usize) -> usize {
    struct Lanes;
    impl Kernel for Lanes {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> usize {
            S::LANES
        }
    }
    let lanes = isa.run(Lanes);
    k * n.div_ceil(lanes) * lanes
}

/// Packs `b` for [`packed`]: panels of two vectors (the last may be one), zeros past the last column.
pub fn pack(isa: Isa, b: Mat, out: &mut [f32]) {
    b.check();
    assert_eq!(out.len(), packed_len(isa, b.rows, b.cols));
    isa.run(Pack { b, out });
}

/// `c[m, n] = start + a[m, k] b[k, n]` with `b` packed; the rows of `c` are `ldc` values apart.
pub fn packed(isa: Isa, a: Mat, b: &[f32], n: usize, start: Start, c: &mut [f32], ldc: usize) {
    a.check();
    assert_eq!(b.len(), packed_len(isa, a.cols, n));
    assert!(ldc >= n);
    if a.rows == 0 || n == 0 {
        return;
    }
    assert!((a.rows - 1) * ldc + n <= c.len(), "C lies inside its data");
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), n);
    }
    isa.run(Product { a, b, n, start, c, ldc });
}

/// [`pack`], then [`packed`]. `scratch` holds at least [`packed_len`] values.
#[allow(clippy::too_many_arguments)]
pub fn gemm(isa: Isa, a: Mat, b: Mat, start: Start, c: &mut [f32], ldc: usize, scratch: &mut [f32]) {
    assert_eq!(a.cols, b.rows);
    let scratch = &mut scratch[..packed_len(isa, b.rows, b.cols)];
    pack(isa, b, scratch);
    packed(isa, a, scratch, b.cols, start, c, ldc);
}

struct Pack<'a> {
    b: Mat<'a>,
    out: &'a mut [f32],
}

impl Kernel for Pack<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (b, wide) = (self.b, 2 * S::LANES);
        let mut out = self.out;
        for j in (0..b.cols).step_by(wide) {
            let cols = wide.min(b.cols - j);
            let width = if cols > S::LANES { wide } else { S::LANES };
            let (panel, rest) = out.split_at_mut(b.rows * width);
            out = rest;
            for (p, line) in panel.chunks_exact_mut(width).enumerate() {
                let at = p * b.row + j * b.col;
                if b.col == 1 {
                    let from = b.data[at..at + cols].chunks(S::LANES);
                    from.zip(line.chunks_mut(S::LANES))
                        .for_each(|(x, line)| write(s, &mut line[..x.len()], read(s, x)));
                } else {
                    for (v, &x) in line.iter_mut().zip(b.data[at..].iter().step_by(b.col)).take(cols) {
                        *v = x;
                    }
                }
                line[cols..].fill(0.0);
            }
        }
    }
}

struct Product<'a> {
    a: Mat<'a>,
    b: &'a [f32],
    n: usize,
    start: Start<'a>,
    c: &'a mut [f32],
    ldc: usize,
}

impl Kernel for Product<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let k = self.a.cols;
        let mut p = 0;
        loop {
            let depth = DEPTH.min(k - p);
            let start = if p == 0 { self.start } else { Start::Accumulate };
            for from in (0..self.a.rows).step_by(ROWS) {
                let rows = ROWS.min(self.a.rows - from);
                // SAFETY: `packed` checked that every element of A and C that the row and column ranges name lies in its
                // slice; the rows here are `from..from + rows`, the depth `p..p + depth`.
                unsafe { self.block(s, (p, depth), (from, rows), start) };
            }
            p += depth;
            if p >= k {
                return;
            }
        }
    }
}

impl Product<'_> {
    /// All panels of one depth of `B` against a block of rows, whose part of `A` stays in the second-level cache.
    ///
    /// # Safety
    /// The depth and the rows lie within A and C, and `packed`'s checks have passed.
    #[inline(always)]
    unsafe fn block<S: Simd>(
        &mut self,
        s: S,
        (p, depth): (usize, usize),
        (from, rows): (usize, usize),
        start: Start,
    ) {
        let wide = 2 * S::LANES;
        for j in (0..self.n).step_by(wide) {
            let cols = wide.min(self.n - j);
            let width = if cols > S::LANES { wide } else { S::LANES };
            let start = match start {
                Start::Bias(bias) => Start::Bias(&bias[j..j + cols]),
                other => other,
            };
            let b = &self.b[j * self.a.cols + p * width..][..depth * width];
            let strip = Strip {
                depth,
                a: self.a.data.as_ptr().wrapping_add(p * self.a.col + from * self.a.row),
                row: self.a.row,
                col: self.a.col,
                b: b.as_ptr(),
                start,
                c: self.c.as_mut_ptr().wrapping_add(from * self.ldc + j),
                ldc: self.ldc,
                cols,
            };
            // SAFETY: the caller vouches for the rows and the depth; the columns are `j..j + cols`, below `n`.
            unsafe { if width == wide { strip.rows::<S, 2>(s, rows) } else { strip.rows::<S, 1>(s, rows) } }
        }
    }
}

/// One panel of `B` against all rows of `A`: a column strip of `C`, `cols` wide.
struct Strip<'a> {
    depth: usize,
    a: *const f32,
    row: usize,
    col: usize,
    b: *const f32,
    start: Start<'a>,
    c: *mut f32,
    ldc: usize,
    cols: usize,
}

impl Strip<'_> {
    /// # Safety
    /// The pointers are valid for `rows` rows, `depth` and `cols`; `b` for `depth * NV * LANES` values.
    #[inline(always)]
    unsafe fn rows<S: Simd, const NV: usize>(&self, s: S, rows: usize) {
        let mut i = 0;
        // SAFETY (all tiles): they stay below `rows`.
        unsafe {
            while i + S::TILE_ROWS <= rows {
                match S::TILE_ROWS {
                    12 => self.tile::<S, 12, NV>(s, i),
                    6 => self.tile::<S, 6, NV>(s, i),
                    _ => self.tile::<S, 4, NV>(s, i),
                }
                i += S::TILE_ROWS;
            }
            if S::TILE_ROWS > 8 && i + 8 <= rows {
                self.tile::<S, 8, NV>(s, i);
                i += 8;
            }
            if i + 4 <= rows {
                self.tile::<S, 4, NV>(s, i);
                i += 4;
            }
            if i + 2 <= rows {
                self.tile::<S, 2, NV>(s, i);
                i += 2;
            }
            if i < rows {
                self.tile::<S, 1, NV>(s, i);
            }
        }
    }

    /// # Safety
    /// Rows `i..i + MR` are within what the pointers are valid for.
    #[inline(always)]
    unsafe fn tile<S: Simd, const MR: usize, const NV: usize>(&self, s: S, i: usize) {
        let mut acc = [[s.splat(0.0); NV]; MR];
        let a = self.a.wrapping_add(i * self.row);
        for p in 0..self.depth {
            // SAFETY: p < depth and r < MR rows, for which the caller vouches.
            unsafe {
                let b: [S::V; NV] = std::array::from_fn(|j| s.load_ptr(self.b.add((p * NV + j) * S::LANES)));
                for (r, acc) in acc.iter_mut().enumerate() {
                    let a = s.splat(*a.add(r * self.row + p * self.col));
                    for (acc, &b) in acc.iter_mut().zip(&b) {
                        *acc = s.fma(a, b, *acc);
                    }
                }
            }
        }
        for (r, acc) in acc.iter().enumerate() {
            for (j, &v) in acc.iter().enumerate() {
                let at = j * S::LANES;
                let here = S::LANES.min(self.cols - at);
                // SAFETY: row i + r < rows, columns at..at + here are below `cols`.
                let c = unsafe { std::slice::from_raw_parts_mut(self.c.add((i + r) * self.ldc + at), here) };
                store(s, self.start, at, v, c);
            }
        }
    }
}

#[inline(always)]
fn store<S: Simd>(s: S, start: Start, at: usize, v: S::V, c: &mut [f32]) {
    let here = c.len();
    if here == S::LANES {
        let v = match start {
            Start::Zero => v,
            Start::Accumulate => s.add(s.load(c), v),
            Start::Bias(bias) => s.add(s.load(&bias[at..at + here]), v),
        };
        s.store(c, v);
    } else {
        let v = match start {
            Start::Zero => v,
            Start::Accumulate => s.add(s.load_part(c), v),
            Start::Bias(bias) => s.add(s.load_part(&bias[at..at + here]), v),
        };
        s.store_part(c, v);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut x = seed.wrapping_mul(2654435761).wrapping_add(12345);
        let mut next = || {
            x = x.wrapping_mul(1664525).wrapping_add(1013904223);
            (x >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..n).map(|_| next()).collect()
    }

    /// Every instruction set against f64 sums, over sizes around tile edges, transposes and starts.
    #[test]
    fn agrees_with_plain_sums() {
        for isa in Isa::all() {
            for (m, k, n) in
                [(1, 1, 1), (2, 3, 5), (13, 17, 33), (12, 257, 32), (29, 64, 64), (7, 600, 19), (5, 0, 3)]
            {
                for (ta, tb) in [(false, false), (true, false), (false, true)] {
                    for kind in 0..3 {
                        check(isa, (m, k, n), ta, tb, kind);
                    }
                }
            }
        }
    }

    fn check(isa: Isa, (m, k, n): (usize, usize, usize), ta: bool, tb: bool, kind: u8) {
        let (a, b, c0, bias) = (noise(m * k, 1), noise(k * n, 2), noise(m * (n + 3), 3), noise(n, 4));
        let am = if ta { Mat::rows(&a, k, m, m).t() } else { Mat::rows(&a, m, k, k) };
        let bm = if tb { Mat::rows(&b, n, k, k).t() } else { Mat::rows(&b, k, n, n) };
        let mut c = c0.clone();
        let start = [Start::Zero, Start::Accumulate, Start::Bias(&bias)][kind as usize];
        gemm(isa, am, bm, start, &mut c, n + 3, &mut vec![f32::NAN; packed_len(isa, k, n)]);
        for i in 0..m {
            let past = i * (n + 3) + n;
            assert_eq!(c[past..past + 3], c0[past..past + 3], "outside C is untouched");
            for (j, &bias) in bias.iter().enumerate() {
                let at = i * (n + 3) + j;
                let first = [0.0, c0[at] as f64, bias as f64][kind as usize];
                let at_ij = |m: Mat, i, j| m.data[i * m.row + j * m.col] as f64;
                let want = first + (0..k).map(|p| at_ij(am, i, p) * at_ij(bm, p, j)).sum::<f64>();
                let gap = (c[at] as f64 - want).abs();
                assert!(
                    gap < 1e-5,
                    "{} {m}x{k}x{n} ta {ta} tb {tb} kind {kind}: ({i}, {j}) off by {gap}",
                    isa.name()
                );
            }
        }
    }
}
