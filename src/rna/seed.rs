//! Seed types: which of a miRNA's nucleotides 2-8 pair with a site without a flaw.
//!
//! Bartel 2009, <https://doi.org/10.1016/j.cell.2009.01.002>; Agarwal et al. 2015,
//! <https://doi.org/10.7554/eLife.05005>. Strands are antiparallel: a site's `locus` is the 0-based index
//! of the base opposite miRNA nucleotide 2, and nucleotide `k` faces index `locus + 2 - k`.

use std::fmt;
use std::ops::Range;

use super::{Base, Pairing};

/// How a miRNA's 5' end matches a site, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SeedType {
    /// Nucleotides 2-8 paired, an A opposite nucleotide 1.
    EightMer,
    /// Nucleotides 2-8 paired.
    SevenMerM8,
    /// Nucleotides 2-7 paired, an A opposite nucleotide 1.
    SevenMerA1,
    /// Nucleotides 2-7 paired.
    SixMer,
    /// Nucleotides 2-6 paired, an A opposite nucleotide 1.
    SixMerA1,
    /// Nucleotides 3-9 paired.
    OffsetSevenMer,
    /// Nucleotides 3-8 paired.
    OffsetSixMer,
    /// Everything else.
    NonCanonical,
}

impl SeedType {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            SeedType::EightMer => "8mer",
            SeedType::SevenMerM8 => "7mer-m8",
            SeedType::SevenMerA1 => "7mer-A1",
            SeedType::SixMer => "6mer",
            SeedType::SixMerA1 => "6mer-A1",
            SeedType::OffsetSevenMer => "offset-7mer",
            SeedType::OffsetSixMer => "offset-6mer",
            SeedType::NonCanonical => "non-canonical",
        }
    }

    /// How much a site of this type lowers its mRNA on average, in log2 units: Grimson et al. 2007,
    /// <https://doi.org/10.1016/j.molcel.2007.06.017>, for the three strongest; a 6-mer's effect is marginal.
    pub fn efficacy(self) -> f64 {
        match self {
            SeedType::EightMer => 0.31,
            SeedType::SevenMerM8 => 0.161,
            SeedType::SevenMerA1 => 0.099,
            SeedType::SixMer => 0.03,
            _ => 0.0,
        }
    }

    /// The type of `mirna`'s match on `transcript` with nucleotide 2 opposite `locus`, which may lie one
    /// past the end (an offset seed at the very end of a transcript).
    pub fn at(mirna: &[Base], transcript: &[Base], locus: usize) -> SeedType {
        let paired = |nucleotides: Range<usize>| {
            nucleotides.into_iter().all(|k| is_paired(mirna, transcript, locus, k))
        };
        match () {
            _ if paired(2..8) => Self::of_seed(mirna, transcript, locus),
            _ if has_a1(transcript, locus) && paired(2..7) => SeedType::SixMerA1,
            _ if paired(3..10) => SeedType::OffsetSevenMer,
            _ if paired(3..9) => SeedType::OffsetSixMer,
            _ => SeedType::NonCanonical,
        }
    }

    /// [`SeedType::at`] where nucleotides 2-7 are known to be paired.
    pub(super) fn of_seed(mirna: &[Base], transcript: &[Base], locus: usize) -> SeedType {
        match (is_paired(mirna, transcript, locus, 8), has_a1(transcript, locus)) {
            (true, true) => SeedType::EightMer,
            (true, false) => SeedType::SevenMerM8,
            (false, true) => SeedType::SevenMerA1,
            (false, false) => SeedType::SixMer,
        }
    }
}

/// Whether an A lies opposite nucleotide 1.
fn has_a1(transcript: &[Base], locus: usize) -> bool {
    transcript.get(locus + 1) == Some(&Base::A)
}

impl fmt::Display for SeedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The strongest seed match inside `window` of `transcript`, the most upstream of equals: its locus and type.
/// `None` where nothing but non-canonical pairing is there.
pub(super) fn strongest(
    mirna: &[Base],
    transcript: &[Base],
    window: Range<usize>,
) -> Option<(usize, SeedType)> {
    let inside = &transcript[..window.end];
    // The base opposite nucleotide 8 must be in the window, so the locus is at least six further on.
    let loci = window.start + 6..window.end + 1;
    let typed = loci.map(|locus| (SeedType::at(mirna, inside, locus), locus));
    let (seed, locus) = typed.min()?;
    (seed != SeedType::NonCanonical).then_some((locus, seed))
}

fn is_paired(mirna: &[Base], transcript: &[Base], locus: usize, k: usize) -> bool {
    let facing = (locus + 2).checked_sub(k).and_then(|i| transcript.get(i));
    match (mirna.get(k - 1), facing) {
        (Some(base), Some(facing)) => base.pairing(*facing) == Pairing::WatsonCrick,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    const LET7: &[u8] = b"UGAGGUAGUAGGUUGUAUAGUU";

    /// The type of let-7a with nucleotide 2 opposite the last C of the eight bases after `GG`.
    fn typed(eight: &str) -> &'static str {
        let transcript = parse(format!("GG{eight}GG").as_bytes()).unwrap();
        SeedType::at(&parse(LET7).unwrap(), &transcript, 8).name()
    }

    #[test]
    fn let7_pairs_with_cuaccuca_and_not_with_the_parallel_complement() {
        assert_eq!(typed("CUACCUCA"), "8mer");
        // ACUCCAUC is GAGGUAGU's complement read in the wrong direction.
        let parallel = parse(b"GGGGACUCCAUCAUGGGG").unwrap();
        assert_eq!(strongest(&parse(LET7).unwrap(), &parallel, 0..18), None);
    }

    #[test]
    fn every_type_by_hand() {
        assert_eq!(typed("CUACCUCG"), "7mer-m8");
        assert_eq!(typed("GUACCUCA"), "7mer-A1");
        assert_eq!(typed("GUACCUCG"), "6mer");
        assert_eq!(typed("GGACCUCA"), "6mer-A1");
        assert_eq!(typed("CUACCUGG"), "offset-6mer");
        assert_eq!(typed("CUACCUUA"), "offset-6mer", "a wobble at nucleotide 2 is no seed pair");
        assert_eq!(typed("CUACGUCA"), "non-canonical");
        assert_eq!(typed("NUACCNCA"), "non-canonical");
        let offset7 = parse(b"GACUACCUGG").unwrap();
        assert_eq!(SeedType::at(&parse(LET7).unwrap(), &offset7, 8).name(), "offset-7mer");
    }

    #[test]
    fn the_ends_of_a_transcript_are_no_matches() {
        let let7 = parse(LET7).unwrap();
        assert_eq!(SeedType::at(&let7, &parse(b"CUACCUC").unwrap(), 6), SeedType::SevenMerM8);
        assert_eq!(SeedType::at(&let7, &parse(b"UACCUCA").unwrap(), 5), SeedType::SevenMerA1);
        assert_eq!(SeedType::at(&let7, &parse(b"CUACCU").unwrap(), 6), SeedType::OffsetSixMer);
        assert_eq!(SeedType::at(&let7, &[], 0), SeedType::NonCanonical);
        let at_end = parse(b"GGGGCUACCU").unwrap();
        assert_eq!(strongest(&let7, &at_end, 0..10), Some((10, SeedType::OffsetSixMer)));
        assert_eq!(strongest(&let7, &at_end, 0..9), None);
    }
}
