//! Floats. The approximate functions of a GPU are here the exact ones, rounded once.

use super::lanes::{map1, map2, map3};
use crate::kinds::{FloatOp, FloatUnaryOp, Round};

#[inline(always)]
pub(super) fn binary(op: FloatOp, round: Round, mask: u32, d: &mut [u32; 32], a: [f32; 32], b: [f32; 32]) {
    if round != Round::Nearest {
        return rounded(op, round, mask, d, a, b);
    }
    match op {
        FloatOp::Add => map2(mask, d, a, b, |a, b| (a + b).to_bits()),
        FloatOp::Sub => map2(mask, d, a, b, |a, b| (a - b).to_bits()),
        FloatOp::Mul => map2(mask, d, a, b, |a, b| (a * b).to_bits()),
        FloatOp::Div => map2(mask, d, a, b, |a, b| (a / b).to_bits()),
        FloatOp::Min => map2(mask, d, a, b, |a, b| a.min(b).to_bits()),
        FloatOp::Max => map2(mask, d, a, b, |a, b| a.max(b).to_bits()),
        FloatOp::MinNan => map2(mask, d, a, b, |a, b| {
            if a.is_nan() {
                a
            } else if b.is_nan() {
                b
            } else {
                a.min(b)
            }
            .to_bits()
        }),
        FloatOp::MaxNan => map2(mask, d, a, b, |a, b| {
            if a.is_nan() {
                a
            } else if b.is_nan() {
                b
            } else {
                a.max(b)
            }
            .to_bits()
        }),
        // The sign is the first operand's.
        FloatOp::CopySign => map2(mask, d, a, b, |a, b| b.copysign(a).to_bits()),
    }
}

#[inline(never)]
fn rounded(op: FloatOp, round: Round, mask: u32, d: &mut [u32; 32], a: [f32; 32], b: [f32; 32]) {
    map2(mask, d, a, b, |a, b| {
        match op {
            FloatOp::Add => fused_rounded(a, 1.0, b, round),
            FloatOp::Sub => fused_rounded(a, 1.0, -b, round),
            // Adding a zero of the product's sign keeps a product of zero as it is.
            FloatOp::Mul => fused_rounded(a, b, 0f32.copysign(a * b), round),
            FloatOp::Div => toward(f64::from(a) / f64::from(b), division_rest(a, b), round),
            _ => f32::NAN,
        }
        .to_bits()
    });
}

/// The sign of what `a / b` in f64 lost.
fn division_rest(a: f32, b: f32) -> f64 {
    let quotient = f64::from(a) / f64::from(b);
    (-quotient).mul_add(f64::from(b), f64::from(a)) * f64::from(b).signum()
}

#[inline(always)]
pub(super) fn fused(round: Round, mask: u32, d: &mut [u32; 32], a: [f32; 32], b: [f32; 32], c: [f32; 32]) {
    if round == Round::Nearest {
        map3(mask, d, a, b, c, |a, b, c| a.mul_add(b, c).to_bits());
    } else {
        map3(mask, d, a, b, c, |a, b, c| fused_rounded(a, b, c, round).to_bits());
    }
}

/// `a * b + c` with directed rounding: the product is exact in f64, the sum is exact as two f64.
fn fused_rounded(a: f32, b: f32, c: f32, round: Round) -> f32 {
    let (p, c) = (f64::from(a) * f64::from(b), f64::from(c));
    let sum = p + c;
    let other = sum - p;
    let rest = (p - (sum - other)) + (c - other);
    toward(sum, rest, round)
}

/// `value + rest` (`rest` below half a unit of `value`'s last place) as f32.
fn toward(value: f64, rest: f64, round: Round) -> f32 {
    let near = value as f32;
    if !near.is_finite() && !value.is_finite() || near.is_nan() {
        return near;
    }
    let gap = match value - f64::from(near) {
        0.0 => rest,
        gap => gap,
    };
    match round {
        Round::Down if gap < 0.0 => near.next_down(),
        Round::Up if gap > 0.0 => near.next_up(),
        Round::Zero if gap < 0.0 && value > 0.0 => near.next_down(),
        Round::Zero if gap > 0.0 && value < 0.0 => near.next_up(),
        _ => near,
    }
}

#[inline(always)]
pub(super) fn unary(op: FloatUnaryOp, flush: bool, mask: u32, d: &mut [u32; 32], a: [f32; 32]) {
    match op {
        FloatUnaryOp::Neg => map1(mask, a, d, |x| (-x).to_bits()),
        FloatUnaryOp::Abs => map1(mask, a, d, |x| x.abs().to_bits()),
        FloatUnaryOp::Reciprocal if !flush => map1(mask, a, d, |x| (1.0 / x).to_bits()),
        FloatUnaryOp::Sqrt if !flush => map1(mask, a, d, |x| x.sqrt().to_bits()),
        _ => transcendental(op, flush, mask, d, a),
    }
}

#[inline(never)]
fn transcendental(op: FloatUnaryOp, flush: bool, mask: u32, d: &mut [u32; 32], a: [f32; 32]) {
    let flushed = |x: f32| if flush && x.is_subnormal() { 0f32.copysign(x) } else { x };
    let f: fn(f32) -> f32 = match op {
        FloatUnaryOp::Neg => |x| -x,
        FloatUnaryOp::Abs => f32::abs,
        FloatUnaryOp::Sqrt => f32::sqrt,
        FloatUnaryOp::Rsqrt => |x| (1.0 / f64::from(x).sqrt()) as f32,
        FloatUnaryOp::Reciprocal => |x| 1.0 / x,
        FloatUnaryOp::Exp2 => f32::exp2,
        FloatUnaryOp::Log2 => f32::log2,
        FloatUnaryOp::Sin => f32::sin,
        FloatUnaryOp::Cos => f32::cos,
        FloatUnaryOp::Tanh => f32::tanh,
    };
    map1(mask, a, d, |x| flushed(f(flushed(x))).to_bits());
}

pub(super) fn binary_double(op: FloatOp, mask: u32, d: &mut [u64; 32], a: [f64; 32], b: [f64; 32]) {
    let f: fn(f64, f64) -> f64 = match op {
        FloatOp::Add => |a, b| a + b,
        FloatOp::Sub => |a, b| a - b,
        FloatOp::Mul => |a, b| a * b,
        FloatOp::Div => |a, b| a / b,
        FloatOp::Min | FloatOp::MinNan => f64::min,
        FloatOp::Max | FloatOp::MaxNan => f64::max,
        FloatOp::CopySign => |a, b| b.copysign(a),
    };
    map2(mask, d, a, b, |a, b| f(a, b).to_bits());
}

pub(super) fn unary_double(op: FloatUnaryOp, x: f64) -> f64 {
    match op {
        FloatUnaryOp::Neg => -x,
        FloatUnaryOp::Abs => x.abs(),
        FloatUnaryOp::Sqrt => x.sqrt(),
        FloatUnaryOp::Rsqrt => 1.0 / x.sqrt(),
        FloatUnaryOp::Reciprocal => 1.0 / x,
        FloatUnaryOp::Exp2 => x.exp2(),
        FloatUnaryOp::Log2 => x.log2(),
        FloatUnaryOp::Sin => x.sin(),
        FloatUnaryOp::Cos => x.cos(),
        FloatUnaryOp::Tanh => x.tanh(),
    }
}
