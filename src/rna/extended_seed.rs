//! The relaxed gates of miRAW and TargetNet: how many of a miRNA's first nucleotides can pair, in their order, with the
//! stretch of a window in which the seed lies. Watson-Crick and G-U pairs count alike, gaps cost nothing, so this lets most
//! random windows through.
//!
//! Pla et al. 2018, doi:10.1371/journal.pcbi.1006185; Min et al. 2022, doi:10.1093/bioinformatics/btab733. The greatest
//! number of pairs is a longest common subsequence, here over bits of one word (Hyyrö 2004, doi:10.1007/978-3-540-27801-6_30
//! surveys such algorithms).

use super::{Base, Pairing, WindowShape};

/// Bases of a window that are aligned, the last of them opposite nucleotide 2.
const STRETCH: usize = 10;

/// At least `least` of the nucleotides `first` to `last` (1-based, inclusive) can pair in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendedSeed {
    pub first: usize,
    pub last: usize,
    pub least: u32,
}

impl ExtendedSeed {
    /// TargetNet's, and miRAW's `6-1:10`: 6 of nucleotides 1-10.
    pub const TARGETNET: ExtendedSeed = ExtendedSeed { first: 1, last: 10, least: 6 };
    /// miRAW's `7-2:10`: 7 of nucleotides 2-10. miRAW's folding energies are left out.
    pub const MIRAW: ExtendedSeed = ExtendedSeed { first: 2, last: 10, least: 7 };

    /// What `mirna` asks of a window.
    pub(super) fn of(self, mirna: &[Base]) -> Asked {
        let seed = &mirna[self.first - 1..self.last.min(mirna.len())];
        let mut paired = [0; Base::N as usize + 1];
        for base in [Base::A, Base::C, Base::G, Base::U] {
            for (i, nucleotide) in seed.iter().enumerate() {
                let pairs = nucleotide.pairing(base) != Pairing::None;
                paired[base as usize] |= u32::from(pairs) << i;
            }
        }
        Asked { paired, length: seed.len() as u32, least: self.least }
    }
}

/// A rule and the nucleotides of one miRNA.
pub(super) struct Asked {
    /// By site base: a bit for each nucleotide that pairs with it.
    paired: [u32; Base::N as usize + 1],
    length: u32,
    least: u32,
}

impl Asked {
    /// Whether `window`, of this shape, has enough pairs.
    pub fn accepts(&self, window: &[Base], shape: WindowShape) -> bool {
        let end = (shape.anchor + 1).min(window.len());
        self.pairs(&window[end.saturating_sub(STRETCH)..end]) >= self.least
    }

    /// The most nucleotides that pair in order with `stretch`, read from its 3' end.
    fn pairs(&self, stretch: &[Base]) -> u32 {
        let all = (1u32 << self.length) - 1;
        let unpaired = stretch.iter().rev().fold(all, |row, &base| {
            let met = row & self.paired[base as usize];
            (row.wrapping_add(met) | (row - met)) & all
        });
        self.length - unpaired.count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;
    use proptest::prelude::*;

    /// The textbook's table.
    fn slow(seed: &[Base], stretch: &[Base]) -> u32 {
        let site: Vec<Base> = stretch.iter().rev().copied().collect();
        let mut table = vec![vec![0; site.len() + 1]; seed.len() + 1];
        for i in 0..seed.len() {
            for j in 0..site.len() {
                let pair = u32::from(seed[i].pairing(site[j]) != Pairing::None);
                table[i + 1][j + 1] = (table[i][j] + pair).max(table[i][j + 1]).max(table[i + 1][j]);
            }
        }
        table[seed.len()][site.len()]
    }

    #[test]
    fn let_7_fills_its_own_site_and_not_the_parallel_one() {
        let let7 = parse(b"UGAGGUAGUAGGUUGUAUAGUU").unwrap();
        let mut window = vec![Base::C; 40];
        // nucleotides 10 to 1 face 25 to 34, as TargetNet cuts the window: the base opposite nucleotide 2 is its last
        window[25..35].copy_from_slice(&parse(b"CUACUACCUC").unwrap());
        let shape = WindowShape::of(40);
        assert!(ExtendedSeed { least: 9, ..ExtendedSeed::TARGETNET }.of(&let7).accepts(&window, shape));
        assert!(ExtendedSeed { least: 9, ..ExtendedSeed::MIRAW }.of(&let7).accepts(&window, shape));
        window[25..35].copy_from_slice(&parse(b"AAAAAAAAAA").unwrap());
        assert!(!ExtendedSeed::TARGETNET.of(&let7).accepts(&window, shape));
        assert!(!ExtendedSeed::TARGETNET.of(&let7).accepts(&window[..3], shape), "a short end is no error");
    }

    proptest! {
        #[test]
        fn bits_count_as_the_table_does(mirna in "[ACGUN]{8,24}", stretch in "[ACGUN]{0,10}") {
            let (mirna, stretch) = (parse(mirna.as_bytes()).unwrap(), parse(stretch.as_bytes()).unwrap());
            for rule in [ExtendedSeed::TARGETNET, ExtendedSeed::MIRAW] {
                let seed = &mirna[rule.first - 1..rule.last.min(mirna.len())];
                prop_assert_eq!(rule.of(&mirna).pairs(&stretch), slow(seed, &stretch));
            }
        }
    }
}
