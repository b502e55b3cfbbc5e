//! Candidate sites: where on a transcript a miRNA is worth asking the network about.
//!
//! A transcript is indexed once by its 6-mers; each miRNA then looks up the few 6-mers its gate accepts, which its
//! [`Probe`] has at hand, so a scan costs the transcript's length plus the hits, for any number of miRNAs.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use super::probe::{Pattern, Probe};
use super::seed::strongest;
use super::{Base, ExtendedSeed, SeedType, WindowShape};

/// Bases a lookup matches.
pub(super) const K: usize = 6;

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

impl Gate {
    /// Windows at the stride that is taken where none is asked for.
    pub const TILED: Gate = Gate::All { stride: 5 };
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
    known: bool,
}

impl KmerIndex {
    /// Indexes the 6-mers of `transcript`; those with unknown bases are left out.
    pub fn new(transcript: &[Base]) -> Self {
        let mut ends = vec![0u32; 1 << (2 * K)];
        let found: Vec<(u16, u32)> = kmers(transcript).collect();
        for &(code, _) in &found {
            ends[code as usize] += 1;
        }
        let known = !transcript.contains(&Base::N);
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
        KmerIndex { ends, positions, known }
    }

    /// Whether every base of the indexed transcript is known.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// Starts of the 6-mer `code` on the transcript, ascending.
    fn starts(&self, code: u16) -> &[u32] {
        let start = match code {
            0 => 0,
            _ => self.ends[code as usize - 1],
        };
        &self.positions[start as usize..self.ends[code as usize] as usize]
    }

    /// Candidates of the probe's miRNA on `transcript`, the indexed sequence, by locus.
    ///
    /// Of candidates whose loci are closer than a 6-mer only the strongest stays: two cannot be bound at once.
    pub fn candidates(&self, probe: &Probe, transcript: &[Base], shape: WindowShape) -> Vec<Candidate> {
        let mirna = &probe.mirna;
        match (&probe.asked, probe.gate) {
            (Some(asked), Gate::All { stride } | Gate::Extended { stride, .. }) => {
                tiled(mirna, transcript, stride, shape, |window| asked.accepts(window, shape))
            }
            (None, Gate::All { stride }) if !probe.is_short() => {
                tiled(mirna, transcript, stride, shape, |_| true)
            }
            _ => {
                let candidate = |(seed, locus)| Candidate {
                    seed,
                    locus: Some(locus),
                    window: shape.around(locus, transcript.len()),
                };
                match self.exact(probe) {
                    Some(loci) => loci
                        .map(|locus| candidate((SeedType::of_seed(mirna, transcript, locus), locus)))
                        .collect(),
                    None => self.sites(probe, transcript).into_iter().map(candidate).collect(),
                }
            }
        }
    }

    /// Loci of a probe that looks for nothing but a seed, where its matches do not overlap: nearly all there are, and
    /// nothing is to be sorted or compared.
    fn exact(&self, probe: &Probe) -> Option<impl Iterator<Item = usize>> {
        let [Pattern { code, before, locus }] = &probe.patterns[..] else { return None };
        debug_assert!(before.is_empty(), "a seed is looked up whole");
        let starts = self.starts(*code);
        let are_apart = starts.windows(2).all(|two| (two[1] - two[0]) as usize >= K);
        are_apart.then(|| starts.iter().map(move |&at| at as usize + locus))
    }

    /// Type and locus of every canonical site of `mirna` on `transcript`, the indexed sequence, by locus: those of the
    /// candidates with [`Gate::Canonical`].
    pub fn seed_sites(&self, mirna: &[Base], transcript: &[Base]) -> Vec<(SeedType, usize)> {
        self.sites(&Probe::new(mirna, Gate::Canonical), transcript)
    }

    fn sites(&self, probe: &Probe, transcript: &[Base]) -> Vec<(SeedType, usize)> {
        apart(&probe.mirna, transcript, self.loci(probe, transcript))
    }

    /// Where the probe's patterns are found, ascending.
    fn loci(&self, probe: &Probe, transcript: &[Base]) -> Vec<usize> {
        let mut loci = vec![];
        for Pattern { code, before, locus } in &probe.patterns {
            let starts = self.starts(*code).iter().map(|&at| at as usize);
            let matched = starts.filter(|&at| {
                let rest = at.checked_sub(before.len()).map(|from| &transcript[from..at]);
                rest == Some(&before[..])
            });
            loci.extend(matched.map(|at| at + locus));
        }
        if probe.patterns.len() > 1 {
            loci.sort_unstable();
            loci.dedup();
        }
        loci
    }
}

/// Every 6-mer of known bases: its code, two bits a base, and where it starts.
pub(super) fn kmers(sequence: &[Base]) -> impl Iterator<Item = (u16, u32)> {
    let (mut code, mut known) = (0u16, 0);
    sequence.iter().enumerate().filter_map(move |(i, &base)| {
        known = if base == Base::N { 0 } else { known + 1 };
        code = (code << 2 | (base as u16 & 3)) & ((1 << (2 * K)) - 1);
        (known >= K).then(|| (code, (i + 1 - K) as u32))
    })
}

/// The types at `loci`, which ascend; of those closer than a 6-mer only the strongest; by locus.
fn apart(mirna: &[Base], transcript: &[Base], loci: Vec<usize>) -> Vec<(SeedType, usize)> {
    let are_apart = loci.windows(2).all(|two| two[1] - two[0] >= K);
    let typed = |locus| (SeedType::at(mirna, transcript, locus), locus);
    let mut typed: Vec<(SeedType, usize)> = loci.into_iter().map(typed).collect();
    if are_apart {
        return typed;
    }
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
