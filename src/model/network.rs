use super::{
    Config, Fusion, Pooling, PositionKind,
    pairing::PairingStem,
    places::{base_tables, places_of},
};
use crate::{
    autograd::{Tape, Var},
    data::{Batch, Halves, VOCABULARY},
    error::Result,
    nn::{
        Attending, Conv1d, Embedding, EncoderLayer, LayerNorm, Linear, Marks, MultiHead, Positions, Tokens,
        Watch,
    },
    ops::{Activation, Add, MaskedMax, MaskedMean, Reshape},
    params::{Builder, FixedId},
};
use std::{ops::Range, sync::Arc};

/// A CNN + Transformer over the tokens of a miRNA and a site, with an optional CNN over their pairing map.
#[derive(Clone, Debug)]
pub struct Network {
    config: Config,
    tokens: Embedding,
    segments: Option<Embedding>,
    motifs: Vec<Conv1d>,
    layers: Vec<EncoderLayer>,
    /// What the layers read: both sequences one after the other, or the site.
    read: Sequence,
    /// What they look things up in, where they read the site alone: the miRNA.
    memory: Option<(Sequence, LayerNorm)>,
    norm: LayerNorm,
    pool: Option<AttentionPool>,
    pairing: Option<PairingStem>,
    head: Linear,
}

impl Network {
    /// Registers the parameters of a network of this shape. `config` has been checked.
    pub fn new(p: &mut Builder, config: &Config) -> Self {
        let (c, width) = (config, config.width);
        let across = c.fusion == Fusion::Cross;
        let (read, mirna) = match c.fusion {
            Fusion::Joint => (Sequence::new(p, c, "positions", 0..c.tokens()), None),
            Fusion::Cross => {
                let mirna = Sequence::new(p, c, "mirna_positions", 0..c.mirna_len);
                (Sequence::new(p, c, "positions", c.mirna_len..c.tokens()), Some(mirna))
            }
        };
        let tables = c.bases.then(|| base_tables(width, c.heads));
        let how = Attending {
            width,
            memory: width,
            heads: c.heads,
            dropout: c.dropout,
            tables: tables.as_ref().map(|tables| tables.each_ref().map(|table| &table[..])),
            distance: (c.positions == PositionKind::Relative).then_some(1.0),
        };
        let motifs = |p: &mut Builder, i: usize| {
            let name = if i == 0 { "motifs".into() } else { format!("motifs{i}") };
            Conv1d::new(p, &name, c.conv_width, (width, width), Some(Activation::Gelu))
        };
        let layer = |p: &mut Builder, i: usize| {
            EncoderLayer::new(p, &format!("layer{i}"), how, c.feed_forward, across)
        };
        let plain = Attending { tables: None, distance: None, ..how };
        let pairing = c.pairing.as_ref().map(|pairing| PairingStem::new(p, c, pairing, plain));
        let pooled = pairing.as_ref().and_then(PairingStem::hidden).unwrap_or(width);
        Self {
            config: c.clone(),
            tokens: Embedding::new(p, "tokens", VOCABULARY, width),
            segments: c.segments.then(|| Embedding::new(p, "segments", 2, width)),
            motifs: (0..c.conv_layers).map(|i| motifs(p, i)).collect(),
            layers: (0..c.layers).map(|i| layer(p, i)).collect(),
            read,
            memory: mirna.map(|mirna| (mirna, LayerNorm::new(p, "mirna_norm", width))),
            norm: LayerNorm::new(p, "norm", width),
            pool: (c.pooling == Pooling::Attention).then(|| AttentionPool::new(p, plain)),
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
        self.watched(t, batch, &mut |_, _, _| Ok(()))
    }

    /// As [`Network::forward`]; `watch` is shown each layer's attentions, in order.
    pub(super) fn watched(&self, t: &Tape, batch: &Batch, watch: Watch) -> Result<Var> {
        let map = self.map(t, batch)?;
        let x = match &self.memory {
            None => self.encoded(t, &batch.tokens, None, map.as_ref(), watch)?, // [B, T, C]
            Some((mirna, norm)) => {
                let Halves { mirna: ids, site } = &*batch.halves(t.device());
                let x = norm.forward(t, &self.embedded(t, mirna, ids)?)?; // [B, M, C]
                let marks = mirna.marks(t, ids);
                self.encoded(t, site, Some(Tokens { x: &x, marks: &marks }), map.as_ref(), watch)? // [B, S, C]
            }
        };
        let mut pooled = self.pooled(t, &x)?; // [B, C]
        if let (Some(pairing), Some(map)) = (&self.pairing, &map) {
            pooled = pairing.join(t, pooled, map, self.config.dropout)?; // [B, hidden]
        }
        self.head.forward(t, &pooled) // [B, 1]
    }

    /// The pairing map `[B, rows, columns, channels]` after all its convolutions, where there is one.
    pub(super) fn map(&self, t: &Tape, batch: &Batch) -> Result<Option<Var>> {
        self.pairing.as_ref().map(|stem| stem.map(t, batch)).transpose()
    }

    /// The tokens `ids` of a sequence after all layers, normed, `[B, T, C]`.
    fn encoded(
        &self,
        t: &Tape,
        ids: &Arc<[u32]>,
        memory: Option<Tokens>,
        map: Option<&Var>,
        watch: Watch,
    ) -> Result<Var> {
        let marks = self.read.marks(t, ids);
        let x = self.embedded(t, &self.read, ids)?;
        let norm_of = |layer| self.layers.get(layer).map_or(&self.norm, EncoderLayer::norm);
        let mut tokens = match (&self.pairing, map) {
            (Some(pairing), Some(map)) => {
                pairing.looked_up(t, x, &marks, map, self.config.dropout, norm_of(0))?
            }
            _ => norm_of(0).of(t, x)?,
        };
        for (i, layer) in self.layers.iter().enumerate() {
            tokens = layer.forward(t, tokens, &marks, memory, norm_of(i + 1), watch)?;
        }
        Ok(tokens.normed)
    }

    /// The tokens `ids` of a sequence before the first layer, `[B, T, C]`.
    fn embedded(&self, t: &Tape, sequence: &Sequence, ids: &Arc<[u32]>) -> Result<Var> {
        let n = sequence.segments.len();
        let mut x = self.tokens.forward(t, ids, [ids.len() / n, n])?;
        if let Some(segments) = &self.segments {
            x = t.apply(Add, [&x, &segments.forward(t, &sequence.segments, [n])?])?;
        }
        if let Some(positions) = &sequence.positions {
            x = positions.forward(t, &x)?;
        }
        for motifs in &self.motifs {
            x = t.apply(Add, [&x, &motifs.forward(t, &x)?])?;
        }
        Ok(x)
    }

    /// `x [B, T, C]` to `[B, C]`.
    fn pooled(&self, t: &Tape, x: &Var) -> Result<Var> {
        match (&self.pool, self.config.pooling) {
            (Some(pool), _) => pool.forward(t, x),
            (None, Pooling::Max) => t.apply(MaskedMax { lengths: None }, [x]),
            (None, _) => t.apply(MaskedMean { lengths: None }, [x]),
        }
    }
}

/// Tokens that stand side by side, and what tells them apart.
#[derive(Clone, Debug)]
struct Sequence {
    /// 0 over the miRNA, 1 over the site.
    segments: Arc<[u32]>,
    /// What is added to tokens; nothing where positions are relative.
    positions: Option<Positions>,
    /// What attention may add to queries and keys.
    places: Option<FixedId>,
}

impl Sequence {
    /// Of the tokens `span` of a pair's; learned positions are registered as `name`.
    fn new(p: &mut Builder, c: &Config, name: &str, span: Range<usize>) -> Self {
        let positions = match c.positions {
            PositionKind::Sinusoidal => Some(Positions::sinusoidal(p, span.clone(), c.width)),
            PositionKind::Learned => Some(Positions::learned(p, name, span.len(), c.width)),
            PositionKind::Relative => None,
        };
        let wanted =
            c.positions == PositionKind::Relative || c.pairing.as_ref().is_some_and(|p| p.joins.tokens());
        let places = wanted.then(|| {
            let places = || places_of(span.clone().map(|token| c.place(token)), c.width, c.heads);
            p.fixed(&[1, span.len() * c.width], places)
        });
        Self { segments: span.map(|i| u32::from(i >= c.mirna_len)).collect(), positions, places }
    }

    fn marks(&self, t: &Tape, ids: &Arc<[u32]>) -> Marks {
        Marks { ids: Some(ids.clone()), places: self.places.map(|places| t.fixed(places)) }
    }
}

/// One learned query that looks through all tokens.
#[derive(Clone, Debug)]
struct AttentionPool {
    query: Embedding,
    attention: MultiHead,
}

/// `[B]`, for the one query that every pair has.
struct Zeros(Arc<[u32]>);

impl AttentionPool {
    fn new(p: &mut Builder, how: Attending) -> Self {
        p.scope("pool", |p| Self {
            query: Embedding::new(p, "query", 1, how.width),
            attention: MultiHead::new(p, "attention", how),
        })
    }

    /// `x [B, T, C]` to `[B, C]`.
    fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        let &[b, _, c] = x.value.shape() else { unreachable!("tokens have three axes") };
        let ids = t.device().keep(|Zeros(ids)| ids.len() == b, || Zeros(vec![0; b].into()));
        let (query, none) = (self.query.forward(t, &ids.0, [b, 1])?, Marks::default());
        let found =
            self.attention.forward(t, Tokens { x: &query, marks: &none }, Tokens { x, marks: &none })?;
        t.apply(Reshape { shape: [b, c].into() }, [&found])
    }
}
