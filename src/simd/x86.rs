//! AVX2 + FMA and AVX-512: thin shells over the intrinsics.

use super::{Kernel, Simd};
use std::arch::x86_64::*;

/// Proof that the CPU has AVX2 and FMA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2(());
/// Proof that the CPU has AVX-512 F and DQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx2,fma")]
        fn shell<K: Kernel>(t: Avx2, kernel: K) -> K::Output {
            kernel.run(t)
        }
        // SAFETY: an `Avx2` exists only if `detect` saw avx2 and fma on this CPU.
        unsafe { shell(self, kernel) }
    }
}

impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma");
        has.then_some(Self(()))
    }

    #[inline]
    pub(super) fn run<K: Kernel>(self, kernel: K) -> K::Output {
        #[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
        fn shell<K: Kernel>(t: Avx512, kernel: K) -> K::Output {
            kernel.run(t)
        }
        // SAFETY: an `Avx512` exists only if `detect` saw avx512f, avx512dq, avx2 and fma on this CPU.
        unsafe { shell(self, kernel) }
    }
}

/// The methods that differ in nothing but the intrinsic's name.
macro_rules! lanewise {
    ($V:ty, $($name:ident($($arg:ident),+) = $intrinsic:ident;)+) => {
        $(#[inline(always)]
        fn $name(self, $($arg: $V),+) -> $V {
            // SAFETY: `self` proves the features.
            unsafe { $intrinsic($($arg),+) }
        })+
    };
}

impl Simd for Avx2 {
    type V = __m256;
    type U = [__m256i; 2];
    const LANES: usize = 8;
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 2;

    lanewise! { __m256,
        add(a, b) = _mm256_add_ps;
        sub(a, b) = _mm256_sub_ps;
        mul(a, b) = _mm256_mul_ps;
        div(a, b) = _mm256_div_ps;
        fma(a, b, c) = _mm256_fmadd_ps;
        max(a, b) = _mm256_max_ps;
        min(a, b) = _mm256_min_ps;
        sqrt(a) = _mm256_sqrt_ps;
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m256 {
        // SAFETY: the slice is cut to eight values.
        unsafe { self.load_ptr(x[..8].as_ptr()) }
    }
    #[inline(always)]
    fn store(self, x: &mut [f32], v: __m256) {
        // SAFETY: the slice is cut to eight values.
        unsafe { self.store_ptr(x[..8].as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn load_part(self, x: &[f32]) -> __m256 {
        // SAFETY: the mask admits `x.len()` lanes and no more; masked-off lanes are not touched.
        unsafe { _mm256_maskload_ps(x.as_ptr(), first(x.len())) }
    }
    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: __m256) {
        // SAFETY: the mask admits `x.len()` lanes and no more; masked-off lanes are not touched.
        unsafe { _mm256_maskstore_ps(x.as_mut_ptr(), first(x.len()), v) }
    }
    #[inline(always)]
    fn positive(self, a: __m256) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(a, _mm256_setzero_ps()), _mm256_set1_ps(1.0)) }
    }
    #[inline(always)]
    fn fract(self, a: __m256) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_sub_ps(a, _mm256_floor_ps(a)) }
    }
    #[inline(always)]
    fn times_pow2(self, a: __m256, n: __m256) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe {
            let exponent = _mm256_slli_epi32::<23>(_mm256_cvtps_epi32(_mm256_floor_ps(n)));
            _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), exponent))
        }
    }
    #[inline(always)]
    fn minus_abs(self, a: __m256) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_or_ps(a, _mm256_set1_ps(-0.0)) }
    }
    #[inline(always)]
    fn by_sign(self, sign: __m256, negative: __m256, positive: __m256) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe { _mm256_blendv_ps(positive, negative, sign) }
    }
    #[inline(always)]
    fn sum(self, a: __m256) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe {
            let h = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let h = _mm_add_ps(h, _mm_movehl_ps(h, h));
            _mm_cvtss_f32(_mm_add_ss(h, _mm_shuffle_ps::<1>(h, h)))
        }
    }
    #[inline(always)]
    fn greatest(self, a: __m256) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe {
            let h = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps::<1>(a));
            let h = _mm_max_ps(h, _mm_movehl_ps(h, h));
            _mm_cvtss_f32(_mm_max_ss(h, _mm_shuffle_ps::<1>(h, h)))
        }
    }
    #[inline(always)]
    fn keep(self, v: __m256, bits: u32) -> __m256 {
        // SAFETY: `self` proves the features.
        unsafe {
            let bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
            let set = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits as i32), bit), bit);
            _mm256_and_ps(v, _mm256_castsi256_ps(set))
        }
    }
    #[inline(always)]
    fn splat_u32(self, x: u32) -> [__m256i; 2] {
        // SAFETY: `self` proves the features.
        [unsafe { _mm256_set1_epi32(x as i32) }; 2]
    }
    #[inline(always)]
    fn sixteen(self, first: u32) -> [[__m256i; 2]; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            let first = _mm256_set1_epi32(first as i32);
            let a = _mm256_add_epi32(first, _mm256_setr_epi32(0, 0, 1, 0, 8, 0, 9, 0));
            let b = _mm256_add_epi32(a, _mm256_set1_epi32(4));
            let two = _mm256_set1_epi32(2);
            [[a, _mm256_add_epi32(a, two)], [b, _mm256_add_epi32(b, two)]]
        }
    }
    #[inline(always)]
    fn mul_u32(self, a: [__m256i; 2], b: u32) -> [[__m256i; 2]; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            let b = _mm256_set1_epi32(b as i32);
            let (x, y) = (_mm256_mul_epu32(a[0], b), _mm256_mul_epu32(a[1], b));
            [[_mm256_srli_epi64::<32>(x), _mm256_srli_epi64::<32>(y)], [x, y]]
        }
    }
    #[inline(always)]
    fn xor(self, a: [__m256i; 2], b: [__m256i; 2], c: u32) -> [__m256i; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            let c = _mm256_set1_epi32(c as i32);
            let xor = |a, b| _mm256_xor_si256(_mm256_xor_si256(a, c), b);
            [xor(a[0], b[0]), xor(a[1], b[1])]
        }
    }
    #[inline(always)]
    fn at_least(self, [a, b]: [[__m256i; 2]; 2], least: u16) -> [u16; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            // The low halves of eight 64 bits: of each 128 bits of the first, then of the second, two.
            let narrow = |[a, b]: [__m256i; 2]| {
                let (a, b) = (_mm256_castsi256_ps(a), _mm256_castsi256_ps(b));
                _mm256_castps_si256(_mm256_shuffle_ps::<0b10_00_10_00>(a, b))
            };
            let (a, b) = (narrow(a), narrow(b));
            let least = _mm256_set1_epi16(least as i16);
            let is = |a| _mm256_cmpeq_epi16(a, _mm256_max_epu16(a, least));
            let (a, b) = (is(a), is(b));
            // Saturating keeps signs.
            let high = _mm256_packs_epi32(a, b);
            let low = _mm256_packs_epi32(_mm256_slli_epi32::<16>(a), _mm256_slli_epi32::<16>(b));
            let both = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_packs_epi16(low, high));
            let bits = _mm256_movemask_epi8(both) as u32;
            [bits as u16, (bits >> 16) as u16]
        }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, x: *const f32) -> __m256 {
        // SAFETY: `self` proves the features, the caller vouches for the pointer.
        unsafe { _mm256_loadu_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, x: *mut f32, v: __m256) {
        // SAFETY: `self` proves the features, the caller vouches for the pointer.
        unsafe { _mm256_storeu_ps(x, v) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        // SAFETY: `self` proves the features, the caller vouches for eight rows of eight values on both sides.
        unsafe {
            let mut x = [self.splat(0.0); 8];
            for (i, x) in x.iter_mut().enumerate() {
                *x = self.load_ptr(from.add(i * from_row));
            }
            // Pairs of rows, then fours: lane group g of `fours[4 h + c]` is column 4 g + c of rows 4 h..4 h + 4.
            let mut pairs = [x[0]; 8];
            for i in (0..8).step_by(2) {
                pairs[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
                pairs[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
            }
            let mut fours = [x[0]; 8];
            for h in (0..8).step_by(4) {
                for c in 0..2 {
                    let (a, b) = (pairs[h + c], pairs[h + c + 2]);
                    fours[h + 2 * c] = _mm256_shuffle_ps::<0x44>(a, b);
                    fours[h + 2 * c + 1] = _mm256_shuffle_ps::<0xee>(a, b);
                }
            }
            for c in 0..4 {
                let (a, b) = (fours[c], fours[c + 4]);
                self.store_ptr(to.add(c * to_row), _mm256_permute2f128_ps::<0x20>(a, b));
                self.store_ptr(to.add((c + 4) * to_row), _mm256_permute2f128_ps::<0x31>(a, b));
            }
        }
    }
}

/// A mask of the first `n <= 8` lanes.
#[inline(always)]
fn first(n: usize) -> __m256i {
    assert!(n <= 8, "a part is at most a vector");
    // SAFETY: called from `Avx2` methods only, whose value proves the features.
    unsafe {
        let lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
        _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), lane)
    }
}

impl Simd for Avx512 {
    type V = __m512;
    type U = __m512i;
    const LANES: usize = 16;
    const TILE_ROWS: usize = 6;
    const TILE_VECTORS: usize = 4;

    lanewise! { __m512,
        add(a, b) = _mm512_add_ps;
        sub(a, b) = _mm512_sub_ps;
        mul(a, b) = _mm512_mul_ps;
        div(a, b) = _mm512_div_ps;
        fma(a, b, c) = _mm512_fmadd_ps;
        max(a, b) = _mm512_max_ps;
        min(a, b) = _mm512_min_ps;
        sqrt(a) = _mm512_sqrt_ps;
    }
    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    fn load(self, x: &[f32]) -> __m512 {
        // SAFETY: the slice is cut to sixteen values.
        unsafe { self.load_ptr(x[..16].as_ptr()) }
    }
    #[inline(always)]
    fn store(self, x: &mut [f32], v: __m512) {
        // SAFETY: the slice is cut to sixteen values.
        unsafe { self.store_ptr(x[..16].as_mut_ptr(), v) }
    }
    #[inline(always)]
    fn load_part(self, x: &[f32]) -> __m512 {
        assert!(x.len() <= 16, "a part is at most a vector");
        // SAFETY: the mask admits `x.len()` lanes and no more; masked-off lanes are not touched.
        unsafe { _mm512_maskz_loadu_ps(((1u32 << x.len()) - 1) as u16, x.as_ptr()) }
    }
    #[inline(always)]
    fn store_part(self, x: &mut [f32], v: __m512) {
        assert!(x.len() <= 16, "a part is at most a vector");
        // SAFETY: the mask admits `x.len()` lanes and no more; masked-off lanes are not touched.
        unsafe { _mm512_mask_storeu_ps(x.as_mut_ptr(), ((1u32 << x.len()) - 1) as u16, v) }
    }
    #[inline(always)]
    fn positive(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe {
            _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, _mm512_setzero_ps()), _mm512_set1_ps(1.0))
        }
    }
    #[inline(always)]
    fn fract(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves the features. The immediate: no fraction bits kept, rounded down, no inexact flag.
        unsafe { _mm512_reduce_ps::<0x09>(a) }
    }
    #[inline(always)]
    fn times_pow2(self, a: __m512, n: __m512) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_scalef_ps(a, n) }
    }
    #[inline(always)]
    fn minus_abs(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_or_ps(a, _mm512_set1_ps(-0.0)) }
    }
    #[inline(always)]
    fn by_sign(self, sign: __m512, negative: __m512, positive: __m512) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_mask_mov_ps(positive, _mm512_movepi32_mask(_mm512_castps_si512(sign)), negative) }
    }
    #[inline(always)]
    fn sum(self, a: __m512) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_reduce_add_ps(a) }
    }
    #[inline(always)]
    fn greatest(self, a: __m512) -> f32 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_reduce_max_ps(a) }
    }
    #[inline(always)]
    fn keep(self, v: __m512, bits: u32) -> __m512 {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_maskz_mov_ps(bits as u16, v) }
    }
    #[inline(always)]
    fn splat_u32(self, x: u32) -> __m512i {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_set1_epi32(x as i32) }
    }
    #[inline(always)]
    fn sixteen(self, first: u32) -> [__m512i; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            let even = _mm512_setr_epi32(0, 0, 2, 0, 4, 0, 6, 0, 8, 0, 10, 0, 12, 0, 14, 0);
            let even = _mm512_add_epi32(_mm512_set1_epi32(first as i32), even);
            [even, _mm512_add_epi32(even, _mm512_set1_epi32(1))]
        }
    }
    #[inline(always)]
    fn mul_u32(self, a: __m512i, b: u32) -> [__m512i; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            let product = _mm512_mul_epu32(a, _mm512_set1_epi32(b as i32));
            [_mm512_srli_epi64::<32>(product), product]
        }
    }
    #[inline(always)]
    fn xor(self, a: __m512i, b: __m512i, c: u32) -> __m512i {
        // SAFETY: `self` proves the features.
        unsafe { _mm512_ternarylogic_epi32::<0x96>(a, b, _mm512_set1_epi32(c as i32)) }
    }
    #[inline(always)]
    fn at_least(self, [a, b]: [__m512i; 2], least: u16) -> [u16; 2] {
        // SAFETY: `self` proves the features.
        unsafe {
            // Even lanes of `a`, odd lanes of `b`.
            let a = _mm512_mask_shuffle_epi32::<0b10_10_00_00>(a, 0xaaaa, b);
            let least = _mm512_set1_epi32(i32::from(least) << 16);
            let low = _mm512_cmpge_epu32_mask(_mm512_slli_epi32::<16>(a), least);
            [low, _mm512_cmpge_epu32_mask(a, least)]
        }
    }
    #[inline(always)]
    unsafe fn load_ptr(self, x: *const f32) -> __m512 {
        // SAFETY: `self` proves the features, the caller vouches for the pointer.
        unsafe { _mm512_loadu_ps(x) }
    }
    #[inline(always)]
    unsafe fn store_ptr(self, x: *mut f32, v: __m512) {
        // SAFETY: `self` proves the features, the caller vouches for the pointer.
        unsafe { _mm512_storeu_ps(x, v) }
    }
    #[inline(always)]
    unsafe fn transpose(self, from: *const f32, from_row: usize, to: *mut f32, to_row: usize) {
        // SAFETY: `self` proves the features, the caller vouches for sixteen rows of sixteen values on both sides.
        unsafe {
            let mut x = [self.splat(0.0); 16];
            for (i, x) in x.iter_mut().enumerate() {
                *x = self.load_ptr(from.add(i * from_row));
            }
            // Pairs of rows, then fours: lane group g of `fours[4 h + c]` is column 4 g + c of rows 4 h..4 h + 4.
            let mut pairs = [x[0]; 16];
            for i in (0..16).step_by(2) {
                pairs[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
                pairs[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
            }
            let mut fours = [x[0]; 16];
            for h in (0..16).step_by(4) {
                for c in 0..2 {
                    let (a, b) = (pairs[h + c], pairs[h + c + 2]);
                    fours[h + 2 * c] = _mm512_shuffle_ps::<0x44>(a, b);
                    fours[h + 2 * c + 1] = _mm512_shuffle_ps::<0xee>(a, b);
                }
            }
            for c in 0..4 {
                // Lane groups 0 and 2, then 1 and 3, of rows 0..8 and of rows 8..16.
                let low = _mm512_shuffle_f32x4::<0x88>(fours[c], fours[c + 4]);
                let high = _mm512_shuffle_f32x4::<0x88>(fours[c + 8], fours[c + 12]);
                self.store_ptr(to.add(c * to_row), _mm512_shuffle_f32x4::<0x88>(low, high));
                self.store_ptr(to.add((c + 8) * to_row), _mm512_shuffle_f32x4::<0xdd>(low, high));
                let low = _mm512_shuffle_f32x4::<0xdd>(fours[c], fours[c + 4]);
                let high = _mm512_shuffle_f32x4::<0xdd>(fours[c + 8], fours[c + 12]);
                self.store_ptr(to.add((c + 4) * to_row), _mm512_shuffle_f32x4::<0x88>(low, high));
                self.store_ptr(to.add((c + 12) * to_row), _mm512_shuffle_f32x4::<0xdd>(low, high));
            }
        }
    }
}
