//! Reads and writes in one.

use super::warp::{Warp, lanes};
use super::{Machine, integer};
use crate::fault::Trouble;
use crate::kinds::{Address, AtomicOp, R};
use crate::shadow::Access;
use crate::types::Type;

impl Machine<'_> {
    #[allow(clippy::too_many_arguments)]
    pub(super) fn atomic(
        &mut self,
        warp: &mut Warp,
        op: AtomicOp,
        ty: Type,
        at: Address,
        d: Option<R>,
        [a, b]: [R; 2],
        mask: u32,
    ) -> Result<(), Box<Trouble>> {
        for lane in lanes(mask) {
            let address = warp.address(at, lane);
            let wide = ty.bits == 64;
            let value = |r: R| {
                if wide { warp.wide[r as usize][lane] } else { u64::from(warp.low[r as usize][lane]) }
            };
            let (a, b) = (value(a), value(b));
            let (region, offset) = self.note(warp, lane, at.space, address, ty.bytes(), Access::Atomic)?;
            let old = region.load(offset, ty.bytes());
            region.store(offset, ty.bytes(), updated(op, wide, old, a, b));
            match d {
                Some(d) if wide => warp.wide[d as usize][lane] = old,
                Some(d) => warp.low[d as usize][lane] = old as u32,
                None => {}
            }
        }
        Ok(())
    }
}

fn updated(op: AtomicOp, wide: bool, old: u64, a: u64, b: u64) -> u64 {
    match op {
        AtomicOp::Integer(op) if wide => integer::apply(op, old, a),
        AtomicOp::Integer(op) => u64::from(integer::apply(op, old as u32, a as u32)),
        AtomicOp::FloatAdd => u64::from((f32::from_bits(old as u32) + f32::from_bits(a as u32)).to_bits()),
        AtomicOp::Exchange => a,
        AtomicOp::CompareAndSwap if old == a => b,
        AtomicOp::CompareAndSwap => old,
        AtomicOp::Increment if old >= a => 0,
        AtomicOp::Increment => old + 1,
        AtomicOp::Decrement if old == 0 || old > a => a,
        AtomicOp::Decrement => old - 1,
    }
}
