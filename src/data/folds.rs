//! Splitting rows into training and validation, or into folds, group by group with a seed.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use super::groups::{Grouping, groups};
use super::pairs::Pair;
use crate::{Error, Result};

/// Training and validation rows, each in their old order, whole groups on one side.
///
/// Groups are visited in an order drawn from `seed` and held out while they fit into `fraction` of the rows (0..1), so
/// the validation part is never larger than asked, and a group larger than it always trains.
pub fn hold_out(
    pairs: Vec<Pair>,
    grouping: Grouping,
    fraction: f64,
    seed: u64,
) -> Result<(Vec<Pair>, Vec<Pair>)> {
    if !(0.0..1.0).contains(&fraction) {
        return Err(Error::Setting(format!(
            "hold_out: expected a fraction from 0 to below 1, got {fraction}"
        )));
    }
    let room = (fraction * pairs.len() as f64).round() as usize;
    let groups = groups(&pairs, grouping);
    let sizes = sizes(&groups);
    let mut held_out = vec![false; sizes.len()];
    let mut filled = 0;
    for group in shuffled(sizes.len(), seed) {
        if filled + sizes[group] <= room {
            held_out[group] = true;
            filled += sizes[group];
        }
    }
    let (validation, train): (Vec<_>, Vec<_>) =
        pairs.into_iter().zip(groups).partition(|(_, group)| held_out[*group]);
    let rows = |part: Vec<(Pair, usize)>| part.into_iter().map(|(pair, _)| pair).collect();
    Ok((rows(train), rows(validation)))
}

/// The fold (0 to below `count`) of each row, whole groups in one fold.
pub fn folds(pairs: &[Pair], grouping: Grouping, count: usize, seed: u64) -> Result<Vec<usize>> {
    folds_of(&groups(pairs, grouping), count, seed)
}

/// As [`folds`], from the group of each row: the largest group first, each into the emptiest fold, groups of equal size in
/// an order drawn from `seed`.
pub fn folds_of(groups: &[usize], count: usize, seed: u64) -> Result<Vec<usize>> {
    let sizes = sizes(groups);
    if count < 2 || count > sizes.len() {
        let most = sizes.len();
        return Err(Error::Setting(format!(
            "folds: expected 2 to {most} (the number of groups), got {count}"
        )));
    }
    let mut order = shuffled(sizes.len(), seed);
    order.sort_by_key(|&group| std::cmp::Reverse(sizes[group]));
    let mut filled = vec![0; count];
    let mut fold_of = vec![0; sizes.len()];
    for group in order {
        let emptiest = (0..count).min_by_key(|&fold| filled[fold]).expect("there are at least two folds");
        filled[emptiest] += sizes[group];
        fold_of[group] = emptiest;
    }
    Ok(groups.iter().map(|&group| fold_of[group]).collect())
}

fn sizes(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; groups.iter().max().map_or(0, |last| last + 1)];
    groups.iter().for_each(|&group| sizes[group] += 1);
    sizes
}

fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Synthetic;
    use std::collections::HashSet;

    fn pairs() -> Vec<Pair> {
        Synthetic { pairs: 402, site_length: 40, mirnas: 31, seed: 5 }.generate().unwrap()
    }

    #[test]
    fn no_group_stands_on_both_sides_and_no_row_is_lost() {
        for grouping in
            [Grouping::Rows, Grouping::Sites, Grouping::Genes, Grouping::Families, Grouping::Names]
        {
            let all = pairs();
            let group_of = groups(&all, grouping);
            let (train, validation) = hold_out(all.clone(), grouping, 0.2, 1).unwrap();
            assert_eq!(train.len() + validation.len(), all.len());
            assert!((60..=80).contains(&validation.len()), "{grouping:?}: {}", validation.len());
            let of = |part: &[Pair]| -> HashSet<usize> {
                let place = |pair| all.iter().position(|p| p == pair).unwrap();
                part.iter().map(|pair| group_of[place(pair)]).collect()
            };
            assert!(of(&train).is_disjoint(&of(&validation)), "{grouping:?}");
        }
    }

    #[test]
    fn the_seed_alone_decides() {
        let split = |seed| hold_out(pairs(), Grouping::Sites, 0.2, seed).unwrap().1;
        assert_eq!(split(1), split(1));
        assert_ne!(split(1), split(2));
        assert!(hold_out(pairs(), Grouping::Rows, 1.0, 1).is_err());
    }

    #[test]
    fn folds_are_even_and_keep_groups() {
        let all = pairs();
        let fold_of = folds(&all, Grouping::Sites, 5, 3).unwrap();
        let group_of = groups(&all, Grouping::Sites);
        let links: HashSet<(usize, usize)> = group_of.iter().copied().zip(fold_of.iter().copied()).collect();
        assert_eq!(links.len(), sizes(&group_of).len());
        let sizes = sizes(&fold_of);
        assert!(sizes.iter().all(|size| (79..=82).contains(size)), "{sizes:?}");
        assert!(folds(&all, Grouping::Families, 1, 3).is_err());
        assert!(folds(&all, Grouping::Families, 32, 3).is_err());
    }

    /// Sites and negatives are shuffled from one seed, as many of the one as of the other.
    #[test]
    fn folds_do_not_sort_a_mirnas_negatives() {
        for seed in 0..5 {
            let all = Synthetic { pairs: 1000, site_length: 40, mirnas: 10, seed }.generate().unwrap();
            let fold_of = folds(&all, Grouping::Sites, 2, seed).unwrap();
            for mirna in &all[..10] {
                let rows = (500..1000).filter(|&row| all[row].mirna == mirna.mirna);
                let (first, second): (Vec<usize>, Vec<usize>) = rows.partition(|&row| fold_of[row] == 0);
                let of = (first.len(), second.len());
                assert!(of.0.min(of.1) >= 10, "of 50 about half belong in each fold, {of:?} are");
            }
        }
    }
}
