//! Whole numbers of 16, 32 and 64 bits.

use super::lanes::map2;
use crate::kinds::{CountOp, IntOp, IntUnaryOp, ShiftOp, Width};

/// What a width's instructions do. Division by zero gives all ones, as on a GPU; its remainder is the dividend.
pub(super) trait Int: Copy {
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn high(self, other: Self, signed: bool) -> Self;
    fn div(self, other: Self, signed: bool) -> Self;
    fn rem(self, other: Self, signed: bool) -> Self;
    fn lesser(self, other: Self, signed: bool) -> Self;
    fn greater(self, other: Self, signed: bool) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn left(self, by: u32) -> Self;
    fn right(self, by: u32, signed: bool) -> Self;
    fn unary(self, op: IntUnaryOp) -> Self;
}

macro_rules! int {
    ($u:ty, $s:ty, $double:ty, $signed_double:ty) => {
        impl Int for $u {
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn high(self, other: Self, signed: bool) -> Self {
                if signed {
                    ((self as $s as $signed_double * other as $s as $signed_double) >> <$u>::BITS) as $u
                } else {
                    ((self as $double * other as $double) >> <$u>::BITS) as $u
                }
            }
            #[inline(always)]
            fn div(self, other: Self, signed: bool) -> Self {
                match (other, signed) {
                    (0, _) => <$u>::MAX,
                    (_, true) => (self as $s).wrapping_div(other as $s) as $u,
                    _ => self / other,
                }
            }
            #[inline(always)]
            fn rem(self, other: Self, signed: bool) -> Self {
                match (other, signed) {
                    (0, _) => self,
                    (_, true) => (self as $s).wrapping_rem(other as $s) as $u,
                    _ => self % other,
                }
            }
            #[inline(always)]
            fn lesser(self, other: Self, signed: bool) -> Self {
                if signed { Ord::min(self as $s, other as $s) as $u } else { Ord::min(self, other) }
            }
            #[inline(always)]
            fn greater(self, other: Self, signed: bool) -> Self {
                if signed { Ord::max(self as $s, other as $s) as $u } else { Ord::max(self, other) }
            }
            #[inline(always)]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline(always)]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline(always)]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline(always)]
            fn left(self, by: u32) -> Self {
                if by < <$u>::BITS { self << by } else { 0 }
            }
            #[inline(always)]
            fn right(self, by: u32, signed: bool) -> Self {
                match signed {
                    true => (self as $s >> by.min(<$u>::BITS - 1)) as $u,
                    false if by < <$u>::BITS => self >> by,
                    false => 0,
                }
            }
            fn unary(self, op: IntUnaryOp) -> Self {
                match op {
                    IntUnaryOp::Not => !self,
                    IntUnaryOp::Neg => self.wrapping_neg(),
                    IntUnaryOp::Abs => (self as $s).wrapping_abs() as $u,
                    IntUnaryOp::Reverse => self.reverse_bits(),
                }
            }
        }
    };
}
int!(u16, i16, u32, i32);
int!(u32, i32, u64, i64);
int!(u64, i64, u128, i128);

#[inline(always)]
pub(super) fn apply<T: Int>(op: IntOp, a: T, b: T) -> T {
    match op {
        IntOp::Add => a.add(b),
        IntOp::Sub => a.sub(b),
        IntOp::MulLo => a.mul(b),
        IntOp::MulHiS => a.high(b, true),
        IntOp::MulHiU => a.high(b, false),
        IntOp::DivS => a.div(b, true),
        IntOp::DivU => a.div(b, false),
        IntOp::RemS => a.rem(b, true),
        IntOp::RemU => a.rem(b, false),
        IntOp::MinS => a.lesser(b, true),
        IntOp::MinU => a.lesser(b, false),
        IntOp::MaxS => a.greater(b, true),
        IntOp::MaxU => a.greater(b, false),
        IntOp::And => a.and(b),
        IntOp::Or => a.or(b),
        IntOp::Xor => a.xor(b),
    }
}

/// The common ones as loops of their own, so that each is vector instructions.
#[inline(always)]
pub(super) fn binary<T: Int>(op: IntOp, mask: u32, d: &mut [T; 32], a: [T; 32], b: [T; 32]) {
    match op {
        IntOp::Add => map2(mask, d, a, b, T::add),
        IntOp::Sub => map2(mask, d, a, b, T::sub),
        IntOp::MulLo => map2(mask, d, a, b, T::mul),
        IntOp::And => map2(mask, d, a, b, T::and),
        IntOp::Or => map2(mask, d, a, b, T::or),
        IntOp::Xor => map2(mask, d, a, b, T::xor),
        IntOp::MinS => map2(mask, d, a, b, |a, b| a.lesser(b, true)),
        IntOp::MaxS => map2(mask, d, a, b, |a, b| a.greater(b, true)),
        _ => rare_binary(op, mask, d, a, b),
    }
}

#[inline(never)]
fn rare_binary<T: Int>(op: IntOp, mask: u32, d: &mut [T; 32], a: [T; 32], b: [T; 32]) {
    map2(mask, d, a, b, |a, b| apply(op, a, b));
}

#[inline(always)]
pub(super) fn shift<T: Int>(op: ShiftOp, mask: u32, d: &mut [T; 32], a: [T; 32], by: [u32; 32]) {
    match op {
        ShiftOp::Left => map2(mask, d, a, by, T::left),
        ShiftOp::RightS => map2(mask, d, a, by, |a, by| a.right(by, true)),
        ShiftOp::RightU => map2(mask, d, a, by, |a, by| a.right(by, false)),
    }
}

pub(super) fn unary<T: Int>(op: IntUnaryOp, a: [T; 32]) -> [T; 32] {
    a.map(|x| x.unary(op))
}

pub(super) fn high32(signed: bool, a: u32, b: u32) -> u32 {
    a.high(b, signed)
}

pub(super) fn high64(signed: bool, a: u64, b: u64) -> u64 {
    a.high(b, signed)
}

fn bits(width: Width) -> u32 {
    if width == Width::W64 { 64 } else { 32 }
}

/// `len` ones from bit `at` on; fields that reach beyond the top are cut there.
fn field(at: u32, len: u32, bits: u32) -> u64 {
    let (at, len) = (at & 0xff, len & 0xff);
    if at >= bits || len == 0 {
        return 0;
    }
    let ones = if len >= 64 { u64::MAX } else { (1 << len) - 1 };
    ones << at & u64::MAX >> (64 - bits)
}

/// `bfi`: the low bits of `a` in `b`'s place.
pub(super) fn insert(a: u64, b: u64, at: u32, len: u32, width: Width) -> u64 {
    let field = field(at, len, bits(width));
    if field == 0 { b } else { b & !field | a << (at & 0xff) & field }
}

/// `bfe`: signed fields are extended by their top bit, which for one that reaches beyond the top is the top itself.
pub(super) fn extract(signed: bool, a: u64, at: u32, len: u32, width: Width) -> u64 {
    let (bits, at, len) = (bits(width), at & 0xff, len & 0xff);
    if len == 0 {
        return 0;
    }
    let top = (at + len - 1).min(bits - 1);
    let sign = signed && a >> top & 1 == 1;
    let value = if at >= bits { 0 } else { (a & field(at, len, bits)) >> at };
    let kept = if at >= bits { 0 } else { (bits - at).min(len) };
    let above = if kept >= 64 { 0 } else { u64::MAX << kept };
    (value | if sign { above } else { 0 }) & u64::MAX >> (64 - bits)
}

/// Bit `i` of the result is bit `4 a + 2 b + c` of the table.
pub(super) fn lop3(table: u8, a: u32, b: u32, c: u32) -> u32 {
    let mut r = 0;
    for i in 0..8 {
        if table >> i & 1 == 1 {
            let pick = |x: u32, bit: u32| if i >> bit & 1 == 1 { x } else { !x };
            r |= pick(a, 2) & pick(b, 1) & pick(c, 0);
        }
    }
    r
}

/// `prmt`: each nibble of the selector names a byte of `b:a`; its top bit asks for that byte's sign.
pub(super) fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = u64::from(b) << 32 | u64::from(a);
    (0..4).fold(0, |r, i| {
        let nibble = selector >> (4 * i) & 15;
        let byte = (bytes >> (8 * (nibble & 7))) as u8;
        let byte = if nibble & 8 == 0 { byte } else { ((byte as i8) >> 7) as u8 };
        r | u32::from(byte) << (8 * i)
    })
}

/// `shf`: 32 bits of `hi:lo`, shifted.
pub(super) fn funnel(left: bool, wrap: bool, lo: u32, hi: u32, by: u32) -> u32 {
    let by = if wrap { by & 31 } else { by.min(32) };
    let both = u64::from(hi) << 32 | u64::from(lo);
    if left { ((both << by) >> 32) as u32 } else { (both >> by) as u32 }
}

pub(super) fn count(op: CountOp, bits: u32, x: u64) -> u32 {
    match op {
        CountOp::Ones => x.count_ones(),
        CountOp::LeadingZeros => x.leading_zeros() - (64 - bits),
        CountOp::Find { signed, shift } => {
            let negative = signed && x >> (bits - 1) & 1 == 1;
            let x = if negative { !x & u64::MAX >> (64 - bits) } else { x };
            match (x, shift) {
                (0, _) => u32::MAX,
                (x, true) => bits - 1 - x.ilog2(),
                (x, false) => x.ilog2(),
            }
        }
    }
}
