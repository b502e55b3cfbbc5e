//! Moves between registers and conversions between types.

use super::{Decoder, Words};
use crate::fault::PtxError;
use crate::inst::Op;
use crate::kinds::{Address, Flag, IntOp, Logic, R, Round, Space, Width};
use crate::parse::Operand;
use crate::run::{LOCAL_WINDOW, PARAM_WINDOW, SHARED_WINDOW};
use crate::types::{File, Kind, Type};

impl Decoder<'_> {
    pub(super) fn mov(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let ty = w.ty()?;
        let [d, a] = w.operands()?;
        if ty.kind == Kind::Pred {
            let never = Flag { index: self.code.always, negated: true };
            return Ok(Op::PredLogic {
                op: Logic::Or,
                d: self.target(&w, d, ty)?,
                a: self.flag(&w, a)?,
                b: never,
            });
        }
        match (d, a) {
            (Operand::List(parts), _) => {
                let part = self.part(&w, ty, parts.len())?;
                let parts: Result<_, _> = parts.iter().map(|p| self.any_target(&w, p, part)).collect();
                Ok(Op::Unpack { bits: part.bits, parts: parts?, a: self.any_source(&w, a, ty)? })
            }
            (_, Operand::List(parts)) => {
                let part = self.part(&w, ty, parts.len())?;
                let parts: Result<_, _> = parts.iter().map(|p| self.any_source(&w, p, part)).collect();
                Ok(Op::Pack { bits: part.bits, d: self.any_target(&w, d, ty)?, parts: parts? })
            }
            _ => {
                let (d, a) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?);
                Ok(Op::Move { wide: ty.bits == 64, d, a })
            }
        }
    }

    fn part(&self, w: &Words, ty: Type, n: usize) -> Result<Type, PtxError> {
        let bits = ty.bits / n as u32;
        let known = matches!(n, 2 | 4) && bits >= 8;
        if known { Ok(Type { kind: Kind::Bits, bits }) } else { Err(w.error(format!("{n} parts"))) }
    }

    pub(super) fn convert(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let whole = w.take_any(&["rni", "rzi", "rmi", "rpi"]);
        let round = match whole {
            Some("rzi") => Round::Zero,
            Some("rmi") => Round::Down,
            Some("rpi") => Round::Up,
            Some(_) => Round::Nearest,
            None if w.take("rna") => Round::NearestAway,
            None => w.rounding(),
        };
        let (saturate, relu) = (w.take("sat"), w.take("relu"));
        w.ignore(&["ftz", "satfinite"]);
        let (to, from) = (w.ty()?, w.ty()?);
        let float = Type { kind: Kind::Float, bits: 32 };
        if to.kind == Kind::Brain && to.bits == 32 {
            let [d, hi, lo] = w.operands()?;
            if from != float || round != Round::Nearest {
                return Err(w.unknown());
            }
            let (d, hi, lo) =
                (self.target(&w, d, Type::B32)?, self.source(&w, hi, float)?, self.source(&w, lo, float)?);
            return Ok(Op::PackBrain { relu, d, hi, lo });
        }
        let [d, a] = w.operands()?;
        if relu || !convertible(from, to) || to.kind == Kind::Brain && round != Round::Nearest {
            return Err(w.unknown());
        }
        let (d, a) = (self.any_target(&w, d, to)?, self.any_source(&w, a, from)?);
        Ok(Op::Convert { from, to, round, whole: whole.is_some(), saturate, d, a })
    }

    /// Generic addresses of shared, local and parameter memory lie in windows of their own; global ones are themselves.
    pub(super) fn convert_address(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let to = w.take("to");
        let window =
            match w.take_any(&["shared", "shared::cta", "local", "param", "param::entry", "global", "const"])
            {
                Some("shared" | "shared::cta") => SHARED_WINDOW,
                Some("local") => LOCAL_WINDOW,
                Some("param" | "param::entry") => PARAM_WINDOW,
                Some(_) => 0,
                None => return Err(w.unknown()),
            };
        let ty = w.ty()?;
        let [d, a] = w.operands()?;
        let (d, a): (R, R) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?);
        if ty.bits != 64 {
            return Err(w.unknown());
        }
        let delta = if to { window.wrapping_neg() } else { window };
        let b = self.wide_constant(delta).index;
        Ok(Op::Integer { op: IntOp::Add, width: Width::W64, d, a, b })
    }

    /// `[base + offset]`: a register, or the address of a symbol.
    pub(super) fn address(
        &mut self,
        w: &Words,
        operand: &Operand,
        space: Space,
    ) -> Result<Address, PtxError> {
        let Operand::Address(base, offset) = operand else {
            return Err(w.error("expected an address"));
        };
        let base = self.any_source(w, base, Type::B64)?;
        if base.file == File::Pred {
            return Err(w.error("a predicate is no address"));
        }
        Ok(Address { space, base, offset: *offset })
    }
}

fn convertible(from: Type, to: Type) -> bool {
    let number = |t: Type| match t.kind {
        Kind::Unsigned | Kind::Signed => true,
        Kind::Float => t.bits != 8,
        _ => false,
    };
    let single = Type { kind: Kind::Float, bits: 32 };
    let brain = |t: Type| t.kind == Kind::Brain && t.bits == 16;
    number(from) && number(to)
        || from == single && (to.kind == Kind::Tensor32 || brain(to))
        || brain(from) && to == single
}
