//! Loads, stores, atomics and asynchronous copies.

use super::{Decoder, Words};
use crate::fault::PtxError;
use crate::inst::Op;
use crate::kinds::{AtomicOp, IntOp, Space};
use crate::parse::Operand;
use crate::types::{File, Kind, Register, Type};

/// Caching hints, which change no result.
const HINTS: &[&str] =
    &["nc", "ca", "cg", "cs", "lu", "cv", "wb", "wt", "weak", "unified", "gpu", "cta", "sys"];

fn space(w: &mut Words) -> Space {
    match w.take_any(&["global", "const", "shared", "shared::cta", "local", "param", "param::entry"]) {
        Some("global" | "const") => Space::Global,
        Some("shared" | "shared::cta") => Space::Shared,
        Some("local") => Space::Local,
        Some(_) => Space::Param,
        None => Space::Generic,
    }
}

/// Whether the access is ordered with others like an atomic one.
fn relaxed(w: &mut Words) -> bool {
    w.take_any(&["volatile", "relaxed", "acquire", "release", "mmio"]).is_some()
}

fn list(operand: &Operand) -> &[Operand] {
    match operand {
        Operand::List(list) => list,
        single => std::slice::from_ref(single),
    }
}

fn vector(w: &mut Words) -> usize {
    match w.take_any(&["v2", "v4"]) {
        Some("v2") => 2,
        Some(_) => 4,
        None => 1,
    }
}

impl Decoder<'_> {
    pub(super) fn load(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let (space, relaxed, n) = (space(&mut w), relaxed(&mut w), vector(&mut w));
        w.ignore(HINTS);
        w.ignore_prefix("L1::");
        w.ignore_prefix("L2::");
        let ty = w.ty()?;
        let [to, from] = w.operands()?;
        let from = self.address(&w, from, space)?;
        let mut registers = [from.base; 4];
        if list(to).len() != n {
            return Err(w.error(format!("expected {n} registers")));
        }
        for (slot, operand) in registers.iter_mut().zip(list(to)) {
            *slot = self.any_target(&w, operand, ty)?;
        }
        Ok(Op::Load { ty, relaxed, from, n: n as u8, to: registers })
    }

    pub(super) fn store(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let (space, relaxed, n) = (space(&mut w), relaxed(&mut w), vector(&mut w));
        w.ignore(HINTS);
        w.ignore_prefix("L1::");
        w.ignore_prefix("L2::");
        let ty = w.ty()?;
        if space == Space::Param {
            return Err(w.error("calls are not interpreted: make the function inline"));
        }
        let [to, from] = w.operands()?;
        let to = self.address(&w, to, space)?;
        let mut registers = [to.base; 4];
        if list(from).len() != n {
            return Err(w.error(format!("expected {n} registers")));
        }
        for (slot, operand) in registers.iter_mut().zip(list(from)) {
            *slot = self.any_source(&w, operand, ty)?;
        }
        Ok(Op::Store { ty, relaxed, to, n: n as u8, from: registers })
    }

    pub(super) fn atomic(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let space = space(&mut w);
        w.ignore(&["relaxed", "acquire", "release", "acq_rel", "gpu", "cta", "sys"]);
        let word = w.take_any(&["add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec"]);
        let ty = w.ty()?;
        let signed = ty.signed();
        let op = match word {
            Some("add") if ty.kind == Kind::Float && ty.bits == 32 => AtomicOp::FloatAdd,
            Some(_) if ty.kind == Kind::Float => return Err(w.unknown()),
            Some("add") => AtomicOp::Integer(IntOp::Add),
            Some("min") => AtomicOp::Integer(if signed { IntOp::MinS } else { IntOp::MinU }),
            Some("max") => AtomicOp::Integer(if signed { IntOp::MaxS } else { IntOp::MaxU }),
            Some("and") => AtomicOp::Integer(IntOp::And),
            Some("or") => AtomicOp::Integer(IntOp::Or),
            Some("xor") => AtomicOp::Integer(IntOp::Xor),
            Some("exch") => AtomicOp::Exchange,
            Some("cas") => AtomicOp::CompareAndSwap,
            Some("inc") => AtomicOp::Increment,
            Some("dec") => AtomicOp::Decrement,
            _ => return Err(w.unknown()),
        };
        if !matches!(ty.bits, 32 | 64) || space == Space::Local || space == Space::Param {
            return Err(w.unknown());
        }
        let mut operands = w.all_operands()?.iter();
        let mut next = || operands.next().ok_or_else(|| w.error("an operand is missing"));
        let d = if w.root == "atom" { Some(self.target(&w, next()?, ty)?) } else { None };
        let at = self.address(&w, next()?, space)?;
        let a = self.source(&w, next()?, ty)?;
        let b = if matches!(op, AtomicOp::CompareAndSwap) { self.source(&w, next()?, ty)? } else { a };
        Ok(Op::Atomic { op, ty, at, d, a, b })
    }

    pub(super) fn copy_async(&mut self, mut w: Words) -> Result<Op, PtxError> {
        if !w.take("async") || w.has("bulk") || w.has("mbarrier") {
            return Err(w.unknown());
        }
        if w.take("commit_group") {
            let [] = w.operands()?;
            return Ok(Op::CopyCommit);
        }
        if w.take("wait_all") {
            let [] = w.operands()?;
            return Ok(Op::CopyWait { newest: None });
        }
        if w.take("wait_group") {
            let [Operand::Integer(n)] = w.operands()? else {
                return Err(w.error("expected a number of groups"));
            };
            return Ok(Op::CopyWait { newest: Some(*n as u32) });
        }
        let ca = w.take("ca");
        w.ignore(&["cg", "shared", "shared::cta", "global"]);
        w.ignore_prefix("L2::");
        let (to, from, bytes, valid) = match w.all_operands()? {
            [to, from, Operand::Integer(n)] => (to, from, *n, self.low_constant(*n as u32)),
            [to, from, Operand::Integer(n), valid] => (to, from, *n, self.valid(&w, valid, *n)?),
            _ => return Err(w.error("expected 3 or 4 operands")),
        };
        if !(bytes == 16 || ca && matches!(bytes, 4 | 8)) {
            return Err(w.error("expected 16 bytes, or with .ca 4, 8 or 16"));
        }
        let (to, from) = (self.address(&w, to, Space::Shared)?, self.address(&w, from, Space::Global)?);
        Ok(Op::CopyAsync { bytes: bytes as u32, to, from, valid: valid.index })
    }

    /// How many bytes are copied; the rest is zeros.
    fn valid(&mut self, w: &Words, operand: &Operand, bytes: u64) -> Result<Register, PtxError> {
        match operand {
            Operand::Integer(n) if *n > bytes => Err(w.error("more bytes to read than to write")),
            Operand::Register(Register { file: File::Pred, .. }) | Operand::Not(_) => {
                Err(w.error("ignore-src is not interpreted: give the number of bytes"))
            }
            other => self.any_source(w, other, Type::U32),
        }
    }
}
