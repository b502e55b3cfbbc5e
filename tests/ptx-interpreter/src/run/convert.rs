//! Conversions between types.

use super::lanes::{floats, map1};
use super::warp::{Warp, lanes};
use crate::kinds::Round;
use crate::types::{File, Kind, Register, Type};

#[derive(Clone, Copy)]
pub(super) struct Mode {
    pub round: Round,
    /// To a whole number, though the result may be a float.
    pub whole: bool,
    pub saturate: bool,
}

/// An f32 as bfloat16: nearest, ties to even.
#[inline(always)]
pub(super) fn brain(x: f32) -> u32 {
    let bits = x.to_bits();
    if x.is_nan() { 0x7fff } else { (bits + 0x7fff + (bits >> 16 & 1)) >> 16 }
}

/// An f32 with 10 bits of fraction: nearest, ties away from zero (`rna`) or to even.
fn tensor32(x: u32, round: Round) -> u32 {
    if x & 0x7f80_0000 == 0x7f80_0000 {
        return x;
    }
    match round {
        Round::NearestAway => (x + 0x1000) & 0xffff_e000,
        Round::Zero => x & 0xffff_e000,
        _ => (x + 0xfff + (x >> 13 & 1)) & 0xffff_e000,
    }
}

#[inline(always)]
pub(super) fn convert(
    warp: &mut Warp,
    mask: u32,
    from: Type,
    to: Type,
    mode: Mode,
    d: Register,
    a: Register,
) {
    let (i, o) = (a.index as usize, d.index as usize);
    match ((from.kind, from.bits, a.file), (to.kind, to.bits, d.file)) {
        ((Kind::Unsigned, 32, File::Low), (Kind::Unsigned | Kind::Signed, 64, File::Wide)) => {
            map1(mask, warp.low[i], &mut warp.wide[o], u64::from);
        }
        ((Kind::Signed, 32, File::Low), (Kind::Unsigned | Kind::Signed, 64, File::Wide)) => {
            map1(mask, warp.low[i], &mut warp.wide[o], |x| x as i32 as u64);
        }
        ((Kind::Unsigned | Kind::Signed, 64, File::Wide), (Kind::Unsigned | Kind::Signed, 32, File::Low))
            if !mode.saturate =>
        {
            map1(mask, warp.wide[i], &mut warp.low[o], |x| x as u32);
        }
        ((Kind::Signed, 32, File::Low), (Kind::Float, 32, _)) if mode.round == Round::Nearest => {
            map1(mask, warp.low[i], &mut warp.low[o], |x| (x as i32 as f32).to_bits());
        }
        ((Kind::Unsigned, 32, File::Low), (Kind::Float, 32, _)) if mode.round == Round::Nearest => {
            map1(mask, warp.low[i], &mut warp.low[o], |x| (x as f32).to_bits());
        }
        ((Kind::Float, 32, _), (Kind::Tensor32, ..)) => {
            map1(mask, warp.low[i], &mut warp.low[o], |x| tensor32(x, mode.round));
        }
        ((Kind::Float, 32, _), (Kind::Brain, ..)) => {
            let a = floats(warp.low[i]);
            map1(mask, a, &mut warp.low[o], brain);
        }
        ((Kind::Brain, ..), _) => map1(mask, warp.low[i], &mut warp.low[o], |x| x << 16),
        _ => by_lane(warp, mask, from, to, mode, d, a),
    }
}

#[inline(never)]
fn by_lane(warp: &mut Warp, mask: u32, from: Type, to: Type, mode: Mode, d: Register, a: Register) {
    for lane in lanes(mask) {
        let x = warp.value(a, lane);
        let value = match (from.kind, to.kind) {
            (Kind::Float, Kind::Float) => {
                float_bits(float_to_float(float_value(x, from), from, to, mode), to)
            }
            (Kind::Float, _) => float_to_integer(float_value(x, from), to, mode.round),
            (_, Kind::Float) => integer_to_float(integer_value(x, from), to, mode.round),
            _ => integer_to_integer(integer_value(x, from), to, mode.saturate),
        };
        warp.set(d, lane, value);
    }
}

fn integer_value(x: u64, ty: Type) -> i128 {
    let x = x & u64::MAX >> (64 - ty.bits);
    let negative = ty.signed() && x >> (ty.bits - 1) & 1 == 1;
    i128::from(x) - if negative { 1i128 << ty.bits } else { 0 }
}

/// The least and the greatest value of a type of whole numbers.
fn range(ty: Type) -> (i128, i128) {
    if ty.signed() { (-(1 << (ty.bits - 1)), (1 << (ty.bits - 1)) - 1) } else { (0, (1 << ty.bits) - 1) }
}

/// Narrow results are extended to the register's size, by their sign where they have one.
fn integer_to_integer(x: i128, to: Type, saturate: bool) -> u64 {
    let (least, greatest) = range(to);
    let x = if saturate { x.clamp(least, greatest) } else { x };
    let bits = x as u64 & u64::MAX >> (64 - to.bits);
    integer_value(bits, to) as u64
}

fn integer_to_float(x: i128, to: Type, round: Round) -> u64 {
    if to.bits == 64 {
        return (x as f64).to_bits();
    }
    let near = x as f32;
    let gap = x - near as i128;
    let adjusted = match round {
        Round::Down if gap < 0 => near.next_down(),
        Round::Up if gap > 0 => near.next_up(),
        Round::Zero if gap < 0 && x > 0 => near.next_down(),
        Round::Zero if gap > 0 && x < 0 => near.next_up(),
        _ => near,
    };
    u64::from(adjusted.to_bits())
}

fn float_value(x: u64, ty: Type) -> f64 {
    match ty.bits {
        64 => f64::from_bits(x),
        32 => f64::from(f32::from_bits(x as u32)),
        _ => half_value(x as u16),
    }
}

fn whole(x: f64, round: Round) -> f64 {
    match round {
        Round::Zero => x.trunc(),
        Round::Down => x.floor(),
        Round::Up => x.ceil(),
        _ => x.round_ties_even(),
    }
}

/// Out of range is the nearest that there is; NaN is 0, for 64 bits the most negative or the greatest.
fn float_to_integer(x: f64, to: Type, round: Round) -> u64 {
    let (least, greatest) = range(to);
    if x.is_nan() {
        return if to.bits == 64 { 1 << 63 } else { 0 };
    }
    let x = (whole(x, round) as i128).clamp(least, greatest);
    integer_to_integer(x, to, false)
}

fn float_to_float(x: f64, from: Type, to: Type, mode: Mode) -> f64 {
    let x = if mode.whole || from.bits == to.bits && mode.round != Round::Nearest {
        whole(x, mode.round)
    } else {
        x
    };
    let x = if to.bits == 32 && from.bits == 64 { narrowed(x, mode.round) } else { x };
    match mode.saturate {
        true if x.is_nan() => 0.0,
        true => x.clamp(0.0, 1.0),
        false => x,
    }
}

fn narrowed(x: f64, round: Round) -> f64 {
    let near = x as f32;
    let gap = x - f64::from(near);
    f64::from(match round {
        Round::Down if gap < 0.0 => near.next_down(),
        Round::Up if gap > 0.0 => near.next_up(),
        Round::Zero if gap < 0.0 && x > 0.0 => near.next_down(),
        Round::Zero if gap > 0.0 && x < 0.0 => near.next_up(),
        _ => near,
    })
}

fn float_bits(x: f64, ty: Type) -> u64 {
    match ty.bits {
        64 => x.to_bits(),
        32 => u64::from((x as f32).to_bits()),
        _ => u64::from(half_bits(x)),
    }
}

/// IEEE binary16.
fn half_value(bits: u16) -> f64 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        e => (1.0 + fraction / 1024.0) * 2f64.powi(e - 15),
    }
}

fn half_bits(x: f64) -> u16 {
    let sign = if x.is_sign_negative() { 0x8000 } else { 0 };
    let size = x.abs();
    if size.is_nan() {
        return 0x7fff;
    }
    if size >= 65520.0 {
        return sign | 0x7c00;
    }
    if size < 2f64.powi(-14) {
        return sign | (size * 2f64.powi(24)).round_ties_even() as u16;
    }
    let exponent = ((size.to_bits() >> 52) as i32) - 1023;
    let fraction = (size / 2f64.powi(exponent - 10)).round_ties_even() as u16;
    // A fraction that rounds up to 2048 carries into the exponent by itself.
    sign | ((((exponent + 15) as u16) << 10) + (fraction - 1024))
}
