//! `C = A B`, `C += A B` or `C = bias + A B`, and whatever else is to be done to a row of `C` while it is in cache.
//!
//! The one idea: a register tile reads rows of `B` and broadcasts values of `A`, both straight from where they lie. A row of
//! `B` must lie in one piece; nothing else need be arranged, so weights, activations, a head of an interleaved tensor, the
//! overlapping rows of a convolution and, as `A`, the transpose of any of them are multiplied without a copy. Only a
//! transposed `B` is copied out first, by blocks that turn in registers.

use super::{Isa, Kernel, Simd, extent, prefetch, transpose};

/// The greatest depth of a block of `A` and `B`: how many rows of `B` a tile reads before it stores. More are cut into equal
/// parts, since a short one pays for a tile's loads and stores with little work.
const DEPTH: usize = 384;
/// Values of A and C beyond which they are taken not to lie in a second-level cache.
const FAR: usize = 1 << 17;
/// Steps of depth that are written out one after the other.
const STEPS: usize = 4;
/// Values on a cache line.
const LINE: usize = 16;
/// Rows of a block of `A`: with [`DEPTH`] a fifth of a second-level cache.
const ROWS: usize = 240;

/// A `rows x cols` matrix inside `data`: element `(i, j)` is `data[i * row + j * col]`. Rows may overlap. One of the strides
/// is 1.
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
        assert!(self.row == 1 || self.col == 1, "a matrix is dense along its rows or its columns");
        if self.rows > 0 && self.cols > 0 {
            let extent = extent((self.rows, self.row), (self.cols, self.col));
            assert!(extent.is_some_and(|n| n <= self.data.len()), "a matrix lies inside its data");
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

/// What is done to the product while it is in cache.
pub trait Finish {
    /// `c` is `C[i, j..j + c.len()]`, complete. Every element is seen once. Implementations are `#[inline(always)]`.
    fn row<S: Simd>(&mut self, s: S, i: usize, j: usize, c: &mut [f32]);
}

/// Nothing is.
impl Finish for () {
    #[inline(always)]
    fn row<S: Simd>(&mut self, _: S, _: usize, _: usize, _: &mut [f32]) {}
}

/// How many values of scratch a product with this `B` takes.
pub fn scratch_len(b: Mat) -> usize {
    if b.col == 1 { 0 } else { b.rows.checked_mul(b.cols).expect("a product's factors are in memory") }
}

/// `c[m, n] = start + a[m, k] b[k, n]`; the rows of `c` are `ldc` values apart. `scratch` holds at least [`scratch_len`]
/// values.
pub fn gemm(isa: Isa, a: Mat, b: Mat, start: Start, c: &mut [f32], ldc: usize, scratch: &mut [f32]) {
    gemm_then(isa, a, b, start, c, ldc, scratch, ());
}

/// [`gemm`], then `finish`.
#[allow(clippy::too_many_arguments)]
pub fn gemm_then(
    isa: Isa,
    a: Mat,
    b: Mat,
    start: Start,
    c: &mut [f32],
    ldc: usize,
    scratch: &mut [f32],
    finish: impl Finish,
) {
    assert_eq!(a.cols, b.rows);
    let (m, n) = (a.rows, b.cols);
    a.check();
    b.check();
    assert!(ldc >= n);
    if m == 0 || n == 0 {
        return;
    }
    assert!(extent((m, ldc), (n, 1)).is_some_and(|n| n <= c.len()), "C lies inside its data");
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), n);
    }
    let scratch = &mut scratch[..scratch_len(b)];
    isa.run(Product { a, b, start, c, ldc, scratch, finish });
}

/// What [`gemm_then`] has checked.
struct Product<'a, F> {
    a: Mat<'a>,
    b: Mat<'a>,
    start: Start<'a>,
    c: &'a mut [f32],
    ldc: usize,
    scratch: &'a mut [f32],
    finish: F,
}

impl<F: Finish> Kernel for Product<'_, F> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { a, b, start, c, ldc, scratch, finish } = self;
        let (k, n) = (b.rows, b.cols);
        let (b, ldb) = if b.col == 1 {
            (b.data, b.row)
        } else {
            transpose(s, b.data, b.col, (n, k), scratch, n);
            (&*scratch, n)
        };
        let (a, strides, rows) = (a.data, (a.row, a.col), a.rows);
        let mut blocks = Blocks { a, strides, rows, b, ldb, k, n, start, c, ldc, finish };
        // SAFETY: `gemm_then` checked that A, B and C lie in their slices and that one stride of A is 1; where B was turned,
        // the scratch holds all of it.
        unsafe { if strides.1 == 1 { blocks.run::<S, true>(s) } else { blocks.run::<S, false>(s) } }
    }
}

/// The product by blocks: C's rows and the depth so that a block of A stays in the second-level cache, columns so that a
/// strip is one register tile wide.
struct Blocks<'a, F> {
    a: &'a [f32],
    /// Of A, by row and by column.
    strides: (usize, usize),
    rows: usize,
    b: &'a [f32],
    ldb: usize,
    k: usize,
    n: usize,
    start: Start<'a>,
    c: &'a mut [f32],
    ldc: usize,
    finish: F,
}

impl<F: Finish> Blocks<'_, F> {
    /// # Safety
    /// A, B and C lie in their slices. Of A's strides the one by column is 1 if `ROWWISE`, else the one by row.
    #[inline(always)]
    unsafe fn run<S: Simd, const ROWWISE: bool>(&mut self, s: S) {
        let whole = self.k.div_ceil(self.k.div_ceil(DEPTH).max(1));
        let mut p = 0;
        loop {
            let depth = whole.min(self.k - p);
            for from in (0..self.rows).step_by(ROWS) {
                // SAFETY: the depth ends at `k` or before, the rows at `self.rows` or before.
                unsafe { self.block::<S, ROWWISE>(s, (p, depth), (from, ROWS.min(self.rows - from))) };
            }
            p += depth;
            if p >= self.k {
                return;
            }
        }
    }

    /// # Safety
    /// As for [`Self::run`]; the depth and the rows are there.
    #[inline(always)]
    unsafe fn block<S: Simd, const ROWWISE: bool>(
        &mut self,
        s: S,
        (p, depth): (usize, usize),
        (from, rows): (usize, usize),
    ) {
        let last = p + depth == self.k;
        let mut j = 0;
        while j < self.n {
            let left = self.n - j;
            let vectors = (left / S::LANES).min(S::TILE_VECTORS);
            let cols = if vectors == 0 { left } else { vectors * S::LANES };
            let start = match self.start {
                _ if p > 0 => Start::Accumulate,
                Start::Bias(bias) => Start::Bias(&bias[j..j + cols]),
                other => other,
            };
            let strip = Strip {
                depth,
                a: self.a.as_ptr().wrapping_add(p * self.strides.1 + from * self.strides.0),
                lda: if ROWWISE { self.strides.0 } else { self.strides.1 },
                b: self.b.as_ptr().wrapping_add(p * self.ldb + j),
                ldb: self.ldb,
                start,
                c: self.c.as_mut_ptr().wrapping_add(from * self.ldc + j),
                ldc: self.ldc,
                cols,
                place: last.then_some((from, j)),
                far: self.rows * (self.k + self.n) > FAR,
            };
            let f = &mut self.finish;
            // SAFETY: rows `from..from + rows`, depth `p..p + depth` and columns `j..j + cols` are there; `cols` is
            // `vectors` whole ones, or less than one.
            unsafe {
                match vectors {
                    0 => strip.rows::<S, F, ROWWISE, 1, true>(s, rows, f),
                    1 => strip.rows::<S, F, ROWWISE, 1, false>(s, rows, f),
                    2 => strip.rows::<S, F, ROWWISE, 2, false>(s, rows, f),
                    3 if S::TILE_VECTORS > 2 => strip.rows::<S, F, ROWWISE, 3, false>(s, rows, f),
                    _ if S::TILE_VECTORS > 2 => strip.rows::<S, F, ROWWISE, 4, false>(s, rows, f),
                    _ => unreachable!("a strip is at most a tile wide"),
                }
            }
            j += cols;
        }
    }
}

/// All rows of a block of A against the part of B that is one tile wide.
struct Strip<'a> {
    depth: usize,
    a: *const f32,
    /// A's stride that is not 1.
    lda: usize,
    b: *const f32,
    ldb: usize,
    start: Start<'a>,
    c: *mut f32,
    ldc: usize,
    cols: usize,
    /// The row and column of the strip's first element in C, if its values are complete after this depth.
    place: Option<(usize, usize)>,
    /// A and C do not lie in a second-level cache.
    far: bool,
}

impl Strip<'_> {
    /// # Safety
    /// The pointers are valid for `rows` rows, `depth` and `cols`; `cols` is `NV * LANES`, or less than `LANES` if `PART`.
    #[inline(always)]
    unsafe fn rows<S: Simd, F: Finish, const ROWWISE: bool, const NV: usize, const PART: bool>(
        &self,
        s: S,
        rows: usize,
        finish: &mut F,
    ) {
        let mut i = 0;
        while i < rows {
            let left = rows - i;
            // SAFETY: a tile is not taller than the rows that are left.
            let done = unsafe {
                match S::TILE_ROWS * S::TILE_VECTORS / NV {
                    // One vector hides no more latency with more rows than these.
                    12.. if left >= 12 => self.tile::<S, ROWWISE, 12, NV, PART>(s, i),
                    8 if left >= 8 => self.tile::<S, ROWWISE, 8, NV, PART>(s, i),
                    6 if left >= 6 => self.tile::<S, ROWWISE, 6, NV, PART>(s, i),
                    _ if left >= 4 => self.tile::<S, ROWWISE, 4, NV, PART>(s, i),
                    _ if left >= 2 => self.tile::<S, ROWWISE, 2, NV, PART>(s, i),
                    _ => self.tile::<S, ROWWISE, 1, NV, PART>(s, i),
                }
            };
            if let Some((row, col)) = self.place {
                for r in i..i + done {
                    // SAFETY: row r < rows of C has `cols` values here, and nothing else refers to them now.
                    let c = unsafe { std::slice::from_raw_parts_mut(self.c.add(r * self.ldc), self.cols) };
                    finish.row(s, row + r, col, c);
                }
            }
            i += done;
        }
    }

    /// Computes rows `i..i + MR`; how many they are.
    ///
    /// # Safety
    /// As for [`Self::rows`], with rows up to `i + MR`.
    #[inline(always)]
    unsafe fn tile<S: Simd, const ROWWISE: bool, const MR: usize, const NV: usize, const PART: bool>(
        &self,
        s: S,
        i: usize,
    ) -> usize {
        let (a_row, a_col) = if ROWWISE { (self.lda, 1) } else { (1, self.lda) };
        // Lines are filled by loops: a closure for `array::from_fn` would be compiled without the instruction set, and called.
        let read = |x: *const f32| {
            // SAFETY: `x` is a line of B, of the bias or of rows below `i + MR` of C, at vector `j < NV`: LANES values, or
            // `cols` where that is `PART`, for which the caller vouches.
            unsafe {
                if PART { s.load_part(std::slice::from_raw_parts(x, self.cols)) } else { s.load_ptr(x) }
            }
        };
        let c = self.c.wrapping_add(i * self.ldc);
        let mut acc = [[s.splat(0.0); NV]; MR];
        match self.start {
            Start::Zero => {}
            Start::Accumulate => {
                for (r, acc) in acc.iter_mut().enumerate() {
                    for (j, acc) in acc.iter_mut().enumerate() {
                        *acc = read(c.wrapping_add(r * self.ldc + j * S::LANES));
                    }
                }
            }
            Start::Bias(bias) => {
                let mut row = [s.splat(0.0); NV];
                for (j, row) in row.iter_mut().enumerate() {
                    *row = read(bias.as_ptr().wrapping_add(j * S::LANES));
                }
                acc = [row; MR];
            }
        }
        const { assert!(MR <= 12) };
        // Rows by threes: from the first of three, the others are at one and two strides, which an address can say. The
        // compiler must not see that the groups are as far apart, or it computes every row's address from the one before.
        let a = self.a.wrapping_add(i * a_row);
        let mut groups: [*const f32; 4] =
            std::array::from_fn(|g| std::hint::black_box(a.wrapping_add(3 * g * a_row)));
        let mut b = self.b;
        let mut p = 0;
        while p + STEPS <= self.depth {
            if ROWWISE && self.far && p % LINE == 0 {
                // What the next tile reads here and stores, a line of each row for a line of each row of this one.
                let j = p / LINE * LINE;
                for r in 0..MR {
                    prefetch(groups[r / 3].wrapping_add((MR + r % 3) * a_row));
                    if j < self.cols {
                        prefetch(c.wrapping_add((MR + r) * self.ldc + j));
                    }
                }
            }
            for u in 0..STEPS {
                let mut line = [s.splat(0.0); NV];
                for (j, line) in line.iter_mut().enumerate() {
                    *line = read(b.wrapping_add(u * self.ldb + j * S::LANES));
                }
                for (r, acc) in acc.iter_mut().enumerate() {
                    // SAFETY: row i + r < i + MR of A at depth p + u < `depth`, for which the caller vouches.
                    let a = s.splat(unsafe { *groups[r / 3].add(r % 3 * a_row + u * a_col) });
                    for (acc, &b) in acc.iter_mut().zip(&line) {
                        *acc = s.fma(a, b, *acc);
                    }
                }
            }
            b = b.wrapping_add(STEPS * self.ldb);
            groups = groups.map(|a| a.wrapping_add(STEPS * a_col));
            p += STEPS;
        }
        while p < self.depth {
            let mut line = [s.splat(0.0); NV];
            for (j, line) in line.iter_mut().enumerate() {
                *line = read(b.wrapping_add(j * S::LANES));
            }
            for (r, acc) in acc.iter_mut().enumerate() {
                // SAFETY: row i + r < i + MR of A at depth p < `depth`, for which the caller vouches.
                let a = s.splat(unsafe { *groups[r / 3].add(r % 3 * a_row) });
                for (acc, &b) in acc.iter_mut().zip(&line) {
                    *acc = s.fma(a, b, *acc);
                }
            }
            b = b.wrapping_add(self.ldb);
            groups = groups.map(|a| a.wrapping_add(a_col));
            p += 1;
        }
        for (r, acc) in acc.iter().enumerate() {
            for (j, &v) in acc.iter().enumerate() {
                let c = c.wrapping_add(r * self.ldc + j * S::LANES);
                // SAFETY: row i + r < i + MR of C, vector j < NV: LANES values that are the strip's to write, or `cols`.
                unsafe {
                    if PART {
                        s.store_part(std::slice::from_raw_parts_mut(c, self.cols), v);
                    } else {
                        s.store_ptr(c, v);
                    }
                }
            }
        }
        MR
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

    /// Every instruction set against f64 sums, over sizes around tile edges, transposes and starts; of the sizes those that an
    /// interpreter gets done.
    #[test]
    fn agrees_with_plain_sums() {
        for isa in Isa::all() {
            for (m, k, n) in [
                (1, 1, 1),
                (2, 3, 5),
                (13, 17, 33),
                (12, 257, 32),
                (29, 64, 64),
                (25, 385, 117),
                (7, 800, 19),
                (251, 600, 65), // far, and more rows than a block
                (5, 0, 3),
                (2, 385, 5),  // two depths
                (243, 2, 18), // two blocks of rows
            ] {
                if cfg!(miri) && m * k * n > 9000 {
                    continue;
                }
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
        gemm(isa, am, bm, start, &mut c, n + 3, &mut vec![f32::NAN; scratch_len(bm)]);
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
