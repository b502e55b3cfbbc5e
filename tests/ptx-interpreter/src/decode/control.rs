//! Branches, comparisons and selection.

use super::{Decoder, Words};
use crate::fault::PtxError;
use crate::inst::Op;
use crate::kinds::{Comparison, Logic};
use crate::parse::Operand;
use crate::types::{File, Kind, Register, Type};

fn comparison(word: &str, float: bool) -> Option<Comparison> {
    Some(match (word, float) {
        ("eq", _) => Comparison::Eq,
        // For floats `ne` is false where an operand is NaN, unlike `neu`; for whole numbers both are one.
        ("ne", true) => Comparison::Ne,
        ("ne", false) | ("neu", true) => Comparison::Neu,
        ("lt", _) | ("lo", false) => Comparison::Lt,
        ("le", _) | ("ls", false) => Comparison::Le,
        ("gt", _) | ("hi", false) => Comparison::Gt,
        ("ge", _) | ("hs", false) => Comparison::Ge,
        ("equ", true) => Comparison::Equ,
        ("ltu", true) => Comparison::Ltu,
        ("leu", true) => Comparison::Leu,
        ("gtu", true) => Comparison::Gtu,
        ("geu", true) => Comparison::Geu,
        ("num", true) => Comparison::Num,
        ("nan", true) => Comparison::Nan,
        _ => return None,
    })
}

const COMPARISONS: &[&str] = &[
    "eq", "ne", "lt", "le", "gt", "ge", "lo", "ls", "hi", "hs", "equ", "neu", "ltu", "leu", "gtu", "geu",
    "num", "nan",
];

impl Decoder<'_> {
    pub(super) fn control(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.ignore(&["uni"]);
        match w.root {
            "setp" => self.compare(w),
            "selp" => {
                let ty = w.ty()?;
                let [d, a, b, by] = w.operands()?;
                let (d, a, b) = (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, b, ty)?);
                Ok(Op::Select { wide: File::of(ty) == File::Wide, d, a, b, by: self.flag(&w, by)? })
            }
            "bra" => {
                let [Operand::Symbol(label)] = w.operands()? else { return Err(w.error("expected a label")) };
                Ok(Op::Branch { target: self.label(&w, label)? })
            }
            "brx" => {
                w.ignore(&["idx"]);
                let [index, Operand::Symbol(table)] = w.operands()? else {
                    return Err(w.error("expected an index and a table"));
                };
                let index = self.source(&w, index, Type::U32)?;
                let table = self.body.tables.get(table).ok_or_else(|| w.error("no such table"))?;
                let targets: Result<_, _> = table.iter().map(|l| self.label(&w, l)).collect();
                Ok(Op::BranchTable { index, targets: targets? })
            }
            "ret" | "exit" => {
                let [] = w.operands()?;
                Ok(Op::Exit)
            }
            _ => Ok(Op::Trap),
        }
    }

    fn label(&self, w: &Words, name: &str) -> Result<u32, PtxError> {
        let found = self.body.labels.get(name).ok_or_else(|| w.error(format!("no label '{name}'")))?;
        Ok(*found as u32)
    }

    fn compare(&mut self, mut w: Words) -> Result<Op, PtxError> {
        let word = w.take_any(COMPARISONS).ok_or_else(|| w.unknown())?;
        let join = w.take_any(&["and", "or", "xor"]);
        w.ignore(&["ftz"]);
        let ty = w.ty()?;
        let float = ty.kind == Kind::Float && ty.bits >= 32;
        let whole = matches!(ty.kind, Kind::Bits | Kind::Signed | Kind::Unsigned) && ty.bits >= 16;
        let how = comparison(word, float).filter(|_| float || whole).ok_or_else(|| w.unknown())?;
        let (d, a, b, join) = match (w.all_operands()?, join) {
            ([d, a, b], None) => (d, a, b, None),
            ([d, a, b, c], Some(word)) => {
                let logic = match word {
                    "and" => Logic::And,
                    "or" => Logic::Or,
                    _ => Logic::Xor,
                };
                (d, a, b, Some((logic, self.flag(&w, c)?)))
            }
            _ => return Err(w.error("expected 3 operands, or 4 with .and, .or or .xor")),
        };
        let (d, complement) = self.predicates(&w, d)?;
        Ok(Op::Compare {
            how,
            ty,
            d,
            complement,
            a: self.source(&w, a, ty)?,
            b: self.source(&w, b, ty)?,
            join,
        })
    }

    /// `%p1|%p2`: the result and its complement.
    fn predicates(&mut self, w: &Words, operand: &Operand) -> Result<(u16, u16), PtxError> {
        let pred = Type { kind: Kind::Pred, bits: 1 };
        match operand {
            Operand::Pair(d, complement) => Ok((self.target(w, d, pred)?, self.target(w, complement, pred)?)),
            Operand::Register(Register { file: File::Pred, index }) => Ok((*index, self.fresh(File::Pred))),
            other => Err(w.error(format!("expected a predicate, got {other:?}"))),
        }
    }
}
