//! `out = dropout(softmax(q k^T / sqrt D)) v` for every head, over the first `lengths[b]` keys (Vaswani et al. 2017,
//! <https://arxiv.org/abs/1706.03762>).
//!
//! No `[Tq, Tk]` matrix is stored: forward works on tiles with a running maximum and sum and keeps both for each row;
//! backward makes the probabilities again, `p = exp(score - greatest) / sum`, and uses
//! `sum_j p_j dp_j = out . dout` (FlashAttention, Dao et al. 2022, <https://arxiv.org/abs/2205.14135>).

mod backward;
mod cuda;
mod forward;
mod operands;
mod reference;
mod simd;

use super::{Op, check_gradient, dropout::Mask};
use crate::{
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use operands::{Gradients, Rows};
use std::sync::Arc;

/// As `Op<3>`, `q [B, Tq, C]`, `k, v [B, Tk, C]` to `[B, Tq, C]`; as `Op<1>`, `qkv [B, T, 3 C]`, the three side by side,
/// to `[B, T, C]`. Head `h` has channels `h D..(h + 1) D`, `D = C / heads`.
#[derive(Clone, Debug)]
pub struct Attention {
    pub heads: usize,
    /// Keys read for each sample, `1..=Tk`; `None`: all.
    pub lengths: Option<Arc<[u32]>>,
    /// Drops probabilities after the softmax.
    pub dropout: Option<Mask>,
}

/// What backward needs of `N` inputs. `stats [B, blocks, heads, 2 QUERIES]`: for each query of a block the greatest
/// score, then for each the inverse of the sum of `exp(score - greatest)`.
pub struct Saved<const N: usize> {
    inputs: [Tensor; N],
    out: Tensor,
    stats: Tensor,
    dims: Dims,
}

/// Queries of a block: a whole number of vectors, and of words of a dropout mask.
pub(crate) const QUERIES: usize = 48;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    batch: usize,
    heads: usize,
    tq: usize,
    tk: usize,
    /// Channels of one head.
    head: usize,
}

impl Dims {
    /// Where head `h` of position `t` of sample `b` begins in `[B, time, heads * head]`.
    fn at(&self, time: usize, b: usize, t: usize, h: usize) -> usize {
        ((b * time + t) * self.heads + h) * self.head
    }
    fn channels(&self) -> usize {
        self.heads * self.head
    }
    fn scale(&self) -> f64 {
        1.0 / (self.head as f64).sqrt()
    }
    /// Of queries.
    fn blocks(&self) -> usize {
        self.tq.div_ceil(QUERIES)
    }
    fn stats(&self) -> [usize; 4] {
        [self.batch, self.blocks(), self.heads, 2 * QUERIES]
    }
    fn stats_of_block(&self) -> usize {
        self.heads * 2 * QUERIES
    }
    fn stats_of_sample(&self) -> usize {
        self.blocks() * self.stats_of_block()
    }
    /// Where in `stats` query `t` of head `h` of sample `b` has its greatest score; its sum is [`QUERIES`] further.
    fn stat(&self, b: usize, h: usize, t: usize) -> usize {
        b * self.stats_of_sample() + (t / QUERIES * self.heads + h) * 2 * QUERIES + t % QUERIES
    }
    /// The first dropout element of the block of queries that begins at `from`, and how many elements each of its keys
    /// has there: one a query, in whole words.
    fn elements(&self, h: usize, from: usize) -> (usize, usize) {
        let queries = self.tq.next_multiple_of(16);
        ((h * queries + from) * self.tk, QUERIES.min(queries - from))
    }
}

impl Attention {
    fn dims(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Dims> {
        let (&[batch, tq, c], &[kb, tk, kc]) = (q.shape(), k.shape()) else {
            return Err(Error::shape("attention", "q [B, Tq, C], k [B, Tk, C]", (q, k)));
        };
        if (kb, kc) != (batch, c)
            || k.shape() != v.shape()
            || self.heads == 0
            || c % self.heads != 0
            || tk == 0
        {
            let expected = format!("k, v [{batch}, Tk >= 1, {c}] and heads that divide {c}");
            return Err(Error::shape("attention", expected, (k, v, self.heads)));
        }
        self.checked(Dims { batch, heads: self.heads, tq, tk, head: c / self.heads })
    }

    fn dims_of_one(&self, qkv: &Tensor) -> Result<Dims> {
        match *qkv.shape() {
            [batch, t, c] if self.heads > 0 && c % (3 * self.heads) == 0 && t > 0 => {
                self.checked(Dims { batch, heads: self.heads, tq: t, tk: t, head: c / 3 / self.heads })
            }
            _ => {
                let expected = "qkv [B, T >= 1, 3 C] and heads that divide C";
                Err(Error::shape("attention", expected, (qkv, self.heads)))
            }
        }
    }

    fn checked(&self, d: Dims) -> Result<Dims> {
        match &self.lengths {
            Some(lengths)
                if lengths.len() != d.batch || lengths.iter().any(|&n| n == 0 || n as usize > d.tk) =>
            {
                Err(Error::shape("attention", format!("{} lengths in 1..={}", d.batch, d.tk), lengths))
            }
            _ => Ok(d),
        }
    }

    fn keys(&self, d: Dims, b: usize) -> usize {
        self.lengths.as_ref().map_or(d.tk, |l| l[b] as usize)
    }
}

impl Op<3> for Attention {
    const NAME: &'static str = "attention";
    type Saved = Saved<3>;

    fn forward(&self, [q, k, v]: [&Tensor; 3]) -> Result<(Tensor, Saved<3>)> {
        let dims = self.dims(q, k, v)?;
        let mut out = Tensor::unwritten(q.device(), q.shape())?;
        let mut stats = Tensor::unwritten(q.device(), &dims.stats())?;
        match on([q, k, v], [&mut out, &mut stats])? {
            On::Reference(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => {
                let qkv = inputs.map(|data| Rows { data, row: dims.channels() });
                simd::forward(cpu, self, dims, qkv, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => {
                cuda::forward(gpu, self, dims, cuda::Inputs::apart(dims, inputs), outputs)?
            }
        }
        let inputs = [q, k, v].map(Tensor::clone);
        Ok((out.clone(), Saved { inputs, out, stats, dims }))
    }

    fn backward(&self, s: &Saved<3>, dout: &Tensor, _: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        let (d, [q, k, v]) = (self.checked(s.dims)?, &s.inputs);
        check_gradient("attention", dout, s.out.len())?;
        let mut dq = Tensor::unwritten(dout.device(), q.shape())?;
        let mut dk = Tensor::unwritten(dout.device(), k.shape())?;
        let mut dv = Tensor::unwritten(dout.device(), v.shape())?;
        match on([q, k, v, &s.out, &s.stats, dout], [&mut dq, &mut dk, &mut dv])? {
            On::Reference(inputs, outputs) => reference::backward(self, d, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(self, d, inputs, outputs),
            On::Cpu(cpu, [q, k, v, out, stats, dout], outputs) => {
                let [q, k, v, out, dout] = [q, k, v, out, dout].map(|data| Rows { data, row: d.channels() });
                let gradients = Gradients::apart(outputs, d.channels());
                backward::backward(cpu, self, d, [q, k, v], [out, dout], stats, gradients)
            }
            On::Cuda(gpu, [q, k, v, out, stats, dout], outputs) => {
                let (inputs, gradients) =
                    (cuda::Inputs::apart(d, [q, k, v]), cuda::Gradients::Apart(outputs));
                cuda::backward(gpu, self, d, inputs, [out, stats, dout], gradients)?
            }
        }
        Ok([Some(dq), Some(dk), Some(dv)])
    }
}

impl Op<1> for Attention {
    const NAME: &'static str = "attention";
    type Saved = Saved<1>;

    fn forward(&self, [qkv]: [&Tensor; 1]) -> Result<(Tensor, Saved<1>)> {
        let dims = self.dims_of_one(qkv)?;
        let mut out = Tensor::unwritten(qkv.device(), &[dims.batch, dims.tq, dims.channels()])?;
        let mut stats = Tensor::unwritten(qkv.device(), &dims.stats())?;
        match on([qkv], [&mut out, &mut stats])? {
            On::Reference([qkv], outputs) => reference::forward_of_one(self, dims, qkv, outputs),
            On::Reference32([qkv], outputs) => reference::forward_of_one(self, dims, qkv, outputs),
            On::Cpu(cpu, [qkv], outputs) if !qkv.is_empty() => {
                simd::forward(cpu, self, dims, Rows::apart(qkv, dims.channels()), outputs)
            }
            On::Cpu(..) => {}
            On::Cuda(gpu, [qkv], outputs) => {
                cuda::forward(gpu, self, dims, cuda::Inputs::together(dims, qkv), outputs)?
            }
        }
        Ok((out.clone(), Saved { inputs: [qkv.clone()], out, stats, dims }))
    }

    fn backward(&self, s: &Saved<1>, dout: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        let (d, [qkv]) = (self.checked(s.dims)?, &s.inputs);
        check_gradient("attention", dout, s.out.len())?;
        let mut dqkv = Tensor::unwritten(dout.device(), qkv.shape())?;
        match on([qkv, &s.out, &s.stats, dout], [&mut dqkv])? {
            On::Reference(inputs, [dqkv]) => reference::backward_of_one(self, d, inputs, dqkv),
            On::Reference32(inputs, [dqkv]) => reference::backward_of_one(self, d, inputs, dqkv),
            On::Cpu(cpu, [qkv, out, stats, dout], [dqkv]) if !qkv.is_empty() => {
                let [out, dout] = [out, dout].map(|data| Rows { data, row: d.channels() });
                let gradients = Gradients::together(dqkv, d.channels());
                let qkv = Rows::apart(qkv, d.channels());
                backward::backward(cpu, self, d, qkv, [out, dout], stats, gradients)
            }
            On::Cpu(..) => {}
            On::Cuda(gpu, [qkv, out, stats, dout], [dqkv]) => {
                let (inputs, gradients) =
                    (cuda::Inputs::together(d, qkv), cuda::Gradients::Together(d, dqkv));
                cuda::backward(gpu, self, d, inputs, [out, stats, dout], gradients)?
            }
        }
        Ok([Some(dqkv)])
    }
}
