//! What a gate looks for on behalf of one miRNA: made once, asked of every transcript.

use super::candidates::{K, kmers};
use super::extended_seed::Asked;
use super::{Base, Gate};

/// Nucleotides of the shortest miRNA a seed can be read from.
const SEED_END: usize = 8;

/// A miRNA and the matches that a [`Gate`] accepts for it.
pub struct Probe {
    pub(super) mirna: Vec<Base>,
    pub(super) gate: Gate,
    /// Of a gate of seeds; none for a miRNA that is too short to have one.
    pub(super) patterns: Vec<Pattern>,
    /// Of a gate of windows that asks something of them.
    pub(super) asked: Option<Asked>,
}

/// A match that is looked for.
pub(super) struct Pattern {
    /// Its last 6 bases, which are looked up.
    pub code: u16,
    /// The bases before those, which are compared.
    pub before: Vec<Base>,
    /// From where the 6 bases start to the one opposite nucleotide 2.
    pub locus: usize,
}

impl Probe {
    pub fn new(mirna: &[Base], gate: Gate) -> Self {
        let mut probe = Probe { mirna: mirna.to_vec(), gate, patterns: vec![], asked: None };
        if probe.is_short() {
            return probe;
        }
        match gate {
            Gate::All { .. } => {}
            Gate::Extended { rule, .. } => probe.asked = Some(rule.of(mirna)),
            Gate::Canonical => probe.canonical(),
            Gate::Relaxed => {
                probe.canonical();
                probe.relaxed();
            }
        }
        probe
    }

    /// Too short to have a seed.
    pub(super) fn is_short(&self) -> bool {
        self.mirna.len() < SEED_END
    }

    fn canonical(&mut self) {
        self.look_for(facing(&self.mirna[1..7]), K - 1);
    }

    fn relaxed(&mut self) {
        let mut a1 = facing(&self.mirna[1..6]);
        a1.push(Base::A);
        self.look_for(a1, K - 2);
        let seed = facing(&self.mirna[1..8]); // opposite nucleotides 8, 7, .. 2
        self.look_for(seed[..K].to_vec(), K); // offset 6-mer: nucleotide 2 is one further on
        flawed(&seed).into_iter().for_each(|site| self.look_for(site, K - 1));
    }

    /// `locus` counts from the last six bases of `site`; unknown ones are not found.
    fn look_for(&mut self, mut site: Vec<Base>, locus: usize) {
        let last = site.split_off(site.len() - K);
        let code = kmers(&last).next().map(|(code, _)| code);
        self.patterns.extend(code.map(|code| Pattern { code, before: site, locus }));
    }
}

/// The sites, 5'->3', that pair with nucleotides 2-8 but for one flaw in nucleotides 3-7, given their full match `seed`.
/// Flaws at nucleotides 2 and 8 leave an offset 6-mer or a 6-mer.
fn flawed(seed: &[Base]) -> Vec<Vec<Base>> {
    let mut sites = Vec::new();
    for i in 1..seed.len() - 1 {
        let mut without = seed.to_vec();
        without.remove(i);
        sites.push(without); // the miRNA's nucleotide is bulged
        for base in [Base::A, Base::C, Base::G, Base::U] {
            if base != seed[i] {
                let mut other = seed.to_vec();
                other[i] = base; // wobble or mismatch
                sites.push(other);
            }
            if i > 1 {
                let mut with = seed.to_vec();
                with.insert(i, base); // the site's base is bulged
                sites.push(with);
            }
        }
    }
    sites
}

/// The site, 5'->3', that pairs with all of `nucleotides`; unknown bases face unknown bases.
fn facing(nucleotides: &[Base]) -> Vec<Base> {
    let complement = |base: &Base| match base {
        Base::A => Base::U,
        Base::C => Base::G,
        Base::G => Base::C,
        Base::U => Base::A,
        Base::N => Base::N,
    };
    nucleotides.iter().rev().map(complement).collect()
}
