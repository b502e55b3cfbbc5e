//! Statements to instructions. What is not known is an error that names its line, never a guess.

mod arithmetic;
mod control;
mod convert;
mod memory;
mod warp;
mod words;

use crate::fault::PtxError;
use crate::inst::{Instruction, Op};
use crate::kinds::{Flag, R};
use crate::parse::{Body, Operand, Statement};
use crate::types::{File, Kind, Register, Type};
use std::collections::HashMap;
use words::Words;

/// What `%name` stands for: a value that is the same for the launch, the block or the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Special {
    /// Thread in the block, block's extent, block in the grid, grid's extent; by axis.
    Thread(usize),
    Threads(usize),
    Block(usize),
    Blocks(usize),
    Lane,
    Warp,
    Warps,
    WarpSize,
    /// Lanes that compare so with this one: `eq lt le gt ge`.
    LaneMask(&'static str),
    DynamicShared,
}

impl Special {
    fn parse(name: &str) -> Option<Special> {
        let axis = |name: &str| ["x", "y", "z"].iter().position(|a| *a == name);
        if let Some((vector, component)) = name.split_once('.') {
            let axis = axis(component)?;
            return Some(match vector {
                "tid" => Special::Thread(axis),
                "ntid" => Special::Threads(axis),
                "ctaid" => Special::Block(axis),
                "nctaid" => Special::Blocks(axis),
                _ => return None,
            });
        }
        if let Some(order) = name.strip_prefix("lanemask_") {
            return ["eq", "lt", "le", "gt", "ge"].into_iter().find(|o| *o == order).map(Special::LaneMask);
        }
        Some(match name {
            "laneid" => Special::Lane,
            "warpid" => Special::Warp,
            "nwarpid" => Special::Warps,
            "dynamic_smem_size" => Special::DynamicShared,
            _ => return None,
        })
    }
}

/// Instructions and what their constant registers hold.
#[derive(Debug, Default)]
pub struct Code {
    pub instructions: Vec<Instruction>,
    /// Sizes of the three files.
    pub registers: [usize; 3],
    pub low: Vec<(R, u32)>,
    pub wide: Vec<(R, u64)>,
    pub specials: Vec<(R, Special)>,
    /// The predicate that is always true.
    pub always: R,
}

pub(super) struct Decoder<'a> {
    body: &'a Body,
    /// Addresses of variables, arrays and parameters, each in its space.
    symbols: &'a HashMap<String, u64>,
    code: Code,
    low: HashMap<u32, R>,
    wide: HashMap<u64, R>,
    specials: HashMap<Special, R>,
}

/// Decodes a kernel's body; `symbols` are the addresses of all that it may name.
pub fn decode(body: &Body, symbols: &HashMap<String, u64>) -> Result<Code, PtxError> {
    let mut decoder = Decoder {
        body,
        symbols,
        code: Code { registers: body.registers.map(usize::from), ..Code::default() },
        low: HashMap::new(),
        wide: HashMap::new(),
        specials: HashMap::new(),
    };
    decoder.code.always = decoder.fresh(File::Pred);
    for (i, statement) in body.statements.iter().enumerate() {
        let op = decoder.statement(statement)?;
        let guard = match statement.guard {
            Some((r, negated)) => Flag { index: r.index, negated },
            None => Flag { index: decoder.code.always, negated: false },
        };
        decoder.code.instructions.push(Instruction { guard, op, statement: i as u32 });
    }
    // A label may stand after the last statement: falling off the end is a return.
    let guard = Flag { index: decoder.code.always, negated: false };
    let statement = body.statements.len().saturating_sub(1) as u32;
    decoder.code.instructions.push(Instruction { guard, op: Op::Exit, statement });
    Ok(decoder.code)
}

impl Decoder<'_> {
    fn statement(&mut self, s: &Statement) -> Result<Op, PtxError> {
        let w = Words::new(s);
        match w.root {
            "mov" => self.mov(w),
            "cvt" => self.convert(w),
            "cvta" => self.convert_address(w),
            "ld" | "ldu" => self.load(w),
            "st" => self.store(w),
            "atom" | "red" => self.atomic(w),
            "cp" => self.copy_async(w),
            "membar" | "fence" | "prefetch" | "prefetchu" | "nanosleep" | "discard" | "applypriority" => {
                Ok(Op::Nothing)
            }
            "bra" | "brx" | "ret" | "exit" | "trap" | "brkpt" | "setp" | "selp" => self.control(w),
            "shfl" | "vote" | "match" | "redux" | "activemask" | "mma" | "ldmatrix" | "bar" | "barrier" => {
                self.warp(w)
            }
            _ => self.arithmetic(w),
        }
    }

    fn fresh(&mut self, file: File) -> R {
        let n = &mut self.code.registers[file as usize];
        *n += 1;
        u16::try_from(*n - 1).expect("a kernel has fewer than 65,536 registers")
    }

    fn low_constant(&mut self, value: u32) -> Register {
        let index = match self.low.get(&value) {
            Some(found) => *found,
            None => {
                let fresh = self.fresh(File::Low);
                self.low.insert(value, fresh);
                self.code.low.push((fresh, value));
                fresh
            }
        };
        Register { file: File::Low, index }
    }

    fn wide_constant(&mut self, value: u64) -> Register {
        let index = match self.wide.get(&value) {
            Some(found) => *found,
            None => {
                let fresh = self.fresh(File::Wide);
                self.wide.insert(value, fresh);
                self.code.wide.push((fresh, value));
                fresh
            }
        };
        Register { file: File::Wide, index }
    }

    fn constant(&mut self, value: u64, ty: Type) -> Register {
        if File::of(ty) == File::Wide { self.wide_constant(value) } else { self.low_constant(value as u32) }
    }

    fn special(&mut self, w: &Words, name: &str) -> Result<Register, PtxError> {
        let special = if name == "WARP_SZ" { Some(Special::WarpSize) } else { Special::parse(name) };
        let special = special.ok_or_else(|| {
            w.error(format!("%{name} is neither declared nor a special register that is interpreted"))
        })?;
        let index = match self.specials.get(&special) {
            Some(found) => *found,
            None => {
                let fresh = self.fresh(File::Low);
                self.specials.insert(special, fresh);
                self.code.specials.push((fresh, special));
                fresh
            }
        };
        Ok(Register { file: File::Low, index })
    }

    fn symbol(&self, w: &Words, name: &str) -> Result<u64, PtxError> {
        let found = self.symbols.get(name).copied();
        found.ok_or_else(|| w.error(format!("'{name}' is no variable, array or parameter")))
    }

    /// A source operand of exactly this type's file.
    fn source(&mut self, w: &Words, operand: &Operand, ty: Type) -> Result<R, PtxError> {
        let register = self.any_source(w, operand, ty)?;
        if register.file != File::of(ty) {
            return Err(w.error(format!("expected an operand of {} bits, got {operand:?}", ty.bits)));
        }
        Ok(register.index)
    }

    /// A source operand; a register may be of another size than the type, as `ld`, `st` and `cvt` allow.
    fn any_source(&mut self, w: &Words, operand: &Operand, ty: Type) -> Result<Register, PtxError> {
        let float = ty.kind == Kind::Float;
        Ok(match operand {
            Operand::Register(r) => *r,
            Operand::Integer(x) if !float => self.constant(*x, ty),
            Operand::Float(bits) if ty.bits == 32 => self.low_constant(*bits),
            Operand::Double(bits) if ty.bits == 64 => self.wide_constant(*bits),
            Operand::Decimal(x) if float && ty.bits == 32 => self.low_constant((*x as f32).to_bits()),
            Operand::Decimal(x) if float && ty.bits == 64 => self.wide_constant(x.to_bits()),
            Operand::Special(name) => self.special(w, name)?,
            Operand::Symbol(name) if name == "WARP_SZ" => self.special(w, name)?,
            Operand::Symbol(name) => {
                let address = self.symbol(w, name)?;
                self.constant(address, ty)
            }
            other => return Err(w.error(format!("{other:?} is no operand here"))),
        })
    }

    /// A predicate operand, negated or not, or the constants 0 and 1.
    fn flag(&mut self, w: &Words, operand: &Operand) -> Result<Flag, PtxError> {
        match operand {
            Operand::Register(Register { file: File::Pred, index }) => {
                Ok(Flag { index: *index, negated: false })
            }
            Operand::Not(Register { file: File::Pred, index }) => Ok(Flag { index: *index, negated: true }),
            Operand::Integer(x) => Ok(Flag { index: self.code.always, negated: x & 1 == 0 }),
            other => Err(w.error(format!("expected a predicate, got {other:?}"))),
        }
    }

    /// A destination of exactly this type's file; `_` gets a register that nobody reads.
    fn target(&mut self, w: &Words, operand: &Operand, ty: Type) -> Result<R, PtxError> {
        let register = self.any_target(w, operand, ty)?;
        if register.file != File::of(ty) {
            return Err(w.error(format!("expected a result of {} bits, got {operand:?}", ty.bits)));
        }
        Ok(register.index)
    }

    fn any_target(&mut self, w: &Words, operand: &Operand, ty: Type) -> Result<Register, PtxError> {
        match operand {
            Operand::Register(r) => Ok(*r),
            Operand::Sink => Ok(Register { file: File::of(ty), index: self.fresh(File::of(ty)) }),
            other => Err(w.error(format!("expected a register, got {other:?}"))),
        }
    }
}
