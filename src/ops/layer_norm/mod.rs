//! `y = (x - mean(x)) / sqrt(var(x) + eps) * gamma + beta` over the last axis.
//! Ba et al. 2016, <https://arxiv.org/abs/1607.06450>.
//!
//! The variance is taken in a second pass, about the mean. Vectors take several rows at once, so that the rows' sums do not
//! wait for each other; one loop of backward makes the sums a row needs for `dx` and its share of `dgamma` and `dbeta`.

mod ahead;
mod cuda;
mod reference;
mod simd;

pub use ahead::Ahead;
pub(in crate::ops) use ahead::{Room, arguments};

use super::{Op, check_gradient, sizes};
use crate::{
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// `x [.., C], gamma [C], beta [C]` to `[.., C]`.
#[derive(Debug)]
pub struct LayerNorm {
    /// Added to the variance.
    pub eps: f32,
    /// Where `x` is the result of a layer that was given a clone of it.
    pub ahead: Option<Ahead>,
}

/// What backward needs. `x [.., cols], gamma [cols], mean, rstd [rows]`.
pub struct Saved {
    x: Tensor,
    gamma: Tensor,
    mean: Tensor,
    rstd: Tensor,
    dims: Dims,
}

/// `x [rows, cols]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    rows: i32,
    cols: i32,
    eps: f32,
}

impl LayerNorm {
    fn dims(&self, x: &Tensor, gamma: &Tensor, beta: &Tensor) -> Result<Dims> {
        let Some(&cols) = x.shape().last() else {
            return Err(Error::shape(Self::NAME, "x [.., C]", x));
        };
        if gamma.shape() != [cols] || beta.shape() != [cols] {
            return Err(Error::shape(Self::NAME, format!("gamma, beta [{cols}]"), (gamma, beta)));
        }
        let [rows, cols] = sizes(Self::NAME, [x.len() / cols.max(1), cols])?;
        Ok(Dims { rows, cols, eps: self.eps })
    }
}

impl Op<3> for LayerNorm {
    const NAME: &'static str = "layer_norm";
    type Saved = Saved;

    fn forward(&self, [x, gamma, beta]: [&Tensor; 3]) -> Result<(Tensor, Saved)> {
        let dims = self.dims(x, gamma, beta)?;
        if let Some(ahead) = &self.ahead
            && let Some(made) = ahead.take(dims, [x, gamma, beta])?
        {
            return Ok(made);
        }
        let device = x.device();
        let mut y = Tensor::unwritten(device, x.shape())?;
        let mut mean = Tensor::unwritten(device, &[dims.rows as usize])?;
        let mut rstd = Tensor::unwritten(device, &[dims.rows as usize])?;
        match on([x, gamma, beta], [&mut y, &mut mean, &mut rstd])? {
            On::Reference(inputs, outputs) => reference::forward(dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, inputs, outputs)?,
        }
        Ok((y, Saved { x: x.clone(), gamma: gamma.clone(), mean, rstd, dims }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        check_gradient(Self::NAME, dy, s.x.len())?;
        let device = dy.device();
        let mut dx = Tensor::unwritten(device, s.x.shape())?;
        let mut dgamma = Tensor::unwritten(device, s.gamma.shape())?;
        let mut dbeta = Tensor::unwritten(device, s.gamma.shape())?;
        match on([&s.x, &s.gamma, &s.mean, &s.rstd, dy], [&mut dx, &mut dgamma, &mut dbeta])? {
            On::Reference(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::backward(cpu, s.dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, s.dims, inputs, outputs)?,
        }
        Ok([Some(dx), Some(dgamma), Some(dbeta)])
    }
}
