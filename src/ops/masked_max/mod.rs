//! `y[b] = max of x[b, t] over t < lengths[b]`, channel by channel; of equal values the first counts.

mod cuda;
mod reference;
mod simd;

use super::{Op, check_gradient, masked_mean::Dims};
use crate::{
    error::Result,
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `x [B, T, C]` to `[B, C]`.
#[derive(Debug)]
pub struct MaskedMax {
    /// `[B]`, each in 1..=T; `None`: all of T.
    pub lengths: Option<Arc<[u32]>>,
}

/// What backward needs. `argmax [B, C]`: the position of each maximum, a whole number.
pub struct Saved {
    argmax: Tensor,
    dims: Dims,
}

impl Op<1> for MaskedMax {
    const NAME: &'static str = "masked_max";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let lengths = self.lengths.as_deref();
        let dims = Dims::of(Self::NAME, x, lengths)?;
        let mut y = Tensor::unwritten(x.device(), &dims.pooled())?;
        let mut argmax = Tensor::unwritten(x.device(), &dims.pooled())?;
        match on([x], [&mut y, &mut argmax])? {
            On::Reference(inputs, outputs) => reference::forward(dims, lengths, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(dims, lengths, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, dims, lengths, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, lengths, inputs, outputs)?,
        }
        Ok((y, Saved { argmax, dims }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        check_gradient(Self::NAME, dy, s.argmax.len())?;
        let mut dx = Tensor::unwritten(dy.device(), &s.dims.shape())?;
        match on([&s.argmax, dy], [&mut dx])? {
            On::Reference(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Cpu(_, inputs, outputs) => simd::backward(s.dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, s.dims, inputs, outputs)?,
        }
        Ok([Some(dx)])
    }
}
