//! A small labelled set with a known answer, for trying a training run: positives hold the miRNA's seed match, negatives
//! are the same sites with another miRNA.

use std::collections::HashSet;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::pairing::{Options, negatives};
use super::pairs::Pair;
use crate::rna::{Base, text};
use crate::{Error, Result};

const MIRNA_LENGTH: usize = 22;
/// Room upstream of the seed match for pairing with the miRNA's 3' part, in nucleotides.
const UPSTREAM: usize = 8;

/// The recipe; the same recipe makes the same pairs.
#[derive(Clone, Copy, Debug)]
pub struct Synthetic {
    /// Rows in all: half positives, half negatives.
    pub pairs: usize,
    /// Nucleotides of each site, at least 17.
    pub site_length: usize,
    /// Distinct miRNAs (22 nt, no seed in common), at least 2.
    pub mirnas: usize,
    pub seed: u64,
}

impl Synthetic {
    /// Positives first, then negatives. Each positive's site has a 7mer-m8 or 8mer match, and half of them pairing with
    /// nucleotides 13-16 too; no negative's site has the 6-mer match of its miRNA.
    pub fn generate(&self) -> Result<Vec<Pair>> {
        let Synthetic { pairs, site_length, mirnas: kinds, seed } = *self;
        if site_length < UPSTREAM + 9 {
            return Err(Error::Setting(format!(
                "synthetic: expected sites of 17 nt or more, got {site_length}"
            )));
        }
        if !(2..=1000).contains(&kinds) || pairs % 2 == 1 || pairs < 2 * kinds {
            let wanted = "2 to 1000 miRNAs and an even number of pairs, at least two a miRNA";
            return Err(Error::Setting(format!("synthetic: expected {wanted}, got {kinds} and {pairs}")));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mirnas = distinct_mirnas(kinds, &mut rng);
        let mut rows: Vec<Pair> = (0..pairs / 2)
            .map(|row| positive(row % kinds, &mirnas[row % kinds], row, site_length, &mut rng))
            .collect();
        // folds of the same seed shuffle as many sites: with the same numbers a miRNA's negatives would lie in one fold
        let made = negatives(&rows, &[], Options { seed: !seed, no_seed_match: true });
        if !made.unplaced.is_empty() {
            let missing = made.unplaced.len();
            return Err(Error::Setting(format!(
                "synthetic: {missing} negatives found no site; use more miRNAs"
            )));
        }
        rows.extend(made.pairs);
        Ok(rows)
    }
}

fn positive(kind: usize, mirna: &[Base], row: usize, length: usize, rng: &mut ChaCha8Rng) -> Pair {
    let site = planted(mirna, length, rng);
    Pair {
        mirna_id: format!("synthetic-miR-{}", kind + 1),
        mirna: mirna.to_vec(),
        site_id: format!("site-{}", row + 1),
        site,
        label: Some(1.0),
        split: None,
        cluster: None,
        family: None,
    }
}

/// A random site with a seed match at a random place, miRNA nucleotide `n` (from 1) facing site index `start + 8 - n`.
fn planted(mirna: &[Base], length: usize, rng: &mut ChaCha8Rng) -> Vec<Base> {
    let mut site: Vec<Base> = (0..length).map(|_| random_base(rng)).collect();
    let start = rng.random_range(UPSTREAM..=length - 8);
    let mut pair_up = |n: usize| site[start + 8 - n] = complement(mirna[n - 1]);
    (2..=8).for_each(&mut pair_up);
    if rng.random_bool(0.5) {
        (13..=16).for_each(&mut pair_up);
    }
    if rng.random_bool(0.5) {
        site[start + 7] = Base::A;
    }
    site
}

fn distinct_mirnas(count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<Base>> {
    let (mut mirnas, mut seeds) = (Vec::new(), HashSet::new());
    while mirnas.len() < count {
        let mirna: Vec<Base> = (0..MIRNA_LENGTH).map(|_| random_base(rng)).collect();
        if seeds.insert(text(&mirna[1..8])) {
            mirnas.push(mirna);
        }
    }
    mirnas
}

fn random_base(rng: &mut ChaCha8Rng) -> Base {
    [Base::A, Base::C, Base::G, Base::U][rng.random_range(0..4)]
}

fn complement(base: Base) -> Base {
    match base {
        Base::A => Base::U,
        Base::C => Base::G,
        Base::G => Base::C,
        Base::U => Base::A,
        Base::N => Base::N,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{seed_match_start, seed_score};

    #[test]
    fn the_seed_rule_answers_it_and_the_seed_repeats_it() {
        let recipe = Synthetic { pairs: 500, site_length: 17, mirnas: 23, seed: 1 };
        let pairs = recipe.generate().unwrap();
        assert_eq!(pairs.len(), 500);
        assert!(pairs.iter().all(|p| p.site.len() == 17 && p.mirna.len() == 22));
        assert!(pairs.iter().filter(|p| p.is_positive()).all(|p| seed_score(&p.mirna, &p.site) >= 3.0));
        // half are given the A opposite nucleotide 1, and a quarter of the rest have it by chance
        let eights = pairs.iter().filter(|p| seed_score(&p.mirna, &p.site) == 4.0).count();
        assert!((130..185).contains(&eights), "{eights} of 250");
        assert!(pairs.iter().filter(|p| p.is_negative()).all(|p| seed_score(&p.mirna, &p.site) == 0.0));
        assert_eq!(pairs.iter().filter(|p| p.is_negative()).count(), 250);
        assert_eq!(recipe.generate().unwrap(), pairs);
        assert_ne!(Synthetic { seed: 2, ..recipe }.generate().unwrap(), pairs);
    }

    #[test]
    fn half_of_the_positives_pair_beyond_the_seed() {
        let pairs = Synthetic { pairs: 500, site_length: 40, mirnas: 23, seed: 1 }.generate().unwrap();
        // the 6-mer starts opposite nucleotide 7
        let pairs_beyond = |p: &&Pair| match seed_match_start(&p.mirna, &p.site) {
            Some(six @ 9..) => (13..=16).all(|n| p.site[six + 7 - n] == complement(p.mirna[n - 1])),
            _ => false,
        };
        let beyond = pairs.iter().filter(pairs_beyond).count();
        assert!((100..150).contains(&beyond), "{beyond} of 250");
    }

    #[test]
    fn recipes_that_cannot_be_made_are_refused() {
        let good = Synthetic { pairs: 100, site_length: 40, mirnas: 5, seed: 1 };
        for bad in [
            Synthetic { site_length: 16, ..good },
            Synthetic { mirnas: 1, ..good },
            Synthetic { pairs: 99, ..good },
            Synthetic { pairs: 8, ..good },
        ] {
            assert!(bad.generate().is_err(), "{bad:?}");
        }
    }
}
