//! A scan as one page: what is kept of it while it runs, in memory that does not grow with it.
//!
//! Counts are of every pair and site; rows, duplexes and maps only of the most probable sites. The order of rows depends on
//! nothing but the rows, so parts of a scan can be joined in any order.

mod data;
mod page;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Tally;
use super::lines::{Answered, Place, Row};
use crate::rna::SeedType;

/// Sites that the page has rows of, at most: what browsers sort and filter at once.
const KEPT: usize = 20_000;
/// Boxes of the histogram, from 0 to 1.
const BINS: usize = 20;

/// Kinds of sites that have a colour of their own, strongest first.
pub(super) const KINDS: [&str; 6] =
    ["8mer", "7mer-m8", "7mer-A1", "6mer", "6mer-A1 or offset", "non-canonical"];

/// What the page will say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Report {
    pairs: Tally,
    /// Sites of each kind in each box.
    sites: [[u64; BINS]; KINDS.len()],
    /// The most probable sites.
    kept: BTreeSet<Kept>,
}

/// A site. The order of fields is the order of rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Kept {
    /// One minus the probability, in millionths.
    improbability: u32,
    mirna: String,
    target: String,
    /// 1-based, inclusive.
    start: usize,
    end: usize,
    target_length: usize,
    site_type: String,
    kind: usize,
    /// Watson-Crick pairs, wobbles, mismatches.
    counts: [usize; 3],
    /// As tables have it, where it is known.
    fdr: Option<String>,
    /// miRNA 3'->5', bars, site 5'->3'; empty where nothing pairs.
    drawing: [String; 3],
    /// `chromosome:start-end:strand`.
    place: Option<String>,
}

/// Millionths.
const WHOLE: f32 = 1e6;

impl Report {
    /// Takes in a pair and its sites.
    pub(super) fn add(&mut self, answered: &Answered) {
        self.pairs.add(answered.question.status);
        for row in &answered.rows {
            let p = row.site.probability;
            let bin = ((p * BINS as f32) as usize).min(BINS - 1);
            self.sites[kind(row.site.candidate.seed)][bin] += 1;
            let improbability = WHOLE as u32 - (p * WHOLE).round() as u32;
            let last = self.kept.last().map(|kept| kept.improbability);
            if self.kept.len() < KEPT || last.is_some_and(|last| improbability <= last) {
                self.kept.insert(Kept::of(answered, row, improbability));
                if self.kept.len() > KEPT {
                    self.kept.pop_last();
                }
            }
        }
    }

    /// Sites of any kind.
    fn total(&self) -> u64 {
        self.sites.iter().flatten().sum()
    }
}

impl Kept {
    fn of(answered: &Answered, row: &Row, improbability: u32) -> Self {
        let (mirna, target) = (&answered.question.mirna, &answered.question.target);
        let seed = row.site.candidate.seed;
        let drawn = row.duplex.as_ref().map(|duplex| duplex.draw(&mirna.sequence, &target.sequence));
        let place = match answered.place {
            Place::Found(transcript) => {
                let blocks = transcript.locate(row.span());
                let (start, end) = (blocks[0].start + 1, blocks[blocks.len() - 1].end);
                Some(format!("{}:{start}-{end}:{}", transcript.chrom, transcript.strand))
            }
            Place::NoGenome | Place::Lost => None,
        };
        Kept {
            improbability,
            mirna: mirna.id.clone(),
            target: target.id.clone(),
            start: row.start,
            end: row.end,
            target_length: target.sequence.len(),
            site_type: seed.name().to_string(),
            kind: kind(seed),
            fdr: answered.fdr(row).map(|fdr| format!("{fdr:.6}")),
            counts: row.duplex.as_ref().map_or([0; 3], |d| [d.n_wc, d.n_gu, d.n_mismatch]),
            drawing: drawn.map(|d| [d.mirna, d.bars, d.target]).unwrap_or_default(),
            place,
        }
    }

    fn probability(&self) -> f64 {
        1.0 - f64::from(self.improbability) / f64::from(WHOLE)
    }
}

/// Place in [`KINDS`].
pub(super) fn kind(seed: SeedType) -> usize {
    match seed {
        SeedType::EightMer => 0,
        SeedType::SevenMerM8 => 1,
        SeedType::SevenMerA1 => 2,
        SeedType::SixMer => 3,
        SeedType::SixMerA1 | SeedType::OffsetSevenMer | SeedType::OffsetSixMer => 4,
        SeedType::NonCanonical => 5,
    }
}

#[cfg(test)]
mod tests;
