//! From a run's configuration to the pairs of each epoch: read, held out, cleared of what is tested on, balanced.

use super::config::{NegativeRule, Rows, RunConfig, Source, Windows};
use crate::{
    data::{
        Form, Grouping, KmerSet, Pair, PairingOptions, Split, Synthetic, TranscriptWindows, drop_leaks,
        drop_pairs, hold_out, negatives, read_labelled,
    },
    error::{Error, Result},
    open,
    rna::{self, Reader},
};
use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;

/// What became of a file's rows; goes into the run folder.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    pub path: String,
    /// SHA-256 of the file (of a fold, of its rows), in hex; empty for a generated set.
    pub sha256: String,
    /// Rows of the wanted splits.
    pub rows: usize,
    /// Dropped because their site shares a 20-mer with a test file's.
    pub dropped_sites: usize,
    /// Dropped because miRNA and gene stand in a gene-level test file.
    pub dropped_pairs: usize,
    /// Dropped because their site shares a 20-mer with a validation row's.
    pub dropped_near_validation: usize,
    /// Dropped because a share of the data is to be learned from.
    #[serde(default)]
    pub dropped_by_share: usize,
    /// Positives that found no partner to exchange with, in both parts (as in the first epoch): they have no negative.
    pub without_negative: usize,
    /// Held out.
    pub validation: usize,
    /// Left to learn from, the rule for negatives applied (as in the first epoch).
    pub training: usize,
}

impl Origin {
    fn of(path: &str, sha256: String) -> Self {
        Self { path: path.into(), sha256, ..Self::default() }
    }
}

/// A file's rows, divided.
struct Divided {
    train: Vec<Pair>,
    validation: Vec<Pair>,
    origin: Origin,
    rule: NegativeRule,
}

/// Training rows of one file.
struct Part {
    rule: NegativeRule,
    /// All rows, or the positives where negatives are re-paired.
    rows: Vec<Pair>,
    /// Positives held out that found no partner to exchange with.
    held_alone: usize,
    /// What hard negatives are to look like.
    forms: Vec<Form>,
}

/// Hard negatives, and the share of all that they are.
struct Hard {
    windows: TranscriptWindows,
    share: f64,
}

/// A run's data.
pub struct Data {
    parts: Vec<Part>,
    /// Positives of every part: no negative may be one of them.
    known: Vec<Pair>,
    hard: Option<Hard>,
    /// Labelled rows that are never learned from.
    pub validation: Vec<Pair>,
    pub origins: Vec<Origin>,
}

impl Data {
    /// Reads and divides what `config` names.
    pub fn read(config: &RunConfig) -> Result<Self> {
        let kept_out = KmerSet::of_sites(&rows_of(&config.data.keep_out)?);
        let mut tested_pairs = vec![];
        for path in &config.data.keep_out_pairs {
            tested_pairs.extend(read_labelled(Path::new(path), None)?);
        }
        let mut all = vec![];
        for (rows, mut origin, source) in sources(config)? {
            origin.rows = rows.len();
            let (most, cuts) = (config.model.site_len, config.training.cut_sites);
            if let Some(long) = rows.iter().map(|pair| pair.site.len()).find(|&len| len > most && !cuts) {
                let expected = format!("sites of at most {most} nt (model.site_len), or training.cut_sites");
                return Err(Error::file(
                    &source.path,
                    format!("expected {expected}, found one of {long} nt"),
                ));
            }
            let (rows, dropped) = drop_leaks(rows, &kept_out);
            origin.dropped_sites = dropped;
            let (rows, dropped) = drop_pairs(rows, &tested_pairs);
            origin.dropped_pairs = dropped;
            let rows: Vec<Pair> = match source.negatives {
                NegativeRule::Given => rows,
                NegativeRule::Repaired => rows.into_iter().filter(Pair::is_positive).collect(),
            };
            let (train, validation) =
                hold_out(rows, config.data.grouping, source.validation, config.held_out_by())?;
            all.push(Divided { train, validation, origin, rule: source.negatives });
        }
        for file in &config.data.validate {
            let (validation, sha256) = (wanted(&file.path, &file.splits)?, digest(&file.path)?);
            let origin = Origin { rows: validation.len(), ..Origin::of(&file.path, sha256) };
            all.push(Divided { train: vec![], validation, origin, rule: NegativeRule::Given });
        }
        let mut data = Self::divide(all, config);
        if let Some(windows) = &config.data.windows {
            data.add_windows(windows, kept_out, &tested_pairs)?;
        }
        Ok(data)
    }

    /// Reads the transcripts of hard negatives; the sites `kept_out` are in none of them, nor are those held out.
    fn add_windows(&mut self, windows: &Windows, mut kept_out: KmerSet, tested: &[Pair]) -> Result<()> {
        self.validation.iter().for_each(|pair| kept_out.insert(&pair.site));
        let (transcripts, _) = Reader::read_all(&windows.target)?;
        let origin =
            Origin { rows: transcripts.len(), ..Origin::of(&windows.target, digest(&windows.target)?) };
        self.origins.push(origin);
        let windows_of = TranscriptWindows::new(transcripts, &self.known, tested, kept_out);
        self.hard = Some(Hard { windows: windows_of, share: windows.share });
        Ok(())
    }

    /// Rows divided already, as they are; `name` tells where they are from.
    pub(super) fn given(train: Vec<Pair>, validation: Vec<Pair>, name: &str, config: &RunConfig) -> Self {
        let sha256 = fingerprint(train.iter().chain(&validation));
        let origin = Origin { rows: train.len() + validation.len(), ..Origin::of(name, sha256) };
        Self::divide(vec![Divided { train, validation, origin, rule: NegativeRule::Given }], config)
    }

    fn divide(all: Vec<Divided>, config: &RunConfig) -> Self {
        let positives = |one: &Divided| -> Vec<Pair> {
            one.train.iter().chain(&one.validation).filter(|p| p.is_positive()).cloned().collect()
        };
        let known: Vec<Pair> = all.iter().flat_map(positives).collect();
        let held_out: Vec<Pair> = match config.data.grouping {
            Grouping::Rows => vec![],
            _ => all.iter().flat_map(|one| one.validation.clone()).collect(),
        };
        let held_out = KmerSet::of_sites(&held_out);
        let (mut parts, mut validation, mut origins) = (vec![], vec![], vec![]);
        for Divided { train, validation: held, mut origin, rule } in all {
            let (mut rows, dropped) = drop_leaks(train, &held_out);
            let held = Part { rule, rows: held, held_alone: 0, forms: vec![] };
            let (held, held_alone) = balanced(&held, &known, config.held_out_by());
            origin.dropped_near_validation = dropped;
            origin.dropped_by_share = thin(&mut rows, config.data.share, config.held_out_by());
            origin.validation = held.len();
            validation.extend(held);
            parts.push(Part { rule, held_alone, forms: Form::of_positives(&rows), rows });
            origins.push(origin);
        }
        let mut data = Self { parts, known, hard: None, validation, origins };
        data.reseed(config.seed);
        data
    }

    /// Makes it the data of the same configuration with another seed, where that is not the seed of what is held out.
    pub(super) fn reseed(&mut self, seed: u64) {
        for (part, origin) in self.parts.iter().zip(&mut self.origins) {
            let (training, alone) = balanced(part, &self.known, seed);
            origin.without_negative = part.held_alone + alone;
            origin.training = training.len();
        }
    }

    /// Every row of every part with negatives drawn once, and those held out: what is cut into folds. Folds of the same seed
    /// shuffle as many sites, so negatives are drawn from another.
    pub(super) fn into_rows(self, seed: u64) -> Vec<Pair> {
        let rows = self.parts.iter().flat_map(|part| balanced(part, &self.known, !seed).0);
        rows.chain(self.validation).collect()
    }

    /// The pairs of epoch `epoch` in the order in which they are learned from: the same for the same seed. Up to `crop` nt
    /// are cut from one end of each site.
    pub fn epoch(&self, seed: u64, epoch: u64, crop: usize) -> Vec<Pair> {
        let seed = seed.wrapping_add(epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut rows = vec![];
        for part in &self.parts {
            let (mut of_part, _) = balanced(part, &self.known, seed);
            if let (NegativeRule::Repaired, Some(Hard { windows, share })) = (part.rule, &self.hard) {
                windows.exchange(&mut of_part[part.rows.len()..], &part.forms, *share, &mut random);
            }
            rows.extend(of_part);
        }
        rows.shuffle(&mut random);
        for pair in &mut rows {
            let cut = random.random_range(0..=crop.min(pair.site.len() - 1));
            match random.random::<bool>() {
                true => drop(pair.site.drain(..cut)),
                false => pair.site.truncate(pair.site.len() - cut),
            }
        }
        rows
    }

    /// Pairs an epoch has.
    pub(super) fn len(&self) -> usize {
        self.origins.iter().map(|o| o.training).sum()
    }
}

/// A part's rows with their negatives, and how many positives found none.
fn balanced(part: &Part, known: &[Pair], seed: u64) -> (Vec<Pair>, usize) {
    match part.rule {
        NegativeRule::Given => (part.rows.clone(), 0),
        NegativeRule::Repaired => {
            let made = negatives(&part.rows, known, PairingOptions { seed, no_seed_match: false });
            (part.rows.iter().cloned().chain(made.pairs).collect(), made.unplaced.len())
        }
    }
}

/// Leaves about a `share` of the rows, and says how many it took away.
fn thin(rows: &mut Vec<Pair>, share: f64, seed: u64) -> usize {
    let before = rows.len();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    rows.retain(|_| random.random::<f64>() < share);
    before - rows.len()
}

/// Each source's rows, with what is known of the file so far.
fn sources(config: &RunConfig) -> Result<Vec<(Vec<Pair>, Origin, Source)>> {
    let mut all = vec![];
    if let Some(made) = &config.data.synthetic {
        let (pairs, mirnas, site_length) = (made.pairs, made.mirnas, config.model.site_len);
        let rows = Synthetic { pairs, site_length, mirnas, seed: config.held_out_by() }.generate()?;
        let (path, negatives) = ("synthetic".to_string(), NegativeRule::Given);
        let source = Source { path, splits: vec![], negatives, validation: made.validation };
        all.push((rows, Origin::of("synthetic", String::new()), source));
    }
    for source in &config.data.train {
        let rows = wanted(&source.path, &source.splits)?;
        if rows.is_empty() {
            return Err(Error::file(
                &source.path,
                format!("expected rows of the splits {:?}, found none", source.splits),
            ));
        }
        all.push((rows, Origin::of(&source.path, digest(&source.path)?), source.clone()));
    }
    Ok(all)
}

/// SHA-256, in hex.
fn digest(path: &str) -> Result<String> {
    Ok(open::Content::of(path)?.map(|content| content.sha256).unwrap_or_default())
}

/// SHA-256 of what is learned from, in hex.
fn fingerprint<'a>(rows: impl Iterator<Item = &'a Pair>) -> String {
    let mut hash = Sha256::new();
    for pair in rows {
        let (mirna, site, label) = (rna::text(&pair.mirna), rna::text(&pair.site), pair.is_positive());
        hash.update(format!("{mirna}\t{site}\t{label}\n"));
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

/// Rows of all these files.
pub(super) fn rows_of(files: &[Rows]) -> Result<Vec<Pair>> {
    let mut all = vec![];
    for file in files {
        all.extend(wanted(&file.path, &file.splits)?);
    }
    Ok(all)
}

fn wanted(path: &str, splits: &[Split]) -> Result<Vec<Pair>> {
    let mut rows = read_labelled(Path::new(path), None)?;
    rows.retain(|p| splits.is_empty() || p.split.is_some_and(|s| splits.contains(&s)));
    Ok(rows)
}
