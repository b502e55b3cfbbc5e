//! One operation on 32 lanes.

use super::warp::{FULL, lanes};

/// `f` of each active lane; all 32 at once where all take part, which the compiler turns into vector instructions.
#[inline(always)]
pub(super) fn map1<A: Copy, D: Copy>(mask: u32, a: [A; 32], d: &mut [D; 32], f: impl Fn(A) -> D) {
    if mask == FULL {
        for lane in 0..32 {
            d[lane] = f(a[lane]);
        }
    } else {
        lanes(mask).for_each(|lane| d[lane] = f(a[lane]));
    }
}

#[inline(always)]
pub(super) fn map2<A: Copy, B: Copy, D: Copy>(
    mask: u32,
    d: &mut [D; 32],
    a: [A; 32],
    b: [B; 32],
    f: impl Fn(A, B) -> D,
) {
    if mask == FULL {
        for lane in 0..32 {
            d[lane] = f(a[lane], b[lane]);
        }
    } else {
        lanes(mask).for_each(|lane| d[lane] = f(a[lane], b[lane]));
    }
}

#[inline(always)]
pub(super) fn map3<A: Copy, C: Copy, D: Copy>(
    mask: u32,
    d: &mut [D; 32],
    a: [A; 32],
    b: [A; 32],
    c: [C; 32],
    f: impl Fn(A, A, C) -> D,
) {
    if mask == FULL {
        for lane in 0..32 {
            d[lane] = f(a[lane], b[lane], c[lane]);
        }
    } else {
        lanes(mask).for_each(|lane| d[lane] = f(a[lane], b[lane], c[lane]));
    }
}

/// The 16-bit value of a register that may hold more.
#[inline(always)]
pub(super) fn half(x: [u32; 32]) -> [u16; 32] {
    x.map(|x| x as u16)
}

#[inline(always)]
pub(super) fn floats(x: [u32; 32]) -> [f32; 32] {
    x.map(f32::from_bits)
}

#[inline(always)]
pub(super) fn doubles(x: [u64; 32]) -> [f64; 32] {
    x.map(f64::from_bits)
}
