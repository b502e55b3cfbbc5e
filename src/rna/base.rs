//! The four bases, and `N` for everything that is unknown and therefore pairs with nothing.

/// A nucleotide. `T` reads as `U`, lower case as upper case; IUPAC ambiguity codes read as `N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Base {
    A = 0,
    C = 1,
    G = 2,
    U = 3,
    /// Unknown: any IUPAC ambiguity code. Never pairs.
    N = 4,
}

/// How two bases face each other in an antiparallel duplex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// A-U or G-C.
    WatsonCrick,
    /// G-U.
    Wobble,
    None,
}

/// A byte that is no nucleotide code. `at` is its 0-based place in the sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownBase {
    pub at: usize,
    pub byte: u8,
}

impl Base {
    /// The four that are known, in their order.
    pub const KNOWN: [Base; 4] = [Base::A, Base::C, Base::G, Base::U];

    /// `None` for bytes that are no IUPAC nucleotide code.
    pub fn from_ascii(byte: u8) -> Option<Base> {
        Some(match byte.to_ascii_uppercase() {
            b'A' => Base::A,
            b'C' => Base::C,
            b'G' => Base::G,
            b'U' | b'T' => Base::U,
            b'N' | b'R' | b'Y' | b'S' | b'W' | b'K' | b'M' | b'B' | b'D' | b'H' | b'V' => Base::N,
            _ => return None,
        })
    }

    /// The upper-case RNA letter.
    pub fn letter(self) -> char {
        ['A', 'C', 'G', 'U', 'N'][self as usize]
    }

    /// How `self` pairs with `other`.
    pub const fn pairing(self, other: Base) -> Pairing {
        use Base::*;
        match (self, other) {
            (A, U) | (U, A) | (G, C) | (C, G) => Pairing::WatsonCrick,
            (G, U) | (U, G) => Pairing::Wobble,
            _ => Pairing::None,
        }
    }
}

/// Reads a sequence, 5'->3' as written.
pub fn parse(sequence: &[u8]) -> Result<Vec<Base>, UnknownBase> {
    let base = |(at, &byte)| Base::from_ascii(byte).ok_or(UnknownBase { at, byte });
    sequence.iter().enumerate().map(base).collect()
}

/// Writes a sequence in upper-case RNA letters.
pub fn text(bases: &[Base]) -> String {
    bases.iter().map(|b| b.letter()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dna_and_lower_case_read_as_rna() {
        assert_eq!(text(&parse(b"acgtUn").unwrap()), "ACGUUN");
        assert_eq!(parse(b"AC-"), Err(UnknownBase { at: 2, byte: b'-' }));
    }

    #[test]
    fn pairing_is_symmetric_and_n_never_pairs() {
        use Base::*;
        for a in [A, C, G, U, N] {
            assert_eq!(a.pairing(N), Pairing::None);
            for b in [A, C, G, U, N] {
                assert_eq!(a.pairing(b), b.pairing(a));
            }
        }
        assert_eq!(G.pairing(U), Pairing::Wobble);
        assert_eq!(G.pairing(C), Pairing::WatsonCrick);
    }
}
