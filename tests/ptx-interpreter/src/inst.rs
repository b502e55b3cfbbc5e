//! A decoded instruction: what to do, on which registers. Immediates, `%tid.x` and its kin and the addresses of symbols
//! are registers too, filled before a block starts, so that an instruction never asks what sort of operand it has.

use crate::kinds::{
    Address, AtomicOp, BarrierReduction, Comparison, CountOp, Flag, FloatOp, FloatUnaryOp, IntOp, IntUnaryOp,
    Logic, Product, R, Round, ShiftOp, ShuffleOp, VoteOp, Width,
};
use crate::types::{Register, Type};

#[derive(Clone, Debug)]
pub enum Op {
    Nothing,
    Integer {
        op: IntOp,
        width: Width,
        d: R,
        a: R,
        b: R,
    },
    Shift {
        op: ShiftOp,
        width: Width,
        d: R,
        a: R,
        by: R,
    },
    IntegerUnary {
        op: IntUnaryOp,
        width: Width,
        d: R,
        a: R,
    },
    Count {
        op: CountOp,
        width: Width,
        d: R,
        a: R,
    },
    MulAdd {
        hi: bool,
        signed: bool,
        width: Width,
        d: R,
        a: R,
        b: R,
        c: R,
    },
    /// 16 by 16 to 32 bits (`W16`), 32 by 32 to 64 bits (`W32`), plus `c`.
    MulWide {
        signed: bool,
        width: Width,
        d: R,
        a: R,
        b: R,
        c: R,
    },
    FieldInsert {
        width: Width,
        d: R,
        a: R,
        b: R,
        at: R,
        len: R,
    },
    FieldExtract {
        signed: bool,
        width: Width,
        d: R,
        a: R,
        at: R,
        len: R,
    },
    Lop3 {
        table: u8,
        d: R,
        a: R,
        b: R,
        c: R,
    },
    Permute {
        d: R,
        a: R,
        b: R,
        selector: R,
    },
    Funnel {
        left: bool,
        wrap: bool,
        d: R,
        lo: R,
        hi: R,
        by: R,
    },
    Float {
        op: FloatOp,
        round: Round,
        d: R,
        a: R,
        b: R,
    },
    Double {
        op: FloatOp,
        d: R,
        a: R,
        b: R,
    },
    FloatFused {
        round: Round,
        d: R,
        a: R,
        b: R,
        c: R,
    },
    DoubleFused {
        d: R,
        a: R,
        b: R,
        c: R,
    },
    /// `flush`: subnormal operands and results are zero.
    FloatUnary {
        op: FloatUnaryOp,
        flush: bool,
        d: R,
        a: R,
    },
    DoubleUnary {
        op: FloatUnaryOp,
        d: R,
        a: R,
    },
    Compare {
        how: Comparison,
        ty: Type,
        d: R,
        complement: R,
        a: R,
        b: R,
        join: Option<(Logic, Flag)>,
    },
    Select {
        wide: bool,
        d: R,
        a: R,
        b: R,
        by: Flag,
    },
    PredLogic {
        op: Logic,
        d: R,
        a: Flag,
        b: Flag,
    },
    Move {
        wide: bool,
        d: R,
        a: R,
    },
    /// `mov.b64 %rd, {%r1, %r2}`: parts of `bits` each, lowest first.
    Pack {
        bits: u32,
        d: Register,
        parts: Vec<Register>,
    },
    Unpack {
        bits: u32,
        parts: Vec<Register>,
        a: Register,
    },
    Convert {
        from: Type,
        to: Type,
        round: Round,
        whole: bool,
        saturate: bool,
        d: Register,
        a: Register,
    },
    /// `cvt.rn.bf16x2.f32 d, hi, lo`.
    PackBrain {
        relu: bool,
        d: R,
        hi: R,
        lo: R,
    },
    Load {
        ty: Type,
        relaxed: bool,
        from: Address,
        n: u8,
        to: [Register; 4],
    },
    Store {
        ty: Type,
        relaxed: bool,
        to: Address,
        n: u8,
        from: [Register; 4],
    },
    Atomic {
        op: AtomicOp,
        ty: Type,
        at: Address,
        d: Option<R>,
        a: R,
        b: R,
    },
    CopyAsync {
        bytes: u32,
        to: Address,
        from: Address,
        valid: R,
    },
    CopyCommit,
    /// `None`: wait for all, committed or not.
    CopyWait {
        newest: Option<u32>,
    },
    Branch {
        target: u32,
    },
    BranchTable {
        index: R,
        targets: Vec<u32>,
    },
    Exit,
    Trap,
    ActiveMask {
        d: R,
    },
    WarpBarrier {
        mask: R,
    },
    Shuffle {
        op: ShuffleOp,
        d: R,
        valid: Option<R>,
        a: R,
        b: R,
        c: R,
        mask: R,
    },
    Vote {
        op: VoteOp,
        d: R,
        a: Flag,
        mask: R,
    },
    Match {
        all: bool,
        wide: bool,
        d: R,
        valid: Option<R>,
        a: R,
        mask: R,
    },
    Reduce {
        op: IntOp,
        d: R,
        a: R,
        mask: R,
    },
    MatrixMultiply {
        product: Product,
        d: [R; 4],
        a: [R; 4],
        b: [R; 2],
        c: [R; 4],
    },
    LoadMatrix {
        transposed: bool,
        n: u8,
        to: [R; 4],
        from: Address,
    },
    Barrier {
        id: R,
        threads: Option<R>,
        named: bool,
        reduce: Option<(BarrierReduction, Flag)>,
    },
}

#[derive(Clone, Debug)]
pub struct Instruction {
    pub guard: Flag,
    pub op: Op,
    /// Which statement of the kernel it is, for messages.
    pub statement: u32,
}
