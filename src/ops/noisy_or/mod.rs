//! `y[b] = sum of ln(1 + exp(x[b, t])) over t < lengths[b]`, channel by channel: with `x` the log-odds that site `t` acts,
//! independently of the others, `exp(-y)` is the probability that none does, so `1 - exp(-y)` is the noisy-or
//! (Pearl 1988, Probabilistic Reasoning in Intelligent Systems, 4.3.2). `y` itself adds up sites as repressions of mRNA add up
//! on a logarithmic scale.

mod cuda;
mod reference;

use super::{Op, masked_mean::Dims};
use crate::{
    error::Result,
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `x [B, T, C]` to `[B, C]`.
#[derive(Debug)]
pub struct NoisyOr {
    /// `[B]`, each in 1..=T; `None`: all of T.
    pub lengths: Option<Arc<[u32]>>,
}

/// What backward needs. `x [B, T, C]`
pub struct Saved {
    x: Tensor,
    dims: Dims,
}

impl Op<1> for NoisyOr {
    const NAME: &'static str = "noisy_or";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let lengths = self.lengths.as_deref();
        let dims = Dims::of(Self::NAME, x, lengths)?;
        let mut y = Tensor::unwritten(x.device(), &dims.pooled())?;
        match on([x], [&mut y])? {
            On::Reference(inputs, outputs) => reference::forward(dims, lengths, inputs, outputs),
            // bags of sites are small: no vectors of ours would be noticed
            On::Reference32(inputs, outputs) | On::Cpu(_, inputs, outputs) => {
                reference::forward(dims, lengths, inputs, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, lengths, inputs, outputs)?,
        }
        Ok((y, Saved { x: x.clone(), dims }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        let (dims, lengths) = (s.dims, self.lengths.as_deref());
        dims.check_back(Self::NAME, lengths, dy)?;
        let mut dx = Tensor::unwritten(dy.device(), &dims.shape())?;
        match on([&s.x, dy], [&mut dx])? {
            On::Reference(inputs, outputs) => reference::backward(dims, lengths, inputs, outputs),
            On::Reference32(inputs, outputs) | On::Cpu(_, inputs, outputs) => {
                reference::backward(dims, lengths, inputs, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, dims, lengths, inputs, outputs)?,
        }
        Ok([Some(dx)])
    }
}
