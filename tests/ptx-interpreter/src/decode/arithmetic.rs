//! Whole numbers, floats and bits.

use super::{Decoder, Words};
use crate::fault::PtxError;
use crate::inst::Op;
use crate::kinds::{CountOp, Flag, FloatOp, FloatUnaryOp, IntOp, IntUnaryOp, Logic, Round, ShiftOp, Width};
use crate::types::{Kind, Type};

fn width(w: &Words, ty: Type) -> Result<Width, PtxError> {
    match ty.bits {
        16 => Ok(Width::W16),
        32 => Ok(Width::W32),
        64 => Ok(Width::W64),
        n => Err(w.error(format!("whole numbers of {n} bits are not interpreted"))),
    }
}

fn integer_op(root: &str, signed: bool) -> Option<IntOp> {
    Some(match (root, signed) {
        ("add", _) => IntOp::Add,
        ("sub", _) => IntOp::Sub,
        ("mul" | "mul24", _) => IntOp::MulLo,
        ("div", true) => IntOp::DivS,
        ("div", false) => IntOp::DivU,
        ("rem", true) => IntOp::RemS,
        ("rem", false) => IntOp::RemU,
        ("min", true) => IntOp::MinS,
        ("min", false) => IntOp::MinU,
        ("max", true) => IntOp::MaxS,
        ("max", false) => IntOp::MaxU,
        ("and", _) => IntOp::And,
        ("or", _) => IntOp::Or,
        ("xor", _) => IntOp::Xor,
        _ => return None,
    })
}

fn float_op(root: &str, nan: bool) -> Option<FloatOp> {
    Some(match (root, nan) {
        ("add", false) => FloatOp::Add,
        ("sub", false) => FloatOp::Sub,
        ("mul", false) => FloatOp::Mul,
        ("div", false) => FloatOp::Div,
        ("min", false) => FloatOp::Min,
        ("max", false) => FloatOp::Max,
        ("min", true) => FloatOp::MinNan,
        ("max", true) => FloatOp::MaxNan,
        ("copysign", false) => FloatOp::CopySign,
        _ => return None,
    })
}

fn float_unary_op(root: &str) -> Option<FloatUnaryOp> {
    Some(match root {
        "neg" => FloatUnaryOp::Neg,
        "abs" => FloatUnaryOp::Abs,
        "sqrt" => FloatUnaryOp::Sqrt,
        "rsqrt" => FloatUnaryOp::Rsqrt,
        "rcp" => FloatUnaryOp::Reciprocal,
        "ex2" => FloatUnaryOp::Exp2,
        "lg2" => FloatUnaryOp::Log2,
        "sin" => FloatUnaryOp::Sin,
        "cos" => FloatUnaryOp::Cos,
        "tanh" => FloatUnaryOp::Tanh,
        _ => return None,
    })
}

impl Decoder<'_> {
    pub(super) fn arithmetic(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let shift = w.take("shiftamt");
        let Ok(ty) = w.ty() else { return Err(w.unknown()) };
        if w.root == "bfind" {
            return self.count(w, ty, CountOp::Find { signed: ty.signed(), shift });
        }
        match ty.kind {
            Kind::Pred => self.predicate(w),
            Kind::Float if ty.bits == 32 => self.float(w),
            Kind::Float if ty.bits == 64 => self.double(w),
            Kind::Bits | Kind::Unsigned | Kind::Signed => self.integer(w, ty),
            _ => Err(w.unknown()),
        }
    }

    fn predicate(&mut self, w: Words) -> Result<Op, PtxError> {
        let pred = Type { kind: Kind::Pred, bits: 1 };
        let never = Flag { index: self.code.always, negated: true };
        if w.root == "not" {
            let [d, a] = w.operands()?;
            let (d, a) = (self.target(&w, d, pred)?, self.flag(&w, a)?);
            return Ok(Op::PredLogic { op: Logic::Or, d, a: Flag { negated: !a.negated, ..a }, b: never });
        }
        let op = match w.root {
            "and" => Logic::And,
            "or" => Logic::Or,
            "xor" => Logic::Xor,
            _ => return Err(w.unknown()),
        };
        let [d, a, b] = w.operands()?;
        Ok(Op::PredLogic { op, d: self.target(&w, d, pred)?, a: self.flag(&w, a)?, b: self.flag(&w, b)? })
    }

    /// Subnormals are kept even where `.ftz` asks for flushing: 1e-38 is below what a test can tell.
    fn float(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let ty = Type { kind: Kind::Float, bits: 32 };
        let flush = w.take("ftz");
        w.ignore(&["approx", "full"]);
        let round = w.rounding();
        if w.root == "fma" || w.root == "mad" {
            let [d, a, b, c] = w.operands()?;
            let [a, b, c] = [self.source(&w, a, ty)?, self.source(&w, b, ty)?, self.source(&w, c, ty)?];
            return Ok(Op::FloatFused { round, d: self.target(&w, d, ty)?, a, b, c });
        }
        let nan = w.take("NaN");
        if let Some(op) = float_op(w.root, nan) {
            let [d, a, b] = w.operands()?;
            let (d, a, b) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
            return Ok(Op::Float { op, round, d, a, b });
        }
        let op = float_unary_op(w.root).ok_or_else(|| w.unknown())?;
        if round != Round::Nearest {
            return Err(w.error("only rounding to nearest is interpreted"));
        }
        let [d, a] = w.operands()?;
        Ok(Op::FloatUnary { op, flush, d: self.target(&w, d, ty)?, a: self.source(&w, a, ty)? })
    }

    fn double(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let ty = Type { kind: Kind::Float, bits: 64 };
        w.ignore(&["approx", "ftz"]);
        if w.rounding() != Round::Nearest {
            return Err(w.error("only rounding to nearest is interpreted"));
        }
        if w.root == "fma" || w.root == "mad" {
            let [d, a, b, c] = w.operands()?;
            let [a, b, c] = [self.source(&w, a, ty)?, self.source(&w, b, ty)?, self.source(&w, c, ty)?];
            return Ok(Op::DoubleFused { d: self.target(&w, d, ty)?, a, b, c });
        }
        if let Some(op) = float_op(w.root, false) {
            let [d, a, b] = w.operands()?;
            let (d, a, b) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
            return Ok(Op::Double { op, d, a, b });
        }
        let op = float_unary_op(w.root).ok_or_else(|| w.unknown())?;
        let [d, a] = w.operands()?;
        Ok(Op::DoubleUnary { op, d: self.target(&w, d, ty)?, a: self.source(&w, a, ty)? })
    }

    fn integer(&mut self, mut w: Words, ty: Type) -> Result<Op, PtxError> {
        let part = w.take_any(&["lo", "hi", "wide"]);
        match (w.root, part) {
            ("mul" | "mad", Some("wide")) => self.wide_product(w, ty),
            ("mul", Some("hi")) => {
                self.integer_binary(w, ty, if ty.signed() { IntOp::MulHiS } else { IntOp::MulHiU })
            }
            ("mad" | "mad24", _) => {
                let [d, a, b, c] = w.operands()?;
                let [a, b, c] = [self.source(&w, a, ty)?, self.source(&w, b, ty)?, self.source(&w, c, ty)?];
                let (d, width) = (self.target(&w, d, ty)?, width(&w, ty)?);
                Ok(Op::MulAdd { hi: part == Some("hi"), signed: ty.signed(), width, d, a, b, c })
            }
            ("shl", _) => self.shift(w, ty, ShiftOp::Left),
            ("shr", _) => self.shift(w, ty, if ty.signed() { ShiftOp::RightS } else { ShiftOp::RightU }),
            ("not", _) => self.integer_unary(w, ty, IntUnaryOp::Not),
            ("neg", _) => self.integer_unary(w, ty, IntUnaryOp::Neg),
            ("abs", _) => self.integer_unary(w, ty, IntUnaryOp::Abs),
            ("brev", _) => self.integer_unary(w, ty, IntUnaryOp::Reverse),
            ("popc", _) => self.count(w, ty, CountOp::Ones),
            ("clz", _) => self.count(w, ty, CountOp::LeadingZeros),
            ("bfi" | "bfe" | "lop3" | "prmt" | "shf", _) => self.bits(w, ty),
            (root, _) => match integer_op(root, ty.signed()) {
                Some(op) => self.integer_binary(w, ty, op),
                None => Err(w.unknown()),
            },
        }
    }

    fn integer_binary(&mut self, w: Words, ty: Type, op: IntOp) -> Result<Op, PtxError> {
        let [d, a, b] = w.operands()?;
        let (d, a, b) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
        Ok(Op::Integer { op, width: width(&w, ty)?, d, a, b })
    }

    fn integer_unary(&mut self, w: Words, ty: Type, op: IntUnaryOp) -> Result<Op, PtxError> {
        let [d, a] = w.operands()?;
        Ok(Op::IntegerUnary {
            op,
            width: width(&w, ty)?,
            d: self.target(&w, d, ty)?,
            a: self.source(&w, a, ty)?,
        })
    }

    fn shift(&mut self, w: Words, ty: Type, op: ShiftOp) -> Result<Op, PtxError> {
        let [d, a, by] = w.operands()?;
        let (d, a, by) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, by, Type::U32)?);
        Ok(Op::Shift { op, width: width(&w, ty)?, d, a, by })
    }

    fn count(&mut self, w: Words, ty: Type, op: CountOp) -> Result<Op, PtxError> {
        let [d, a] = w.operands()?;
        Ok(Op::Count {
            op,
            width: width(&w, ty)?,
            d: self.target(&w, d, Type::U32)?,
            a: self.source(&w, a, ty)?,
        })
    }

    /// `mul.wide` and `mad.wide`: the result, and what is added, have twice the bits.
    fn wide_product(&mut self, w: Words, ty: Type) -> Result<Op, PtxError> {
        let double = Type { kind: ty.kind, bits: 2 * ty.bits };
        let (width, signed) = (width(&w, ty)?, ty.signed());
        if width == Width::W64 {
            return Err(w.unknown());
        }
        let (d, a, b, c) = match w.all_operands()? {
            [d, a, b] => (d, a, b, self.constant(0, double).index),
            [d, a, b, c] => (d, a, b, self.source(&w, c, double)?),
            _ => return Err(w.error("expected 3 or 4 operands")),
        };
        let (d, a, b) = (self.target(&w, d, double)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
        Ok(Op::MulWide { signed, width, d, a, b, c })
    }

    fn bits(&mut self, mut w: Words, ty: Type) -> Result<Op, PtxError> {
        let low = Type::U32;
        let width = width(&w, ty)?;
        match w.root {
            "bfi" => {
                let [d, a, b, at, len] = w.operands()?;
                let (d, a, b) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
                let (at, len) = (self.source(&w, at, low)?, self.source(&w, len, low)?);
                Ok(Op::FieldInsert { width, d, a, b, at, len })
            }
            "bfe" => {
                let [d, a, at, len] = w.operands()?;
                let (d, a) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?);
                let (at, len) = (self.source(&w, at, low)?, self.source(&w, len, low)?);
                Ok(Op::FieldExtract { signed: ty.signed(), width, d, a, at, len })
            }
            "lop3" => {
                let [d, a, b, c, table] = w.operands()?;
                let [a, b, c] =
                    [self.source(&w, a, low)?, self.source(&w, b, low)?, self.source(&w, c, low)?];
                let crate::parse::Operand::Integer(table) = table else {
                    return Err(w.error("expected a table"));
                };
                Ok(Op::Lop3 { table: *table as u8, d: self.target(&w, d, low)?, a, b, c })
            }
            "prmt" => {
                let [d, a, b, c] = w.operands()?;
                let [a, b, selector] =
                    [self.source(&w, a, low)?, self.source(&w, b, low)?, self.source(&w, c, low)?];
                Ok(Op::Permute { d: self.target(&w, d, low)?, a, b, selector })
            }
            _ => {
                let (left, wrap) = (w.take("l"), w.take("wrap"));
                w.ignore(&["r", "clamp"]);
                let [d, lo, hi, by] = w.operands()?;
                let [lo, hi, by] =
                    [self.source(&w, lo, low)?, self.source(&w, hi, low)?, self.source(&w, by, low)?];
                Ok(Op::Funnel { left, wrap, d: self.target(&w, d, low)?, lo, hi, by })
            }
        }
    }
}
