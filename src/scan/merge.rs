//! Shards back into one: their outputs one after the other, the first one's head once. Nothing is put together that is not
//! known, by hashes, to be all of one scan.

use std::io::{BufRead, Read};
use std::ops::RangeInclusive;

use super::manifest::{Manifest, Written};
use super::{Format, Tally};
use crate::output::Output;
use crate::{Error, Result, open};

/// A scan's shards, complete and in order.
pub struct Shards(Vec<(String, Manifest)>);

impl Shards {
    /// Reads manifests, in any order. Refuses shards that are missing, doubled, unfinished or of several scans, and outputs
    /// that are not what was written.
    pub fn read(paths: &[String]) -> Result<Self> {
        let read = |path: &String| Ok((path.clone(), Manifest::read(path)?));
        let mut shards = paths.iter().map(read).collect::<Result<Vec<_>>>()?;
        shards.sort_by_key(|(_, manifest)| manifest.shard.index);
        let Some((first, rest)) = shards.split_first() else {
            return Err(Error::Setting("expected manifests of shards, found none".into()));
        };
        rest.iter().try_for_each(|shard| one_scan(first, shard))?;
        complete(&shards)?;
        for (path, manifest) in &shards {
            if !manifest.done {
                let next = manifest.next_transcript;
                let message =
                    format!("expected a finished scan, found one that is at transcript {next}; --resume it");
                return Err(Error::file(path, message));
            }
            manifest.check_outputs(path)?;
        }
        Ok(Shards(shards))
    }

    /// The formats that the scan wrote.
    pub fn formats(&self) -> impl Iterator<Item = Format> {
        self.0[0].1.outputs.iter().map(|output| output.format)
    }

    /// What became of all pairs.
    pub fn statuses(&self) -> Tally {
        let mut all = Tally::default();
        self.0.iter().for_each(|(_, manifest)| all += &manifest.statuses);
        all
    }

    /// What the shards ran on, if it is not the same.
    pub fn devices(&self) -> Vec<&str> {
        let mut devices: Vec<&str> = self.0.iter().map(|(_, manifest)| manifest.device.as_str()).collect();
        devices.sort();
        devices.dedup();
        devices
    }

    /// Writes the outputs that are asked for; none of them appears before all are complete.
    pub fn merge(&self, wanted: &[(Format, &str)]) -> Result<()> {
        let merged = wanted.iter().map(|&(format, path)| self.merged(format, path));
        merged.collect::<Result<Vec<_>>>()?.into_iter().try_for_each(Output::finish)
    }

    fn merged(&self, format: Format, path: &str) -> Result<Output> {
        let mut output = Output::create(path)?;
        let mut head: Option<Vec<u8>> = None;
        for (manifest_path, manifest) in &self.0 {
            let written =
                manifest.outputs.iter().find(|output| output.format == format).ok_or_else(|| {
                    Error::file(manifest_path, format!("expected an output of {}, found none", format.name()))
                })?;
            let place = manifest.place(manifest_path, written);
            let mut text = open::open(&place)?;
            let own = head_of(&mut text, written, &place)?;
            match &head {
                Some(head) if *head != own => {
                    return Err(Error::file(place, "expected to begin as the first shard's does"));
                }
                Some(_) => {}
                None => output.put(head.insert(own))?,
            }
            copy(&mut text, &mut output, &place)?;
        }
        Ok(output)
    }
}

fn head_of(text: &mut impl Read, written: &Written, place: &str) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    text.take(written.head_bytes).read_to_end(&mut head).map_err(|e| Error::io(place, e))?;
    Ok(head)
}

fn copy(text: &mut impl BufRead, output: &mut Output, place: &str) -> Result<()> {
    loop {
        let bytes = text.fill_buf().map_err(|e| Error::io(place, e))?;
        if bytes.is_empty() {
            return Ok(());
        }
        output.put(bytes)?;
        let read = bytes.len();
        text.consume(read);
    }
}

/// Whether two manifests are of the same scan.
fn one_scan((first, one): &(String, Manifest), (path, other): &(String, Manifest)) -> Result<()> {
    let refuse = |what: String| Err(Error::file(path, format!("is of another scan than {first}; {what}")));
    if let Some(what) = one.run.difference(&other.run) {
        return refuse(what);
    }
    if one.shard.of != other.shard.of {
        return refuse(format!("shards: expected {}, found {}", one.shard.of, other.shard.of));
    }
    let formats = |manifest: &Manifest| {
        manifest.outputs.iter().map(|output| output.format.name()).collect::<Vec<_>>().join(", ")
    };
    let (expected, found) = (formats(one), formats(other));
    match expected == found {
        true => Ok(()),
        false => refuse(format!("outputs: expected {expected}, found {found}")),
    }
}

/// Whether every shard is there once, and each begins where the one before ends.
fn complete(shards: &[(String, Manifest)]) -> Result<()> {
    let of = shards[0].1.shard.of;
    let mut next = 1;
    for (i, (path, manifest)) in shards.iter().enumerate() {
        let shard = &manifest.shard;
        if shard.index < next {
            let earlier = &shards[i - 1].0;
            let message = format!("is shard {} of {of}, and so is {earlier}", shard.index);
            return Err(Error::file(path, message));
        }
        if shard.index > next {
            return Err(missing(&shards[0], next..=shard.index - 1));
        }
        let ended = if i == 0 { 0 } else { shards[i - 1].1.shard.transcripts.end };
        if shard.transcripts.start != ended {
            let found = shard.transcripts.start;
            let message = format!("expected a shard that begins with transcript {ended}, found {found}");
            return Err(Error::file(path, message));
        }
        next += 1;
    }
    if next <= of { Err(missing(&shards[0], next..=of)) } else { Ok(()) }
}

fn missing((path, manifest): &(String, Manifest), which: RangeInclusive<u32>) -> Error {
    let of = manifest.shard.of;
    let (first, last) = which.into_inner();
    let which = if first == last { format!("shard {first}") } else { format!("shards {first} to {last}") };
    Error::file(path, format!("expected the manifests of all {of} shards with it, found none of {which}"))
}
