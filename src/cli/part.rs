//! Flags of a scan that is one of several, or can be resumed.

use crate::device::Device;
use crate::rna::{Headers, Reader};
use crate::scan::{Format, Identity, Journal, Shard, ShardOf};
use crate::{Error, Result, open};

use super::common::Common;

/// Windows and pairs between checkpoints, unless another number is asked for: half a minute's work of one core.
const STRETCH: u64 = 1 << 18;

/// Which part of a scan runs, and whether it can be resumed.
#[derive(clap::Args)]
pub(super) struct Part {
    /// Only the i-th of n runs of transcripts with about as many nucleotides; mirscope merge puts outputs together
    #[arg(long, value_name = "i/n")]
    shard: Option<ShardOf>,
    /// Keep what is run, how far it is and what it wrote in this file; outputs have .partial at the end of their
    /// names until they are complete
    #[arg(long, value_name = "JSON")]
    manifest: Option<String>,
    /// Go on where the manifest says that a scan was stopped, or killed: the same bytes as without
    #[arg(long, requires = "manifest")]
    resume: bool,
    /// Windows and pairs between checkpoints [default: 262144]
    #[arg(long, value_name = "N", requires = "manifest", value_parser = clap::value_parser!(u64).range(1..))]
    checkpoint: Option<u64>,
}

impl Part {
    pub(super) fn manifest(&self) -> Option<&str> {
        self.manifest.as_deref()
    }

    pub(super) fn stretch(&self) -> u64 {
        self.checkpoint.unwrap_or(STRETCH)
    }

    /// The transcripts that are asked for. The file is read only where that has to be known.
    pub(super) fn shard(&self, target: &str, headers: Headers) -> Result<Shard> {
        if self.shard.is_none() && self.manifest.is_none() {
            return Ok(Shard::whole());
        }
        if open::Content::of(target)?.is_none() {
            let message =
                "--shard, --manifest: expected --target to be a file, which is read twice, found a stream";
            return Err(Error::Setting(message.into()));
        }
        let ShardOf { index, of } = self.shard.unwrap_or(ShardOf::WHOLE);
        Ok(Shard::all(&mut Reader::open(target)?.with(headers), of)?.swap_remove(index as usize - 1))
    }

    /// The run's manifest, if there is to be one.
    pub(super) fn journal(
        &self,
        run: impl FnOnce() -> Result<Identity>,
        (shard, outputs): (&Shard, &[(Format, &str)]),
        device: &Device,
        common: &Common,
    ) -> Result<Option<Journal>> {
        let Some(path) = &self.manifest else { return Ok(None) };
        let (run, shard, device) = (run()?, shard.clone(), device.to_string());
        if !self.resume {
            return Ok(Some(Journal::new(path, run, shard, device)));
        }
        let journal = Journal::resume(path, (run, shard, device.clone()), outputs)?;
        let manifest = journal.manifest();
        if manifest.outputs.is_empty() {
            common.say("nothing to go on with; from the beginning");
            return Ok(Some(journal));
        }
        let (next, end) = (manifest.next_transcript, manifest.shard.transcripts.end);
        if next < end && manifest.device != device {
            let there = &manifest.device;
            common.say(format_args!("from {there} to {device}: a probability's last digit may differ"));
        }
        if next < end {
            common.say(format_args!("goes on with transcript {} of {end}", next + 1));
        }
        Ok(Some(journal))
    }

    /// What can be done about an interrupted scan.
    pub(super) fn after_interrupt(&self) -> String {
        match &self.manifest {
            Some(path) => format!("what is done is kept; the same command with --resume goes on from {path}"),
            None => "nothing is kept; with --manifest M.json a scan can be resumed".into(),
        }
    }
}
