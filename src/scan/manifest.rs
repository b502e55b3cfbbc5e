//! What a run of a scan is, how far it has come and what it wrote: a JSON file. With it a run that was stopped goes on from
//! its last checkpoint, and shards can be put together or be refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Format, Shard, Tally};
use crate::output::Output;
use crate::{Error, Result, open};

/// All that decides the bytes of a scan's outputs, but for the shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Version of the program.
    pub mirscope: String,
    pub model: String,
    pub model_sha256: String,
    pub target_headers: String,
    pub candidates: String,
    /// The share of candidates that bind in the world that probabilities are of.
    pub prior: String,
    /// Of sites that are written.
    pub min_probability: f32,
    /// Whether outputs begin with what is known about them.
    pub meta_lines: bool,
    /// Windows and pairs between checkpoints: where members of gzip outputs end.
    pub stretch: u64,
    /// Files by flag: `target`.
    pub inputs: BTreeMap<String, InputFile>,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    pub path: String,
    pub sha256: String,
    pub bytes: u64,
}

/// An output, as far as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Written {
    pub format: Format,
    /// From the manifest's folder, where it is in it.
    pub path: PathBuf,
    /// As it lies on disk; up to the last checkpoint, until it is done.
    pub bytes: u64,
    /// Of these the lines before the first row, before compression.
    pub head_bytes: u64,
    /// Lines after those; known when all is written.
    pub lines: Option<u64>,
    pub sha256: Option<String>,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub run: Identity,
    pub shard: Shard,
    /// What computes. Other devices agree to six digits, not to every byte.
    pub device: String,
    /// Transcripts of the whole file before the one that comes next.
    pub next_transcript: u64,
    /// What became of the pairs so far.
    pub statuses: Tally,
    pub outputs: Vec<Written>,
    /// Whether everything is written and has its name.
    pub done: bool,
}

impl Identity {
    /// What differs first in another run.
    pub fn difference(&self, other: &Identity) -> Option<String> {
        let value = |run: &Identity| serde_json::to_value(run).expect("plain fields serialise");
        difference("", &value(self), &value(other))
    }
}

fn difference(at: &str, one: &Value, other: &Value) -> Option<String> {
    if let (Value::Object(ones), Value::Object(others)) = (one, other) {
        let mut names: Vec<&String> = ones.keys().chain(others.keys()).collect();
        names.sort_by(|a, b| b.cmp(a)); // a file's sha256 says more than its path and bytes, so it is looked at first
        let name = |name: &str| if at.is_empty() { name.to_string() } else { format!("{at}.{name}") };
        return names.iter().find_map(|key| difference(&name(key), &one[key], &other[key]));
    }
    (one != other).then(|| format!("{at}: expected {one}, found {other}"))
}

impl Manifest {
    /// Reads a manifest.
    pub fn read(path: &str) -> Result<Self> {
        let text = open::read_text(Path::new(path))?;
        let wrong = |what: String| Error::file(path, format!("expected a scan's manifest: {what}"));
        let manifest: Self = serde_json::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        let Shard { index, of, transcripts, .. } = &manifest.shard;
        let (least, share) = (manifest.run.min_probability, 0.0..=1.0);
        match () {
            _ if !share.contains(&least) => Err(wrong(format!("min_probability from 0 to 1, found {least}"))),
            _ if !(1..=*of).contains(index) => Err(wrong(format!("shard 1 to {of}, found {index}"))),
            _ if transcripts.start > transcripts.end => {
                Err(wrong(format!("transcripts in order, found {transcripts:?}")))
            }
            _ => Ok(manifest),
        }
    }

    /// Writes it at once.
    pub(super) fn write(&self, path: &str) -> Result<()> {
        let json = serde_json::to_string_pretty(self).expect("plain fields serialise");
        Output::write(Path::new(path), format!("{json}\n").as_bytes())
    }

    /// Whether the outputs are what was written.
    pub(super) fn check_outputs(&self, path: &str) -> Result<()> {
        for output in &self.outputs {
            let place = self.place(path, output);
            let (expected, found) =
                (output.sha256.as_deref(), open::Content::of(&place)?.map(|content| content.sha256));
            if expected != found.as_deref() {
                let hash = |hash: Option<&str>| hash.unwrap_or("none").to_string();
                let (expected, found) = (hash(expected), hash(found.as_deref()));
                let message = format!("expected SHA-256 {expected}, as {path} says, found {found}");
                return Err(Error::file(place, message));
            }
        }
        Ok(())
    }

    /// An output's place, for a manifest at `path`.
    pub(super) fn place(&self, path: &str, output: &Written) -> String {
        folder(path).join(&output.path).display().to_string()
    }
}

fn folder(manifest: &str) -> PathBuf {
    Path::new(manifest).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// `output` as seen from the manifest's folder, where it is in it.
pub(super) fn seen_from(manifest: &str, output: &str) -> Result<PathBuf> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(|e| Error::io(path, e));
    let (folder, output) = (absolute(&Path::new(".").join(folder(manifest)))?, absolute(Path::new(output))?);
    Ok(output.strip_prefix(folder).map_or(output.clone(), Path::to_path_buf))
}
