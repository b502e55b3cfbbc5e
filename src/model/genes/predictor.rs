use super::{Bag, GeneConfig, GeneNetwork};
use crate::{
    autograd::Tape,
    device::Device,
    error::{Error, Result},
    model::{
        card::{self, Filled, Unread},
        finite,
    },
    params::Params,
};
use serde::{Deserialize, Serialize};
use std::{fs::File, path::Path};

/// What a gene-level model says of itself beside its shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneProvenance {
    pub name: String,
    /// Version of the program that trained it.
    pub trained_by: String,
    /// What it was trained on, in a sentence.
    pub data: String,
    pub seed: u64,
    /// SHA-256 of the site model whose log-odds it reads.
    pub site_model: String,
}

/// The one metadata entry of its file.
const CARD: &str = "mirscope-genes";

/// What [`CARD`] holds, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    genes: GeneConfig,
    provenance: GeneProvenance,
}

/// Bags that go through the network together.
const BAGS: usize = 256;

/// A gene-level network ready to predict.
#[derive(Debug)]
pub struct GenePredictor {
    network: GeneNetwork,
    params: Params,
    config: GeneConfig,
    provenance: GeneProvenance,
}

impl GenePredictor {
    /// A model file, for site model `site_model` (its SHA-256): with another's log-odds its scores mean nothing.
    pub fn load(path: &Path, site_model: &str) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let path = path.display().to_string();
        let mut file = Unread::new(file, &path)?;
        let Card { genes: config, provenance } = file.card(CARD)?;
        config.check().map_err(|e| Error::file(&path, e.to_string()))?;
        if provenance.site_model != site_model {
            let expected = &provenance.site_model;
            return Err(Error::file(&path, format!("expected the site model {expected}, got {site_model}")));
        }
        let Filled { made: network, params, .. } =
            file.fill(&Device::cpu(), |p| GeneNetwork::new(p, &config))?;
        Ok(Self { network, params, config, provenance })
    }

    /// The model file of trained parameters.
    pub fn file(config: &GeneConfig, params: &Params, provenance: &GeneProvenance) -> Result<Vec<u8>> {
        card::write(params, CARD, &Card { genes: config.clone(), provenance: provenance.clone() })
    }

    /// What the model calls itself.
    pub fn name(&self) -> &str {
        &self.provenance.name
    }

    /// Sites of a 3'UTR that it looks at.
    pub fn sites(&self) -> usize {
        self.config.sites
    }

    /// One score a bag, in order; higher is more repression.
    pub fn scores(&self, bags: &[Bag]) -> Result<Vec<f32>> {
        finite(self.network.scores(&self.params, bags)?, "scores", self.name())
    }
}

impl GeneNetwork {
    /// One score a bag, in order.
    pub fn scores(&self, params: &Params, bags: &[Bag]) -> Result<Vec<f32>> {
        let mut scores = Vec::with_capacity(bags.len());
        for bags in bags.chunks(BAGS) {
            let bags: Vec<&Bag> = bags.iter().collect();
            let tape = Tape::inference(params, params.device());
            scores.extend(self.forward(&tape, &bags)?.value.to_f32()?);
        }
        Ok(scores)
    }
}
