use super::{Embedding, LayerNorm, Linear, Normed, mask};
use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops::{self, Add, Reshape},
    params::{Builder, ParamId},
    tensor::Tensor,
};
use std::sync::Arc;

/// How a layer attends.
#[derive(Clone, Copy, Debug)]
pub struct Attending<'a> {
    /// Channels of what asks, and of what it is told.
    pub width: usize,
    /// Channels of what is asked.
    pub memory: usize,
    pub heads: usize,
    /// Probability with which an attention weight is dropped in training.
    pub dropout: f32,
    /// Initial values of two tables `[V, C]`: a token's row of the first is added to its query, of the second to its key.
    pub tables: Option<[&'a [f64]; 2]>,
    /// The first value of a learned factor; that many times its place is added to a token's query and to its key.
    pub distance: Option<f64>,
}

/// A sequence as an attention reads it.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    /// `[B, T, C]`
    pub x: &'a Var,
    pub marks: &'a Marks,
}

/// What is known of tokens beside their vectors. It is read where [`Attending`] has a use for it.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    /// What each token is, `[B, T]`.
    pub ids: Option<Arc<[u32]>>,
    /// Where each token stands, `[1, T C]`: sinusoids of each head's width, whose inner product is one of the distance.
    pub places: Option<Var>,
}

/// Multi-head attention with its four projections.
#[derive(Clone, Debug)]
pub struct MultiHead {
    query: Linear,
    key: Linear,
    value: Linear,
    out: Linear,
    tables: Option<[Embedding; 2]>,
    distance: Option<ParamId>,
    heads: usize,
    dropout: f32,
}

impl MultiHead {
    /// Registers `name.{query,key,value,out}`, and `name.{queries,keys}.table` and `name.distance [1, 1]` where asked to.
    pub fn new(p: &mut Builder, name: &str, how: Attending) -> Self {
        let Attending { width, memory, heads, dropout, .. } = how;
        p.scope(name, |p| Self {
            query: Linear::new(p, "query", width, width, None),
            key: Linear::new(p, "key", memory, width, None),
            value: Linear::new(p, "value", memory, width, None),
            out: Linear::new(p, "out", width, width, None),
            tables: how.tables.map(|[queries, keys]| {
                [("queries", queries), ("keys", keys)]
                    .map(|(name, table)| Embedding::starting_at(p, name, [table.len() / width, width], table))
            }),
            distance: how.distance.map(|first| p.constant("distance", &[1, 1], first)),
            heads,
            dropout,
        })
    }

    /// What the tokens of `x` find in `memory`, `[B, Tq, C]`. Self-attention is `memory = x`.
    pub fn forward(&self, t: &Tape, x: Tokens, memory: Tokens) -> Result<Var> {
        self.out.forward(t, &self.heads(t, x, memory)?)
    }

    /// `residual` plus what `x` finds in `memory`, of which values are dropped with probability `drop` while the tape is
    /// training; and the `norm` of it.
    pub(crate) fn onto(
        &self,
        t: &Tape,
        [x, memory]: [Tokens; 2],
        residual: &Var,
        drop: f32,
        norm: &LayerNorm,
    ) -> Result<Normed> {
        self.out.onto_normed(t, &self.heads(t, x, memory)?, residual, drop, norm)
    }

    /// How much of each token of `memory` each token of `x` finds, head by head: `[B, heads, Tq, Tk]`, rows of sum 1.
    ///
    /// The op keeps no weights, but its result is linear in the values: where these are unit vectors, it is the weights, of as
    /// many keys at a time as a head has channels.
    pub fn weights(&self, t: &Tape, x: Tokens, memory: Tokens) -> Result<Vec<f32>> {
        let [q, k] = self.asked(t, x, memory)?;
        let (&[b, tq, c], &[_, tk, _]) = (q.value.shape(), k.value.shape()) else {
            unreachable!("queries and keys have three axes")
        };
        let head = c / self.heads;
        let mut weights = vec![0.0; b * self.heads * tq * tk];
        for first in (0..tk).step_by(head) {
            let unit = |key: usize, channel: usize| f32::from(u8::from(first + channel % head == key));
            let units: Vec<f32> =
                (0..b * tk).flat_map(|at| (0..c).map(move |channel| unit(at % tk, channel))).collect();
            let units = t.constant(Tensor::from_f32(t.device(), &[b, tk, c], &units)?);
            let found = t.apply(self.op(t), [&q, &k, &units])?.value.to_f32()?;
            for (at, row) in found.chunks_exact(c).enumerate() {
                for (h, some) in row.chunks_exact(head).enumerate() {
                    let to = (((at / tq) * self.heads + h) * tq + at % tq) * tk + first;
                    let count = head.min(tk - first);
                    weights[to..to + count].copy_from_slice(&some[..count]);
                }
            }
        }
        Ok(weights)
    }

    /// What all heads find.
    fn heads(&self, t: &Tape, x: Tokens, memory: Tokens) -> Result<Var> {
        let [q, k] = self.asked(t, x, memory)?;
        let v = self.value.forward(t, memory.x)?;
        t.apply(self.op(t), [&q, &k, &v])
    }

    /// Queries and keys.
    fn asked(&self, t: &Tape, x: Tokens, memory: Tokens) -> Result<[Var; 2]> {
        let [queries, keys] = [0, 1].map(|side| self.tables.as_ref().map(|tables| &tables[side]));
        let q = self.marked(t, self.query.forward(t, x.x)?, x.marks, queries)?;
        let k = self.marked(t, self.key.forward(t, memory.x)?, memory.marks, keys)?;
        Ok([q, k])
    }

    fn op(&self, t: &Tape) -> ops::Attention {
        ops::Attention { heads: self.heads, lengths: None, dropout: mask(t, self.dropout) }
    }

    /// Queries or keys `x [B, T, C]`, with what their tokens are and where they stand.
    fn marked(&self, t: &Tape, mut x: Var, marks: &Marks, table: Option<&Embedding>) -> Result<Var> {
        let &[b, n, c] = x.value.shape() else {
            unreachable!("a linear layer's result has the axes of what it was given")
        };
        if let (Some(table), Some(ids)) = (table, &marks.ids) {
            x = t.apply(Add, [&x, &table.forward(t, ids, [b, n])?])?;
        }
        if let (Some(factor), Some(places)) = (self.distance, &marks.places) {
            let places = t.apply(ops::Linear::default(), [&t.param(factor), places])?; // [1, T C]
            let places = t.apply(Reshape { shape: [n, c].into() }, [&places])?;
            x = t.apply(Add, [&x, &places])?;
        }
        Ok(x)
    }
}
