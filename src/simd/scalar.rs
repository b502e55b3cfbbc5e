//! The portable instruction set: four lanes of plain Rust.

use super::Simd;
use std::array::from_fn;

/// Four f32 lanes without intrinsics; the compiler maps them to the target's baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scalar;

type V = [f32; 4];

#[inline(always)]
fn lanes(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

impl Simd for Scalar {
    type V = V;
    type U = [u32; 8];
    const LANES: usize = 4;
    const TILE_ROWS: usize = 4;
    const TILE_VECTORS: usize = 2;

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; 4]
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> V {
        [x[0], x[1], x[2], x[3]]
    }
    #[inline(always)]
    fn store(self, x: &mut [f32], v: V) {
        x[..4].copy_from_slice(&v);
    }
    #[inline(always)]
    fn load_part(self, x: &[f32]) -> V {
        let mut v = [0.0; 4];
        v[..x.len()].copy_from_slice(x);
        v
    }
    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: V) {
        x.copy_from_slice(&v[..x.len()]);
    }
    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| a * b)
    }
    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| a / b)
    }
    #[inline(always)]
    fn fma(self, a: V, b: V, c: V) -> V {
        self.add(self.mul(a, b), c)
    }
    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| if a > b { a } else { b })
    }
    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        lanes(a, b, |a, b| if a < b { a } else { b })
    }
    #[inline(always)]
    fn sqrt(self, a: V) -> V {
        a.map(f32::sqrt)
    }
    #[inline(always)]
    fn positive(self, a: V) -> V {
        a.map(|a| if a > 0.0 { 1.0 } else { 0.0 })
    }
    #[inline(always)]
    fn fract(self, a: V) -> V {
        a.map(|a| a - a.floor())
    }
    #[inline(always)]
    fn times_pow2(self, a: V, n: V) -> V {
        lanes(a, n, |a, n| f32::from_bits(a.to_bits().wrapping_add((n.floor() as i32 as u32) << 23)))
    }
    #[inline(always)]
    fn minus_abs(self, a: V) -> V {
        a.map(|a| -a.abs())
    }
    #[inline(always)]
    fn by_sign(self, sign: V, negative: V, positive: V) -> V {
        from_fn(|i| if sign[i].is_sign_negative() { negative[i] } else { positive[i] })
    }
    #[inline(always)]
    fn sum(self, a: V) -> f32 {
        (a[0] + a[2]) + (a[1] + a[3])
    }
    #[inline(always)]
    fn greatest(self, a: V) -> f32 {
        a[0].max(a[1]).max(a[2].max(a[3]))
    }
    #[inline(always)]
    fn keep(self, v: V, bits: u32) -> V {
        from_fn(|i| if bits >> i & 1 == 1 { v[i] } else { 0.0 })
    }
    #[inline(always)]
    fn splat_u32(self, x: u32) -> [u32; 8] {
        [x; 8]
    }
    #[inline(always)]
    fn sixteen(self, first: u32) -> [[u32; 8]; 2] {
        [0, 8].map(|half| from_fn(|i| first.wrapping_add(half + i as u32)))
    }
    #[inline(always)]
    fn mul_u32(self, a: [u32; 8], b: u32) -> [[u32; 8]; 2] {
        let product = a.map(|a| u64::from(a) * u64::from(b));
        [product.map(|p| (p >> 32) as u32), product.map(|p| p as u32)]
    }
    #[inline(always)]
    fn xor(self, a: [u32; 8], b: [u32; 8], c: u32) -> [u32; 8] {
        from_fn(|i| a[i] ^ b[i] ^ c)
    }
    #[inline(always)]
    fn at_least(self, [a, b]: [[u32; 8]; 2], least: u16) -> [u16; 2] {
        [0, 16].map(|shift| {
            let mut bits = 0;
            for i in 0..8 {
                bits |= u16::from((a[i] >> shift) as u16 >= least) << i;
                bits |= u16::from((b[i] >> shift) as u16 >= least) << (i + 8);
            }
            bits
        })
    }
    #[inline(always)]
    unsafe fn load_ptr(self, x: *const f32) -> V {
        // SAFETY: the caller vouches for LANES readable values; `[f32; 4]` has f32's alignment.
        unsafe { x.cast::<V>().read() }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, x: *mut f32, v: V) {
        // SAFETY: the caller vouches for LANES writable values; `[f32; 4]` has f32's alignment.
        unsafe { x.cast::<V>().write(v) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        for i in 0..4 {
            for j in 0..4 {
                // SAFETY: row i of `from` and row j of `to` have four values each, for which the caller vouches.
                unsafe { *to.add(j * to_row + i) = *from.add(i * from_row + j) };
            }
        }
    }
}
