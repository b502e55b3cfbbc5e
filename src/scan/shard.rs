//! One of several parts of a scan: a run of transcripts, so that the parts' tables put one after the other are the whole's.
//!
//! Transcripts go to the shard that the middle of theirs falls in when the file's nucleotides are cut into equal
//! stretches. So shards hold about as many nucleotides, follow each other, and depend on the file alone.

use std::ops::Range;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::rna::Reader;
use crate::{Error, Result};

/// Which shard of how many: `2/7`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShardOf {
    /// From 1.
    pub index: u32,
    pub of: u32,
}

impl ShardOf {
    /// Everything.
    pub const WHOLE: ShardOf = ShardOf { index: 1, of: 1 };
}

impl FromStr for ShardOf {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((index, of)) if (1..=of).contains(&index) => Ok(ShardOf { index, of }),
            _ => Err(Error::Setting(format!("expected i/n with i from 1 to n, as in 2/7, found '{text}'"))),
        }
    }
}

/// The transcripts of a shard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// From 1.
    pub index: u32,
    pub of: u32,
    /// Places in the file of the first transcript and of the first that is not in it, from 0, repeated records left out.
    pub transcripts: Range<u64>,
    /// Ids of the first and last transcript; none in a shard without.
    pub first: Option<String>,
    pub last: Option<String>,
    pub nucleotides: u64,
}

impl Shard {
    /// Everything, of a file that was not looked at.
    pub fn whole() -> Self {
        let ShardOf { index, of } = ShardOf::WHOLE;
        Shard { index, of, transcripts: 0..u64::MAX, first: None, last: None, nucleotides: 0 }
    }

    /// Whether nothing comes after it: pairs whose transcript no file has are its business.
    pub fn is_last(&self) -> bool {
        self.index == self.of
    }

    /// Every shard of a file, which is read whole.
    pub fn all(targets: &mut Reader, of: u32) -> Result<Vec<Shard>> {
        let mut lengths = Vec::new();
        for target in targets.by_ref() {
            let target = target?;
            lengths.push((target.id, target.sequence.len() as u64));
        }
        match lengths.is_empty() {
            true => Err(targets.nothing()),
            false => Ok(cut(&lengths, of)),
        }
    }
}

/// The runs of transcripts, given by id and length.
pub(super) fn cut(transcripts: &[(String, u64)], of: u32) -> Vec<Shard> {
    // A record costs something even without a sequence.
    let weight = |length: u64| u128::from(length) + 1;
    let total: u128 = transcripts.iter().map(|(_, length)| weight(*length)).sum();
    let (mut before, mut start) = (0, 0);
    let mut ends = vec![0; of as usize];
    for (_, length) in transcripts {
        let middle = 2 * before + weight(*length);
        ends[(middle * u128::from(of) / (2 * total)) as usize] += 1;
        before += weight(*length);
    }
    let mut shards = Vec::new();
    for (index, count) in (1..).zip(ends) {
        let own = &transcripts[start..start + count];
        shards.push(Shard {
            index,
            of,
            transcripts: start as u64..(start + count) as u64,
            first: own.first().map(|(id, _)| id.clone()),
            last: own.last().map(|(id, _)| id.clone()),
            nucleotides: own.iter().map(|(_, length)| length).sum(),
        });
        start += count;
    }
    shards
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn transcripts(lengths: &[u64]) -> Vec<(String, u64)> {
        lengths.iter().enumerate().map(|(i, &length)| (format!("t{i}"), length)).collect()
    }

    #[test]
    fn shards_are_written_as_two_numbers() {
        assert_eq!("2/7".parse::<ShardOf>().unwrap(), ShardOf { index: 2, of: 7 });
        for wrong in ["", "2", "0/7", "8/7", "0/0", "a/b", "-1/7", "1/7/9"] {
            let message = wrong.parse::<ShardOf>().unwrap_err().to_string();
            assert_eq!(message, format!("expected i/n with i from 1 to n, as in 2/7, found '{wrong}'"));
        }
    }

    #[test]
    fn nucleotides_are_balanced_not_transcripts() {
        let shards = cut(&transcripts(&[999, 499, 499, 99, 899]), 3);
        assert_eq!(shards.iter().map(|s| s.nucleotides).collect::<Vec<_>>(), [999, 998, 998]);
        assert_eq!(shards[1].transcripts, 1..3);
        assert_eq!((shards[1].first.as_deref(), shards[1].last.as_deref()), (Some("t1"), Some("t2")));
    }

    proptest! {
        #[test]
        fn shards_follow_each_other_and_no_transcript_is_lost(
            lengths in proptest::collection::vec(0u64..5000, 1..40), of in 1u32..60
        ) {
            let shards = cut(&transcripts(&lengths), of);
            prop_assert_eq!(shards.len(), of as usize);
            prop_assert_eq!(shards[0].transcripts.start, 0);
            prop_assert_eq!(shards.last().unwrap().transcripts.end, lengths.len() as u64);
            prop_assert!(shards.windows(2).all(|two| two[0].transcripts.end == two[1].transcripts.start));
            prop_assert_eq!(shards.iter().map(|s| s.nucleotides).sum::<u64>(), lengths.iter().sum::<u64>());
            let (longest, weight) = (lengths.iter().max().unwrap() + 1, lengths.iter().map(|l| l + 1).sum::<u64>());
            let most = weight / u64::from(of) + longest + 1;
            prop_assert!(shards.iter().all(|s| s.nucleotides <= most), "{shards:?}");
        }
    }
}
