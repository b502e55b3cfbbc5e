//! What attention is told of tokens beside their vectors: where they stand in a duplex, and which bases could pair.

use super::Config;
use crate::{
    data::{PAIR_CHANNELS, VOCABULARY, pair_channel},
    nn::sinusoids,
};

impl Config {
    /// Where a token stands: the miRNA counts down to its 5' end, and the site goes on from there. Antiparallel partners of a
    /// duplex without bulges are then all as far apart as any two others of it.
    pub(super) fn place(&self, token: usize) -> f64 {
        if token < self.mirna_len { (self.mirna_len - 1 - token) as f64 } else { token as f64 }
    }
}

/// `[T C]`: sinusoids of each head's width, side by side, so that every head sees all frequencies and its inner product of two
/// places is a sum of cosines of their distance.
pub(super) fn places_of(places: impl Iterator<Item = f64>, width: usize, heads: usize) -> Vec<f64> {
    places.flat_map(|place| sinusoids([place], width / heads).repeat(heads)).collect()
}

/// Two tables `[V, C]`. In every head the inner product of a row of the first with one of the second is the square root of the
/// head's channels, a score of 1, where their bases are Watson-Crick complements, and 0 elsewhere.
pub(super) fn base_tables(width: usize, heads: usize) -> [Vec<f64>; 2] {
    const WOBBLE: usize = PAIR_CHANNELS - 1;
    let head = width / heads;
    let pairs = |a: usize, b: usize| {
        pair_channel(a as u32, b as u32).is_some_and(|channel| usize::from(channel) != WOBBLE)
    };
    // Channel i of a head stands for base i: a query has its own, a key its complement's.
    let value = |has: bool| if has { (head as f64).powf(0.25) } else { 0.0 };
    let table = |has: &dyn Fn(usize, usize) -> bool| {
        let rows = (0..VOCABULARY).flat_map(|base| (0..width).map(move |channel| (base, channel % head)));
        rows.map(|(base, channel)| value(channel < BASES && base < BASES && has(base, channel))).collect()
    };
    [table(&|base, channel| base == channel), table(&|base, channel| pairs(channel, base))]
}

/// Those that pair: A, C, G, U.
pub(super) const BASES: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(a: &[f64], b: &[f64]) -> f64 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    #[test]
    fn only_complements_attract_and_by_a_score_of_one() {
        let [queries, keys] = base_tables(12, 2);
        for head in 0..2 {
            let of = |table: &[f64], base: usize| table[base * 12 + head * 6..][..6].to_vec();
            for a in 0..VOCABULARY {
                for b in 0..VOCABULARY {
                    let complements = matches!((a, b), (0, 3) | (3, 0) | (1, 2) | (2, 1)); // A, C, G, U
                    let score = dot(&of(&queries, a), &of(&keys, b)) / 6f64.sqrt();
                    let expected = f64::from(u8::from(complements));
                    assert!((score - expected).abs() < 1e-12, "{a} and {b} in head {head}: {score}");
                }
            }
        }
    }

    #[test]
    fn places_of_a_duplex_are_one_distance_apart_and_products_are_of_the_distance() {
        let config = Config::small();
        // miRNA nucleotide i faces site nucleotide n - i
        let apart = |i: usize| config.place(config.mirna_len + 20 - i) - config.place(i);
        assert!((0..20).all(|i| apart(i) == apart(0)));
        let places = places_of((0..9).map(f64::from), 8, 2);
        let head = |t: usize, h: usize| &places[t * 8 + h * 4..][..4];
        for h in 0..2 {
            for t in 0..6 {
                let (here, first) = (dot(head(t, h), head(t + 3, h)), dot(head(0, h), head(3, h)));
                assert!((here - first).abs() < 1e-12);
                // frequencies 1 and 1 / 100
                assert!((first - (3f64.cos() + 0.03f64.cos())).abs() < 1e-12);
            }
        }
    }
}
