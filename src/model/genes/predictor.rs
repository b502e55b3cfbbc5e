use super::{GeneConfig, GeneNetwork, GeneReader, WholeNetwork};
use crate::{
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

/// A gene-level network ready to predict.
#[derive(Debug)]
pub struct GenePredictor {
    trained: Trained,
    config: GeneConfig,
    provenance: GeneProvenance,
}

/// What was trained, by what it is shown of a pair.
#[derive(Debug)]
pub enum Trained {
    /// The bag of its best sites.
    Sites(Learned<GeneNetwork>),
    /// The track of the whole 3'UTR.
    Whole(Learned<WholeNetwork>),
}

/// A network and its parameters.
#[derive(Debug)]
pub struct Learned<N> {
    network: Box<N>,
    params: Params,
    name: String,
}

impl<N: GeneReader> Learned<N> {
    fn read(file: Unread<File>, config: &GeneConfig, name: String) -> Result<Self> {
        let Filled { made: network, params, .. } = file.fill(&Device::cpu(), |p| N::new(p, config))?;
        Ok(Self { network: Box::new(network), params, name })
    }

    /// One score for each, in order; higher is more repression.
    pub fn scores(&self, seen: &[N::Seen]) -> Result<Vec<f32>> {
        finite(self.network.scores(&self.params, seen)?, "scores", &self.name)
    }
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
        let name = provenance.name.clone();
        let trained = match config.whole {
            None => Trained::Sites(Learned::read(file, &config, name)?),
            Some(_) => Trained::Whole(Learned::read(file, &config, name)?),
        };
        Ok(Self { trained, config, provenance })
    }

    /// The model file of trained parameters.
    pub fn file(config: &GeneConfig, params: &Params, provenance: &GeneProvenance) -> Result<Vec<u8>> {
        card::write(params, CARD, &Card { genes: config.clone(), provenance: provenance.clone() })
    }

    /// What the model calls itself.
    pub fn name(&self) -> &str {
        &self.provenance.name
    }

    /// Its shape.
    pub fn config(&self) -> &GeneConfig {
        &self.config
    }

    /// What was trained.
    pub fn trained(&self) -> &Trained {
        &self.trained
    }
}
