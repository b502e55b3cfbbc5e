//! The canonical seed match of a miRNA in a site, for balancing, planting and the seed-rule baseline.
//!
//! The match is the reverse complement of miRNA nucleotides 2-7 (Bartel 2009, doi:10.1016/j.cell.2009.01.002); it grows
//! upstream to nucleotide 8 (`m8`) and downstream to an A opposite nucleotide 1 (`A1`).

use crate::rna::{Base, Pairing};

/// 0-based start of the first 6-mer seed match (miRNA nucleotides 2-7) in `site`.
pub fn seed_match_start(mirna: &[Base], site: &[Base]) -> Option<usize> {
    let seed = mirna.get(1..7)?;
    site.windows(6).position(|window| pairs_throughout(seed, window))
}

/// The best canonical match anywhere in `site`: 8mer 4, 7mer-m8 3, 7mer-A1 2, 6mer 1, none 0.
pub fn seed_score(mirna: &[Base], site: &[Base]) -> f32 {
    let Some(seed) = mirna.get(1..7) else { return 0.0 };
    let score = |(at, window): (usize, &[Base])| {
        if !pairs_throughout(seed, window) {
            return 0.0;
        }
        let upstream = at.checked_sub(1).map(|i| site[i]);
        let m8 = mirna.get(7).zip(upstream).is_some_and(|(&m, s)| m.pairing(s) == Pairing::WatsonCrick);
        let a1 = site.get(at + 6) == Some(&Base::A);
        1.0 + if m8 { 2.0 } else { 0.0 } + if a1 { 1.0 } else { 0.0 }
    };
    site.windows(6).enumerate().map(score).fold(0.0, f32::max)
}

/// Whether `mirna` and `site`, both 5'->3', pair Watson-Crick against each other along their whole length.
fn pairs_throughout(mirna: &[Base], site: &[Base]) -> bool {
    mirna.iter().zip(site.iter().rev()).all(|(m, &s)| m.pairing(s) == Pairing::WatsonCrick)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    /// let-7a pairs with ...CUACCUCA..., read against it.
    #[test]
    fn let_7_pairs_antiparallel() {
        let let7 = parse(b"UGAGGUAGUAGGUUGUAUAGUU").unwrap();
        let score = |site: &[u8]| seed_score(&let7, &parse(site).unwrap());
        assert_eq!(score(b"GGCUACCUCAGG"), 4.0);
        assert_eq!(score(b"GGCUACCUCGGG"), 3.0);
        assert_eq!(score(b"GGGUACCUCAGG"), 2.0);
        assert_eq!(score(b"UACCUC"), 1.0);
        assert_eq!(score(b"GGACUCCAUCGG"), 0.0, "the parallel complement is no match");
        assert_eq!(score(b"GAGGUAGG"), 0.0, "the seed itself is no match");
        assert_eq!(score(b"CUACNUCA"), 0.0);
        assert_eq!(score(b"UACCUCGGGCUACCUCA"), 4.0, "the best counts, not the first");
        assert_eq!(seed_match_start(&let7, &parse(b"GGCUACCUCAGG").unwrap()), Some(3));
        assert_eq!(seed_match_start(&let7[..6], &let7), None);
    }
}
