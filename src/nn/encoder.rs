use super::{FeedForward, LayerNorm, MultiHead};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    params::Builder,
};

/// A pre-norm encoder layer: `x + attention(norm(x))`, then `x + feed_forward(norm(x))` (Xiong et al. 2020,
/// <https://arxiv.org/abs/2002.04745>), with PyTorch's places for dropout.
#[derive(Clone, Debug)]
pub struct EncoderLayer {
    norm1: LayerNorm,
    attention: MultiHead,
    norm2: LayerNorm,
    feed_forward: FeedForward,
    dropout: f32,
}

impl EncoderLayer {
    /// Registers `name.{norm1,attention,norm2,up,down}`.
    pub fn new(p: &mut Builder, name: &str, width: usize, heads: usize, hidden: usize, dropout: f32) -> Self {
        p.scope(name, |p| Self {
            norm1: LayerNorm::new(p, "norm1", width),
            attention: MultiHead::new(p, "attention", width, heads, dropout),
            norm2: LayerNorm::new(p, "norm2", width),
            feed_forward: FeedForward::new(p, width, hidden, dropout),
            dropout,
        })
    }

    /// `x [B, T, C]` to the same shape.
    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        let x = self.attention.onto(t, &self.norm1.forward(t, x)?, x, self.dropout)?;
        self.feed_forward.onto(t, &self.norm2.forward(t, &x)?, &x)
    }
}
