//! The small choices within instructions: which operation, how rounded, which memory.

use crate::types::Register;

/// Index into the file that the instruction implies.
pub type R = u16;

/// A predicate, perhaps negated.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    pub index: R,
    pub negated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    W16,
    W32,
    W64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntOp {
    Add,
    Sub,
    MulLo,
    MulHiS,
    MulHiU,
    DivS,
    DivU,
    RemS,
    RemU,
    MinS,
    MinU,
    MaxS,
    MaxU,
    And,
    Or,
    Xor,
}

#[derive(Clone, Copy, Debug)]
pub enum ShiftOp {
    Left,
    RightS,
    RightU,
}

#[derive(Clone, Copy, Debug)]
pub enum IntUnaryOp {
    Not,
    Neg,
    Abs,
    Reverse,
}

/// Operations whose result has 32 bits whatever the operand has.
#[derive(Clone, Copy, Debug)]
pub enum CountOp {
    Ones,
    LeadingZeros,
    /// `bfind`: the highest bit that differs from the sign; `shift` counts from the top.
    Find {
        signed: bool,
        shift: bool,
    },
}

#[derive(Clone, Copy, Debug)]
pub enum FloatOp {
    Add,
    Sub,
    Mul,
    Div,
    Min,
    Max,
    /// `min.NaN` and `max.NaN` give NaN where one operand is.
    MinNan,
    MaxNan,
    CopySign,
}

#[derive(Clone, Copy, Debug)]
pub enum FloatUnaryOp {
    Neg,
    Abs,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Exp2,
    Log2,
    Sin,
    Cos,
    Tanh,
}

/// Rounding of floats (`Nearest` to `Up`), and to whole numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    Nearest,
    NearestAway,
    Zero,
    Down,
    Up,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    /// The unordered forms: true where an operand is NaN.
    Equ,
    Neu,
    Ltu,
    Leu,
    Gtu,
    Geu,
    Num,
    Nan,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Logic {
    And,
    Or,
    Xor,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    Generic,
    Global,
    Shared,
    Local,
    Param,
}

/// `[base + offset]` in a space.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    pub space: Space,
    pub base: Register,
    pub offset: i64,
}

#[derive(Clone, Copy, Debug)]
pub enum AtomicOp {
    Integer(IntOp),
    FloatAdd,
    Exchange,
    CompareAndSwap,
    /// Counts up to the operand, then from 0.
    Increment,
    Decrement,
}

#[derive(Clone, Copy, Debug)]
pub enum ShuffleOp {
    Up,
    Down,
    Butterfly,
    Index,
}

#[derive(Clone, Copy, Debug)]
pub enum VoteOp {
    Any,
    All,
    Uniform,
    Ballot,
}

#[derive(Clone, Copy, Debug)]
pub enum Product {
    /// m16n8k8, tf32.
    Tf32,
    /// m16n8k16, bf16.
    Brain,
}

#[derive(Clone, Copy, Debug)]
pub enum BarrierReduction {
    Count(R),
    Logic(Logic, R),
}
