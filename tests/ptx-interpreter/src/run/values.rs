//! Instructions that each lane does for itself.

use super::compare::{compare, joined, logic};
use super::lanes::{doubles, floats, half, map1, map2, map3};
use super::warp::{FULL, Warp, lanes};
use super::{Machine, convert, float, integer};
use crate::fault::Trouble;
use crate::inst::Op;
use crate::kinds::{CountOp, Flag, IntOp, R, ShiftOp, Width};
use crate::types::Register;

impl Machine<'_> {
    #[inline(always)]
    pub(super) fn execute(&mut self, warp: &mut Warp, op: &Op, mask: u32) -> Result<(), Box<Trouble>> {
        match *op {
            Op::Float { op, round, d, a, b } => {
                let (a, b) = (floats(warp.lows(a)), floats(warp.lows(b)));
                float::binary(op, round, mask, &mut warp.low[d as usize], a, b);
            }
            Op::FloatFused { round, d, a, b, c } => {
                let (a, b, c) = (floats(warp.lows(a)), floats(warp.lows(b)), floats(warp.lows(c)));
                float::fused(round, mask, &mut warp.low[d as usize], a, b, c);
            }
            Op::Integer { op, width, d, a, b } => integer_op(warp, op, width, mask, [d, a, b]),
            Op::MulAdd { hi, signed, width, d, a, b, c } => {
                multiply_add(warp, hi, signed, width, mask, [d, a, b, c]);
            }
            Op::MulWide { signed, width, d, a, b, c } => {
                wide_product(warp, signed, width, mask, [d, a, b, c])
            }
            Op::Move { wide: false, d, a } => {
                map1(mask, warp.low[a as usize], &mut warp.low[d as usize], |x| x)
            }
            Op::Move { wide: true, d, a } => {
                map1(mask, warp.wide[a as usize], &mut warp.wide[d as usize], |x| x)
            }
            Op::Load { .. } => self.load(warp, op, mask)?,
            Op::Store { .. } => self.store(warp, op, mask)?,
            Op::Compare { how, ty, d, complement, a, b, join } => {
                let yes = compare(warp, how, ty, a, b);
                let (yes, no) = joined(warp, yes, join);
                warp.set_flags(d, mask, yes);
                warp.set_flags(complement, mask, no);
            }
            Op::Select { wide, d, a, b, by } => select(warp, wide, mask, [d, a, b], by),
            Op::PredLogic { op, d, a, b } => {
                let value = logic(op, warp.flag(a), warp.flag(b));
                warp.set_flags(d, mask, value);
            }
            Op::Shift { op, width, d, a, by } => shift(warp, op, width, mask, [d, a, by]),
            Op::FloatUnary { op, flush, d, a } => {
                let a = floats(warp.lows(a));
                float::unary(op, flush, mask, &mut warp.low[d as usize], a);
            }
            Op::Convert { from, to, round, whole, saturate, d, a } => {
                convert::convert(warp, mask, from, to, convert::Mode { round, whole, saturate }, d, a);
            }
            Op::PackBrain { relu, d, hi, lo } => {
                let clamp = |x: f32| if relu { x.max(0.0) } else { x };
                let pack = |hi, lo| convert::brain(clamp(hi)) << 16 | convert::brain(clamp(lo));
                let (hi, lo) = (floats(warp.lows(hi)), floats(warp.lows(lo)));
                map2(mask, &mut warp.low[d as usize], hi, lo, pack);
            }
            Op::Nothing => {}
            _ => self.execute_rare(warp, op, mask)?,
        }
        Ok(())
    }

    /// What is seldom executed, kept out of the loop's body.
    #[inline(never)]
    fn execute_rare(&mut self, warp: &mut Warp, op: &Op, mask: u32) -> Result<(), Box<Trouble>> {
        match *op {
            Op::IntegerUnary { op, width, d, a } => match width {
                Width::W16 => {
                    let r = integer::unary(op, half(warp.lows(a)));
                    map1(mask, r, &mut warp.low[d as usize], u32::from);
                }
                Width::W32 => {
                    map1(mask, integer::unary(op, warp.low[a as usize]), &mut warp.low[d as usize], |x| x)
                }
                Width::W64 => {
                    map1(mask, integer::unary(op, warp.wide[a as usize]), &mut warp.wide[d as usize], |x| x);
                }
            },
            Op::Count { op, width, d, a } => count(warp, op, width, mask, d, a),
            Op::FieldInsert { width, d, a, b, at, len } => {
                let (at, len) = (warp.lows(at), warp.lows(len));
                let insert = |a, b, i: usize| integer::insert(a, b, at[i], len[i], width);
                if width == Width::W64 {
                    let (a, b) = (warp.wides(a), warp.wides(b));
                    lanes(mask).for_each(|i| warp.wide[d as usize][i] = insert(a[i], b[i], i));
                } else {
                    let (a, b) = (warp.lows(a), warp.lows(b));
                    lanes(mask)
                        .for_each(|i| warp.low[d as usize][i] = insert(a[i].into(), b[i].into(), i) as u32);
                }
            }
            Op::FieldExtract { signed, width, d, a, at, len } => {
                let (at, len) = (warp.lows(at), warp.lows(len));
                let extract = |a, i: usize| integer::extract(signed, a, at[i], len[i], width);
                if width == Width::W64 {
                    let a = warp.wides(a);
                    lanes(mask).for_each(|i| warp.wide[d as usize][i] = extract(a[i], i));
                } else {
                    let a = warp.lows(a);
                    lanes(mask).for_each(|i| warp.low[d as usize][i] = extract(a[i].into(), i) as u32);
                }
            }
            Op::Lop3 { table, d, a, b, c } => {
                let (a, b, c) = (warp.lows(a), warp.lows(b), warp.lows(c));
                map3(mask, &mut warp.low[d as usize], a, b, c, |a, b, c| integer::lop3(table, a, b, c));
            }
            Op::Permute { d, a, b, selector } => {
                let (a, b, s) = (warp.lows(a), warp.lows(b), warp.lows(selector));
                map3(mask, &mut warp.low[d as usize], a, b, s, integer::permute);
            }
            Op::Funnel { left, wrap, d, lo, hi, by } => {
                let (lo, hi, by) = (warp.lows(lo), warp.lows(hi), warp.lows(by));
                let f = |lo, hi, by| integer::funnel(left, wrap, lo, hi, by);
                map3(mask, &mut warp.low[d as usize], lo, hi, by, f);
            }
            Op::Double { op, d, a, b } => {
                let (a, b) = (doubles(warp.wides(a)), doubles(warp.wides(b)));
                float::binary_double(op, mask, &mut warp.wide[d as usize], a, b);
            }
            Op::DoubleFused { d, a, b, c } => {
                let (a, b, c) = (doubles(warp.wides(a)), doubles(warp.wides(b)), doubles(warp.wides(c)));
                map3(mask, &mut warp.wide[d as usize], a, b, c, |a, b, c| a.mul_add(b, c).to_bits());
            }
            Op::DoubleUnary { op, d, a } => {
                let a = doubles(warp.wides(a));
                map1(mask, a, &mut warp.wide[d as usize], |x| float::unary_double(op, x).to_bits());
            }
            Op::Pack { bits, d, ref parts } => pack(warp, bits, mask, d, parts),
            Op::Unpack { bits, ref parts, a } => unpack(warp, bits, mask, parts, a),
            Op::Atomic { op, ty, at, d, a, b } => self.atomic(warp, op, ty, at, d, [a, b], mask)?,
            Op::CopyAsync { bytes, to, from, valid } => {
                self.start_copies(warp, bytes, to, from, valid, mask)?
            }
            Op::CopyCommit => lanes(mask).for_each(|lane| warp.groups[lane] += 1),
            Op::CopyWait { newest } => self.finish_copies(warp, newest, mask)?,
            Op::ActiveMask { d } => lanes(mask).for_each(|lane| warp.low[d as usize][lane] = mask),
            _ => unreachable!("{op:?} has an arm of its own"),
        }
        Ok(())
    }
}

#[inline(always)]
fn integer_op(warp: &mut Warp, op: IntOp, width: Width, mask: u32, [d, a, b]: [R; 3]) {
    match width {
        Width::W32 => {
            let (a, b) = (warp.lows(a), warp.lows(b));
            integer::binary(op, mask, &mut warp.low[d as usize], a, b);
        }
        Width::W64 => {
            let (a, b) = (warp.wides(a), warp.wides(b));
            integer::binary(op, mask, &mut warp.wide[d as usize], a, b);
        }
        Width::W16 => {
            let (a, b) = (half(warp.lows(a)), half(warp.lows(b)));
            let mut r = [0u16; 32];
            integer::binary(op, FULL, &mut r, a, b);
            map1(mask, r, &mut warp.low[d as usize], u32::from);
        }
    }
}

#[inline(always)]
fn multiply_add(warp: &mut Warp, hi: bool, signed: bool, width: Width, mask: u32, [d, a, b, c]: [R; 4]) {
    match (width, hi) {
        (Width::W64, _) => {
            let (a, b, c) = (warp.wides(a), warp.wides(b), warp.wides(c));
            let product = |a, b| if hi { integer::high64(signed, a, b) } else { u64::wrapping_mul(a, b) };
            map3(mask, &mut warp.wide[d as usize], a, b, c, |a, b, c| product(a, b).wrapping_add(c));
        }
        // Sixteen bits are the low ones of the product of what the registers hold.
        (_, false) => {
            let (a, b, c) = (warp.lows(a), warp.lows(b), warp.lows(c));
            map3(mask, &mut warp.low[d as usize], a, b, c, |a, b, c| a.wrapping_mul(b).wrapping_add(c));
        }
        (_, true) => {
            let (a, b, c) = (warp.lows(a), warp.lows(b), warp.lows(c));
            let high = |a, b, c: u32| integer::high32(signed, a, b).wrapping_add(c);
            map3(mask, &mut warp.low[d as usize], a, b, c, high);
        }
    }
}

#[inline(always)]
fn wide_product(warp: &mut Warp, signed: bool, width: Width, mask: u32, [d, a, b, c]: [R; 4]) {
    let (a, b) = (warp.lows(a), warp.lows(b));
    match (width, signed) {
        (Width::W16, true) => {
            let f = |a, b, c: u32| {
                (i32::from(a as u16 as i16) * i32::from(b as u16 as i16)).wrapping_add(c as i32)
            };
            let c = warp.lows(c);
            map3(mask, &mut warp.low[d as usize], a, b, c, |a: u32, b: u32, c| f(a, b, c) as u32);
        }
        (Width::W16, false) => {
            let c = warp.lows(c);
            map3(mask, &mut warp.low[d as usize], a, b, c, |a, b, c| {
                ((a & 0xffff) * (b & 0xffff)).wrapping_add(c)
            });
        }
        (_, true) => {
            let c = warp.wides(c);
            let f =
                |a: u32, b: u32, c| (i64::from(a as i32) * i64::from(b as i32)).wrapping_add(c as i64) as u64;
            map3(mask, &mut warp.wide[d as usize], a, b, c, |a, b, c: u64| f(a, b, c));
        }
        (_, false) => {
            let c = warp.wides(c);
            let f = |a: u32, b: u32, c| (u64::from(a) * u64::from(b)).wrapping_add(c);
            map3(mask, &mut warp.wide[d as usize], a, b, c, f);
        }
    }
}

#[inline(always)]
fn shift(warp: &mut Warp, op: ShiftOp, width: Width, mask: u32, [d, a, by]: [R; 3]) {
    let by = warp.lows(by);
    match width {
        Width::W32 => {
            let a = warp.lows(a);
            integer::shift(op, mask, &mut warp.low[d as usize], a, by);
        }
        Width::W64 => {
            let a = warp.wides(a);
            integer::shift(op, mask, &mut warp.wide[d as usize], a, by);
        }
        Width::W16 => {
            let mut r = [0u16; 32];
            integer::shift(op, FULL, &mut r, half(warp.lows(a)), by);
            map1(mask, r, &mut warp.low[d as usize], u32::from);
        }
    }
}

#[inline(always)]
fn select(warp: &mut Warp, wide: bool, mask: u32, [d, a, b]: [R; 3], by: Flag) {
    let by = warp.flag(by);
    let flags: [bool; 32] = std::array::from_fn(|lane| by >> lane & 1 == 1);
    if wide {
        let (a, b) = (warp.wides(a), warp.wides(b));
        map3(mask, &mut warp.wide[d as usize], a, b, flags, |a, b, yes| if yes { a } else { b });
    } else {
        let (a, b) = (warp.lows(a), warp.lows(b));
        map3(mask, &mut warp.low[d as usize], a, b, flags, |a, b, yes| if yes { a } else { b });
    }
}

fn count(warp: &mut Warp, op: CountOp, width: Width, mask: u32, d: R, a: R) {
    let (bits, values) = match width {
        Width::W64 => (64, warp.wides(a)),
        _ => (32, warp.lows(a).map(u64::from)),
    };
    map1(mask, values, &mut warp.low[d as usize], |x| integer::count(op, bits, x));
}

fn pack(warp: &mut Warp, bits: u32, mask: u32, d: Register, parts: &[Register]) {
    for lane in lanes(mask) {
        let part = |i: usize| (warp.value(parts[i], lane) & (u64::MAX >> (64 - bits))) << (bits * i as u32);
        let value = (0..parts.len()).fold(0, |v, i| v | part(i));
        warp.set(d, lane, value);
    }
}

fn unpack(warp: &mut Warp, bits: u32, mask: u32, parts: &[Register], a: Register) {
    for lane in lanes(mask) {
        let value = warp.value(a, lane);
        for (i, part) in parts.iter().enumerate() {
            warp.set(*part, lane, value >> (bits * i as u32) & (u64::MAX >> (64 - bits)));
        }
    }
}
