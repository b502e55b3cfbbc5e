//! Layers: parameters with a forward pass. Each registers its parameters in `new` and runs them in `forward`.

mod attention;
mod conv;
mod embedding;
mod encoder;
mod layer_norm;
mod linear;
mod positional;

pub use attention::MultiHead;
pub use conv::{Conv1d, Conv2d};
pub use embedding::Embedding;
pub use encoder::EncoderLayer;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use positional::{Positions, sinusoids};

use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
};

/// Drops values with probability `p` while the tape is training.
pub(crate) fn dropout(t: &Tape, x: Var, p: f32) -> Result<Var> {
    match t.noise() {
        Some(noise) if p > 0.0 => t.apply(ops::Dropout(ops::dropout::Mask::new(p, noise)), [&x]),
        _ => Ok(x),
    }
}
