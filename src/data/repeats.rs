//! Pairs that stand in a file more than once, and pairs that it calls bound as well as not bound.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::pairs::Pair;

/// What was seen of a pair's labels: a bit each for not bound, bound and unknown.
type Labels = u8;

/// Counts repeats and contradictions in a stream of pairs. A pair is the two sequences; ids play no part.
#[derive(Debug, Default)]
pub struct Repeats {
    /// By digest, so that whole 3'UTRs cost no memory.
    seen: HashMap<[u8; 16], Labels>,
    repeated: u64,
    contradicted: u64,
}

impl Repeats {
    /// Takes note of `pair`; whether the same pair came before with the same label.
    pub fn is_repeat(&mut self, pair: &Pair) -> bool {
        let bit: Labels = match pair.label {
            Some(0.0) => 1,
            Some(_) => 2,
            None => 4,
        };
        let seen = self.seen.entry(digest(pair)).or_default();
        if *seen & bit != 0 {
            self.repeated += 1;
            return true;
        }
        *seen |= bit;
        self.contradicted += u64::from(bit != 4 && *seen & 3 == 3);
        false
    }

    /// Rows that repeat an earlier one.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Pairs that have both labels.
    pub fn contradicted(&self) -> u64 {
        self.contradicted
    }
}

fn digest(pair: &Pair) -> [u8; 16] {
    let bytes = pair.mirna.iter().map(|&base| base as u8).chain([u8::MAX]);
    let bytes: Vec<u8> = bytes.chain(pair.site.iter().map(|&base| base as u8)).collect();
    let digest = Sha256::digest(&bytes);
    digest[..16].try_into().expect("SHA-256 has 32 bytes")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    fn pair(mirna: &str, site: &str, label: Option<f32>) -> Pair {
        let (mirna, site) = (parse(mirna.as_bytes()).unwrap(), parse(site.as_bytes()).unwrap());
        let (mirna_id, site_id) = ("m".into(), "s".into());
        Pair { mirna_id, mirna, site_id, site, label, split: None, cluster: None, family: None }
    }

    #[test]
    fn repeats_and_contradictions_are_told_apart() {
        let mut repeats = Repeats::default();
        let rows = [
            ("AC", "GU", Some(1.0), false),
            ("ACG", "U", Some(1.0), false), // the same letters, cut elsewhere
            ("AC", "GT", Some(1.0), true),
            ("AC", "GU", Some(0.0), false),
            ("AC", "GU", Some(0.0), true),
            ("AC", "GU", None, false),
            ("AC", "GU", None, true),
        ];
        for (at, (mirna, site, label, repeat)) in rows.into_iter().enumerate() {
            assert_eq!(repeats.is_repeat(&pair(mirna, site, label)), repeat, "row {at}");
        }
        assert_eq!((repeats.repeated(), repeats.contradicted()), (3, 1));
    }
}
