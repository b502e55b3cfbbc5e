//! Every pair with the miRNA of another: what a score keeps then, it did not read from who meets whom.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::groups::{Grouping, groups};
use super::pairs::Pair;

/// For each row the row whose miRNA it is given: a permutation drawn from `seed` in which a row and its giver are of
/// different families ([`Grouping::Families`]). `None` where that cannot be, which happens when one family holds more
/// than half of the rows.
pub fn swap_mirnas(pairs: &[Pair], seed: u64) -> Vec<Option<usize>> {
    let family = groups(pairs, Grouping::Families);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut giver: Vec<usize> = (0..pairs.len()).collect();
    giver.shuffle(&mut rng);
    let mut order = giver.clone();
    order.shuffle(&mut rng);
    for row in 0..pairs.len() {
        if family[row] == family[giver[row]] {
            let fits =
                |other: usize| family[row] != family[giver[other]] && family[other] != family[giver[row]];
            let start = rng.random_range(0..pairs.len());
            let mut others = order[start..].iter().chain(&order[..start]).copied();
            if let Some(other) = others.find(|&other| fits(other)) {
                giver.swap(row, other);
            }
        }
    }
    let different = |(row, giver): (usize, usize)| (family[row] != family[giver]).then_some(giver);
    giver.into_iter().enumerate().map(different).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    /// Rows of one miRNA each; sequences with the same nucleotides 2-8 are of one family.
    fn rows(per: &[(&str, usize)]) -> Vec<Pair> {
        let mirnas = per.iter().flat_map(|(mirna, count)| std::iter::repeat_n(*mirna, *count));
        mirnas
            .map(|mirna| Pair {
                mirna_id: mirna.into(),
                mirna: parse(mirna.as_bytes()).unwrap(),
                site_id: ".".into(),
                site: parse(b"ACGU").unwrap(),
                label: Some(1.0),
                split: None,
                cluster: None,
                family: None,
            })
            .collect()
    }

    #[test]
    fn nobody_keeps_a_mirna_of_the_family_and_every_mirna_keeps_its_number() {
        // the first two are one family, which holds exactly half of the rows
        let pairs = rows(&[("AGGGGGGGA", 5), ("UGGGGGGGU", 7), ("ACCCCCCCA", 9), ("AUUUUUUUA", 3)]);
        let family = groups(&pairs, Grouping::Families);
        for seed in 0..50 {
            let givers: Vec<usize> = swap_mirnas(&pairs, seed).into_iter().map(Option::unwrap).collect();
            assert!(givers.iter().enumerate().all(|(row, &giver)| family[row] != family[giver]));
            let mut sorted = givers.clone();
            sorted.sort_unstable();
            assert!(sorted.into_iter().eq(0..pairs.len()), "a permutation");
        }
        assert_eq!(swap_mirnas(&pairs, 3), swap_mirnas(&pairs, 3));
        assert_ne!(swap_mirnas(&pairs, 3), swap_mirnas(&pairs, 4));
    }

    #[test]
    fn givers_are_spread_over_the_other_families() {
        let pairs = rows(&[("AGGGGGGGA", 20), ("ACCCCCCCA", 20), ("AUUUUUUUA", 20), ("AAAAAAAAA", 20)]);
        let mut met = [[0; 4]; 4];
        for seed in 0..50 {
            for (row, giver) in swap_mirnas(&pairs, seed).into_iter().enumerate() {
                met[row / 20][giver.unwrap() / 20] += 1;
            }
        }
        for (own, row) in met.iter().enumerate() {
            // 1000 rows of a family over the three others
            assert!((0..4).all(|other| (250..420).contains(&row[other]) != (own == other)), "{met:?}");
        }
    }

    #[test]
    fn what_cannot_be_swapped_is_said() {
        let pairs = rows(&[("AGGGGGGGA", 8), ("ACCCCCCCA", 3)]);
        let givers = swap_mirnas(&pairs, 1);
        assert_eq!(givers.iter().filter(|giver| giver.is_none()).count(), 5);
        assert!(givers[8..].iter().all(|giver| giver.is_some_and(|row| row < 8)));
        assert_eq!(swap_mirnas(&rows(&[("ACGU", 1)]), 1), [None]);
        assert!(swap_mirnas(&[], 1).is_empty());
    }
}
