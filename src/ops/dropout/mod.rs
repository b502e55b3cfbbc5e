//! `y = x * mask`, where the mask is 0 with probability `p` and `1 / (1 - p)` otherwise (Srivastava et al. 2014,
//! <https://jmlr.org/papers/v15/srivastava14a.html>).
//!
//! Masks are functions of seed, step, draw and element (Philox), not of a generator's state: backward computes them
//! again instead of storing them, and every device and any cut of the batch sees the same ones.

mod cuda;
pub(crate) mod philox;
mod reference;
mod simd;

use super::Op;
use crate::{
    error::Result,
    tensor::{On, Tensor, on},
};
pub(crate) use cuda::KernelMask;
pub use philox::{Mask, Noise};

/// `x [B, ..]` to the same shape; element `i` of sample `b` has the same mask in whatever batch it comes.
#[derive(Debug)]
pub struct Dropout(pub Mask);

impl Op<1> for Dropout {
    const NAME: &'static str = "dropout";
    type Saved = ();

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, ())> {
        Ok((self.masked(x)?, ()))
    }

    fn backward(&self, _: &(), dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        Ok([Some(self.masked(dy)?)])
    }
}

impl Dropout {
    fn masked(&self, x: &Tensor) -> Result<Tensor> {
        let batch = x.shape().first().copied().unwrap_or(1);
        let per_sample = x.len() / batch.max(1);
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        match on([x], [&mut y])? {
            On::Reference([x], [y]) => reference::forward(&self.0, per_sample, x, y),
            On::Reference32([x], [y]) => reference::forward(&self.0, per_sample, x, y),
            On::Cpu(cpu, [x], [y]) => simd::forward(cpu, &self.0, per_sample, x, y),
            On::Cuda(gpu, [x], [y]) => cuda::forward(gpu, &self.0, per_sample, x, y)?,
        }
        Ok(y)
    }
}
