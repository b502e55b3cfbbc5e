//! Flags that several commands have.

use std::num::NonZeroUsize;
use std::path::Path;

use crate::cuda::{Gpu, Precision};
use crate::device::Device;
use crate::model::Predictor;
use crate::rna::{ExtendedSeed, Gate, Headers};
use crate::scan::{Asked, Listed};
use crate::workers::Workers;
use crate::{Error, Result, output};

/// What to compute with.
#[derive(clap::Args)]
pub(super) struct Compute {
    /// auto (the first GPU where there is one, else the CPU), cpu, or cuda:N
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
    /// The arithmetic of a GPU's matrix products: f32, or on its tensor cores tf32 or bf16
    #[arg(long, value_name = "PRECISION", default_value = "f32")]
    precision: Precision,
    #[command(flatten)]
    threads: Threads,
}

impl Compute {
    /// Where it was left to us, says that there is no GPU, unless it is to be quiet.
    pub(super) fn workers(&self, quiet: bool) -> Result<Workers> {
        let device = Device::named(&self.device, self.precision)?;
        if self.device == "auto" && matches!(device, Device::Cpu(_)) && !quiet {
            let why = match Gpu::count() {
                Err(Error::Device(why)) => why,
                _ => "no CUDA device found".into(),
            };
            output::say(format_args!("{why}; using the CPU"));
        }
        Workers::new(&device, self.threads.count())
    }
}

/// How many threads to use.
#[derive(clap::Args)]
pub(super) struct Threads {
    /// Threads [default: all this process may use, cgroups included]
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    pub(super) fn count(&self) -> usize {
        self.threads.or_else(|| std::thread::available_parallelism().ok()).map_or(1, NonZeroUsize::get)
    }
}

/// Flags of every command that runs the network.
#[derive(clap::Args)]
pub(super) struct Common {
    /// The model: `default`, the one built in, or a weights file [default: default]
    #[arg(long, value_name = "default|PATH")]
    pub(super) model: Option<String>,
    #[command(flatten)]
    compute: Compute,
    /// Say nothing on stderr but errors
    #[arg(long)]
    pub(super) quiet: bool,
}

impl Common {
    pub(super) fn predictor(&self) -> Result<Predictor> {
        self.predictor_on(self.compute.workers(self.quiet)?)
    }

    /// The model that was asked for, on other workers.
    pub(super) fn predictor_on(&self, workers: Workers) -> Result<Predictor> {
        match self.model.as_deref() {
            None | Some("default") => Predictor::embedded(workers),
            Some(path) => Predictor::load(Path::new(path), workers),
        }
    }

    /// Another model, for the same device, which has been said already.
    pub(super) fn load(&self, path: &Path) -> Result<Predictor> {
        Predictor::load(path, self.compute.workers(true)?)
    }

    /// Says so where a GPU had no room for as many pairs together as it was given.
    pub(super) fn say_room(&self, predictor: &Predictor) {
        let pairs = predictor.workers().room();
        if pairs < usize::MAX {
            self.say(format_args!("too little GPU memory; {pairs} pairs at a time"));
        }
    }

    /// A line on stderr, unless it is to be quiet.
    pub(super) fn say(&self, line: impl std::fmt::Display) {
        if !self.quiet {
            output::say(line);
        }
    }
}

/// Which world probabilities are of.
#[derive(clap::Args)]
pub(super) struct World {
    /// Share of candidates that bind where probabilities are asked for, such as 0.01; the model's threshold goes along, so
    /// that it calls the same sites [default: the share that the model was fitted to, about a half]
    #[arg(long, value_name = "P")]
    pub(super) prior: Option<f64>,
}

/// Which windows of a transcript are scored.
#[derive(clap::Args)]
pub(super) struct Windows {
    /// canonical: seeds 8mer, 7mer-m8, 7mer-A1, 6mer; relaxed: also 6mer-A1, offset seeds, and nucleotides 2-8
    /// with one wobble, mismatch or bulge; all: windows at a stride; targetnet, miraw: those of them in which 6 of
    /// nucleotides 1-10, or 7 of 2-10, can pair, gaps allowed
    #[arg(long, value_enum, default_value_t = Candidates::Canonical)]
    candidates: Candidates,
    /// Distance of windows that lie at a stride, nt [default: 5 for all, 1 for the published rules]
    #[arg(long, value_name = "NT")]
    stride: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Candidates {
    Canonical,
    Relaxed,
    All,
    Targetnet,
    Miraw,
}

impl Windows {
    pub(super) fn gate(&self) -> Result<Gate> {
        let stride = |default| self.stride.map_or(default, NonZeroUsize::get);
        match (self.candidates, self.stride) {
            (Candidates::All, None) => Ok(Gate::TILED),
            (Candidates::All, Some(stride)) => Ok(Gate::All { stride: stride.get() }),
            (Candidates::Targetnet, _) => {
                Ok(Gate::Extended { rule: ExtendedSeed::TARGETNET, stride: stride(1) })
            }
            (Candidates::Miraw, _) => Ok(Gate::Extended { rule: ExtendedSeed::MIRAW, stride: stride(1) }),
            (_, Some(_)) => Err(Error::Setting(
                "--stride: expected with --candidates all, targetnet or miraw only".into(),
            )),
            (Candidates::Canonical, None) => Ok(Gate::Canonical),
            (Candidates::Relaxed, None) => Ok(Gate::Relaxed),
        }
    }
}

/// Which sites of a transcript are reported.
#[derive(clap::Args)]
pub(super) struct Sites {
    #[command(flatten)]
    windows: Windows,
    /// Least probability of a reported site, with --prior in its world [default: the model's threshold]
    #[arg(long, value_name = "P")]
    min_probability: Option<f32>,
}

impl Sites {
    pub(super) fn gate(&self) -> Result<Gate> {
        self.windows.gate()
    }

    pub(super) fn min_probability(&self, predictor: &Predictor) -> Result<f32> {
        match self.min_probability {
            Some(p) if !(0.0..=1.0).contains(&p) => {
                Err(Error::Setting(format!("--min-probability: expected 0 to 1, found {p}")))
            }
            given => Ok(given.unwrap_or(predictor.threshold())),
        }
    }
}

/// What a scan is about.
#[derive(clap::Args)]
pub(super) struct Question {
    /// miRNAs, FASTA, gzip or not; - for stdin
    #[arg(long, value_name = "FASTA")]
    pub(super) mirna: String,
    /// Transcripts, FASTA, gzip or not; - for stdin
    #[arg(long, value_name = "FASTA")]
    pub(super) target: String,
    /// Where the transcripts' ids are in their headers: plain (also ensembl, refseq, mirbase), up to the first white space;
    /// gencode, up to the first |; ucsc, after genome and track
    #[arg(long, value_name = "SOURCE", default_value_t)]
    pub(super) target_headers: Headers,
    /// Only these pairs: columns mirna_id and target_id by name, or the first two
    #[arg(long, value_name = "TSV")]
    pub(super) pairs: Option<String>,
}

impl Question {
    pub(super) fn asked(&self) -> Result<Asked> {
        Ok(match &self.pairs {
            Some(path) => Asked::Listed(Listed::open(path)?),
            None => Asked::All,
        })
    }
}
