//! Made-up data sets with a known answer, for tests.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::{Pair, Synthetic};
use crate::rna::{Base, parse};

/// A row; the miRNA's sequence is its name, the site's its id.
pub(super) fn pair(mirna: &str, site: &str, label: u8) -> Pair {
    Pair {
        mirna_id: mirna.into(),
        mirna: parse(mirna.as_bytes()).expect("bases"),
        site_id: site.into(),
        site: parse(site.as_bytes()).expect("bases"),
        label: Some(f32::from(label)),
        split: None,
        cluster: None,
        family: None,
    }
}

/// Random sites of 40 nt; the label of each row is `label` of its number, its miRNA's number and a draw from 0 to 1.
fn rows(count: usize, mirnas: usize, label: impl Fn(usize, usize, f64) -> bool) -> Vec<Pair> {
    let mut rng = ChaCha8Rng::seed_from_u64(17);
    let bases = [Base::A, Base::C, Base::G, Base::U];
    let mut sequence =
        |length: usize| -> Vec<Base> { (0..length).map(|_| bases[rng.random_range(0..4)]).collect() };
    let kinds: Vec<Vec<Base>> = (0..mirnas).map(|_| sequence(22)).collect();
    let sites: Vec<Vec<Base>> = (0..count).map(|_| sequence(40)).collect();
    let rows = sites.into_iter().enumerate().map(|(row, site)| Pair {
        mirna_id: format!("miR-{}", row % mirnas),
        mirna: kinds[row % mirnas].clone(),
        site_id: format!("site-{row}"),
        site,
        label: Some(f32::from(u8::from(label(row, row % mirnas, rng.random())))),
        split: None,
        cluster: None,
        family: None,
    });
    rows.collect()
}

/// Labels by a coin.
pub(super) fn coin(count: usize, mirnas: usize) -> Vec<Pair> {
    rows(count, mirnas, |_, _, draw| draw < 0.5)
}

/// Every other row of each miRNA is positive.
pub(super) fn balanced(count: usize, mirnas: usize) -> Vec<Pair> {
    rows(count, mirnas, |row, _, _| (row / mirnas).is_multiple_of(2))
}

/// The miRNA decides in 19 of 20 rows.
pub(super) fn by_mirna(count: usize, mirnas: usize) -> Vec<Pair> {
    rows(count, mirnas, |_, mirna, draw| (mirna % 2 == 0) == (draw < 0.95))
}

/// The seed decides, neither half alone does.
pub(super) fn by_seed(count: usize, mirnas: usize) -> Vec<Pair> {
    Synthetic { pairs: count, site_length: 40, mirnas, seed: 11 }
        .generate()
        .expect("a recipe that can be made")
}
