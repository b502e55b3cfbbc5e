//! `y = residual + dropout(dropout(gelu(x W1 + b1)) W2 + b2)` over the last axis: a Transformer's position-wise network
//! (Vaswani et al. 2017, <https://arxiv.org/abs/1706.03762>, with GELU); dropout and residual are optional.
//!
//! GELU and dropout are done to a row of the first product while it is in cache. Forward leaves the slope of the hidden
//! values, mask included, so that backward makes neither an exponential nor a mask: it multiplies.

mod cuda;
mod reference;
mod simd;

use super::{Ahead, Op, add, check_gradient, dropout::Mask, onto};
use crate::{
    cuda::View,
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// `x [B, .., C], up [C, F], up_bias [F], down [F, C], down_bias [C], residual [B, .., C]` to the shape of `x`. As `Op<5>`
/// without a residual, as `Op<6>` with one.
#[derive(Debug, Default)]
pub struct FeedForward {
    /// Over the hidden values; hidden value `f` of row `t` of a sample is element `t * F' + f`, with `F'` the next multiple
    /// of 16.
    pub dropout: Option<Mask>,
    /// Over the second product, numbered as [`super::Dropout`] numbers elements.
    pub out_dropout: Option<Mask>,
    /// The layer norm that follows.
    pub norm: Option<Ahead>,
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
            return Err(Error::shape(NAME, "x [.., C], up [C, F]", (x, up)));
        };
        if last != channels || up_bias.shape() != [hidden] {
            let expected = format!("x [.., {channels}], up_bias [{hidden}]");
            return Err(Error::shape(NAME, expected, (x, up_bias)));
        }
        if down.shape() != [hidden, channels] || down_bias.shape() != [channels] {
            let expected = format!("down [{hidden}, {channels}], down_bias [{channels}]");
            return Err(Error::shape(NAME, expected, (down, down_bias)));
        }
        let rows = x.len() / channels.max(1);
        let samples = if x.shape().len() > 1 { x.shape()[0] } else { 1 };
        Ok(Dims { rows, per_sample: (rows / samples.max(1)).max(1), channels, hidden })
    }
}

impl FeedForward {
    fn run(&self, inputs: [&Tensor; 5], residual: Option<&Tensor>) -> Result<(Tensor, Saved)> {
        let dims = Self::dims(inputs)?;
        onto::rows_per_sample(NAME, inputs[0], self.out_dropout, residual)?;
        let [x, up, _, down, _] = inputs;
        let mut y = Tensor::unwritten(x.device(), x.shape())?;
        let kept = match x.device() {
            Device::Cuda(gpu) => cuda::kept(gpu, dims),
            _ => dims.rows * dims.hidden,
        };
        let mut hidden = Tensor::unwritten(x.device(), &[kept])?;
        let mut slope = Tensor::unwritten(x.device(), &[kept])?;
        let mut room = onto::room(&self.norm, &y)?;
        let outputs = [&mut y, &mut hidden, &mut slope];
        match on(with(inputs, residual), outputs)? {
            On::Reference([inputs @ .., _], outputs) => reference::forward(self, dims, inputs, outputs),
            On::Reference32([inputs @ .., _], outputs) => reference::forward(self, dims, inputs, outputs),
            On::Cpu(cpu, [inputs @ .., _], outputs) => simd::forward(cpu, self, dims, inputs, outputs),
            On::Cuda(gpu, [inputs @ .., r], outputs) => {
                let residual = residual.map_or(View::none(), |_| r);
                cuda::forward(gpu, self, dims, inputs, residual, outputs, room.as_mut())?
            }
        }
        let y = onto::finish(y, self.out_dropout, residual)?;
        onto::give(&self.norm, &y, room);
        Ok((y, Saved { x: x.clone(), up: up.clone(), down: down.clone(), hidden, slope, dims }))
    }

    fn run_only(&self, inputs: [&Tensor; 5], residual: Option<&Tensor>) -> Result<Tensor> {
        let dims = Self::dims(inputs)?;
        onto::rows_per_sample(NAME, inputs[0], self.out_dropout, residual)?;
        let mut y = Tensor::unwritten(inputs[0].device(), inputs[0].shape())?;
        let mut room = onto::room(&self.norm, &y)?;
        match on(with(inputs, residual), [&mut y])? {
            On::Cpu(cpu, [inputs @ .., _], outputs) if self.dropout.is_none() => {
                simd::infer(cpu, dims, inputs, outputs)
            }
            On::Cuda(gpu, [inputs @ .., r], outputs) => {
                let residual = residual.map_or(View::none(), |_| r);
                cuda::infer(gpu, self, dims, inputs, residual, outputs, room.as_mut())?
            }
            _ => return Ok(self.run(inputs, residual)?.0),
        }
        let y = onto::finish(y, self.out_dropout, residual)?;
        onto::give(&self.norm, &y, room);
        Ok(y)
    }

    /// All gradients but the residual's, which is `dy`.
    fn gradients(&self, s: &Saved, dy: &Tensor) -> Result<[Tensor; 5]> {
        let (dims, device) = (s.dims, dy.device());
        check_gradient(NAME, dy, s.x.len())?;
        let dy = &onto::through(self.out_dropout, dy.clone())?;
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
        Ok([dx, dup, dup_bias, ddown, ddown_bias])
    }
}

/// The operands, with the residual as the last; where there is none x stands in its place, and is left out.
fn with<'a>(
    [x, up, up_bias, down, down_bias]: [&'a Tensor; 5],
    residual: Option<&'a Tensor>,
) -> [&'a Tensor; 6] {
    [x, up, up_bias, down, down_bias, residual.unwrap_or(x)]
}

const NAME: &str = "feed_forward";

impl Op<5> for FeedForward {
    const NAME: &'static str = NAME;
    type Saved = Saved;

    fn forward(&self, inputs: [&Tensor; 5]) -> Result<(Tensor, Saved)> {
        self.run(inputs, None)
    }

    fn infer(&self, inputs: [&Tensor; 5]) -> Result<Tensor> {
        self.run_only(inputs, None)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 5]) -> Result<[Option<Tensor>; 5]> {
        Ok(self.gradients(s, dy)?.map(Some))
    }
}

impl Op<6> for FeedForward {
    const NAME: &'static str = NAME;
    type Saved = Saved;

    fn forward(&self, [inputs @ .., residual]: [&Tensor; 6]) -> Result<(Tensor, Saved)> {
        self.run(inputs, Some(residual))
    }

    fn infer(&self, [inputs @ .., residual]: [&Tensor; 6]) -> Result<Tensor> {
        self.run_only(inputs, Some(residual))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 6]) -> Result<[Option<Tensor>; 6]> {
        let [dx, dup, dup_bias, ddown, ddown_bias] = self.gradients(s, dy)?;
        Ok([dx, dup, dup_bias, ddown, ddown_bias, dy.clone()].map(Some))
    }
}
