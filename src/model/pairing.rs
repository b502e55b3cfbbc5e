use super::PairingConfig;
use crate::{
    autograd::{Tape, Var},
    data::{Batch, Lengths, PAIR_CHANNELS, VOCABULARY, pair_channel},
    device::Device,
    error::Result,
    nn::{Conv2d, Linear, dropout},
    ops::{Activate, Activation, MaskedMax, MaxPool2d, Reshape, pair_conv::Pairs},
    params::Builder,
};

/// Between convolutions a map is pooled by windows of so many rows and columns.
const POOL: usize = 2;

/// A small CNN over the map of which bases could pair. Complementarity is what a site is made of, and a network that
/// must find it from two token sequences takes many times the data.
#[derive(Clone, Debug)]
pub(super) struct PairingStem {
    convolutions: Vec<Conv2d>,
    from_map: Linear,
    from_tokens: Linear,
}

impl PairingStem {
    pub fn new(p: &mut Builder, config: &PairingConfig, width: usize) -> Self {
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
            let from_map = Linear::new(p, "from_map", ins, config.hidden, None);
            Self {
                convolutions,
                from_map,
                from_tokens: Linear::new(p, "from_tokens", width, config.hidden, None),
            }
        })
    }

    /// The pooled tokens `[B, C]` and the map's strongest features, together `[B, hidden]`.
    pub fn join(&self, t: &Tape, pooled: &Var, batch: &Batch, drop: f32) -> Result<Var> {
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
        let &[b, rows, columns, c] = map.value.shape() else {
            unreachable!("a convolution's result has four axes")
        };
        let places = t.apply(Reshape { shape: [b, rows * columns, c].into() }, [&map])?;
        let strongest = t.apply(MaskedMax { lengths: None }, [&places])?;
        let strongest = dropout(t, strongest, drop)?; // [B, channels]
        let from_map = self.from_map.forward(t, &strongest)?;
        let joined = self.from_tokens.onto(t, pooled, &from_map, 0.0)?;
        t.apply(Activate(Activation::Gelu), [&joined])
    }
}

/// What a batch's pairing maps are made of.
fn pairs(batch: &Batch) -> Pairs<'_> {
    let Lengths { mirna: rows, site: columns } = batch.lengths;
    Pairs { tokens: &batch.tokens, rows, columns, vocabulary: VOCABULARY, channel: pair_channel }
}
