//! `y = dropout(gelu(x W1 + b1)) W2 + b2` over the last axis: a Transformer's position-wise network (Vaswani et al. 2017,
//! <https://arxiv.org/abs/1706.03762>, with GELU).
//!
//! GELU and dropout are done to a row of the first product while it is in cache. Forward leaves the slope of the hidden
//! values, mask included, so that backward makes neither an exponential nor a mask: it multiplies.

mod cuda;
mod reference;
mod simd;

use super::{Op, add, dropout::Mask};
use crate::{
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// `x [B, .., C], up [C, F], up_bias [F], down [F, C], down_bias [C]` to the shape of `x`.
#[derive(Debug)]
pub struct FeedForward {
    /// Over the hidden values; hidden value `f` of row `t` of a sample is element `t * F' + f`, with `F'` the next multiple
    /// of 16.
    pub dropout: Option<Mask>,
}

/// What backward needs. `x, up, down`, and by row `hidden [rows, F]`, after dropout, and `slope [rows, F]`, its derivative in
/// what GELU was given; on a GPU whose products are in bf16 these two are in bf16 as well, two values in the place of one.
pub struct Saved {
    x: Tensor,
    up: Tensor,
    down: Tensor,
    hidden: Tensor,
    slope: Tensor,
    dims: Dims,
}

/// `x [rows, channels]`; `per_sample` rows make a sample.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    rows: usize,
    per_sample: usize,
    channels: usize,
    hidden: usize,
}

impl Dims {
    /// The sample of row `r`, and its first dropout element there.
    fn element(&self, r: usize) -> (usize, usize) {
        (r / self.per_sample, r % self.per_sample * self.hidden.next_multiple_of(16))
    }
}

impl FeedForward {
    fn dims([x, up, up_bias, down, down_bias]: [&Tensor; 5]) -> Result<Dims> {
        let (&[channels, hidden], Some(&last)) = (up.shape(), x.shape().last()) else {
            return Err(Error::shape(Self::NAME, "x [.., C], up [C, F]", (x, up)));
        };
        if last != channels || up_bias.shape() != [hidden] {
            let expected = format!("x [.., {channels}], up_bias [{hidden}]");
            return Err(Error::shape(Self::NAME, expected, (x, up_bias)));
        }
        if down.shape() != [hidden, channels] || down_bias.shape() != [channels] {
            let expected = format!("down [{hidden}, {channels}], down_bias [{channels}]");
            return Err(Error::shape(Self::NAME, expected, (down, down_bias)));
        }
        let rows = x.len() / channels.max(1);
        let samples = if x.shape().len() > 1 { x.shape()[0] } else { 1 };
        Ok(Dims { rows, per_sample: (rows / samples.max(1)).max(1), channels, hidden })
    }
}

impl Op<5> for FeedForward {
    const NAME: &'static str = "feed_forward";
    type Saved = Saved;

    fn forward(&self, inputs: [&Tensor; 5]) -> Result<(Tensor, Saved)> {
        let dims = Self::dims(inputs)?;
        let [x, up, _, down, _] = inputs;
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        let kept = match x.device() {
            Device::Cuda(gpu) => cuda::kept(gpu, dims),
            _ => dims.rows * dims.hidden,
        };
        let mut hidden = Tensor::unwritten(x.device(), &[kept])?;
        let mut slope = Tensor::unwritten(x.device(), &[kept])?;
        match on(inputs, [&mut y, &mut hidden, &mut slope])? {
            On::Reference(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(self, dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, self, dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, self, dims, inputs, outputs)?,
        }
        Ok((y, Saved { x: x.clone(), up: up.clone(), down: down.clone(), hidden, slope, dims }))
    }

    fn infer(&self, inputs: [&Tensor; 5]) -> Result<Tensor> {
        let dims = Self::dims(inputs)?;
        let mut y = Tensor::unwritten(inputs[0].device(), inputs[0].shape())?;
        match on(inputs, [&mut y])? {
            On::Cpu(cpu, inputs, outputs) if self.dropout.is_none() => {
                simd::infer(cpu, dims, inputs, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => cuda::infer(gpu, self, dims, inputs, outputs)?,
            _ => return Ok(self.forward(inputs)?.0),
        }
        Ok(y)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 5]) -> Result<[Option<Tensor>; 5]> {
        let (dims, device) = (s.dims, dy.device());
        let mut dx = Tensor::unwritten(device, s.x.shape())?;
        let mut dup = Tensor::unwritten(device, s.up.shape())?;
        let mut dup_bias = Tensor::unwritten(device, &[dims.hidden])?;
        let mut ddown = Tensor::unwritten(device, s.down.shape())?;
        let inputs = [&s.x, &s.up, &s.down, &s.hidden, &s.slope, dy];
        let mut sum = Tensor::unwritten(device, &[dims.channels])?;
        let ddown_bias = match on(inputs, [&mut dx, &mut dup, &mut dup_bias, &mut ddown, &mut sum])? {
            On::Reference(inputs, [dx, dup, dup_bias, ddown, _]) => {
                reference::backward(dims, inputs, [dx, dup, dup_bias, ddown]);
                add::sum_leading(dy, &[dims.channels])?
            }
            On::Reference32(inputs, [dx, dup, dup_bias, ddown, _]) => {
                reference::backward(dims, inputs, [dx, dup, dup_bias, ddown]);
                add::sum_leading(dy, &[dims.channels])?
            }
            On::Cpu(cpu, inputs, [dx, dup, dup_bias, ddown, _]) => {
                let turned = [s.up.turned(), s.down.turned()];
                simd::backward(cpu, dims, inputs, turned, [dx, dup, dup_bias, ddown]);
                add::sum_leading(dy, &[dims.channels])?
            }
            On::Cuda(gpu, inputs, outputs) => {
                cuda::backward(gpu, dims, inputs, outputs)?;
                sum
            }
        };
        Ok([dx, dup, dup_bias, ddown, ddown_bias].map(Some))
    }
}
