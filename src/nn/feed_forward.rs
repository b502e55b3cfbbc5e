use super::{LayerNorm, Linear, Normed, mask};
use crate::{autograd::Tape, error::Result, ops, params::Builder};

/// `x [.., C]` to `x + dropout(dropout(gelu(norm(x) W1 + b1)) W2 + b2)`, of the same shape.
#[derive(Clone, Debug)]
pub struct FeedForward {
    up: Linear,
    down: Linear,
    /// Probability with which a hidden value is dropped in training, and one of the result.
    dropout: f32,
}

impl FeedForward {
    /// Registers `up` and `down`, with initial values as [`Linear`]'s.
    pub fn new(p: &mut Builder, width: usize, hidden: usize, dropout: f32) -> Self {
        let up = Linear::new(p, "up", width, hidden, None);
        Self { up, down: Linear::new(p, "down", hidden, width, None), dropout }
    }

    /// With the norm of it.
    pub fn onto(&self, t: &Tape, Normed { x, normed }: &Normed, norm: &LayerNorm) -> Result<Normed> {
        let ([up, up_bias], [down, down_bias]) = (self.up.params(t), self.down.params(t));
        let (dropout, out_dropout) = (mask(t, self.dropout), mask(t, self.dropout));
        let op = |norm| ops::FeedForward { dropout, out_dropout, norm };
        norm.after(t, op, [normed, &up, &up_bias, &down, &down_bias, x])
    }
}
