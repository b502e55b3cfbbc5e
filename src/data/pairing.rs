//! Negatives by re-pairing: every miRNA keeps its number of sites, every site its number of miRNAs, and only who meets
//! whom is changed. Neither the miRNA alone nor the site alone then tells a positive from a negative.
//!
//! The sites are permuted among the miRNAs with a seed; a forbidden meeting is repaired by exchanging sites with another
//! miRNA such that both new meetings are allowed. What cannot be repaired (one miRNA holding most sites) is counted.

use std::collections::{HashMap, HashSet};

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::groups::{Grouping, groups};
use super::pairs::Pair;
use super::seed::seed_match_start;
use crate::rna::Base;

/// Exchange partners tried at random before all are tried in turn.
const RANDOM_TRIES: usize = 64;

/// How negatives are drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    pub seed: u64,
    /// Refuse a negative whose site holds the miRNA's 6-mer seed match (nucleotides 2-7). Off by default: with it on,
    /// the seed rule alone separates many positives from negatives.
    pub no_seed_match: bool,
}

/// Re-paired negatives, and the positives that got none.
#[derive(Clone, Debug)]
pub struct Negatives {
    /// Label 0; id, cluster and split are the site's.
    pub pairs: Vec<Pair>,
    /// Rows of `positives` whose miRNA lacks one negative each; as many sites were left over.
    pub unplaced: Vec<usize>,
}

/// As many negatives as `positives`. A miRNA never meets a site that is positive, in `positives` or among the positives
/// of `known`, for any miRNA of its family (same nucleotides 2-8, or same family name); sites that share a 20-mer or a
/// cluster count as one site for this. No negative is made twice.
pub fn negatives(positives: &[Pair], known: &[Pair], options: Options) -> Negatives {
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let rules = Rules::new(positives, known, options.no_seed_match);
    let mut deal = Deal::new(positives, &rules, &mut rng);
    let mut rows: Vec<usize> = (0..positives.len()).collect();
    loop {
        rows.retain(|&row| !deal.stands(row));
        let before = rows.len();
        rows.retain(|&row| !deal.stands(row) && !deal.repair(row, &mut rng));
        if rows.is_empty() || rows.len() == before {
            break;
        }
    }
    deal.finish()
}

/// Which miRNA may meet which site.
struct Rules<'a> {
    positives: &'a [Pair],
    /// Family and near-duplicate cluster of each row of `positives`.
    family: Vec<usize>,
    cluster: Vec<usize>,
    /// Family and cluster of every known positive.
    bound: HashSet<(usize, usize)>,
    no_seed_match: bool,
}

impl<'a> Rules<'a> {
    fn new(positives: &'a [Pair], known: &[Pair], no_seed_match: bool) -> Rules<'a> {
        let known = known.iter().filter(|pair| pair.is_positive());
        let all: Vec<Pair> = positives.iter().chain(known).cloned().collect();
        let (mut family, mut cluster) = (groups(&all, Grouping::Families), groups(&all, Grouping::Sites));
        let bound = family.iter().copied().zip(cluster.iter().copied()).collect();
        family.truncate(positives.len());
        cluster.truncate(positives.len());
        Rules { positives, family, cluster, bound, no_seed_match }
    }

    /// Whether the miRNA of row `mirna` may meet the site of row `site` as a negative.
    fn allow(&self, mirna: usize, site: usize) -> bool {
        let bound = self.bound.contains(&(self.family[mirna], self.cluster[site]));
        let seeded = || seed_match_start(&self.positives[mirna].mirna, &self.positives[site].site).is_some();
        !(bound || self.no_seed_match && seeded())
    }
}

/// A miRNA and a site, each by the number of its sequence.
type Meeting = (usize, usize);

/// Which row's site each row's miRNA has been dealt.
struct Deal<'a> {
    rules: &'a Rules<'a>,
    mirna: Vec<usize>,
    site: Vec<usize>,
    dealt: Vec<usize>,
    /// How often each meeting stands in the deal.
    count: HashMap<Meeting, usize>,
}

impl<'a> Deal<'a> {
    fn new(positives: &[Pair], rules: &'a Rules<'a>, rng: &mut ChaCha8Rng) -> Deal<'a> {
        let mut dealt: Vec<usize> = (0..positives.len()).collect();
        dealt.shuffle(rng);
        let mirna = numbered(positives.iter().map(|pair| pair.mirna.as_slice()));
        let site = numbered(positives.iter().map(|pair| pair.site.as_slice()));
        let mut deal = Deal { rules, mirna, site, dealt, count: HashMap::new() };
        for row in 0..positives.len() {
            *deal.count.entry(deal.meeting(row, deal.dealt[row])).or_default() += 1;
        }
        deal
    }

    fn meeting(&self, mirna_row: usize, site_row: usize) -> Meeting {
        (self.mirna[mirna_row], self.site[site_row])
    }

    /// Whether the row's meeting is allowed and made once only.
    fn stands(&self, row: usize) -> bool {
        let site = self.dealt[row];
        self.count[&self.meeting(row, site)] == 1 && self.rules.allow(row, site)
    }

    /// Exchanges the row's site with another row's so that both stand; false if no row will do.
    fn repair(&mut self, row: usize, rng: &mut ChaCha8Rng) -> bool {
        let rows = self.dealt.len();
        for _ in 0..RANDOM_TRIES {
            let other = rng.random_range(0..rows);
            if self.exchange(row, other) {
                return true;
            }
        }
        let start = rng.random_range(0..rows);
        (start..rows).chain(0..start).any(|other| self.exchange(row, other))
    }

    fn exchange(&mut self, a: usize, b: usize) -> bool {
        let (site_a, site_b) = (self.dealt[a], self.dealt[b]);
        let (new_a, new_b) = (self.meeting(a, site_b), self.meeting(b, site_a));
        let taken = |meeting| self.count.get(meeting).is_some_and(|&count| count > 0);
        if taken(&new_a) || taken(&new_b) {
            return false;
        }
        if !self.rules.allow(a, site_b) || !self.rules.allow(b, site_a) {
            return false;
        }
        for old in [self.meeting(a, site_a), self.meeting(b, site_b)] {
            *self.count.get_mut(&old).expect("every dealt meeting is counted") -= 1;
        }
        self.count.insert(new_a, 1);
        self.count.insert(new_b, 1);
        self.dealt.swap(a, b);
        true
    }

    fn finish(self) -> Negatives {
        let (mut pairs, mut unplaced, mut made) = (Vec::new(), Vec::new(), HashSet::new());
        for (row, &site_row) in self.dealt.iter().enumerate() {
            if !self.rules.allow(row, site_row) || !made.insert(self.meeting(row, site_row)) {
                unplaced.push(row);
                continue;
            }
            let (mirna, site) = (&self.rules.positives[row], &self.rules.positives[site_row]);
            pairs.push(Pair {
                mirna_id: mirna.mirna_id.clone(),
                mirna: mirna.mirna.clone(),
                family: mirna.family.clone(),
                label: Some(0.0),
                ..site.clone()
            });
        }
        Negatives { pairs, unplaced }
    }
}

/// Equal sequences by equal numbers.
fn numbered<'a>(sequences: impl Iterator<Item = &'a [Base]>) -> Vec<usize> {
    let mut number = HashMap::new();
    sequences
        .map(|sequence| {
            let next = number.len();
            *number.entry(sequence).or_insert(next)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::{parse, text};

    /// Positives of `per` sites for each of five miRNAs, all sites random but distinct.
    fn positives(per: [usize; 5]) -> Vec<Pair> {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mirnas = ["UAAAAAAAGG", "UCCCCCCCGG", "UGGGGGGGAA", "UUUUUUUUGG", "AUUUUUUUCC"];
        let mut letters =
            |n| -> String { (0..n).map(|_| ['A', 'C', 'G', 'U'][rng.random_range(0..4)]).collect() };
        let rows = mirnas.iter().zip(per).flat_map(|(m, n)| std::iter::repeat_n(*m, n));
        rows.enumerate()
            .map(|(row, mirna)| Pair {
                mirna_id: mirna.into(),
                mirna: parse(mirna.as_bytes()).unwrap(),
                site_id: format!("s{row}"),
                site: parse(letters(30).as_bytes()).unwrap(),
                label: Some(1.0),
                split: None,
                cluster: None,
                family: None,
            })
            .collect()
    }

    fn counts(pairs: &[Pair], key: impl Fn(&Pair) -> String) -> HashMap<String, usize> {
        let mut counts = HashMap::new();
        pairs.iter().for_each(|pair| *counts.entry(key(pair)).or_default() += 1);
        counts
    }

    #[test]
    fn every_mirna_and_every_site_keeps_its_count() {
        let mut rows = positives([9, 7, 8, 2, 3]);
        for shared in 0..4 {
            rows[16 + shared].site = rows[shared].site.clone();
        }
        for seed in 0..20 {
            let made = negatives(&rows, &[], Options { seed, ..Options::default() });
            keeps_counts(&rows, &made);
        }
    }

    fn keeps_counts(rows: &[Pair], made: &Negatives) {
        assert!(made.unplaced.is_empty());
        assert!(made.pairs.iter().all(Pair::is_negative));
        assert_eq!(counts(&made.pairs, |p| p.mirna_id.clone()), counts(rows, |p| p.mirna_id.clone()));
        assert_eq!(counts(&made.pairs, |p| text(&p.site)), counts(rows, |p| text(&p.site)));
        let pairs = counts(&made.pairs, |p| p.mirna_id.clone() + &text(&p.site));
        assert!(pairs.values().all(|&count| count == 1));
    }

    #[test]
    fn families_and_near_duplicates_of_known_sites_are_never_met() {
        let mut rows = positives([6, 5, 8, 4, 3]);
        // one family by name, and one by seed: the last two miRNAs differ outside nucleotides 2-8 only
        (rows[0].family, rows[6].family) = (Some("mir-x".into()), Some("mir-x".into()));
        let family = |pair: &Pair| {
            let first = rows.iter().position(|p| p.mirna == pair.mirna).unwrap();
            [(0, 0), (6, 0), (11, 1), (19, 2), (23, 2)].into_iter().find(|(row, _)| *row == first).unwrap().1
        };
        let mut known = rows[11].clone();
        known.site = rows[1].site[3..27].to_vec();
        for seed in 0..20 {
            let made = negatives(&rows, std::slice::from_ref(&known), Options { seed, ..Options::default() });
            assert!(made.unplaced.is_empty());
            for pair in &made.pairs {
                let owner = rows.iter().find(|p| p.site == pair.site).unwrap();
                assert_ne!(family(owner), family(pair), "seed {seed}");
                assert!(pair.site != rows[1].site || pair.mirna != known.mirna, "seed {seed}");
            }
        }
    }

    #[test]
    fn what_cannot_be_placed_is_counted() {
        let rows = positives([8, 2, 1, 0, 0]);
        let made = negatives(&rows, &[], Options::default());
        assert_eq!((made.pairs.len(), made.unplaced.len()), (6, 5));
        assert!(made.unplaced.iter().all(|&row| rows[row].mirna == rows[0].mirna));
    }

    #[test]
    fn seed_matches_are_refused_only_when_asked() {
        let mut rows = positives([6, 6, 0, 0, 0]);
        rows[0].site.splice(..6, parse(b"GGGGGG").unwrap());
        let held = |no_seed_match| {
            let made = negatives(&rows, &[], Options { seed: 1, no_seed_match });
            made.pairs.iter().filter(|p| seed_match_start(&p.mirna, &p.site).is_some()).count()
        };
        assert_eq!((held(false), held(true)), (1, 0));
    }

    #[test]
    fn the_seed_alone_decides() {
        let rows = positives([9, 7, 8, 4, 3]);
        let of = |seed| negatives(&rows, &[], Options { seed, ..Options::default() }).pairs;
        assert_eq!(of(4), of(4));
        assert_ne!(of(4), of(5));
    }
}
