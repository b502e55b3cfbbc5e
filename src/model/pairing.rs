use super::{Config, PairingConfig, places::places_of};
use crate::{
    autograd::{Tape, Var},
    data::{Batch, Lengths, PAIR_CHANNELS, VOCABULARY, pair_channel},
    device::Device,
    error::Result,
    nn::{Attending, Conv2d, LayerNorm, Linear, Marks, MultiHead, Normed, Tokens, dropout},
    ops::{Activate, Activation, MaskedMax, MaxPool2d, Reshape, pair_conv::Pairs},
    params::{Builder, FixedId},
};

/// Between convolutions a map is pooled by windows of so many rows and columns.
const POOL: usize = 2;
/// What tokens first make of their distance to a column: what they find is mostly what stands over them, but not so surely
/// that nothing else could be learned.
const NEAR: f64 = 2.0;

/// A small CNN over the map of which bases could pair. Complementarity is what a site is made of, and a network that
/// must find it from two token sequences takes many times the data.
#[derive(Clone, Debug)]
pub(super) struct PairingStem {
    convolutions: Vec<Conv2d>,
    columns: Option<Columns>,
    strongest: Option<Strongest>,
}

/// Where the greatest values of the whole map meet the pooled tokens.
#[derive(Clone, Debug)]
struct Strongest {
    from_map: Linear,
    from_tokens: Linear,
    hidden: usize,
}

/// Where tokens find the greatest values over the miRNA, column by column of the map.
#[derive(Clone, Debug)]
struct Columns {
    from_map: Linear,
    norm: LayerNorm,
    attention: MultiHead,
    places: FixedId,
}

impl PairingStem {
    /// `how` tokens attend.
    pub fn new(p: &mut Builder, c: &Config, config: &PairingConfig, how: Attending) -> Self {
        p.scope("pairing", |p| {
            let mut ins = PAIR_CHANNELS;
            let mut convolutions = vec![];
            for (i, (&outs, &k)) in config.channels.iter().zip(&config.kernels).enumerate() {
                convolutions.push(Conv2d::new(
                    p,
                    &format!("conv{i}"),
                    k,
                    (ins, outs),
                    Some(Activation::Relu),
                ));
                ins = outs;
            }
            let strongest = |p: &mut Builder| Strongest {
                from_map: Linear::new(p, "from_map", ins, config.hidden, None),
                from_tokens: Linear::new(p, "from_tokens", c.width, config.hidden, None),
                hidden: config.hidden,
            };
            Self {
                convolutions,
                strongest: config.joins.pooled().then(|| strongest(p)),
                columns: config.joins.tokens().then(|| Columns::new(p, c, config, (ins, how))),
            }
        })
    }

    /// Channels of what [`PairingStem::join`] gives, where it joins anything.
    pub fn hidden(&self) -> Option<usize> {
        self.strongest.as_ref().map(|strongest| strongest.hidden)
    }

    /// The map `[B, rows, columns, channels]` after all convolutions.
    pub fn map(&self, t: &Tape, batch: &Batch) -> Result<Var> {
        let (first, others) = self.convolutions.split_first().expect("a configuration asks for one at least");
        let pool = |map: Var, left: &[Conv2d]| match left {
            [] => Ok(map),
            _ => t.apply(MaxPool2d { size: POOL }, [&map]),
        };
        let mut map = match t.device() {
            Device::Cpu(_) if !t.records() => {
                first.of_pairs(t, &pairs(batch), if others.is_empty() { 1 } else { POOL })?
            }
            device => pool(first.forward(t, &t.constant(batch.map_on(device)?))?, others)?, // of [B, M, S, 3]
        };
        for (i, convolution) in others.iter().enumerate() {
            map = pool(convolution.forward(t, &map)?, &others[i + 1..])?; // [B, M >> i, S >> i, channels]
        }
        Ok(map)
    }

    /// The tokens `x [B, T, C]`, with what they find in the map's columns where they are to look there, and the `norm` of them.
    pub fn looked_up(
        &self,
        t: &Tape,
        x: Var,
        marks: &Marks,
        map: &Var,
        drop: f32,
        norm: &LayerNorm,
    ) -> Result<Normed> {
        match &self.columns {
            Some(columns) => columns.join(t, &x, marks, map, drop, norm),
            None => norm.of(t, x),
        }
    }

    /// The pooled tokens `[B, C]` and the map's strongest features, together `[B, hidden]`; the pooled tokens where these
    /// are not to be joined.
    pub fn join(&self, t: &Tape, pooled: Var, map: &Var, drop: f32) -> Result<Var> {
        let Some(Strongest { from_map, from_tokens, .. }) = &self.strongest else { return Ok(pooled) };
        let [b, rows, columns, c] = axes(map);
        let places = t.apply(Reshape { shape: [b, rows * columns, c].into() }, [map])?;
        let strongest = t.apply(MaskedMax { lengths: None }, [&places])?;
        let strongest = dropout(t, strongest, drop)?; // [B, channels]
        let joined = from_tokens.onto(t, &pooled, &from_map.forward(t, &strongest)?, 0.0)?;
        t.apply(Activate(Activation::Gelu), [&joined])
    }
}

impl Columns {
    fn new(p: &mut Builder, c: &Config, config: &PairingConfig, (ins, how): (usize, Attending)) -> Self {
        let wide = POOL.pow(config.channels.len() as u32 - 1);
        // The map's columns count from the site's 3' end.
        let middle = |column: usize| (c.site_len - 1 - column * wide) as f64 - (wide - 1) as f64 / 2.0;
        let columns = (0..c.site_len / wide).map(|column| c.mirna_len as f64 + middle(column));
        let how = Attending { memory: config.hidden, distance: Some(NEAR), ..how };
        p.scope("columns", |p| Self {
            from_map: Linear::new(p, "from_map", ins, config.hidden, Some(Activation::Gelu)),
            norm: LayerNorm::new(p, "norm", c.width),
            attention: MultiHead::new(p, "attention", how),
            places: p.fixed(&[1, columns.len() * c.width], || places_of(columns, c.width, c.heads)),
        })
    }

    fn join(
        &self,
        t: &Tape,
        x: &Var,
        marks: &Marks,
        map: &Var,
        drop: f32,
        norm: &LayerNorm,
    ) -> Result<Normed> {
        let [b, rows, columns, c] = axes(map);
        let by_row = t.apply(Reshape { shape: [b, rows, columns * c].into() }, [map])?;
        let strongest = t.apply(MaskedMax { lengths: None }, [&by_row])?; // [B, columns channels]
        let strongest = t.apply(Reshape { shape: [b, columns, c].into() }, [&strongest])?;
        let found = self.from_map.forward(t, &dropout(t, strongest, drop)?)?; // [B, columns, hidden]
        let of_map = Marks { ids: None, places: Some(t.fixed(self.places)) };
        let normed = self.norm.forward(t, x)?;
        let (asking, memory) = (Tokens { x: &normed, marks }, Tokens { x: &found, marks: &of_map });
        self.attention.onto(t, [asking, memory], x, drop, norm)
    }
}

/// Of a map.
fn axes(map: &Var) -> [usize; 4] {
    map.value.shape().try_into().expect("a convolution's result has four axes")
}

/// What a batch's pairing maps are made of.
fn pairs(batch: &Batch) -> Pairs<'_> {
    let Lengths { mirna: rows, site: columns } = batch.lengths;
    Pairs { tokens: &batch.tokens, rows, columns, vocabulary: VOCABULARY, channel: pair_channel }
}
