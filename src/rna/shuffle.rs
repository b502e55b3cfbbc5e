//! Sequences with the same dinucleotides in another order: what a score keeps on them it did not read from the sites.
//!
//! A sequence is a path over its bases that uses each of its dinucleotides once, so a shuffle is another Eulerian path of
//! the same edges: choose for each base but the last which of its edges is left by last, such that these edges lead to the
//! final base, and leave by the other edges in random order. Altschul & Erickson 1985,
//! doi:10.1093/oxfordjournals.molbev.a040370. They redraw the last edges until they form a tree; here the tree is drawn at
//! once by loop-erased random walks, Wilson 1996, doi:10.1145/237814.237880.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Base;

/// A, C, G, U, and N, which is a letter like the others here.
const LETTERS: usize = 5;

/// One of the arrangements of `sequence` with its first and last base and its count of each dinucleotide, all equally
/// likely. The same seed gives the same one.
pub fn dinucleotide_shuffle(sequence: &[Base], seed: u64) -> Vec<Base> {
    let (Some(&first), Some(&last)) = (sequence.first(), sequence.last()) else { return Vec::new() };
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut next: [Vec<Base>; LETTERS] = Default::default();
    sequence.windows(2).for_each(|pair| next[pair[0] as usize].push(pair[1]));
    let exits = exits(&next, last, &mut rng);
    for (edges, exit) in next.iter_mut().zip(exits) {
        let place = exit.map(|at| edges.swap_remove(at));
        edges.shuffle(&mut rng);
        edges.extend(place);
        // edges are taken from the end
        edges.reverse();
    }
    let follow = |&at: &Base| next[at as usize].pop();
    std::iter::successors(Some(first), follow).collect()
}

/// Which of its edges each base is left by last: a random tree of edges that lead to `root`, which has none itself.
fn exits(next: &[Vec<Base>; LETTERS], root: Base, rng: &mut ChaCha8Rng) -> [Option<usize>; LETTERS] {
    let mut exits = [None; LETTERS];
    let mut in_tree: [bool; LETTERS] = std::array::from_fn(|at| next[at].is_empty());
    in_tree[root as usize] = true;
    for start in 0..LETTERS {
        let mut at = start;
        while !in_tree[at] {
            let edge = rng.random_range(0..next[at].len());
            exits[at] = Some(edge);
            at = next[at][edge] as usize;
        }
        // what the walk's loops drew is overwritten: from the start along the latest exits there is no loop
        let mut at = start;
        while !in_tree[at] {
            in_tree[at] = true;
            at = next[at][exits[at].expect("the walk left it")] as usize;
        }
    }
    exits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::{parse, text};
    use std::collections::{BTreeMap, BTreeSet};

    fn shuffled(sequence: &str, seed: u64) -> String {
        text(&dinucleotide_shuffle(&parse(sequence.as_bytes()).unwrap(), seed))
    }

    fn dinucleotides(sequence: &str) -> BTreeMap<&str, usize> {
        let mut counts = BTreeMap::new();
        (1..sequence.len()).for_each(|at| *counts.entry(&sequence[at - 1..=at]).or_default() += 1);
        counts
    }

    /// Every string of the letters of `sequence` with its ends and dinucleotides, by trying them all.
    fn arrangements(sequence: &str) -> BTreeSet<String> {
        let mut made = BTreeSet::from([String::new()]);
        for _ in 0..sequence.len() {
            let longer = |short: &String| "ACGUN".chars().map(|c| format!("{short}{c}")).collect::<Vec<_>>();
            made = made.iter().flat_map(longer).collect();
            made.retain(|text| {
                let (of, whole) = (dinucleotides(text), dinucleotides(sequence));
                text.starts_with(&sequence[..1]) && of.iter().all(|(k, n)| whole.get(k) >= Some(n))
            });
        }
        made.retain(|text| dinucleotides(text) == dinucleotides(sequence));
        made
    }

    #[test]
    fn dinucleotides_and_ends_are_kept_and_the_order_is_not() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for length in [50, 331, 4000] {
            let weighted = ['A', 'A', 'A', 'C', 'G', 'U', 'U', 'N'];
            let sequence: String = (0..length).map(|_| weighted[rng.random_range(0..8)]).collect();
            for seed in 0..20 {
                let other = shuffled(&sequence, seed);
                assert_eq!(dinucleotides(&other), dinucleotides(&sequence));
                assert_eq!(other[..1], sequence[..1]);
                assert_eq!(other[length - 1..], sequence[length - 1..]);
                let same = other.chars().zip(sequence.chars()).filter(|(a, b)| a == b).count();
                assert!(same < length * 2 / 3, "{same} of {length} stand where they stood");
                assert_eq!(other, shuffled(&sequence, seed));
            }
            assert_ne!(shuffled(&sequence, 1), shuffled(&sequence, 2));
        }
    }

    /// Chi-square over all arrangements, which brute force lists.
    #[test]
    fn every_arrangement_is_equally_likely() {
        for sequence in ["ACAGACUAA", "AACCAACA", "GANAUGANG", "ACGUACGUCA"] {
            let all = arrangements(sequence);
            assert!(all.contains(sequence) && all.len() > 3, "{sequence}: {all:?}");
            let draws = 600 * all.len();
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            (0..draws).for_each(|seed| *counts.entry(shuffled(sequence, seed as u64)).or_default() += 1);
            assert!(counts.keys().eq(all.iter()), "{sequence}: {counts:?} of {all:?}");
            let expected = draws as f64 / all.len() as f64;
            let distance = |&count: &usize| (count as f64 - expected).powi(2) / expected;
            let chi2: f64 = counts.values().map(distance).sum();
            let freedom = (all.len() - 1) as f64;
            // five standard deviations of a chi-square with that freedom
            assert!(chi2 < freedom + 5.0 * (2.0 * freedom).sqrt(), "{sequence}: {chi2} at {freedom}");
        }
    }

    #[test]
    fn short_and_uniform_sequences_stay() {
        for same in ["", "A", "AC", "ACG", "GGGGGGG", "NNNN", "ANNC"] {
            assert_eq!(shuffled(same, 3), same);
        }
    }
}
