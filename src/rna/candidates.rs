//! Candidate sites: where on a transcript a miRNA is worth asking the network about.
//!
//! A transcript is indexed once by its 6-mers; each miRNA then looks up the few 6-mers its gate accepts, so a
//! scan costs the transcript's length plus the hits, for any number of miRNAs.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::seed::strongest;
use super::{Base, ExtendedSeed, SeedType, WindowShape};

/// Bases a lookup matches.
const K: usize = 6;
/// Nucleotides of the shortest miRNA a seed can be read from.
const SEED_END: usize = 8;

/// Which sites are candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Seeds 8mer, 7mer-m8, 7mer-A1 and 6mer.
    Canonical,
    /// Also 6mer-A1, offset seeds, and nucleotides 2-8 paired but for one wobble, mismatch or bulged base.
    Relaxed,
    /// A window every `stride` nt, and the last one.
    All { stride: usize },
    /// Of those, the ones a published rule accepts.
    Extended { rule: ExtendedSeed, stride: usize },
}

/// As on the command line.
impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gate::Canonical => f.write_str("canonical"),
            Gate::Relaxed => f.write_str("relaxed"),
            Gate::All { stride } => write!(f, "all --stride {stride}"),
            Gate::Extended { rule: ExtendedSeed::TARGETNET, stride } => {
                write!(f, "targetnet --stride {stride}")
            }
            Gate::Extended { rule: ExtendedSeed::MIRAW, stride } => write!(f, "miraw --stride {stride}"),
            Gate::Extended { rule: ExtendedSeed { first, last, least }, stride } => {
                write!(f, "{least} of nucleotides {first}-{last} --stride {stride}")
            }
        }
    }
}

/// A place to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The strongest seed type here.
    pub seed: SeedType,
    /// 0-based index of the base opposite miRNA nucleotide 2. `None` for a window at a stride that holds no
    /// seed match.
    pub locus: Option<usize>,
    /// What the network reads, 0-based on the transcript.
    pub window: Range<usize>,
}

/// Where each 6-mer of a transcript starts.
pub struct KmerIndex {
    /// Of each 6-mer the end of its run in `positions`; the run starts where the one before ends.
    ends: Vec<u32>,
    positions: Vec<u32>,
}

impl KmerIndex {
    /// Indexes the 6-mers of `transcript`; those with unknown bases are left out.
    pub fn new(transcript: &[Base]) -> Self {
        let mut ends = vec![0u32; 1 << (2 * K)];
        let found: Vec<(u16, u32)> = kmers(transcript).collect();
        for &(code, _) in &found {
            ends[code as usize] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            let count = std::mem::replace(end, total);
            total += count;
        }
        // Each entry is now the start of its run and ends up at its end, one past the last position put there.
        let mut positions = vec![0; found.len()];
        for (code, at) in found {
            let next = &mut ends[code as usize];
            positions[*next as usize] = at;
            *next += 1;
        }
        KmerIndex { ends, positions }
    }

    /// Starts of `pattern` (6 known bases) on the transcript, ascending.
    fn starts(&self, pattern: &[Base]) -> &[u32] {
        let Some((code, _)) = kmers(pattern).next() else { return &[] };
        let start = match code {
            0 => 0,
            _ => self.ends[code as usize - 1],
        };
        &self.positions[start as usize..self.ends[code as usize] as usize]
    }

    /// Candidates of `mirna` on `transcript`, the indexed sequence, by locus.
    ///
    /// Of candidates whose loci are closer than a 6-mer only the strongest stays: two cannot be bound at once.
    pub fn candidates(
        &self,
        mirna: &[Base],
        transcript: &[Base],
        gate: Gate,
        shape: WindowShape,
    ) -> Vec<Candidate> {
        if mirna.len() < SEED_END {
            return Vec::new();
        }
        let mut loci = BTreeSet::new();
        match gate {
            Gate::All { stride } => return tiled(mirna, transcript, stride, shape, |_| true),
            Gate::Extended { rule, stride } => {
                let asked = rule.of(mirna);
                return tiled(mirna, transcript, stride, shape, |window| asked.accepts(window, shape));
            }
            Gate::Canonical => self.canonical(mirna, &mut loci),
            Gate::Relaxed => {
                self.canonical(mirna, &mut loci);
                self.relaxed(mirna, transcript, &mut loci);
            }
        }
        let candidate = |(seed, locus)| Candidate {
            seed,
            locus: Some(locus),
            window: shape.around(locus, transcript.len()),
        };
        apart(mirna, transcript, loci).into_iter().map(candidate).collect()
    }

    /// Type and locus of every canonical site of `mirna` on `transcript`, the indexed sequence, by locus: those of the
    /// candidates with [`Gate::Canonical`].
    pub fn seed_sites(&self, mirna: &[Base], transcript: &[Base]) -> Vec<(SeedType, usize)> {
        let mut loci = BTreeSet::new();
        if mirna.len() >= SEED_END {
            self.canonical(mirna, &mut loci);
        }
        apart(mirna, transcript, loci)
    }

    fn canonical(&self, mirna: &[Base], loci: &mut BTreeSet<usize>) {
        let seed = facing(&mirna[1..7]);
        loci.extend(self.starts(&seed).iter().map(|&at| at as usize + K - 1));
    }

    fn relaxed(&self, mirna: &[Base], transcript: &[Base], loci: &mut BTreeSet<usize>) {
        let starts =
            |pattern: &[Base]| self.starts(pattern).iter().map(|&at| at as usize).collect::<Vec<_>>();
        let mut a1 = facing(&mirna[1..6]);
        a1.push(Base::A);
        loci.extend(starts(&a1).iter().map(|at| at + K - 2));
        let seed = facing(&mirna[1..8]); // opposite nucleotides 8, 7, .. 2
        loci.extend(starts(&seed[..K]).iter().map(|at| at + K)); // offset 6-mer: nucleotide 2 is one further on
        for pattern in flawed(&seed) {
            // The last six bases are looked up, those before them compared.
            let before = pattern.len() - K;
            for at in starts(&pattern[before..]) {
                let rest = at.checked_sub(before).map(|from| &transcript[from..at]);
                if rest == Some(&pattern[..before]) {
                    loci.insert(at + K - 1);
                }
            }
        }
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

/// Every 6-mer of known bases: its code, two bits a base, and where it starts.
fn kmers(sequence: &[Base]) -> impl Iterator<Item = (u16, u32)> {
    let (mut code, mut known) = (0u16, 0);
    sequence.iter().enumerate().filter_map(move |(i, &base)| {
        known = if base == Base::N { 0 } else { known + 1 };
        code = (code << 2 | (base as u16 & 3)) & ((1 << (2 * K)) - 1);
        (known >= K).then(|| (code, (i + 1 - K) as u32))
    })
}

/// The types at `loci`; of those closer than a 6-mer only the strongest; by locus.
fn apart(mirna: &[Base], transcript: &[Base], loci: BTreeSet<usize>) -> Vec<(SeedType, usize)> {
    let mut typed: Vec<(SeedType, usize)> =
        loci.into_iter().map(|locus| (SeedType::at(mirna, transcript, locus), locus)).collect();
    typed.sort_unstable();
    let mut taken = BTreeSet::new();
    typed.retain(|&(_, locus)| {
        let free = taken.range((locus + 1).saturating_sub(K)..locus + K).next().is_none();
        if free {
            taken.insert(locus);
        }
        free
    });
    typed.sort_unstable_by_key(|&(_, locus)| locus);
    typed
}

/// A candidate for every `stride`-th window and the last, if `accepts` it, with the strongest seed match inside it.
fn tiled(
    mirna: &[Base],
    transcript: &[Base],
    stride: usize,
    shape: WindowShape,
    accepts: impl Fn(&[Base]) -> bool,
) -> Vec<Candidate> {
    let last = transcript.len().saturating_sub(shape.len);
    let starts = (0..last).step_by(stride.max(1)).chain([last]);
    let windows = starts.map(|start| start..(start + shape.len).min(transcript.len()));
    let candidate = |window: Range<usize>| {
        let strongest = strongest(mirna, transcript, window.clone());
        let seed = strongest.map_or(SeedType::NonCanonical, |(_, seed)| seed);
        Candidate { seed, locus: strongest.map(|(locus, _)| locus), window }
    };
    windows.filter(|window| accepts(&transcript[window.clone()])).map(candidate).collect()
}

#[cfg(test)]
mod tests;
