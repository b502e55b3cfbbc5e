use super::{LayerNorm, Normed, mask};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops::{self, Activation},
    params::{Builder, ParamId},
};

/// `x [.., I]` to `activation(x W + b) [.., O]`. Initial values uniform in `±1 / sqrt I`, as PyTorch's.
#[derive(Clone, Debug)]
pub struct Linear {
    weight: ParamId,
    bias: ParamId,
    activation: Option<Activation>,
}

impl Linear {
    /// Registers `name.weight [I, O]` and `name.bias [O]`.
    pub fn new(p: &mut Builder, name: &str, ins: usize, outs: usize, activation: Option<Activation>) -> Self {
        let bound = 1.0 / (ins as f64).sqrt();
        p.scope(name, |p| Self {
            weight: p.uniform("weight", &[ins, outs], bound),
            bias: p.uniform("bias", &[outs], bound),
            activation,
        })
    }

    /// As [`Linear::new`], without activation, every weight `weight` at first and every bias 0.
    pub(crate) fn starting_at(p: &mut Builder, name: &str, ins: usize, outs: usize, weight: f64) -> Self {
        p.scope(name, |p| Self {
            weight: p.constant("weight", &[ins, outs], weight),
            bias: p.constant("bias", &[outs], 0.0),
            activation: None,
        })
    }

    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        let op = ops::Linear { activation: self.activation, ..Default::default() };
        let [weight, bias] = self.params(t);
        t.apply(op, [x, &weight, &bias])
    }

    /// `activation(residual + dropout(x W + b))`; drops with probability `drop` while the tape is training.
    pub(crate) fn onto(&self, t: &Tape, x: &Var, residual: &Var, drop: f32) -> Result<Var> {
        let op = ops::Linear { activation: self.activation, dropout: mask(t, drop), norm: None };
        let [weight, bias] = self.params(t);
        t.apply(op, [x, &weight, &bias, residual])
    }

    /// As [`Linear::onto`], with the norm of it.
    pub(super) fn onto_normed(
        &self,
        t: &Tape,
        x: &Var,
        residual: &Var,
        drop: f32,
        norm: &LayerNorm,
    ) -> Result<Normed> {
        let dropout = mask(t, drop);
        let [weight, bias] = self.params(t);
        let op = |norm| ops::Linear { activation: self.activation, dropout, norm };
        norm.after(t, op, [x, &weight, &bias, residual])
    }

    /// Weight and bias, for an op that takes them along with others.
    pub(super) fn params(&self, t: &Tape) -> [Var; 2] {
        [t.param(self.weight), t.param(self.bias)]
    }
}
