//! `out = dropout(softmax(q k^T / sqrt D)) v` for every head, over the first `lengths[b]` keys (Vaswani et al. 2017,
//! <https://arxiv.org/abs/1706.03762>).
//!
//! No `[Tq, Tk]` matrix is stored: forward works on tiles with a running maximum and sum and keeps each row's
//! log-sum-exp; backward makes the probabilities again, `p = exp(q.k / sqrt D - lse)`, and uses
//! `sum_j p_j dp_j = out . dout` (FlashAttention, Dao et al. 2022, <https://arxiv.org/abs/2205.14135>).

mod backward;
mod reference;
mod simd;

use super::{Op, dropout::Mask};
use crate::{
    cuda,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `q [B, Tq, C]`, `k, v [B, Tk, C]` to `[B, Tq, C]`; head `h` has channels `h D..(h + 1) D`, `D = C / heads`.
#[derive(Clone, Debug)]
pub struct Attention {
    pub heads: usize,
    /// Keys read for each sample, `1..=Tk`; `None`: all.
    pub lengths: Option<Arc<[u32]>>,
    /// Drops probabilities after the softmax.
    pub dropout: Option<Mask>,
}

/// What backward needs. `lse [B, heads, Tq]`.
pub struct Saved {
    q: Tensor,
    k: Tensor,
    v: Tensor,
    out: Tensor,
    lse: Tensor,
    dims: Dims,
}

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
    /// Where the probabilities of query `t` of head `h` begin among a sample's dropout elements.
    fn element(&self, h: usize, t: usize) -> usize {
        (h * self.tq + t) * self.elements()
    }
    /// Dropout elements of one query: its keys, then some without use, so that each query's begin at a whole word.
    fn elements(&self) -> usize {
        self.tk.next_multiple_of(16)
    }
}

impl Attention {
    fn dims(&self, q: &Tensor, k: &Tensor, v: &Tensor) -> Result<Dims> {
        let (&[batch, tq, c], &[kb, tk, kc]) = (q.shape(), k.shape()) else {
            return Err(Error::shape(Self::NAME, "q [B, Tq, C], k [B, Tk, C]", (q, k)));
        };
        if (kb, kc) != (batch, c)
            || k.shape() != v.shape()
            || self.heads == 0
            || c % self.heads != 0
            || tk == 0
        {
            let expected = format!("k, v [{batch}, Tk >= 1, {c}] and heads that divide {c}");
            return Err(Error::shape(Self::NAME, expected, (k, v, self.heads)));
        }
        if let Some(lengths) = &self.lengths
            && (lengths.len() != batch || lengths.iter().any(|&n| n == 0 || n as usize > tk))
        {
            return Err(Error::shape(Self::NAME, format!("{batch} lengths in 1..={tk}"), lengths));
        }
        Ok(Dims { batch, heads: self.heads, tq, tk, head: c / self.heads })
    }

    fn keys(&self, d: Dims, b: usize) -> usize {
        self.lengths.as_ref().map_or(d.tk, |l| l[b] as usize)
    }
}

impl Op<3> for Attention {
    const NAME: &'static str = "attention";
    type Saved = Saved;

    fn forward(&self, [q, k, v]: [&Tensor; 3]) -> Result<(Tensor, Saved)> {
        let dims = self.dims(q, k, v)?;
        let mut out = Tensor::unwritten(q.device(), q.shape())?;
        let mut lse = Tensor::unwritten(q.device(), &[dims.batch, dims.heads, dims.tq])?;
        match on([q, k, v], [&mut out, &mut lse])? {
            On::Reference(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, self, dims, inputs, outputs),
            On::Cuda(..) => return Err(cuda::not_built(Self::NAME)),
        }
        let saved = Saved { q: q.clone(), k: k.clone(), v: v.clone(), out: out.clone(), lse, dims };
        Ok((out, saved))
    }

    fn backward(&self, s: &Saved, dout: &Tensor, _: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        let mut dq = Tensor::unwritten(dout.device(), s.q.shape())?;
        let mut dk = Tensor::unwritten(dout.device(), s.k.shape())?;
        let mut dv = Tensor::unwritten(dout.device(), s.v.shape())?;
        match on([&s.q, &s.k, &s.v, &s.out, &s.lse, dout], [&mut dq, &mut dk, &mut dv])? {
            On::Reference(inputs, outputs) => reference::backward(self, s.dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(self, s.dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => backward::backward(cpu, self, s.dims, inputs, outputs),
            On::Cuda(..) => return Err(cuda::not_built(Self::NAME)),
        }
        Ok([Some(dq), Some(dk), Some(dv)])
    }
}
