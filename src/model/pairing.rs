use super::PairingConfig;
use crate::{
    autograd::{Tape, Var},
    data::{Batch, PAIR_CHANNELS},
    error::Result,
    nn::{Conv2d, Linear, dropout},
    ops::{Activate, Activation, MaskedMax, MaxPool2d, Reshape},
    params::Builder,
};

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
        let mut map = t.constant(batch.map_on(t.device())?); // [B, M, S, 3]
        for (i, convolution) in self.convolutions.iter().enumerate() {
            if i > 0 {
                map = t.apply(MaxPool2d { size: 2 }, [&map])?;
            }
            map = convolution.forward(t, &map)?; // [B, M >> i, S >> i, channels]
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
