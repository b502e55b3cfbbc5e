//! `y[b, i, j, c] = max of x[b, i size + p, j size + q, c] over 0 <= p, q < size`: windows side by side. Rows and columns
//! that do not fill a window are dropped; of equal values the first in row-major order counts.

mod cuda;
mod reference;
mod simd;

use super::{Op, check_gradient, sizes};
use crate::{
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// `x [B, H, W, C]` to `[B, H / size, W / size, C]`.
#[derive(Debug)]
pub struct MaxPool2d {
    /// The window's height and width, and the step between windows.
    pub size: usize,
}

/// What backward needs. `argmax [B, H / size, W / size, C]`: `p size + q` of each maximum.
pub struct Saved {
    argmax: Tensor,
    dims: Dims,
}

/// `x [batch, height, width, channels]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    batch: i32,
    height: i32,
    width: i32,
    channels: i32,
    size: i32,
}

impl Dims {
    fn shape(self) -> [usize; 4] {
        [self.batch, self.height, self.width, self.channels].map(|n| n as usize)
    }

    fn pooled(self) -> [usize; 4] {
        [self.batch, self.height / self.size, self.width / self.size, self.channels].map(|n| n as usize)
    }

    /// Where in `x` the window of row `row` of pooled pixels (all samples counted through) and column `j` begins.
    fn window(self, row: usize, j: usize) -> usize {
        let ([_, height, width, channels], [_, rows, ..]) = (self.shape(), self.pooled());
        let size = self.size as usize;
        ((row / rows * height + row % rows * size) * width + j * size) * channels
    }

    /// Where in `x` member `k` of a window lies, from the window's beginning.
    fn member(self, k: usize) -> usize {
        let size = self.size as usize;
        (k / size * self.width as usize + k % size) * self.channels as usize
    }
}

impl MaxPool2d {
    fn dims(&self, x: &Tensor) -> Result<Dims> {
        let &[batch, height, width, channels] = x.shape() else {
            return Err(Error::shape(Self::NAME, "x [B, H, W, C]", x));
        };
        if self.size == 0 || self.size > height.min(width) {
            return Err(Error::shape(Self::NAME, format!("a size in 1..={}", height.min(width)), self.size));
        }
        let [batch, height, width, channels, size] =
            sizes(Self::NAME, [batch, height, width, channels, self.size])?;
        Ok(Dims { batch, height, width, channels, size })
    }
}

impl Op<1> for MaxPool2d {
    const NAME: &'static str = "max_pool2d";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let dims = self.dims(x)?;
        let mut y = Tensor::unwritten(x.device(), &dims.pooled())?;
        let mut argmax = Tensor::unwritten(x.device(), &dims.pooled())?;
        match on([x], [&mut y, &mut argmax])? {
            On::Reference(inputs, outputs) => reference::forward(dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, inputs, outputs)?,
        }
        Ok((y, Saved { argmax, dims }))
    }

    fn infer(&self, [x]: [&Tensor; 1]) -> Result<Tensor> {
        if !matches!(x.device(), Device::Cpu(_)) {
            return Ok(self.forward([x])?.0);
        }
        let dims = self.dims(x)?;
        let mut y = Tensor::unwritten(x.device(), &dims.pooled())?;
        if let On::Cpu(cpu, inputs, outputs) = on([x], [&mut y])? {
            simd::infer(cpu, dims, inputs, outputs);
        }
        Ok(y)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        check_gradient(Self::NAME, dy, s.argmax.len())?;
        let mut dx = Tensor::unwritten(dy.device(), &s.dims.shape())?;
        match on([&s.argmax, dy], [&mut dx])? {
            On::Reference(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(s.dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::backward(cpu, s.dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, s.dims, inputs, outputs)?,
        }
        Ok([Some(dx)])
    }
}
