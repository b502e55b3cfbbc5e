//! What of a data set was to be seen in the training rows already.

use std::collections::{HashMap, HashSet};

use crate::data::{KmerSet, Pair};
use crate::rna::Base;

/// Rows of one class that meet themselves in training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Seen {
    pub rows: usize,
    /// The same miRNA and the same target.
    pub pair: usize,
    /// The same target sequence.
    pub target: usize,
    /// A target of the same id, where ids are known.
    pub id: usize,
    /// A site with a 20-mer in common; `None` for whole 3'UTRs, which share 20-mers in repeats.
    pub kmer: Option<usize>,
    /// A site of the same miRNA with a 20-mer in common.
    pub kmer_and_mirna: Option<usize>,
    pub mirna: usize,
}

/// Counts for positives and negatives apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Leaks {
    pub train_rows: usize,
    pub positives: Seen,
    pub negatives: Seen,
}

impl Leaks {
    /// Of `rows` in `train`; `whole` targets are 3'UTRs.
    pub fn between(rows: &[Pair], train: &[Pair], whole: bool) -> Leaks {
        let known = Known::of(train, whole);
        let mut leaks =
            Leaks { train_rows: train.len(), positives: Seen::default(), negatives: Seen::default() };
        for pair in rows {
            let seen = if pair.is_positive() { &mut leaks.positives } else { &mut leaks.negatives };
            known.count(pair, seen);
        }
        leaks
    }
}

struct Known<'a> {
    pairs: HashSet<(&'a [Base], &'a [Base])>,
    targets: HashSet<&'a [Base]>,
    ids: HashSet<&'a str>,
    /// All sites, and those of each miRNA.
    kmers: Option<KmerSet>,
    of_mirna: HashMap<&'a [Base], KmerSet>,
}

impl<'a> Known<'a> {
    fn of(train: &'a [Pair], whole: bool) -> Known<'a> {
        let mut of_mirna: HashMap<&[Base], KmerSet> = HashMap::new();
        for pair in train {
            let sites = of_mirna.entry(&pair.mirna).or_default();
            if !whole {
                sites.insert(&pair.site);
            }
        }
        Known {
            pairs: train.iter().map(|pair| (&pair.mirna[..], &pair.site[..])).collect(),
            targets: train.iter().map(|pair| &pair.site[..]).collect(),
            ids: train.iter().map(|pair| pair.site_id.as_str()).filter(|id| *id != ".").collect(),
            kmers: (!whole).then(|| KmerSet::of_sites(train)),
            of_mirna,
        }
    }

    fn count(&self, pair: &Pair, seen: &mut Seen) {
        let of_mirna = self.of_mirna.get(&pair.mirna[..]);
        seen.rows += 1;
        seen.pair += usize::from(self.pairs.contains(&(&pair.mirna[..], &pair.site[..])));
        seen.target += usize::from(self.targets.contains(&pair.site[..]));
        seen.id += usize::from(self.ids.contains(pair.site_id.as_str()));
        seen.mirna += usize::from(of_mirna.is_some());
        if let Some(kmers) = &self.kmers {
            *seen.kmer.get_or_insert(0) += usize::from(kmers.shares_kmer(&pair.site));
            let shares = of_mirna.is_some_and(|sites| sites.shares_kmer(&pair.site));
            *seen.kmer_and_mirna.get_or_insert(0) += usize::from(shares);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::pair;
    use super::*;

    #[test]
    fn each_kind_of_leak_is_counted_for_its_class() {
        let site = "ACGUACGGUUACCAUGGCAUACGAUU";
        let near = "GGGGACGUACGGUUACCAUGGCAUGGGG";
        let train = [pair("AAAAAAAAAA", site, 1), pair("CCCCCCCCCC", "GGGGGGGGGGGGGGGGGGGGGGGG", 0)];
        let mut rows = [
            pair("AAAAAAAAAA", site, 1),
            pair("AAAAAAAAAA", near, 1),
            pair("CCCCCCCCCC", near, 0),
            pair("GGGGGGGGGG", site, 0),
            pair("GGGGGGGGGG", "AAAAAAAAAAAAAAAAAAAAAAAA", 0),
        ];
        rows[4].site_id = train[0].site_id.clone();
        let leaks = Leaks::between(&rows, &train, false);
        let seen = |rows, pair, target, id, kmer, kmer_and_mirna, mirna| Seen {
            rows,
            pair,
            target,
            id,
            kmer: Some(kmer),
            kmer_and_mirna: Some(kmer_and_mirna),
            mirna,
        };
        assert_eq!(leaks.positives, seen(2, 1, 1, 1, 2, 2, 2));
        assert_eq!(leaks.negatives, seen(3, 0, 1, 2, 2, 0, 1));
        let whole = Leaks::between(&rows, &train, true);
        assert_eq!((whole.negatives.kmer, whole.negatives.target), (None, 1));
    }
}
