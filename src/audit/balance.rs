//! How labels fall on miRNAs and on targets.

use std::collections::HashMap;

use crate::data::Pair;
use crate::rna::Base;

/// The rows of one miRNA.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct MirnaCount {
    pub name: String,
    pub positives: usize,
    pub negatives: usize,
}

/// Some miRNAs, or targets, and the rows they have together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Share {
    pub parts: usize,
    pub rows: usize,
}

/// miRNAs, or targets, by the labels they meet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Labels {
    pub only_positive: Share,
    pub only_negative: Share,
    pub both: Share,
}

/// What a data set is made of.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Balance {
    pub positives: usize,
    pub negatives: usize,
    pub mirnas: Labels,
    /// Distinct target sequences.
    pub targets: Labels,
    /// Every miRNA, the one with most rows first.
    pub counts: Vec<MirnaCount>,
}

impl Labels {
    fn of<'a>(counts: impl IntoIterator<Item = &'a [usize; 2]>) -> Labels {
        let mut labels = Labels::default();
        for &[negatives, positives] in counts {
            let share = match (negatives, positives) {
                (0, _) => &mut labels.only_positive,
                (_, 0) => &mut labels.only_negative,
                _ => &mut labels.both,
            };
            share.parts += 1;
            share.rows += negatives + positives;
        }
        labels
    }

    /// How many there are.
    pub(super) fn parts(&self) -> usize {
        self.only_positive.parts + self.only_negative.parts + self.both.parts
    }
}

impl Balance {
    /// Counts `rows`, which are all labelled. miRNAs are told apart by sequence and called by the first name met.
    pub(super) fn of(rows: &[Pair]) -> Balance {
        let mut mirnas: HashMap<&[Base], (usize, [usize; 2])> = HashMap::new();
        let mut targets: HashMap<&[Base], [usize; 2]> = HashMap::new();
        for (row, pair) in rows.iter().enumerate() {
            let class = usize::from(pair.is_positive());
            mirnas.entry(&pair.mirna).or_insert((row, [0; 2])).1[class] += 1;
            targets.entry(&pair.site).or_default()[class] += 1;
        }
        let mut order: Vec<&(usize, [usize; 2])> = mirnas.values().collect();
        order.sort_by_key(|(first, counts)| (std::cmp::Reverse(counts[0] + counts[1]), *first));
        let count = |(first, [negatives, positives]): &(usize, [usize; 2])| MirnaCount {
            name: rows[*first].mirna_id.clone(),
            positives: *positives,
            negatives: *negatives,
        };
        let positives = rows.iter().filter(|pair| pair.is_positive()).count();
        Balance {
            positives,
            negatives: rows.len() - positives,
            mirnas: Labels::of(mirnas.values().map(|(_, counts)| counts)),
            targets: Labels::of(targets.values()),
            counts: order.into_iter().map(count).collect(),
        }
    }

    /// Rows in all.
    pub(super) fn rows(&self) -> usize {
        self.positives + self.negatives
    }
}

#[cfg(test)]
mod tests {
    use super::super::cases::pair;
    use super::*;

    #[test]
    fn every_row_is_counted_once() {
        let rows = [
            pair("AAAAAAAAAA", "ACGU", 1),
            pair("AAAAAAAAAA", "ACGU", 0),
            pair("CCCCCCCCCC", "GGGG", 1),
            pair("CCCCCCCCCC", "GGGA", 1),
            pair("CCCCCCCCCC", "GGAA", 1),
            pair("GGGGGGGGGG", "GAAA", 0),
        ];
        let balance = Balance::of(&rows);
        assert_eq!((balance.positives, balance.negatives), (4, 2));
        let share = |parts, rows| Share { parts, rows };
        let of = |only_positive, only_negative, both| Labels { only_positive, only_negative, both };
        assert_eq!(balance.mirnas, of(share(1, 3), share(1, 1), share(1, 2)));
        assert_eq!(balance.targets, of(share(3, 3), share(1, 1), share(1, 2)));
        let counts: Vec<_> =
            balance.counts.iter().map(|c| (&c.name[..1], c.positives, c.negatives)).collect();
        assert_eq!(counts, [("C", 3, 0), ("A", 1, 1), ("G", 0, 1)]);
    }
}
