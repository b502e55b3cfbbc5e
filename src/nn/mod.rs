//! Layers: parameters with a forward pass. Each registers its parameters in `new` and runs them in `forward`.

mod attention;
mod conv;
mod embedding;
mod encoder;
mod feed_forward;
mod layer_norm;
mod linear;
mod positional;

pub use attention::{Attending, Marks, MultiHead, Tokens};
pub use conv::{Conv1d, Conv2d};
pub use embedding::Embedding;
pub use encoder::EncoderLayer;
pub(crate) use encoder::Watch;
pub use feed_forward::FeedForward;
pub use layer_norm::{LayerNorm, Normed};
pub use linear::Linear;
pub use positional::{Positions, sinusoids};

use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
};

/// The next mask of probability `p`, while the tape is training and `p` is not 0.
pub(crate) fn mask(t: &Tape, p: f32) -> Option<ops::dropout::Mask> {
    t.noise().filter(|_| p > 0.0).map(|noise| ops::dropout::Mask::new(p, noise))
}

/// Drops values with probability `p` while the tape is training.
pub(crate) fn dropout(t: &Tape, x: Var, p: f32) -> Result<Var> {
    match mask(t, p) {
        Some(mask) => t.apply(ops::Dropout(mask), [&x]),
        None => Ok(x),
    }
}
