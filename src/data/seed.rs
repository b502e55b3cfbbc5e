//! The canonical seed match of a miRNA in a site, for balancing, planting and the seed-rule baseline.

use crate::rna::{Base, SeedType};

/// 0-based start of the first 6-mer seed match (the reverse complement of miRNA nucleotides 2-7) in `site`.
pub fn seed_match_start(mirna: &[Base], site: &[Base]) -> Option<usize> {
    let locus = (5..site.len()).find(|&locus| SeedType::at(mirna, site, locus) <= SeedType::SixMer)?;
    Some(locus - 5)
}

/// The best canonical match anywhere in `site`: 8mer 4, 7mer-m8 3, 7mer-A1 2, 6mer 1, none 0.
pub fn seed_score(mirna: &[Base], site: &[Base]) -> f32 {
    let score = |locus| match SeedType::at(mirna, site, locus) {
        SeedType::EightMer => 4.0,
        SeedType::SevenMerM8 => 3.0,
        SeedType::SevenMerA1 => 2.0,
        SeedType::SixMer => 1.0,
        _ => 0.0,
    };
    (5..site.len()).map(score).fold(0.0, f32::max)
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
