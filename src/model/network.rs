use super::{Config, PositionKind, pairing::PairingStem};
use crate::{
    autograd::{Tape, Var},
    data::{Batch, VOCABULARY},
    error::Result,
    nn::{Conv1d, Embedding, EncoderLayer, LayerNorm, Linear, Positions},
    ops::{Activation, Add, MaskedMean},
    params::Builder,
};
use std::sync::Arc;

/// A CNN + Transformer over the tokens of a miRNA and a site, with an optional CNN over their pairing map.
#[derive(Clone, Debug)]
pub struct Network {
    config: Config,
    tokens: Embedding,
    segments: Option<Segments>,
    positions: Positions,
    motifs: Conv1d,
    layers: Vec<EncoderLayer>,
    norm: LayerNorm,
    pairing: Option<PairingStem>,
    head: Linear,
}

impl Network {
    /// Registers the parameters of a network of this shape. `config` has been checked.
    pub fn new(p: &mut Builder, config: &Config) -> Self {
        let (c, width) = (config, config.width);
        let positions = match c.positions {
            PositionKind::Sinusoidal => Positions::sinusoidal(p, c.tokens(), width),
            PositionKind::Learned => Positions::learned(p, "positions", c.tokens(), width),
        };
        let layer = |p: &mut Builder, i: usize| {
            EncoderLayer::new(p, &format!("layer{i}"), width, c.heads, c.feed_forward, c.dropout)
        };
        let pairing = c.pairing.as_ref().map(|pairing| PairingStem::new(p, pairing, width));
        let pooled = c.pairing.as_ref().map_or(width, |pairing| pairing.hidden);
        Self {
            config: c.clone(),
            tokens: Embedding::new(p, "tokens", VOCABULARY, width),
            segments: c.segments.then(|| Segments::new(p, c)),
            positions,
            motifs: Conv1d::new(p, "motifs", c.conv_width, (width, width), Some(Activation::Gelu)),
            layers: (0..c.layers).map(|i| layer(p, i)).collect(),
            norm: LayerNorm::new(p, "norm", width),
            pairing,
            head: Linear::new(p, "head", pooled, 1, None),
        }
    }

    /// Its shape.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Logits `[B, 1]` of a batch.
    pub fn forward(&self, t: &Tape, batch: &Batch) -> Result<Var> {
        let mut x = self.tokens.forward(t, &batch.tokens, [batch.size, self.config.tokens()])?; // [B, T, C]
        if let Some(segments) = &self.segments {
            x = t.apply(Add, [&x, &segments.forward(t)?])?;
        }
        x = self.positions.forward(t, &x)?;
        x = t.apply(Add, [&x, &self.motifs.forward(t, &x)?])?;
        for layer in &self.layers {
            x = layer.forward(t, &x)?; // [B, T, C]
        }
        let mut pooled = t.apply(MaskedMean { lengths: None }, [&self.norm.forward(t, &x)?])?; // [B, C]
        if let Some(pairing) = &self.pairing {
            pooled = pairing.join(t, &pooled, batch, self.config.dropout)?; // [B, hidden]
        }
        self.head.forward(t, &pooled) // [B, 1]
    }
}

/// A vector that all tokens of a miRNA have, and one that all of a site have.
#[derive(Clone, Debug)]
struct Segments {
    table: Embedding,
    /// 0 over the miRNA, 1 over the site.
    ids: Arc<[u32]>,
}

impl Segments {
    fn new(p: &mut Builder, c: &Config) -> Self {
        let ids = (0..c.tokens()).map(|i| u32::from(i >= c.mirna_len)).collect();
        Self { table: Embedding::new(p, "segments", 2, c.width), ids }
    }

    /// `[T, C]`, the same for every pair.
    fn forward(&self, t: &Tape) -> Result<Var> {
        self.table.forward(t, &self.ids, [self.ids.len()])
    }
}
