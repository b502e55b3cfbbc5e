//! PTX's scalar types and registers.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pred,
    Bits,
    Unsigned,
    Signed,
    Float,
    /// bfloat16, alone (16 bits) or as a pair (32 bits).
    Brain,
    /// An f32 rounded to 10 bits of fraction.
    Tensor32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Type {
    pub kind: Kind,
    pub bits: u32,
}

impl Type {
    pub const B32: Type = Type { kind: Kind::Bits, bits: 32 };
    pub const B64: Type = Type { kind: Kind::Bits, bits: 64 };
    pub const U32: Type = Type { kind: Kind::Unsigned, bits: 32 };

    /// `name` without its dot; `None` where it is no type.
    pub fn parse(name: &str) -> Option<Type> {
        let kind = match name {
            "pred" => return Some(Type { kind: Kind::Pred, bits: 1 }),
            "bf16" => return Some(Type { kind: Kind::Brain, bits: 16 }),
            "bf16x2" => return Some(Type { kind: Kind::Brain, bits: 32 }),
            "tf32" => return Some(Type { kind: Kind::Tensor32, bits: 32 }),
            _ => match name.as_bytes().first()? {
                b'b' => Kind::Bits,
                b'u' => Kind::Unsigned,
                b's' => Kind::Signed,
                b'f' => Kind::Float,
                _ => return None,
            },
        };
        let bits = name[1..].parse().ok().filter(|b| matches!(b, 8 | 16 | 32 | 64))?;
        Some(Type { kind, bits })
    }

    pub fn bytes(self) -> usize {
        self.bits as usize / 8
    }

    pub fn signed(self) -> bool {
        self.kind == Kind::Signed
    }
}

/// Which of a warp's three files holds a register: 8, 16 and 32 bits share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    Pred,
    Low,
    Wide,
}

impl File {
    pub fn of(ty: Type) -> File {
        match ty {
            Type { kind: Kind::Pred, .. } => File::Pred,
            Type { bits: 64, .. } => File::Wide,
            _ => File::Low,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    pub file: File,
    pub index: u16,
}
