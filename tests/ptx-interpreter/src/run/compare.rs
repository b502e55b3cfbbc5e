//! Comparisons and predicates.

use super::lanes::{doubles, floats, half};
use super::warp::Warp;
use crate::kinds::{Comparison, Flag, Logic, R};
use crate::types::{Kind, Type};

pub(super) fn logic(op: Logic, a: u32, b: u32) -> u32 {
    match op {
        Logic::And => a & b,
        Logic::Or => a | b,
        Logic::Xor => a ^ b,
    }
}

/// The result and its complement, each joined with the third operand.
pub(super) fn joined(warp: &Warp, yes: u32, join: Option<(Logic, Flag)>) -> (u32, u32) {
    match join {
        None => (yes, !yes),
        Some((op, flag)) => (logic(op, yes, warp.flag(flag)), logic(op, !yes, warp.flag(flag))),
    }
}

/// Which lanes compare so.
#[inline(always)]
pub(super) fn compare(warp: &Warp, how: Comparison, ty: Type, a: R, b: R) -> u32 {
    match (ty.kind, ty.bits) {
        (Kind::Float, 32) => holds(how, floats(warp.lows(a)), floats(warp.lows(b))),
        (Kind::Float, _) => holds(how, doubles(warp.wides(a)), doubles(warp.wides(b))),
        (Kind::Signed, 64) => holds(how, warp.wides(a).map(|x| x as i64), warp.wides(b).map(|x| x as i64)),
        (_, 64) => holds(how, warp.wides(a), warp.wides(b)),
        (Kind::Signed, 32) => holds(how, warp.lows(a).map(|x| x as i32), warp.lows(b).map(|x| x as i32)),
        (_, 32) => holds(how, warp.lows(a), warp.lows(b)),
        (Kind::Signed, _) => holds(how, warp.lows(a).map(|x| x as i16), warp.lows(b).map(|x| x as i16)),
        _ => holds(how, half(warp.lows(a)), half(warp.lows(b))),
    }
}

#[inline(always)]
fn holds<T: PartialOrd + Copy>(how: Comparison, a: [T; 32], b: [T; 32]) -> u32 {
    match how {
        Comparison::Eq => ballot(a, b, |a, b| a == b),
        Comparison::Ne => ballot(a, b, |a, b| a != b && a.partial_cmp(&b).is_some()),
        Comparison::Lt => ballot(a, b, |a, b| a < b),
        Comparison::Le => ballot(a, b, |a, b| a <= b),
        Comparison::Gt => ballot(a, b, |a, b| a > b),
        Comparison::Ge => ballot(a, b, |a, b| a >= b),
        Comparison::Equ => ballot(a, b, |a, b| a == b || a.partial_cmp(&b).is_none()),
        Comparison::Neu => ballot(a, b, |a, b| a != b),
        Comparison::Ltu => !ballot(a, b, |a, b| a >= b),
        Comparison::Leu => !ballot(a, b, |a, b| a > b),
        Comparison::Gtu => !ballot(a, b, |a, b| a <= b),
        Comparison::Geu => !ballot(a, b, |a, b| a < b),
        Comparison::Num => ballot(a, b, |a, b| a.partial_cmp(&b).is_some()),
        Comparison::Nan => ballot(a, b, |a, b| a.partial_cmp(&b).is_none()),
    }
}

#[inline(always)]
fn ballot<T: Copy>(a: [T; 32], b: [T; 32], f: impl Fn(T, T) -> bool) -> u32 {
    let mut bits = [0u32; 32];
    for lane in 0..32 {
        bits[lane] = u32::from(f(a[lane], b[lane])) << lane;
    }
    bits.into_iter().fold(0, |m, b| m | b)
}
