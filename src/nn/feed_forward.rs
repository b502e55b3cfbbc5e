use super::{Linear, mask};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
    params::Builder,
};

/// `x [.., C]` to `residual + dropout(dropout(gelu(x W1 + b1)) W2 + b2)`, of the same shape.
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

    pub fn onto(&self, t: &Tape, x: &Var, residual: &Var) -> Result<Var> {
        let ([up, up_bias], [down, down_bias]) = (self.up.params(t), self.down.params(t));
        let op = ops::FeedForward { dropout: mask(t, self.dropout), out_dropout: mask(t, self.dropout) };
        t.apply(op, [x, &up, &up_bias, &down, &down_bias, residual])
    }
}
