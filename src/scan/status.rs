//! What became of a pair that was asked about: every one is accounted for.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// The outcome of one miRNA-transcript pair, or of one row's miRNA and site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Scored.
    Ok,
    /// The transcript holds no site that the gate accepts.
    NoCandidate,
    /// The transcript or site is shorter than 20 nt.
    Short,
    /// The miRNA, or every window, holds unknown bases.
    Masked,
    /// The miRNA is too short or too long, a sequence is missing or is none.
    Invalid,
    /// An id on the list of pairs that the FASTA file does not have.
    UnknownId,
}

/// Shortest transcript or site that is scored, nt: a seed and its 3' pairing need about as much.
pub(super) const SHORTEST_TARGET: usize = 20;

const ALL: [Status; 6] =
    [Status::Ok, Status::NoCandidate, Status::Short, Status::Masked, Status::Invalid, Status::UnknownId];

impl Status {
    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::NoCandidate => "no_candidate",
            Status::Short => "short",
            Status::Masked => "masked",
            Status::Invalid => "invalid",
            Status::UnknownId => "unknown_id",
        }
    }
}

/// How many pairs met each outcome; in files, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, u64>", try_from = "BTreeMap<String, u64>")]
pub struct Tally([u64; ALL.len()]);

impl Tally {
    /// Counts one more.
    pub(super) fn add(&mut self, status: Status) {
        self.0[status as usize] += 1;
    }

    /// Pairs asked about.
    pub(super) fn asked(&self) -> u64 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Pairs that met each outcome, by its name.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        ALL.into_iter().map(|status| (status.name(), self.0[status as usize]))
    }

    /// Pairs that could be neither scored nor said to have no candidate site.
    pub fn unscored(&self) -> u64 {
        let scored = [Status::Ok, Status::NoCandidate];
        ALL.into_iter()
            .filter(|status| !scored.contains(status))
            .fold(0, |sum, status| sum.saturating_add(self.0[status as usize]))
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count = count.saturating_add(more));
    }
}

impl From<Tally> for BTreeMap<String, u64> {
    fn from(tally: Tally) -> Self {
        ALL.into_iter().map(|status| (status.name().to_string(), tally.0[status as usize])).collect()
    }
}

impl TryFrom<BTreeMap<String, u64>> for Tally {
    type Error = String;

    fn try_from(counts: BTreeMap<String, u64>) -> Result<Self, String> {
        let mut tally = Tally::default();
        for (name, count) in counts {
            let status = ALL.into_iter().find(|status| status.name() == name);
            let status = status.ok_or_else(|| format!("expected a pair's status, found '{name}'"))?;
            tally.0[status as usize] = count;
        }
        Ok(tally)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} asked:", self.asked())?;
        for (i, status) in ALL.into_iter().enumerate() {
            write!(f, "{} {} {}", if i == 0 { "" } else { "," }, status.name(), self.0[status as usize])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_number_asked() {
        let mut tally = Tally::default();
        ALL.into_iter().for_each(|status| tally.add(status));
        tally.add(Status::Masked);
        let text = "7 asked: ok 1, no_candidate 1, short 1, masked 2, invalid 1, unknown_id 1";
        assert_eq!(tally.to_string(), text);
        assert_eq!(tally.unscored(), 5);
        let json = serde_json::to_string(&tally).unwrap();
        assert!(json.contains("\"masked\":2"), "{json}");
        assert_eq!(serde_json::from_str::<Tally>(&json).unwrap(), tally);
        assert!(serde_json::from_str::<Tally>("{\"lost\":1}").is_err());
        tally += &tally.clone();
        assert_eq!(tally.asked(), 14);
    }
}
