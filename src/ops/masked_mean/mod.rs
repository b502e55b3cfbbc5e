//! `y[b] = mean of x[b, t] over t < lengths[b]`: pooling that does not see padding.

mod cuda;
mod reference;
mod simd;

use super::{Op, check_gradient, sizes};
use crate::{
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `x [B, T, C]` to `[B, C]`.
#[derive(Debug)]
pub struct MaskedMean {
    /// `[B]`, each in 1..=T; `None`: all of T.
    pub lengths: Option<Arc<[u32]>>,
}

/// What backward needs: the shape of `x`.
pub struct Saved {
    dims: Dims,
}

/// `x [batch, time, channels]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    batch: i32,
    time: i32,
    channels: i32,
}

impl Dims {
    /// Of what `op` pools.
    pub fn of(op: &'static str, x: &Tensor, lengths: Option<&[u32]>) -> Result<Self> {
        let &[batch, time, channels] = x.shape() else {
            return Err(Error::shape(op, "x [B, T, C]", x));
        };
        let [batch, time, channels] = sizes(op, [batch, time, channels])?;
        let dims = Self { batch, time, channels };
        dims.check(op, lengths)?;
        Ok(dims)
    }

    fn check(self, op: &'static str, lengths: Option<&[u32]>) -> Result<()> {
        let Some(given) = lengths else { return Ok(()) };
        let [batch, time, _] = self.shape();
        if given.len() != batch {
            return Err(Error::shape(op, format!("{batch} lengths"), given.len()));
        }
        match given.iter().find(|&&n| n == 0 || n as usize > time) {
            Some(length) => Err(Error::shape(op, format!("lengths in 1..={time}"), length)),
            None => Ok(()),
        }
    }

    /// For the way back: an op may be asked for the gradient of what another one made.
    pub fn check_back(self, op: &'static str, lengths: Option<&[u32]>, dy: &Tensor) -> Result<()> {
        self.check(op, lengths)?;
        check_gradient(op, dy, self.pooled().iter().product())
    }

    /// Positions that count of sample `b`.
    pub fn length(self, lengths: Option<&[u32]>, b: usize) -> usize {
        lengths.map_or(self.time as usize, |lengths| lengths[b] as usize)
    }

    /// `[batch, channels]`
    pub fn pooled(self) -> [usize; 2] {
        [self.batch as usize, self.channels as usize]
    }

    /// `[batch, time, channels]`
    pub fn shape(self) -> [usize; 3] {
        [self.batch, self.time, self.channels].map(|n| n as usize)
    }
}

impl Op<1> for MaskedMean {
    const NAME: &'static str = "masked_mean";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let lengths = self.lengths.as_deref();
        let dims = Dims::of(Self::NAME, x, lengths)?;
        let mut y = Tensor::unwritten(x.device(), &dims.pooled())?;
        match on([x], [&mut y])? {
            On::Reference(inputs, outputs) => reference::forward(dims, lengths, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(dims, lengths, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, dims, lengths, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, lengths, inputs, outputs)?,
        }
        Ok((y, Saved { dims }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        let lengths = self.lengths.as_deref();
        s.dims.check_back(Self::NAME, lengths, dy)?;
        let mut dx = Tensor::unwritten(dy.device(), &s.dims.shape())?;
        match on([dy], [&mut dx])? {
            On::Reference(inputs, outputs) => reference::backward(s.dims, lengths, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(s.dims, lengths, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::backward(cpu, s.dims, lengths, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, s.dims, lengths, inputs, outputs)?,
        }
        Ok([Some(dx)])
    }
}
