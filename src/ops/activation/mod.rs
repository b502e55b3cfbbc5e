//! Pointwise non-linearities: `relu(x) = max(x, 0)` and `gelu(x) = x (1 + erf(x / sqrt 2)) / 2`, the exact form
//! (Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>). Other ops fuse them by their field `activation`.

pub(crate) mod reference;
pub(crate) mod simd;

use super::Op;
use crate::{
    cuda,
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

/// What backward needs.
pub struct Saved {
    x: Tensor,
}

impl Op<1> for Activate {
    const NAME: &'static str = "activate";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        Ok((self.0.of(x)?, Saved { x: x.clone() }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        Ok([Some(self.0.gradient(&s.x, dy)?)])
    }
}

impl Activation {
    /// `activation(x)`
    pub(crate) fn of(self, x: &Tensor) -> Result<Tensor> {
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        match on([x], [&mut y])? {
            On::Reference([x], [y]) => reference::forward(self, x, y),
            On::Reference32([x], [y]) => reference::forward(self, x, y),
            On::Cpu(cpu, [x], [y]) => simd::forward(cpu.isa, self, x, y),
            On::Cuda(..) => return Err(cuda::not_built(Activate::NAME)),
        }
        Ok(y)
    }

    /// `dx = activation'(x) dy`: what every op with a fused activation begins its backward with.
    pub(crate) fn gradient(self, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
        let mut dx = Tensor::unwritten(x.device(), x.shape())?;
        match on([x, dy], [&mut dx])? {
            On::Reference([x, dy], [dx]) => reference::backward(self, x, dy, dx),
            On::Reference32([x, dy], [dx]) => reference::backward(self, x, dy, dx),
            On::Cpu(cpu, [x, dy], [dx]) => simd::backward(cpu.isa, self, x, dy, dx),
            On::Cuda(..) => return Err(cuda::not_built(Activate::NAME)),
        }
        Ok(dx)
    }
}

/// The result of an op that fuses an optional activation: `y`, and `z`, from before the activation, if backward needs it.
pub(crate) fn finish(activation: Option<Activation>, z: Tensor) -> Result<(Tensor, Option<Tensor>)> {
    Ok(match activation {
        None => (z, None),
        Some(activation) => (activation.of(&z)?, Some(z)),
    })
}

/// The gradient in what [`finish`] was given.
pub(crate) fn unfinish(activation: Option<Activation>, z: &Option<Tensor>, dy: &Tensor) -> Result<Tensor> {
    match (activation, z) {
        (Some(activation), Some(z)) => activation.gradient(z, dy),
        _ => Ok(dy.clone()),
    }
}
