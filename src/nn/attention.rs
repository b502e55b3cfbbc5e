use super::{Linear, mask};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
    params::Builder,
};
use std::sync::Arc;

/// Multi-head attention with its four projections.
#[derive(Clone, Debug)]
pub struct MultiHead {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    heads: usize,
    /// Probability with which an attention weight is dropped in training.
    dropout: f32,
}

impl MultiHead {
    /// Registers `name.{query,key,value,out}`.
    pub fn new(p: &mut Builder, name: &str, width: usize, heads: usize, dropout: f32) -> Self {
        p.scope(name, |p| {
            let mut linear = |name| Linear::new(p, name, width, width, None);
            let (query, key, value, out) = (linear("query"), linear("key"), linear("value"), linear("out"));
            Self { query, key, value, out, heads, dropout }
        })
    }

    /// `x [B, Tq, C]` attends to the first `lengths[b]` of `memory [B, Tk, C]` (to all, with `None`): `[B, Tq, C]`.
    /// Self-attention is `memory = x`.
    pub fn forward(&self, t: &Tape, x: &Var, memory: &Var, lengths: Option<&Arc<[u32]>>) -> Result<Var> {
        self.out.forward(t, &self.heads(t, x, memory, lengths)?)
    }

    /// `residual` plus what `x` finds in itself, of which values are dropped with probability `drop` while the tape is
    /// training.
    pub(super) fn onto(&self, t: &Tape, x: &Var, residual: &Var, drop: f32) -> Result<Var> {
        self.out.onto(t, &self.heads(t, x, x, None)?, residual, drop)
    }

    /// What all heads find.
    fn heads(&self, t: &Tape, x: &Var, memory: &Var, lengths: Option<&Arc<[u32]>>) -> Result<Var> {
        let q = self.query.forward(t, x)?;
        let k = self.key.forward(t, memory)?;
        let v = self.value.forward(t, memory)?;
        let op =
            ops::Attention { heads: self.heads, lengths: lengths.cloned(), dropout: mask(t, self.dropout) };
        t.apply(op, [&q, &k, &v])
    }
}
