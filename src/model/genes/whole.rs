//! The network that reads a 3'UTR whole: tokens along it look at their neighbours and at the miRNA, and each says how far
//! it acts.

use super::{
    BagPooling, GeneConfig, GeneReader,
    track::{BLOCK, CONTEXT, MIRNA, Track},
};
use crate::{
    autograd::{Tape, Var},
    data::{PAD, VOCABULARY},
    error::{Error, Result},
    model::places::places_of,
    nn::{Embedding, LayerNorm, Linear},
    ops::{self, Activation, Add, Attention, MaskedMax, NoisyOr, Reshape},
    params::{Builder, FixedId},
    tensor::Tensor,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The shape of a [`WholeNetwork`]. Unknown keys are errors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WholeConfig {
    /// Channels of the site model's last convolution over the pairing map.
    pub channels: usize,
    /// Channels of a token.
    pub width: usize,
    pub heads: usize,
    /// The 3'UTR is cut: every 48 nt are convolved by themselves and see nothing of their neighbours. To know what reading
    /// on is worth.
    #[serde(default)]
    pub cut: bool,
}

impl WholeConfig {
    pub(super) fn check(&self) -> Result<()> {
        let Self { channels, width, heads, .. } = *self;
        for (what, got, most) in
            [("channels", channels, 1024), ("width", width, 1024), ("heads", heads, width)]
        {
            if !(1..=most).contains(&got) {
                return Err(Error::Setting(format!("genes.whole.{what}: expected 1 to {most}, got {got}")));
            }
        }
        match width % (2 * heads) {
            0 => Ok(()),
            _ => {
                let expected = format!("{heads} heads of an even width");
                Err(Error::Setting(format!("genes.whole.width: expected {expected}, got {width}")))
            }
        }
    }
}

/// A small network over tracks. What it adds to the seed rule is nothing at first: learning starts from the rule.
#[derive(Clone, Debug)]
pub struct WholeNetwork {
    config: WholeConfig,
    strongest: bool,
    tokens: Linear,
    bases: Embedding,
    neighbours: Looking,
    pairing: Looking,
    norm: LayerNorm,
    hidden: Linear,
    act: Linear,
    head: Linear,
    /// Of a block and of its neighbourhood, `[3 BLOCK, width]`; of a miRNA, `[MIRNA, width]`.
    places: [FixedId; 2],
}

/// Attention of each block's tokens to what is gathered for the block.
#[derive(Clone, Debug)]
struct Looking {
    norm: LayerNorm,
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
}

impl Looking {
    fn new(p: &mut Builder, name: &str, width: usize) -> Self {
        p.scope(name, |p| Self {
            norm: LayerNorm::new(p, "norm", width),
            query: Linear::new(p, "query", width, width, None),
            key: Linear::new(p, "key", width, width, None),
            value: Linear::new(p, "value", width, width, None),
            out: Linear::new(p, "out", width, width, None),
        })
    }

    /// `x [N, BLOCK, C]` and what its tokens find among the rows `ids [N, K]` of `memory [R, C]`, of which `lengths [N]` count.
    /// To queries and keys their `places` are added, `[BLOCK, C]` and `[K, C]`, where they matter.
    fn forward(
        &self,
        t: &Tape,
        (x, normed): (&Var, &Var),
        memory: &Var,
        (ids, lengths): (&Arc<[u32]>, Option<Arc<[u32]>>),
        (heads, places): (usize, Option<[&Var; 2]>),
    ) -> Result<Var> {
        let blocks = x.value.shape()[0];
        let gathered = |x: &Var| {
            let shape = [blocks, ids.len() / blocks].into();
            t.apply(ops::Embedding { ids: ids.clone(), shape }, [x])
        };
        let mut q = self.query.forward(t, normed)?;
        let mut k = gathered(&self.key.forward(t, memory)?)?;
        let v = gathered(&self.value.forward(t, memory)?)?;
        if let Some([of_queries, of_keys]) = places {
            q = t.apply(Add, [&q, of_queries])?;
            k = t.apply(Add, [&k, of_keys])?;
        }
        let found = t.apply(Attention { heads, lengths, dropout: None }, [&q, &k, &v])?;
        self.out.onto(t, &found, x, 0.0)
    }
}

/// Where what lies in one buffer, of some tracks.
struct Layout {
    /// Blocks of all tracks, and one of padding.
    blocks: usize,
    /// Rows of tokens that each block sees, `[blocks, K]`.
    seen: Arc<[u32]>,
    /// Rows of bases that each block sees, `[blocks, MIRNA]`, and how many of them count.
    facing: Arc<[u32]>,
    facing_lengths: Arc<[u32]>,
    /// Rows of each track's tokens, `[B, most]`, and how many of them count.
    own: Arc<[u32]>,
    own_lengths: Arc<[u32]>,
    most: usize,
}

impl Layout {
    fn new(tracks: &[&Track], cut: bool) -> Self {
        let of = |track: &Track| track.rule.len() / BLOCK;
        let blocks = tracks.iter().map(|track| of(track)).sum::<usize>() + 1;
        let most = tracks.iter().map(|track| track.rule.len()).max().unwrap_or(0);
        let (mut seen, mut facing, mut facing_lengths, mut own) = (vec![], vec![], vec![], vec![]);
        let mut first = 0;
        let rows = |first: usize, count: usize| (first..first + count).map(|row| row as u32);
        let mut block_sees = |around: &[usize], number: usize, length: usize| {
            seen.extend(around.iter().flat_map(|&block| rows(block * BLOCK, BLOCK)));
            facing.extend(rows(number * MIRNA, MIRNA));
            facing_lengths.push(length as u32);
        };
        for (number, track) in tracks.iter().enumerate() {
            let end = first + of(track);
            for block in first..end {
                let before = if block > first { block - 1 } else { blocks - 1 };
                let after = if block + 1 < end { block + 1 } else { blocks - 1 };
                let around = [before, block, after];
                block_sees(if cut { &around[1..2] } else { &around }, number, track.mirna.len());
            }
            let tokens = track.rule.len();
            own.extend(rows(first * BLOCK, tokens).chain(std::iter::repeat_n(0, most - tokens)));
            first = end;
        }
        let padding = [first; 3];
        block_sees(&padding[..if cut { 1 } else { 3 }], 0, 1);
        Self {
            blocks,
            seen: seen.into(),
            facing: facing.into(),
            facing_lengths: facing_lengths.into(),
            own: own.into(),
            own_lengths: tracks.iter().map(|track| track.rule.len() as u32).collect(),
            most,
        }
    }
}

impl GeneReader for WholeNetwork {
    type Seen = Track;

    /// `config.whole` is there and has been checked.
    fn new(p: &mut Builder, config: &GeneConfig) -> Self {
        let whole = config.whole.clone().expect("asked for by a configuration that has one");
        let (width, heads) = (whole.width, whole.heads);
        let around = if whole.cut { BLOCK } else { 3 * BLOCK };
        let mut places = |count: usize| {
            p.fixed(&[count, width], || places_of((0..count).map(|place| place as f64), width, heads))
        };
        let places = [places(around), places(MIRNA)];
        Self {
            strongest: config.pooling == BagPooling::Max,
            tokens: Linear::new(p, "tokens", whole.channels + CONTEXT, width, Some(Activation::Gelu)),
            bases: Embedding::new(p, "bases", VOCABULARY, width),
            neighbours: Looking::new(p, "neighbours", width),
            pairing: Looking::new(p, "pairing", width),
            norm: LayerNorm::new(p, "norm", width),
            hidden: Linear::new(p, "hidden", width, config.hidden, Some(Activation::Gelu)),
            act: Linear::starting_at(p, "act", config.hidden, 1, 0.0),
            head: Linear::starting_at(p, "head", 1, 1, 1.0),
            config: whole,
            places,
        }
    }

    fn forward(&self, t: &Tape, tracks: &[&Track]) -> Result<Var> {
        let WholeConfig { channels, width, heads, cut } = self.config;
        let layout = Layout::new(tracks, cut);
        let (size, rows) = (tracks.len(), layout.blocks * BLOCK);
        let wide = channels + CONTEXT;
        let (mut tokens, mut rule) = (vec![], vec![]);
        let mut bases = vec![PAD; size * MIRNA];
        for (track, bases) in tracks.iter().zip(bases.chunks_exact_mut(MIRNA)) {
            tokens.extend_from_slice(&track.tokens);
            rule.extend_from_slice(&track.rule);
            bases[..track.mirna.len()].copy_from_slice(&track.mirna);
        }
        tokens.resize(rows * wide, 0.0);
        rule.resize(rows, 0.0);
        let constant = |shape: &[usize], values: &[f32]| -> Result<Var> {
            Ok(t.constant(Tensor::from_f32(t.device(), shape, values)?))
        };
        let x = constant(&[layout.blocks, BLOCK, wide], &tokens)?;
        let x = self.tokens.forward(t, &x)?; // [N, BLOCK, C]
        let normed = self.neighbours.norm.forward(t, &x)?;
        let places = t.fixed(self.places[0]); // [K, C]
        let middle = if cut { 0 } else { BLOCK };
        let of_block = t.constant(places.value.part(middle * width, &[BLOCK, width]));
        let flat = t.apply(Reshape { shape: [rows, width].into() }, [&normed])?;
        let (seen, around) = ((&layout.seen, None), (heads, Some([&of_block, &places])));
        let x = self.neighbours.forward(t, (&x, &normed), &flat, seen, around)?;
        let bases = self.bases.forward(t, &bases.into(), [size, MIRNA])?;
        let bases = t.apply(Add, [&bases, &t.fixed(self.places[1])])?;
        let bases = t.apply(Reshape { shape: [size * MIRNA, width].into() }, [&bases])?;
        let normed = self.pairing.norm.forward(t, &x)?;
        let facing = (&layout.facing, Some(layout.facing_lengths));
        let x = self.pairing.forward(t, (&x, &normed), &bases, facing, (heads, None))?;
        let x = self.hidden.forward(t, &self.norm.forward(t, &x)?)?; // [N, BLOCK, hidden]
        let rule = constant(&[layout.blocks, BLOCK, 1], &rule)?;
        let acts = self.act.onto(t, &x, &rule, 0.0)?; // [N, BLOCK, 1]
        let acts = t.apply(Reshape { shape: [rows, 1].into() }, [&acts])?;
        let own = ops::Embedding { ids: layout.own, shape: [size, layout.most].into() };
        let mut acts = t.apply(own, [&acts])?; // [B, most, 1]
        let mut lengths = Some(layout.own_lengths);
        if self.strongest {
            acts = t.apply(MaskedMax { lengths: lengths.take() }, [&acts])?;
            acts = t.apply(Reshape { shape: [size, 1, 1].into() }, [&acts])?;
        }
        self.head.forward(t, &t.apply(NoisyOr { lengths }, [&acts])?)
    }
}
