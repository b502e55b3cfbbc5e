//! What a miRNA's name says of its family.
//!
//! Names are those of miRBase (Ambros et al. 2003, <https://doi.org/10.1261/rna.2183803>): a species, `miR`, `let` or
//! `lin`, a number that relatives share over species, letters for close relatives, a number for copies, an arm.

use super::Base;

/// The stem and number of a miRNA's name: `mir-15` for `hsa-miR-15a-5p`, `mmu-miR-15b-3p` and `miR-15`, `let-7` for every
/// `hsa-let-7*`.
///
/// What follows the number (letters, copy, arm, `*`) is left away, so both arms of a hairpin are of one family. Only names
/// with a number right after the stem are understood: those of viruses (`ebv-miR-BART1-5p`), and anything that is no
/// name, are `None`. Numbers were given in order of discovery, so relatives may have different ones (`miR-98` is a
/// `let-7`, `miR-107` a `miR-103`): the seed tells those.
pub fn name_family(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let named = stem_and_rest(&lower).or_else(|| {
        let (species, rest) = lower.split_once('-')?;
        let is_species =
            (3..=4).contains(&species.len()) && species.bytes().all(|b| b.is_ascii_alphanumeric());
        stem_and_rest(rest).filter(|_| is_species)
    });
    let (stem, rest) = named?;
    let number: &str = &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()];
    (!number.is_empty()).then(|| format!("{stem}-{number}"))
}

/// Nucleotides 2-8 of a miRNA, which its seed family shares; all of one that is too short to have them.
pub fn seed_family(mirna: &[Base]) -> &[Base] {
    mirna.get(1..8).unwrap_or(mirna)
}

fn stem_and_rest(name: &str) -> Option<(&'static str, &str)> {
    ["mir", "let", "lin"].into_iter().find_map(|stem| {
        let rest = name.strip_prefix(stem)?;
        Some((stem, rest.strip_prefix('-').unwrap_or(rest)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relatives_copies_arms_and_species_are_one_family() {
        for (family, names) in [
            ("mir-15", "hsa-miR-15a-5p hsa-miR-15b-3p mmu-mir-15a miR-15 hsa-miR-15a* MIR15"),
            ("let-7", "hsa-let-7a-5p hsa-let-7f-2-3p hsa-let-7 cel-let-7-5p let-7i"),
            ("mir-92", "hsa-miR-92a-1-5p hsa-miR-92b-3p"),
            ("mir-548", "hsa-miR-548az-5p hsa-miR-548c-3p"),
            ("mir-16", "hsa-miR-16-2-3p"),
            ("mir-500", "hsa-miR-500 hsa-miR-500a-3p"),
            ("mir-15", "Hsa-Mir-15-P1a_5p"),
            ("lin-4", "cel-lin-4-5p"),
            ("mir-156", "ath-miR156a zma1-miR156b"),
        ] {
            for name in names.split(' ') {
                assert_eq!(name_family(name).as_deref(), Some(family), "{name}");
            }
        }
    }

    #[test]
    fn other_numbers_are_other_families_and_other_names_none() {
        assert_ne!(name_family("hsa-miR-1-3p"), name_family("hsa-miR-15a-5p"));
        assert_ne!(name_family("hsa-miR-15a-5p"), name_family("hsa-miR-155-5p"));
        assert_ne!(name_family("hsa-let-7a"), name_family("hsa-miR-7-5p"));
        let none = [
            "ebv-miR-BART1-5p",
            "kshv-miR-K12-1-5p",
            "UGAGGUAGUAGGUUGUAUAGUU",
            ".",
            "",
            "toolong-miR-1",
            "miR-",
        ];
        for name in none {
            assert_eq!(name_family(name), None, "{name}");
        }
    }
}
