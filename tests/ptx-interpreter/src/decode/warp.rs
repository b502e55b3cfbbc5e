//! What the lanes of a warp, or the warps of a block, do together.

use super::{Decoder, Words};
use crate::fault::PtxError;
use crate::inst::Op;
use crate::kinds::{BarrierReduction, Flag, IntOp, Logic, Product, R, ShuffleOp, Space, VoteOp};
use crate::parse::Operand;
use crate::types::{File, Kind, Register, Type};

const PRED: Type = Type { kind: Kind::Pred, bits: 1 };

impl Decoder<'_> {
    pub(super) fn warp(&mut self, mut w: Words) -> Result<Op, PtxError> {
        if w.take("warp") {
            w.ignore(&["sync"]);
            let [mask] = w.operands()?;
            return Ok(Op::WarpBarrier { mask: self.source(&w, mask, Type::B32)? });
        }
        match w.root {
            "bar" | "barrier" => self.barrier(w),
            "activemask" => {
                let ty = w.ty()?;
                let [d] = w.operands()?;
                Ok(Op::ActiveMask { d: self.target(&w, d, ty)? })
            }
            _ if !w.has("sync") => Err(w.error("only the .sync form is interpreted")),
            "shfl" => self.shuffle(w),
            "vote" => self.vote(w),
            "match" => self.matching(w),
            "redux" => self.reduce(w),
            "mma" => self.matrix_multiply(w),
            _ => self.load_matrix(w),
        }
    }

    /// `d|valid`.
    fn result(&mut self, w: &Words, operand: &Operand, ty: Type) -> Result<(R, Option<R>), PtxError> {
        match operand {
            Operand::Pair(d, valid) => Ok((self.target(w, d, ty)?, Some(self.target(w, valid, PRED)?))),
            d => Ok((self.target(w, d, ty)?, None)),
        }
    }

    fn shuffle(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        let op = match w.take_any(&["up", "down", "bfly", "idx"]) {
            Some("up") => ShuffleOp::Up,
            Some("down") => ShuffleOp::Down,
            Some("bfly") => ShuffleOp::Butterfly,
            Some(_) => ShuffleOp::Index,
            None => return Err(w.unknown()),
        };
        let ty = w.ty()?;
        let [d, a, b, c, mask] = w.operands()?;
        let (d, valid) = self.result(&w, d, ty)?;
        let [a, b, c, mask] = [
            self.source(&w, a, ty)?,
            self.source(&w, b, Type::U32)?,
            self.source(&w, c, Type::U32)?,
            self.source(&w, mask, Type::B32)?,
        ];
        Ok(Op::Shuffle { op, d, valid, a, b, c, mask })
    }

    fn vote(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        let op = match w.take_any(&["any", "all", "uni", "ballot"]) {
            Some("any") => VoteOp::Any,
            Some("all") => VoteOp::All,
            Some("uni") => VoteOp::Uniform,
            Some(_) => VoteOp::Ballot,
            None => return Err(w.unknown()),
        };
        let ty = w.ty()?;
        let [d, a, mask] = w.operands()?;
        let (d, a, mask) = (self.target(&w, d, ty)?, self.flag(&w, a)?, self.source(&w, mask, Type::B32)?);
        Ok(Op::Vote { op, d, a, mask })
    }

    fn matching(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        let all = w.take("all");
        w.ignore(&["any"]);
        let ty = w.ty()?;
        let [d, a, mask] = w.operands()?;
        let (d, valid) = self.result(&w, d, Type::B32)?;
        let (a, mask) = (self.source(&w, a, ty)?, self.source(&w, mask, Type::B32)?);
        Ok(Op::Match { all, wide: ty.bits == 64, d, valid, a, mask })
    }

    fn reduce(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        let word = w.take_any(&["add", "min", "max", "and", "or", "xor"]);
        let ty = w.ty()?;
        let op = match (word, ty.signed()) {
            (Some("add"), _) => IntOp::Add,
            (Some("min"), true) => IntOp::MinS,
            (Some("min"), false) => IntOp::MinU,
            (Some("max"), true) => IntOp::MaxS,
            (Some("max"), false) => IntOp::MaxU,
            (Some("and"), _) => IntOp::And,
            (Some("or"), _) => IntOp::Or,
            (Some("xor"), _) => IntOp::Xor,
            _ => return Err(w.unknown()),
        };
        let [d, a, mask] = w.operands()?;
        let (d, a, mask) =
            (self.target(&w, d, ty)?, self.source(&w, a, ty)?, self.source(&w, mask, Type::B32)?);
        Ok(Op::Reduce { op, d, a, mask })
    }

    fn matrix_multiply(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        let shape = w.take_any(&["m16n8k8", "m16n8k16"]);
        w.ignore(&["aligned", "row", "col"]);
        let types = [w.ty()?, w.ty()?, w.ty()?, w.ty()?];
        let single = Type { kind: Kind::Float, bits: 32 };
        let product = match (shape, types[1].kind, types[1].bits) {
            (Some("m16n8k8"), Kind::Tensor32, _) => Product::Tf32,
            (Some("m16n8k16"), Kind::Brain, 16) => Product::Brain,
            _ => return Err(w.unknown()),
        };
        if types[1] != types[2] || types[0] != single || types[3] != single {
            return Err(w.unknown());
        }
        let [d, a, b, c] = w.operands()?;
        Ok(Op::MatrixMultiply {
            product,
            d: self.fragment(&w, d, true)?,
            a: self.fragment(&w, a, false)?,
            b: self.fragment(&w, b, false)?,
            c: self.fragment(&w, c, false)?,
        })
    }

    fn fragment<const N: usize>(
        &mut self,
        w: &Words,
        operand: &Operand,
        result: bool,
    ) -> Result<[R; N], PtxError> {
        let Operand::List(list) = operand else {
            return Err(w.error(format!("expected {N} registers in braces")));
        };
        let registers: Result<Vec<R>, _> = list
            .iter()
            .map(|o| if result { self.target(w, o, Type::B32) } else { self.source_bits(w, o) })
            .collect();
        registers?.try_into().map_err(|_| w.error(format!("expected {N} registers in braces")))
    }

    /// 32 bits of any type, as fragments are.
    fn source_bits(&mut self, w: &Words, operand: &Operand) -> Result<R, PtxError> {
        self.source(w, operand, Type::B32)
    }

    fn load_matrix(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.take("sync");
        w.ignore(&["aligned", "m8n8", "shared", "shared::cta", "b16"]);
        let transposed = w.take("trans");
        let n = match w.take_any(&["x1", "x2", "x4"]) {
            Some("x1") => 1,
            Some("x2") => 2,
            Some(_) => 4,
            None => return Err(w.unknown()),
        };
        let [to, from] = w.operands()?;
        let list = match to {
            Operand::List(list) => list.as_slice(),
            single => std::slice::from_ref(single),
        };
        if list.len() != n {
            return Err(w.error(format!("expected {n} registers")));
        }
        let mut registers = [0; 4];
        for (slot, operand) in registers.iter_mut().zip(list) {
            *slot = self.target(&w, operand, Type::B32)?;
        }
        Ok(Op::LoadMatrix {
            transposed,
            n: n as u8,
            to: registers,
            from: self.address(&w, from, Space::Shared)?,
        })
    }

    /// `bar.sync id {, threads}`, `bar.red.popc.u32 d, id {, threads}, p` and the same as `barrier.cta.*`.
    fn barrier(&mut self, mut w: Words) -> Result<Op, PtxError> {
        w.ignore(&["cta", "aligned"]);
        if w.take("sync") {
            let (id, threads) = match w.all_operands()? {
                [id] => (id, None),
                [id, threads] => (id, Some(threads)),
                _ => return Err(w.error("expected a barrier and perhaps a number of threads")),
            };
            return self.barrier_op(&w, id, threads, None);
        }
        if !w.take("red") {
            return Err(w.unknown());
        }
        let logic = w.take_any(&["popc", "and", "or"]);
        let ty = w.ty()?;
        let (d, id, threads, p) = match w.all_operands()? {
            [d, id, p] => (d, id, None, p),
            [d, id, threads, p] => (d, id, Some(threads), p),
            _ => return Err(w.error("expected 3 or 4 operands")),
        };
        let d = self.target(&w, d, ty)?;
        let reduction = match logic {
            Some("popc") => BarrierReduction::Count(d),
            Some("and") => BarrierReduction::Logic(Logic::And, d),
            Some("or") => BarrierReduction::Logic(Logic::Or, d),
            _ => return Err(w.unknown()),
        };
        let p = self.flag(&w, p)?;
        self.barrier_op(&w, id, threads, Some((reduction, p)))
    }

    fn barrier_op(
        &mut self,
        w: &Words,
        id: &Operand,
        threads: Option<&Operand>,
        reduce: Option<(BarrierReduction, Flag)>,
    ) -> Result<Op, PtxError> {
        let named = threads.is_some() || !matches!(id, Operand::Integer(0));
        let id = self.source(w, id, Type::U32)?;
        let threads = match threads {
            Some(Operand::Register(Register { file: File::Low, index })) => Some(*index),
            Some(other) => Some(self.source(w, other, Type::U32)?),
            None => None,
        };
        Ok(Op::Barrier { id, threads, named, reduce })
    }
}
