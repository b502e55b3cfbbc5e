//! One vector algorithm, written once over [`Simd`], run at the width the CPU has.
//!
//! A kernel is a struct that implements [`Kernel`]; [`Isa::run`] is the only dispatcher: it enters a function compiled
//! for the instruction set and everything below it inlines there. An [`Isa`] value is *proof* that the CPU has the
//! instructions, since only [`Isa::detect`] and [`Isa::all`] make the wide ones.

mod aligned;
pub mod gemm;
pub mod math;
mod peak;
mod scalar;
pub mod tile;
mod transpose;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use aligned::Aligned;
pub use peak::fma_peak;
pub use scalar::Scalar;
pub use transpose::{transpose, turn};
#[cfg(target_arch = "x86_64")]
pub use x86::{Avx2, Avx512};

/// Instruction sets, weakest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isa {
    /// Portable Rust on groups of four lanes: whatever the compiler's baseline offers.
    Scalar(Scalar),
    /// AVX2 with FMA: eight lanes.
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    /// AVX-512 F and DQ: sixteen lanes.
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// A computation that can run on any instruction set.
pub trait Kernel {
    type Output;
    /// The body. Implementations are `#[inline(always)]`, so that they compile inside the dispatcher's shell.
    fn run<S: Simd>(self, s: S) -> Self::Output;
}

/// Vectors of `LANES` f32 and what can be done to them; of u32, what random bits need.
pub trait Simd: Copy {
    type V: Copy;
    /// Eight u32; where multiplications want it, each in the low half of 64 bits whose high half is anything.
    type U: Copy;
    const LANES: usize;
    /// Rows and vectors of a register tile in [`gemm`]; a narrower tile is as much taller.
    const TILE_ROWS: usize;
    const TILE_VECTORS: usize;

    fn splat(self, x: f32) -> Self::V;
    /// The first `LANES` of `x`.
    fn load(self, x: &[f32]) -> Self::V;
    /// Into the first `LANES` of `x`.
    fn store(self, x: &mut [f32], v: Self::V);
    /// `x.len() <= LANES` values, then zeros.
    fn load_part(self, x: &[f32]) -> Self::V;
    /// The first `x.len() <= LANES` lanes.
    fn store_part(self, x: &mut [f32], v: Self::V);
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    fn div(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    fn min(self, a: Self::V, b: Self::V) -> Self::V;
    fn sqrt(self, a: Self::V) -> Self::V;
    /// 1 where `a > 0`, else 0.
    fn positive(self, a: Self::V) -> Self::V;
    /// `a - floor(a)`
    fn fract(self, a: Self::V) -> Self::V;
    /// `a * 2^floor(n)` for `a` in 1..=2 and `n` in -126..127.
    fn times_pow2(self, a: Self::V, n: Self::V) -> Self::V;
    /// `-|a|`
    fn minus_abs(self, a: Self::V) -> Self::V;
    /// `negative` where the sign bit of `sign` is set, else `positive`.
    fn by_sign(self, sign: Self::V, negative: Self::V, positive: Self::V) -> Self::V;
    /// The sum of the lanes.
    fn sum(self, a: Self::V) -> f32;
    /// The greatest lane.
    fn greatest(self, a: Self::V) -> f32;
    /// `v` in the lanes whose bit is set, else 0; bits past `LANES` do not count.
    fn keep(self, v: Self::V, bits: u32) -> Self::V;

    fn splat_u32(self, x: u32) -> Self::U;
    /// `first..first + 16`, past the last u32 from 0, in the order that [`Simd::at_least`] undoes.
    fn sixteen(self, first: u32) -> [Self::U; 2];
    /// The high and the low halves of the 64 bits of `a * b`.
    fn mul_u32(self, a: Self::U, b: u32) -> [Self::U; 2];
    /// `a ^ b ^ c`
    fn xor(self, a: Self::U, b: Self::U, c: u32) -> Self::U;
    /// A bit for each of sixteen: whether its low 16 bits are at least `least`; the same of the high 16 bits.
    fn at_least(self, a: [Self::U; 2], least: u16) -> [u16; 2];

    /// # Safety
    /// `x` is valid for reading `LANES` values.
    unsafe fn load_ptr(self, x: *const f32) -> Self::V;
    /// # Safety
    /// `x` is valid for writing `LANES` values.
    unsafe fn store_ptr(self, x: *mut f32, v: Self::V);
    /// `to[j][i] = from[i][j]` for a block of `LANES x LANES`, rows `from_row` and `to_row` values apart.
    /// # Safety
    /// `LANES` values are valid for reading at each of `LANES` rows of `from`, and for writing at each of `to`.
    unsafe fn transpose(self, from: *const f32, from_row: usize, to: *mut f32, to_row: usize);
}

impl Isa {
    /// The best this CPU has.
    pub fn detect() -> Isa {
        *Isa::all().last().expect("scalar is always there")
    }

    /// All that this CPU has, weakest first.
    pub fn all() -> Vec<Isa> {
        #[allow(unused_mut)]
        let mut all = vec![Isa::Scalar(Scalar)];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(Avx2::detect().map(Isa::Avx2));
            all.extend(Avx512::detect().map(Isa::Avx512));
        }
        all
    }

    /// `scalar`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar(_) => "scalar",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(_) => "avx512",
        }
    }

    /// Runs `kernel` compiled for this instruction set.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self {
            Isa::Scalar(t) => kernel.run(t),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2(t) => t.run(kernel),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512(t) => t.run(kernel),
        }
    }
}

/// How many values lie up to and with the last of `rows x cols`, so many values apart; none where that cannot be counted,
/// or where there is no value. What unsafe code goes by: a product that wraps would let it read anything.
#[inline(always)]
fn extent((rows, row): (usize, usize), (cols, col): (usize, usize)) -> Option<usize> {
    let (down, right) = (rows.checked_sub(1)?.checked_mul(row)?, cols.checked_sub(1)?.checked_mul(col)?);
    down.checked_add(right)?.checked_add(1)
}

/// Asks for the line of `x` to be brought to the second-level cache; a hint.
#[inline(always)]
pub fn prefetch(x: *const f32) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is in the baseline, and a prefetch may name any address.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T1 }>(x.cast())
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = x;
}

/// Cuts `x` into whole vectors and a shorter rest: `for v in 0..whole { .. v * LANES .. }`.
#[inline(always)]
pub fn whole<S: Simd>(_: S, len: usize) -> usize {
    len / S::LANES * S::LANES
}

/// A vector of the `x.len() <= LANES` values there are, then zeros.
#[inline(always)]
pub fn read<S: Simd>(s: S, x: &[f32]) -> S::V {
    if x.len() == S::LANES { s.load(x) } else { s.load_part(x) }
}

/// The first `x.len() <= LANES` lanes.
#[inline(always)]
pub fn write<S: Simd>(s: S, x: &mut [f32], v: S::V) {
    if x.len() == S::LANES { s.store(x, v) } else { s.store_part(x, v) }
}

/// `y[i] = f(x[i])` over vectors. Like the other combinators here, for an `f` of a few operations: a longer one is not
/// inlined, and then pays a call for each of its intrinsics; write the loop over `read` and `write` instead.
/// `f` also sees the zeros past a short tail, whose results are dropped.
#[inline(always)]
pub fn map<S: Simd>(s: S, x: &[f32], y: &mut [f32], f: impl Fn(S::V) -> S::V) {
    let end = whole(s, x.len());
    for (x, y) in x[..end].chunks_exact(S::LANES).zip(y[..end].chunks_exact_mut(S::LANES)) {
        s.store(y, f(s.load(x)));
    }
    if end < x.len() {
        s.store_part(&mut y[end..], f(s.load_part(&x[end..])));
    }
}

/// `x[i] = f(x[i])` over vectors.
#[inline(always)]
pub fn change<S: Simd>(s: S, x: &mut [f32], f: impl Fn(S::V) -> S::V) {
    let end = whole(s, x.len());
    for x in x[..end].chunks_exact_mut(S::LANES) {
        s.store(x, f(s.load(x)));
    }
    if end < x.len() {
        let v = f(s.load_part(&x[end..]));
        s.store_part(&mut x[end..], v);
    }
}

/// `y[i] = f(a[i], b[i])` over vectors.
#[inline(always)]
pub fn zip<S: Simd>(s: S, a: &[f32], b: &[f32], y: &mut [f32], f: impl Fn(S::V, S::V) -> S::V) {
    let end = whole(s, y.len());
    let pairs = a[..end].chunks_exact(S::LANES).zip(b[..end].chunks_exact(S::LANES));
    for ((a, b), y) in pairs.zip(y[..end].chunks_exact_mut(S::LANES)) {
        s.store(y, f(s.load(a), s.load(b)));
    }
    if end < y.len() {
        s.store_part(&mut y[end..], f(s.load_part(&a[end..]), s.load_part(&b[end..])));
    }
}

/// `y[i] = f(y[i], x[i])` over vectors.
#[inline(always)]
pub fn update<S: Simd>(s: S, y: &mut [f32], x: &[f32], f: impl Fn(S::V, S::V) -> S::V) {
    let end = whole(s, y.len());
    for (y, x) in y[..end].chunks_exact_mut(S::LANES).zip(x[..end].chunks_exact(S::LANES)) {
        s.store(y, f(s.load(y), s.load(x)));
    }
    if end < y.len() {
        let v = f(s.load_part(&y[end..]), s.load_part(&x[end..]));
        s.store_part(&mut y[end..], v);
    }
}

/// The sum over `f(a[i], b[i])`; `f(0, 0)` must be zero.
#[inline(always)]
pub fn sum2<S: Simd>(s: S, a: &[f32], b: &[f32], f: impl Fn(S::V, S::V) -> S::V) -> f32 {
    let end = whole(s, a.len());
    let mut acc = s.splat(0.0);
    for (a, b) in a[..end].chunks_exact(S::LANES).zip(b[..end].chunks_exact(S::LANES)) {
        acc = s.add(acc, f(s.load(a), s.load(b)));
    }
    if end < a.len() {
        acc = s.add(acc, f(s.load_part(&a[end..]), s.load_part(&b[end..])));
    }
    s.sum(acc)
}
