//! Rows that must not be torn apart: near-duplicate sites, sites of one gene, miRNAs of one family.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::hash::Hash;

use super::leaks::kmers;
use super::pairs::Pair;
use crate::rna::{name_family, seed_family};

/// What keeps two rows on the same side of a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Grouping {
    /// Nothing: random rows leak near-duplicates and are only for comparison with papers that did so.
    Rows,
    /// Sites that share a 20-mer, or that the file puts in one cluster.
    Sites,
    /// As `Sites`, and sites with the same id (a gene, where the file names genes).
    Genes,
    /// miRNAs with the same nucleotides 2-8, or that the file puts in one family.
    Families,
    /// As `Families`, and miRNAs whose names are of one family ([`name_family`]): `miR-15a` and `miR-15b`, every `let-7`,
    /// both arms of a hairpin.
    Names,
}

/// The group of each row, numbered from 0 in order of first appearance.
pub fn groups(pairs: &[Pair], grouping: Grouping) -> Vec<usize> {
    let mut union = Union { parent: (0..pairs.len()).collect() };
    match grouping {
        Grouping::Rows => {}
        Grouping::Sites => union.join_sites(pairs),
        Grouping::Genes => {
            union.join_sites(pairs);
            union.join(pairs, |pair| (pair.site_id != ".").then_some(&pair.site_id));
        }
        Grouping::Families => union.join_families(pairs),
        Grouping::Names => {
            union.join_families(pairs);
            union.join(pairs, |pair| name_family(&pair.mirna_id));
        }
    }
    let mut number = HashMap::new();
    let roots = (0..pairs.len()).map(|row| union.root(row));
    roots
        .map(|root| {
            let next = number.len();
            *number.entry(root).or_insert(next)
        })
        .collect()
}

/// Disjoint sets of rows, each known by its smallest row.
struct Union {
    parent: Vec<usize>,
}

impl Union {
    fn root(&mut self, mut row: usize) -> usize {
        while self.parent[row] != row {
            self.parent[row] = self.parent[self.parent[row]];
            row = self.parent[row];
        }
        row
    }

    fn unite(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        self.parent[a.max(b)] = a.min(b);
    }

    /// Unites the rows of equal key; rows without one stay as they are.
    fn join<'a, K: Hash + Eq>(&mut self, pairs: &'a [Pair], key: impl Fn(&'a Pair) -> Option<K>) {
        let mut first = HashMap::new();
        for (row, pair) in pairs.iter().enumerate() {
            if let Some(key) = key(pair) {
                let one = *first.entry(key).or_insert(row);
                self.unite(one, row);
            }
        }
    }

    fn join_families(&mut self, pairs: &[Pair]) {
        self.join(pairs, |pair| Some(seed_family(&pair.mirna)));
        self.join(pairs, |pair| pair.family.as_ref());
    }

    fn join_sites(&mut self, pairs: &[Pair]) {
        self.join(pairs, |pair| Some(&pair.site));
        self.join(pairs, |pair| pair.cluster.as_ref());
        let mut first = HashMap::new();
        for (row, pair) in pairs.iter().enumerate() {
            for kmer in kmers(&pair.site) {
                let one = *first.entry(kmer).or_insert(row);
                self.unite(one, row);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    fn pair(mirna: &str, site: &str, id: &str) -> Pair {
        Pair {
            mirna_id: mirna.into(),
            mirna: parse(mirna.as_bytes()).unwrap(),
            site_id: id.into(),
            site: parse(site.as_bytes()).unwrap(),
            label: Some(1.0),
            split: None,
            cluster: None,
            family: None,
        }
    }

    #[test]
    fn near_duplicates_chain_and_genes_and_families_join() {
        let mut pairs = vec![
            pair("AAAAAAAACC", "ACGUACGGUUACCAUGGCAUACGA", "g1"),
            pair("CAAAAAAAUU", "GGUUACCAUGGCAUACGAUUCCCC", "g2"),
            pair("CCCCCCCCCC", "UUACCAUGGCAUACGAUUCCCCAA", "."),
            pair("GGGGGGGGGG", "GAGAGAGAGAGAGAGAGAGAGAGA", "g1"),
            pair("GGG", "CUCUCUCUCUCUCUCUCUCUCUCU", "."),
        ];
        assert_eq!(groups(&pairs, Grouping::Rows), [0, 1, 2, 3, 4]);
        // rows 0 and 1 share 18 bases, 1 and 2 share 22
        assert_eq!(groups(&pairs, Grouping::Sites), [0, 1, 1, 2, 3]);
        assert_eq!(groups(&pairs, Grouping::Genes), [0, 1, 1, 0, 2]);
        assert_eq!(groups(&pairs, Grouping::Families), [0, 0, 1, 2, 3]);
        (pairs[0].cluster, pairs[4].cluster) = (Some("7".into()), Some("7".into()));
        assert_eq!(groups(&pairs, Grouping::Names), [0, 0, 1, 2, 3], "sequences are no names");
        for (row, name) in
            ["hsa-let-7a-5p", "hsa-miR-98-5p", "hsa-let-7b-3p", "hsa-miR-15a-5p", "hsa-miR-15b-5p"]
                .into_iter()
                .enumerate()
        {
            pairs[row].mirna_id = name.into();
        }
        // rows 0 and 1 share the seed, 0 and 2 the name let-7, 3 and 4 the name mir-15
        assert_eq!(groups(&pairs, Grouping::Names), [0, 0, 0, 1, 1]);
        assert_eq!(groups(&pairs, Grouping::Families), [0, 0, 1, 2, 3], "the seed alone stays as it was");
        (pairs[2].family, pairs[3].family) = (Some("mir-1".into()), Some("mir-1".into()));
        assert_eq!(groups(&pairs, Grouping::Sites), [0, 1, 1, 2, 0]);
        assert_eq!(groups(&pairs, Grouping::Families), [0, 0, 1, 1, 2]);
    }
}
