//! A trained network and where it came from. A model file is safetensors; everything but the weights is metadata.

use super::{
    Config, Meaning, Network, Steps,
    card::{self, Filled, Unread},
    meaning::Scale,
};
use crate::{
    autograd::Tape,
    data::{Batch, Duo},
    device::Device,
    error::{Error, Result},
    params::Params,
    rna::Gate,
    workers::Workers,
};
use serde::{Deserialize, Serialize};
use std::{fs::File, io::Read, path::Path};

/// How many of the pairs that are left go through the network together: few enough for their activations to stay in a core's
/// cache, and fewer towards the end, so that no core waits long for another. A GPU has no use for few.
fn micro_batch(device: &Device, left: usize) -> usize {
    match (device, left) {
        (Device::Cuda(_), _) => 2048,
        (_, ..32) => 4,
        (_, 32..96) => 8,
        _ => 16,
    }
}

/// The tokens' meaning; a model for another alphabet is refused.
const ALPHABET: &str = "ACGUN-";

/// The default model's file.
pub const EMBEDDED: &[u8] =
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/default.safetensors"));

/// What a model file says of itself beside its shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    pub name: String,
    /// Version of the program that trained it.
    pub trained_by: String,
    /// Sites with at least this probability count as bound; fixed on the validation part of the training data, after
    /// calibration.
    pub threshold: f32,
    /// What it was trained on, in a sentence.
    pub data: String,
    pub seed: u64,
    /// Older files say nothing of it; written only where there is something to say.
    #[serde(default, skip_serializing_if = "Meaning::is_default")]
    pub meaning: Meaning,
}

/// The one metadata entry of a model file.
const CARD: &str = "mirscope";

/// What [`CARD`] holds, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    alphabet: String,
    config: Config,
    provenance: Provenance,
}

/// A network ready to predict.
#[derive(Debug)]
pub struct Predictor {
    pub(super) network: Network,
    params: Params,
    provenance: Provenance,
    /// What probabilities and threshold are on.
    scale: Scale,
    threshold: f32,
    prior: f64,
    hash: String,
    checksum: Option<String>,
    workers: Workers,
}

impl Predictor {
    /// The model inside this program.
    pub fn embedded(workers: Workers) -> Result<Self> {
        Self::from_bytes(EMBEDDED, "the embedded model", workers)
    }

    /// A model file.
    pub fn load(path: &Path, workers: Workers) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        Self::from_reader(file, &path.display().to_string(), workers)
    }

    /// A model file's bytes; `path` is for messages.
    pub fn from_bytes(bytes: &[u8], path: &str, workers: Workers) -> Result<Self> {
        Self::from_reader(bytes, path, workers)
    }

    /// Alphabet, shape and meaning are checked before memory is taken for weights.
    fn from_reader(file: impl Read, path: &str, workers: Workers) -> Result<Self> {
        let bad = |what: String| Error::file(path, what);
        let mut file = Unread::new(file, path)?;
        let card: Card = file.card(CARD)?;
        if card.alphabet != ALPHABET {
            return Err(bad(format!("expected a model for the alphabet {ALPHABET}, got {}", card.alphabet)));
        }
        let Card { config, provenance, .. } = card;
        config.check().map_err(|e| bad(e.to_string()))?;
        if !(0.0..=1.0).contains(&provenance.threshold) {
            let found = provenance.threshold;
            return Err(bad(format!("metadata: expected a threshold from 0 to 1, found {found}")));
        }
        provenance.meaning.check(path)?;
        let filled = file.fill(workers.device(), |p| Network::new(p, &config))?;
        let Filled { made: network, params, hash, checksum } = filled;
        let (threshold, prior) = (provenance.threshold, provenance.meaning.prevalence);
        let scale = Scale::new(&provenance.meaning, prior)?;
        Ok(Self { network, params, provenance, scale, threshold, prior, hash, checksum, workers })
    }

    /// The same model for candidates of which a share `prior` binds, where one is given. Its threshold goes along, so that it
    /// calls the same sites.
    pub fn with_prior(mut self, prior: Option<f64>) -> Result<Self> {
        let Some(prior) = prior else { return Ok(self) };
        self.rescale(Scale::new(&self.provenance.meaning, prior)?);
        Ok(Self { prior, ..self })
    }

    /// The same model without its calibration, but with its prior; it too calls the same sites.
    pub fn uncalibrated(mut self) -> Self {
        self.rescale(Scale { curve: None, shift: self.scale.shift });
        self
    }

    fn rescale(&mut self, scale: Scale) {
        self.threshold = scale.probability(self.scale.least(self.threshold));
        self.scale = scale;
    }

    /// The model file of trained parameters.
    pub fn file(config: &Config, params: &Params, provenance: &Provenance) -> Result<Vec<u8>> {
        let (alphabet, config, provenance) = (ALPHABET.into(), config.clone(), provenance.clone());
        card::write(params, CARD, &Card { alphabet, config, provenance })
    }

    /// What it computes on.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// What the model calls itself.
    pub fn name(&self) -> &str {
        &self.provenance.name
    }

    /// SHA-256 of the model file, in hex.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The SHA-256 that the file has of its own contents, if it has one; they have been found to be as it says.
    pub fn checksum(&self) -> Option<&str> {
        self.checksum.as_deref()
    }

    /// The longest miRNA read, nt.
    pub fn mirna_len(&self) -> usize {
        self.network.config().mirna_len
    }

    /// The longest site read, nt.
    pub fn site_len(&self) -> usize {
        self.network.config().site_len
    }

    /// The model file of the same network with another meaning of its log-odds. Its threshold goes along, whatever prior this
    /// one has.
    pub fn file_with(&self, meaning: Meaning) -> Result<Vec<u8>> {
        let own = &self.provenance.meaning;
        let is_same = (own.prevalence, &own.calibration) == (meaning.prevalence, &meaning.calibration);
        let scale = |meaning: &Meaning| Scale::new(meaning, meaning.prevalence);
        let threshold = match is_same {
            true => self.provenance.threshold,
            false => scale(&meaning)?.probability(scale(own)?.least(self.provenance.threshold)),
        };
        let provenance = Provenance { threshold, meaning, ..self.provenance.clone() };
        Self::file(self.config(), &self.params, &provenance)
    }

    /// Sites with at least this probability count as bound.
    pub fn threshold(&self) -> f32 {
        self.threshold
    }

    /// The share of candidates that bind in the world that its probabilities are of.
    pub fn prior(&self) -> f64 {
        self.prior
    }

    /// The false-discovery rate of a site that a scan with this gate finds, by its probability, where the model has been
    /// held against chance.
    pub fn false_discovery(&self, gate: Gate) -> Option<Steps> {
        self.provenance.meaning.null.as_ref()?.false_discovery(gate, &self.scale)
    }

    /// The chance that a shuffled window which this gate takes is given at least a probability, where that is known.
    pub fn survival(&self, gate: Gate) -> Option<Steps> {
        self.provenance.meaning.null.as_ref()?.survival(gate, &self.scale)
    }

    /// Where the model came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        self.network.config()
    }

    /// Its parameters.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// One probability per pair, in order; the same bits for any number of threads.
    pub fn probabilities(&self, pairs: &[Duo]) -> Result<Vec<f32>> {
        Ok(self.log_odds(pairs)?.into_iter().map(|z| self.scale.probability(z)).collect())
    }

    /// The network's log-odds of a pair that it gives this probability: the least, where several round to it.
    pub fn log_odds_of(&self, probability: f32) -> f32 {
        self.scale.least(probability)
    }

    /// What the network says, before calibration and whatever the prior: one number per pair, in order; the same
    /// bits for any number of threads. An error where that is no number, because the network's numbers overflow.
    pub fn log_odds(&self, pairs: &[Duo]) -> Result<Vec<f32>> {
        finite(self.network.logits(&self.params, pairs, &self.workers)?, "log-odds", self.name())
    }
}

/// What a network gave, if it is numbers: weights may be finite and their sums not.
pub(super) fn finite(given: Vec<f32>, what: &str, name: &str) -> Result<Vec<f32>> {
    match given.iter().find(|x| !x.is_finite()) {
        None => Ok(given),
        Some(x) => {
            let message = format!("expected {what} that are numbers, found {x}: its weights are too great");
            Err(Error::file(name, message))
        }
    }
}

impl Network {
    /// One log-odds per pair, in order, without dropout. Micro-batches do not depend on the number of threads, nor a pair's
    /// log-odds on its micro-batch.
    pub fn logits(&self, params: &Params, pairs: &[Duo], workers: &Workers) -> Result<Vec<f32>> {
        let mut logits = vec![0.0; pairs.len()];
        let size = |left| micro_batch(workers.device(), left).min(workers.room());
        workers.for_guided(&mut logits, size, |device, first, logits| {
            self.some_logits(params, &pairs[first..][..logits.len()], logits, (device, workers))
        })?;
        Ok(logits)
    }

    /// Those of one micro-batch; of two halves, where a GPU has no room for it.
    fn some_logits(
        &self,
        params: &Params,
        pairs: &[Duo],
        logits: &mut [f32],
        (device, workers): (&Device, &Workers),
    ) -> Result<()> {
        let made = device.repeat("logits", pairs.len(), || {
            let seen = pairs.iter().map(|&pair| self.config().reads.of(pair));
            let batch = Batch::on(device, seen, self.config().lengths())?;
            Ok(self.forward(&Tape::inference(params, device), &batch)?.value)
        });
        match made {
            Err(Error::OutOfMemory { .. }) if pairs.len() > 1 => {
                let half = pairs.len().div_ceil(2);
                workers.keep_to(half);
                let mut halves = pairs.chunks(half).zip(logits.chunks_mut(half));
                halves.try_for_each(|(pairs, logits)| {
                    self.some_logits(params, pairs, logits, (device, workers))
                })
            }
            made => made?.read(logits),
        }
    }
}
