//! Keeping test sites out of training: two sites that share a 20-mer are near-duplicates.

use std::collections::HashSet;

use super::pairs::Pair;
use crate::rna::Base;

/// Length of the shared stretch that makes two sites near-duplicates, in nucleotides.
pub(super) const K: usize = 20;

/// Every 20-mer of some sites. A site without one (too short, or an N in every window) stands for itself as a whole.
#[derive(Clone, Debug, Default)]
pub struct KmerSet {
    kmers: HashSet<u64>,
    whole: HashSet<Vec<Base>>,
}

impl KmerSet {
    /// The 20-mers of the sites of `pairs`.
    pub fn of_sites(pairs: &[Pair]) -> KmerSet {
        let mut set = KmerSet::default();
        pairs.iter().for_each(|pair| set.insert(&pair.site));
        set
    }

    /// Adds the 20-mers of `site`.
    pub fn insert(&mut self, site: &[Base]) {
        let found = kmers(site).map(|kmer| self.kmers.insert(kmer)).count();
        if found == 0 {
            self.whole.insert(site.to_vec());
        }
    }

    /// Whether `site` shares a 20-mer with a site of the set (or, having none, equals one).
    pub fn shares_kmer(&self, site: &[Base]) -> bool {
        kmers(site).any(|kmer| self.kmers.contains(&kmer)) || self.whole.contains(site)
    }

    /// Number of distinct 20-mers.
    pub fn len(&self) -> usize {
        self.kmers.len()
    }

    /// Whether no site was added.
    pub fn is_empty(&self) -> bool {
        self.kmers.is_empty() && self.whole.is_empty()
    }
}

/// The pairs whose site shares no 20-mer with `test`, and how many were dropped.
pub fn drop_leaks(pairs: Vec<Pair>, test: &KmerSet) -> (Vec<Pair>, usize) {
    let before = pairs.len();
    let kept: Vec<Pair> = pairs.into_iter().filter(|pair| !test.shares_kmer(&pair.site)).collect();
    let dropped = before - kept.len();
    (kept, dropped)
}

/// The pairs that are not, by miRNA and site id, among `test` (gene-level tests name whole genes), and how many were
/// dropped. Unknown ids (`.`) equal nothing.
pub fn drop_pairs(pairs: Vec<Pair>, test: &[Pair]) -> (Vec<Pair>, usize) {
    let known: HashSet<(&str, &str)> = test.iter().map(ids).filter(|(_, site)| *site != ".").collect();
    let before = pairs.len();
    let kept: Vec<Pair> = pairs.into_iter().filter(|pair| !known.contains(&ids(pair))).collect();
    let dropped = before - kept.len();
    (kept, dropped)
}

fn ids(pair: &Pair) -> (&str, &str) {
    (&pair.mirna_id, &pair.site_id)
}

/// The 20-mers of `site` in order, 2 bits a base; windows with an N are skipped.
pub(super) fn kmers(site: &[Base]) -> impl Iterator<Item = u64> {
    let (mut packed, mut clean) = (0u64, 0usize);
    site.iter().filter_map(move |&base| {
        clean = if base == Base::N { 0 } else { clean + 1 };
        packed = ((packed << 2) | (base as u64 & 3)) & ((1 << (2 * K)) - 1);
        (clean >= K).then_some(packed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    fn set(sites: &[&str]) -> KmerSet {
        let mut set = KmerSet::default();
        sites.iter().for_each(|site| set.insert(&parse(site.as_bytes()).unwrap()));
        set
    }

    fn shares(set: &KmerSet, site: &str) -> bool {
        set.shares_kmer(&parse(site.as_bytes()).unwrap())
    }

    #[test]
    fn twenty_shared_bases_are_a_leak_and_nineteen_are_not() {
        let test = set(&["ACGUACGGUUACCAUGGCAUACGAUU"]);
        assert_eq!(test.len(), 7);
        assert!(shares(&test, "GGGGACGUACGGUUACCAUGGCAUGGGG"));
        assert!(!shares(&test, "GGGGACGUACGGUUACCAUGGCAGGGG"));
        assert!(shares(&test, "GGUUACCAUGGCAUACGAUU"), "the last window counts");
        assert!(!shares(&test, "GGUUACCAUGNCAUACGAUU"));
    }

    #[test]
    fn sites_without_a_twenty_mer_compare_whole() {
        let test = set(&["ACGUACGUACGUACGUACG", "NACGUACGUACGUACGUACGN"]);
        assert_eq!(test.len(), 0);
        assert!(shares(&test, "ACGUACGUACGUACGUACG"));
        assert!(!shares(&test, "ACGUACGUACGUACGUAC"));
        assert!(shares(&test, "NACGUACGUACGUACGUACGN"));
    }
}
