//! A manifest that is kept up to date while a scan runs. Whatever kills the scan, the manifest names bytes of the partial
//! outputs that are on the disk, and the transcript that comes after them.

use std::io::{self, BufRead, Read};
use std::path::Path;

use super::manifest::{Identity, Manifest, Written, seen_from};
use super::{Format, Shard, Tables, Tally};
use crate::output::Output;
use crate::{Error, Result, open};

/// See the module's description.
pub struct Journal {
    path: String,
    manifest: Manifest,
}

impl Journal {
    /// A run from its beginning.
    pub fn new(path: &str, run: Identity, shard: Shard, device: String) -> Self {
        let (next_transcript, statuses) = (shard.transcripts.start, Tally::default());
        let (path, outputs, done) = (path.to_string(), Vec::new(), false);
        Journal { path, manifest: Manifest { run, shard, device, next_transcript, statuses, outputs, done } }
    }

    /// A run from where its manifest says it is; from its beginning, if there is none or an output is gone.
    pub fn resume(
        path: &str,
        (run, shard, device): (Identity, Shard, String),
        outputs: &[(Format, &str)],
    ) -> Result<Self> {
        if !Path::new(path).exists() {
            return Ok(Self::new(path, run, shard, device));
        }
        let again = |error| match error {
            Error::File { path, message } => {
                Error::file(path, format!("{message}; begin again, without --resume"))
            }
            other => other,
        };
        let journal = Journal { path: path.to_string(), manifest: Manifest::read(path).map_err(again)? };
        let (there, here) = (&journal.manifest.shard, &shard);
        if let Some(what) = journal.manifest.run.difference(&run) {
            return Err(journal.another(what));
        }
        if there != here {
            let (i, n) = (there.index, there.of);
            return Err(journal.another(format!("shard: expected {i}/{n}, found {}/{}", here.index, here.of)));
        }
        if !journal.manifest.outputs.is_empty()
            && let Some(what) = other_outputs(&journal.manifest.outputs, &journal.unwritten(outputs)?)
        {
            return Err(journal.another(what));
        }
        match journal.manifest.outputs.iter().all(|output| journal.is_there(output)) {
            true => Ok(journal),
            false => Ok(Self::new(path, journal.manifest.run, shard, device)),
        }
    }

    /// Whether an output, or as much as is written of it, was left where it was.
    fn is_there(&self, output: &Written) -> bool {
        let place = self.manifest.place(&self.path, output);
        let is_named = self.manifest.done || output.sha256.is_some();
        Output::partial(&place).exists() || (is_named && Path::new(&place).exists())
    }

    /// Outputs before their first byte.
    fn unwritten(&self, outputs: &[(Format, &str)]) -> Result<Vec<Written>> {
        let unwritten = |&(format, path): &(Format, &str)| {
            let path = seen_from(&self.path, path)?;
            Ok(Written { format, path, bytes: 0, head_bytes: 0, lines: None, sha256: None })
        };
        outputs.iter().map(unwritten).collect()
    }

    fn another(&self, what: String) -> Error {
        Error::file(&self.path, format!("another scan cannot be gone on with; {what}"))
    }

    /// What is known of the run.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Opens the outputs, those of the manifest if it has any, each with its head, where they were left off.
    pub(super) fn open(&mut self, outputs: &[(Format, &str)], heads: &[String]) -> Result<Vec<Output>> {
        let is_fresh = self.manifest.outputs.is_empty();
        if is_fresh {
            self.manifest.outputs = self.unwritten(outputs)?;
        }
        let mut opened = Vec::new();
        for ((&(_, path), head), written) in outputs.iter().zip(heads).zip(&mut self.manifest.outputs) {
            let mut output = Output::resume(path, written.bytes)?;
            if is_fresh {
                output.put(head)?;
                (written.head_bytes, written.bytes) = (head.len() as u64, output.checkpoint()?);
            }
            opened.push(output);
        }
        if is_fresh {
            self.manifest.write(&self.path)?;
        }
        Ok(opened)
    }

    /// A checkpoint: everything before `next_transcript` is in `tables`.
    pub(super) fn mark(&mut self, next_transcript: u64, tables: &mut Tables, statuses: &Tally) -> Result<()> {
        for (written, bytes) in self.manifest.outputs.iter_mut().zip(tables.checkpoint()?) {
            written.bytes = bytes;
        }
        self.manifest.next_transcript = next_transcript;
        self.manifest.statuses = statuses.clone();
        self.manifest.write(&self.path)
    }

    /// The end: outputs are complete, and then get their names.
    pub(super) fn finish(&mut self, mut tables: Tables, statuses: &Tally) -> Result<()> {
        // Not a checkpoint: pairs of unknown transcripts are in the outputs, and would be there twice.
        let lengths = tables.checkpoint()?;
        let mut outputs = self.manifest.outputs.clone();
        for (written, bytes) in outputs.iter_mut().zip(lengths) {
            let partial = Output::partial(&self.manifest.place(&self.path, written)).display().to_string();
            written.bytes = bytes;
            written.lines = Some(lines_after(&partial, written.head_bytes)?);
            written.sha256 = open::Content::of(&partial)?.map(|content| content.sha256);
        }
        self.manifest.outputs = outputs;
        self.manifest.next_transcript = self.manifest.shard.transcripts.end;
        self.manifest.statuses = statuses.clone();
        self.manifest.write(&self.path)?;
        tables.finish()?;
        self.manifest.done = true;
        self.manifest.write(&self.path)
    }

    /// Whether everything was written by an earlier run. Then its outputs have their names from here on, and were found to
    /// be what was written.
    pub fn is_complete(&mut self) -> Result<bool> {
        if self.manifest.outputs.is_empty() || self.manifest.outputs.iter().any(|o| o.sha256.is_none()) {
            return Ok(false);
        }
        for output in &self.manifest.outputs {
            let place = self.manifest.place(&self.path, output);
            let partial = Output::partial(&place);
            if !self.manifest.done && partial.exists() {
                std::fs::rename(partial, &place).map_err(|e| Error::io(&place, e))?;
            }
        }
        self.manifest.check_outputs(&self.path)?;
        self.manifest.done = true;
        self.manifest.write(&self.path)?;
        Ok(true)
    }
}

/// What differs between the outputs of a manifest and those that are asked for now.
fn other_outputs(there: &[Written], here: &[Written]) -> Option<String> {
    let names = |outputs: &[Written]| {
        let name = |output: &Written| format!("{} {}", output.format.name(), output.path.display());
        outputs.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let (there, here) = (names(there), names(here));
    (there != here).then(|| format!("outputs: expected {there}, found {here}"))
}

/// Lines of a text, gzip or not, after its first `head` bytes.
fn lines_after(path: &str, head: u64) -> Result<u64> {
    let fail = |e| Error::io(path, e);
    let mut text = open::open(path)?;
    io::copy(&mut text.by_ref().take(head), &mut io::sink()).map_err(fail)?;
    let mut lines = 0;
    loop {
        let bytes = text.fill_buf().map_err(fail)?;
        if bytes.is_empty() {
            return Ok(lines);
        }
        lines += bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        let read = bytes.len();
        text.consume(read);
    }
}
