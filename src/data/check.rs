//! Leaks: what rows that are tested on have in common with rows that are learned from.

use std::collections::HashMap;

use serde::Serialize;

use super::leaks::kmers;
use super::pairs::Pair;
use crate::rna::{Base, name_family, seed_family};

/// Something that two rows may share, from the most telling to the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shared {
    /// Both sequences.
    Pair,
    /// Both sequences, with the other label.
    PairOtherLabel,
    /// Both ids.
    PairIds,
    /// The site's sequence.
    Site,
    /// 20 bases in a row of the site, or the whole of a site without a 20-mer; and the miRNA's sequence.
    SiteKmerAndMirna,
    /// 20 bases in a row of the site, or the whole of a site without a 20-mer.
    SiteKmer,
    /// The site's id: a gene, where the file names genes.
    Gene,
    /// The miRNA's sequence.
    Mirna,
    /// Nucleotides 2-8 of the miRNA.
    FamilySeed,
    /// The family that the miRNA's name says ([`name_family`]).
    FamilyName,
}

impl Shared {
    /// All of them, in order.
    pub const ALL: [Shared; 10] = [
        Shared::Pair,
        Shared::PairOtherLabel,
        Shared::PairIds,
        Shared::Site,
        Shared::SiteKmerAndMirna,
        Shared::SiteKmer,
        Shared::Gene,
        Shared::Mirna,
        Shared::FamilySeed,
        Shared::FamilyName,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Shared::Pair => "same pair",
            Shared::PairOtherLabel => "same pair, other label",
            Shared::PairIds => "same pair by ids",
            Shared::Site => "same site",
            Shared::SiteKmerAndMirna => "site shares a 20-mer, same miRNA",
            Shared::SiteKmer => "site shares a 20-mer",
            Shared::Gene => "same gene or site id",
            Shared::Mirna => "same miRNA",
            Shared::FamilySeed => "same family by seed 2-8",
            Shared::FamilyName => "same family by name",
        }
    }

    /// What a row must have in common with another to share this; several where one is enough. `tested` tells the side.
    fn keys<'a>(self, pair: &'a Pair, tested: bool) -> Vec<Key<'a>> {
        let site_id = Some(pair.site_id.as_str()).filter(|id| *id != ".");
        match self {
            Shared::Pair => vec![Key::Pair(&pair.mirna, &pair.site)],
            Shared::PairOtherLabel => {
                let positive = pair.label.map(|_| pair.is_positive() != tested);
                positive.map(|label| Key::Labelled(&pair.mirna, &pair.site, label)).into_iter().collect()
            }
            Shared::PairIds => site_id.map(|id| Key::Ids(&pair.mirna_id, id)).into_iter().collect(),
            Shared::Site => vec![Key::Site(&pair.site)],
            Shared::SiteKmerAndMirna => site_keys(&pair.mirna, &pair.site),
            Shared::SiteKmer => site_keys(&[], &pair.site),
            Shared::Gene => site_id.map(Key::Id).into_iter().collect(),
            Shared::Mirna => vec![Key::Mirna(&pair.mirna)],
            Shared::FamilySeed => vec![Key::Mirna(seed_family(&pair.mirna))],
            Shared::FamilyName => name_family(&pair.mirna_id).map(Key::Name).into_iter().collect(),
        }
    }
}

/// What is compared.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Pair(&'a [Base], &'a [Base]),
    Labelled(&'a [Base], &'a [Base], bool),
    Ids(&'a str, &'a str),
    Site(&'a [Base]),
    Kmer(&'a [Base], u64),
    Id(&'a str),
    Mirna(&'a [Base]),
    Name(String),
}

/// The site's 20-mers, or the whole of a site without one, each with the miRNA.
fn site_keys<'a>(mirna: &'a [Base], site: &'a [Base]) -> Vec<Key<'a>> {
    let found: Vec<Key> = kmers(site).map(|kmer| Key::Kmer(mirna, kmer)).collect();
    if found.is_empty() { vec![Key::Pair(mirna, site)] } else { found }
}

/// Rows of one kind that share something, of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    pub rows: usize,
    pub of: usize,
}

impl Count {
    fn add(&mut self, shares: bool) {
        self.of += 1;
        self.rows += usize::from(shares);
    }

    /// `None` of no rows.
    pub fn percent(self) -> Option<f64> {
        (self.of > 0).then(|| 100.0 * self.rows as f64 / self.of as f64)
    }
}

/// How many tested rows share one thing with a row that is learned from.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Leak {
    pub shared: Shared,
    pub positives: Count,
    pub negatives: Count,
    pub unlabelled: Count,
    /// The first such tested row and the first row it shares this with, 0-based.
    pub first: Option<(usize, usize)>,
}

/// What `tested` shares with `learned`, in the order of [`Shared::ALL`].
pub fn check(learned: &[Pair], tested: &[Pair]) -> Vec<Leak> {
    Shared::ALL.into_iter().map(|shared| leak(shared, learned, tested)).collect()
}

/// How many of `tested` share one thing with `learned`.
pub fn leak(shared: Shared, learned: &[Pair], tested: &[Pair]) -> Leak {
    let mut holder: HashMap<Key, usize> = HashMap::new();
    for (row, pair) in learned.iter().enumerate() {
        for key in shared.keys(pair, false) {
            holder.entry(key).or_insert(row);
        }
    }
    let mut found = Leak {
        shared,
        positives: Count::default(),
        negatives: Count::default(),
        unlabelled: Count::default(),
        first: None,
    };
    for (row, pair) in tested.iter().enumerate() {
        let with = shared.keys(pair, true).iter().filter_map(|key| holder.get(key)).min();
        let count = match pair.label {
            None => &mut found.unlabelled,
            Some(_) if pair.is_positive() => &mut found.positives,
            Some(_) => &mut found.negatives,
        };
        count.add(with.is_some());
        found.first = found.first.or(with.map(|&with| (row, with)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    fn pair(mirna: (&str, &str), site: (&str, &str), label: Option<f32>) -> Pair {
        Pair {
            mirna_id: mirna.0.into(),
            mirna: parse(mirna.1.as_bytes()).unwrap(),
            site_id: site.0.into(),
            site: parse(site.1.as_bytes()).unwrap(),
            label,
            split: None,
            cluster: None,
            family: None,
        }
    }

    const A: (&str, &str) = ("hsa-miR-15a-5p", "UAGCAGCACAUAAUGGUUUGUG");
    const B: (&str, &str) = ("hsa-miR-15b-3p", "CGAAUCAUUAUUUGCUGCUCUA");
    const C: (&str, &str) = ("hsa-miR-424-5p", "CAGCAGCAAUUCAUGUUUUGAA");
    const LONG: &str = "ACGUACGGUUACCAUGGCAUACGAUU";

    /// Of each thing how many positives, negatives and unlabelled rows share it.
    fn counts(tested: &[Pair]) -> Vec<(&'static str, [usize; 3])> {
        let learned = [
            pair(A, ("G1", LONG), Some(1.0)),
            pair(B, (".", "ACGUN"), Some(0.0)),
            pair(A, ("G2", "A"), None),
        ];
        let leaks = check(&learned, tested);
        let rows = |leak: &Leak| [leak.positives.rows, leak.negatives.rows, leak.unlabelled.rows];
        leaks
            .iter()
            .map(|leak| (leak.shared.name(), rows(leak)))
            .filter(|(_, rows)| *rows != [0; 3])
            .collect()
    }

    #[test]
    fn each_thing_is_seen_alone() {
        let same = counts(&[pair(A, ("G9", LONG), Some(1.0))]);
        let names: Vec<&str> = same.iter().map(|(name, _)| *name).collect();
        let expected =
            [Shared::Pair, Shared::Site, Shared::SiteKmerAndMirna, Shared::SiteKmer, Shared::Mirna];
        assert_eq!(names[..5], expected.map(Shared::name));
        assert_eq!(names[5..], [Shared::FamilySeed, Shared::FamilyName].map(Shared::name));
        let other = counts(&[pair(A, ("G9", LONG), Some(0.0))]);
        assert_eq!((other[1].0, other[1].1), (Shared::PairOtherLabel.name(), [0, 1, 0]));
        // another miRNA of the name's family on a near-duplicate; the seed's family on a site of the gene
        assert_eq!(
            counts(&[pair(B, ("G1", &LONG[3..]), None), pair(C, ("G2", "GGGG"), Some(1.0))]),
            [
                (Shared::SiteKmer.name(), [0, 0, 1]),
                (Shared::Gene.name(), [1, 0, 1]),
                (Shared::Mirna.name(), [0, 0, 1]),
                (Shared::FamilySeed.name(), [1, 0, 1]),
                (Shared::FamilyName.name(), [0, 0, 1]),
            ]
        );
    }

    #[test]
    fn unknown_genes_and_short_sites() {
        let unknown = counts(&[pair(B, (".", "ACGUN"), Some(0.0))]);
        assert!(
            unknown.iter().all(|(name, _)| ![Shared::Gene.name(), Shared::PairIds.name()].contains(name))
        );
        assert!(
            unknown.contains(&(Shared::SiteKmerAndMirna.name(), [0, 1, 0])),
            "a site without a 20-mer is whole"
        );
        assert_eq!(counts(&[pair(("x", "GGGGGGGGGG"), (".", "CGUN"), Some(0.0))]), []);
        let by_ids = counts(&[pair((A.0, "GGGGGGGGGG"), ("G2", "CCCC"), Some(0.0))]);
        assert_eq!(by_ids[0], (Shared::PairIds.name(), [0, 1, 0]));
    }

    #[test]
    fn examples_name_the_first_rows_of_both() {
        let learned = [pair(C, ("G", "A"), None), pair(A, ("G", "C"), None), pair(A, ("G", "G"), None)];
        let tested =
            [pair(B, ("H", "U"), Some(1.0)), pair(A, ("H", "U"), Some(1.0)), pair(A, ("H", "U"), Some(1.0))];
        let leaks = check(&learned, &tested);
        let mirna = leaks.iter().find(|leak| leak.shared == Shared::Mirna).unwrap();
        assert_eq!((mirna.first, mirna.positives), (Some((1, 1)), Count { rows: 2, of: 3 }));
        assert_eq!(mirna.positives.percent().map(f64::round), Some(67.0));
        assert_eq!(mirna.negatives.percent(), None);
    }
}
