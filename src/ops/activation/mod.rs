//! Pointwise non-linearities: `relu(x) = max(x, 0)` and `gelu(x) = x (1 + erf(x / sqrt 2)) / 2`, the exact form
//! (Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>). Other ops fuse them by their field `activation`.
//!
//! GELU's slope is cheapest beside its value, with which it shares a polynomial: forward leaves it, and backward is one
//! multiplication. ReLU's slope is in the sign of its result.

mod cuda;
pub(crate) mod reference;
pub(crate) mod simd;

use super::{Op, check_gradient};
use crate::{
    device::Device,
    error::Result,
    tensor::{On, Tensor, on},
};

/// Which non-linearity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    Relu,
    Gelu,
}

/// `y = activation(x)` for a tensor of any shape.
#[derive(Debug)]
pub struct Activate(pub Activation);

/// What backward needs: of ReLU the result, of GELU the slope.
pub struct Saved(Tensor);

impl Op<1> for Activate {
    const NAME: &'static str = "activate";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let (y, saved) = self.0.recorded(x)?;
        Ok((y, Saved(saved)))
    }

    fn infer(&self, [x]: [&Tensor; 1]) -> Result<Tensor> {
        self.0.of(x)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        check_gradient(Self::NAME, dy, s.0.len())?;
        Ok([Some(self.0.gradient(&s.0, dy)?)])
    }
}

impl Activation {
    /// `activation(x)`
    fn of(self, x: &Tensor) -> Result<Tensor> {
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        match on([x], [&mut y])? {
            On::Reference([x], [y]) => reference::forward(self, x, y),
            On::Reference32([x], [y]) => reference::forward(self, x, y),
            On::Cpu(cpu, [x], [y]) => simd::forward(cpu.isa, self, x, y),
            On::Cuda(gpu, [x], [y]) => cuda::forward(gpu, self, x, y)?,
        }
        Ok(y)
    }

    /// `activation(x)`, and what backward needs.
    fn recorded(self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        if self == Activation::Relu {
            let y = self.of(x)?;
            return Ok((y.clone(), y));
        }
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        let mut slope = Tensor::unwritten(x.device(), x.shape())?;
        match on([x], [&mut y, &mut slope])? {
            On::Reference([x], [y, slope]) => reference::gelu_and_slope(x, y, slope),
            On::Reference32([x], [y, slope]) => reference::gelu_and_slope(x, y, slope),
            On::Cpu(cpu, [x], [y, slope]) => simd::gelu_and_slope(cpu.isa, x, y, slope),
            On::Cuda(gpu, [x], [y, slope]) => cuda::gelu_and_slope(gpu, x, y, slope)?,
        }
        Ok((y, slope))
    }

    /// `dx = activation'(x) dy`, from what [`Activation::recorded`] left.
    fn gradient(self, saved: &Tensor, dy: &Tensor) -> Result<Tensor> {
        let mut dx = Tensor::unwritten(dy.device(), dy.shape())?;
        match on([saved, dy], [&mut dx])? {
            On::Reference([saved, dy], [dx]) => reference::backward(self, saved, dy, dx),
            On::Reference32([saved, dy], [dx]) => reference::backward(self, saved, dy, dx),
            On::Cpu(cpu, [saved, dy], [dx]) => simd::backward(cpu.isa, self, saved, dy, dx),
            On::Cuda(gpu, [saved, dy], [dx]) => cuda::backward(gpu, self, saved, dy, dx)?,
        }
        Ok(dx)
    }
}

/// Room for what a GPU's kernel leaves beside the result, like `z`, of an op that fuses an optional activation: the slope of
/// GELU. Empty where nothing is left.
pub(crate) fn beside(activation: Option<Activation>, z: &Tensor) -> Result<Tensor> {
    match (activation, z.device()) {
        (Some(Activation::Gelu), Device::Cuda(_)) => Tensor::unwritten(z.device(), z.shape()),
        _ => Tensor::unwritten(z.device(), &[0]),
    }
}

/// The result of an op that fuses an optional activation, given `z`, from before it; and what [`unfinish`] needs. A GPU's
/// kernel has activated `z` already, and left what [`beside`] made room for.
pub(crate) fn finish(
    activation: Option<Activation>,
    z: Tensor,
    beside: Tensor,
) -> Result<(Tensor, Option<Tensor>)> {
    Ok(match (activation, z.device()) {
        (None, _) => (z, None),
        (Some(Activation::Relu), Device::Cuda(_)) => (z.clone(), Some(z)),
        (Some(Activation::Gelu), Device::Cuda(_)) => (z, Some(beside)),
        (Some(activation), _) => {
            let (y, saved) = activation.recorded(&z)?;
            (y, Some(saved))
        }
    })
}

/// The gradient in what [`finish`] was given.
pub(crate) fn unfinish(
    activation: Option<Activation>,
    saved: &Option<Tensor>,
    dy: &Tensor,
) -> Result<Tensor> {
    match (activation, saved) {
        (Some(activation), Some(saved)) => activation.gradient(saved, dy),
        _ => Ok(dy.clone()),
    }
}
