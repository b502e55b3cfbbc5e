//! `y[b, i, j] = activation(bias + sum_{u, v} x[b, i + u - top, j + v - left] W[u, v])`, zeros outside the map, so that
//! the result has the map's size ("same" padding; an even width pads one more after than before, as PyTorch does).
//!
//! A padded map's rows overlap as the rows of the textbook's unrolled matrix do, so the product reads that matrix
//! without its ever being made: one GEMM a kernel row, over all positions of a map at once.

mod cuda;
mod reference;
mod simd;

use super::{Activation, Op, activation, check_gradient};
use crate::{
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};

/// `x [B, H, W, I], weight [KH, KW, I, O], bias [O]` to `[B, H, W, O]`.
#[derive(Debug, Default)]
pub struct Conv2d {
    pub activation: Option<Activation>,
}

/// What backward needs. `fused [B, H, W, O]` is the activation's share, where there is one.
pub struct Saved {
    x: Tensor,
    weight: Tensor,
    fused: Option<Tensor>,
    dims: Dims,
}

/// Sizes. `dilation` spreads the kernel along `H`; only `conv1d` uses it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    batch: usize,
    height: usize,
    width: usize,
    ins: usize,
    outs: usize,
    kh: usize,
    kw: usize,
    dilation: usize,
}

impl Dims {
    fn result(&self) -> [usize; 4] {
        [self.batch, self.height, self.width, self.outs]
    }
    /// Zeros before the first row and column.
    fn before(&self) -> (usize, usize) {
        ((self.kh - 1) * self.dilation / 2, (self.kw - 1) / 2)
    }
    /// Rows and columns of a padded map.
    fn padded(&self) -> (usize, usize) {
        (self.height + (self.kh - 1) * self.dilation, self.width + self.kw - 1)
    }
}

impl Op<3> for Conv2d {
    const NAME: &'static str = "conv2d";
    type Saved = Saved;

    fn forward(&self, inputs: [&Tensor; 3]) -> Result<(Tensor, Saved)> {
        run(self.activation, dims(inputs)?, inputs)
    }

    fn infer(&self, inputs: [&Tensor; 3]) -> Result<Tensor> {
        infer(self.activation, dims(inputs)?, inputs)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, needs: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        gradients(self.activation, s, dy, needs)
    }
}

fn dims([x, weight, bias]: [&Tensor; 3]) -> Result<Dims> {
    let (&[batch, height, width, ins], &[kh, kw, wi, outs]) = (x.shape(), weight.shape()) else {
        return Err(Error::shape(Conv2d::NAME, "x [B, H, W, I], weight [KH, KW, I, O]", (x, weight)));
    };
    if wi != ins || bias.shape() != [outs] || kh == 0 || kw == 0 {
        let expected = format!("weight [KH >= 1, KW >= 1, {ins}, {outs}], bias [{outs}]");
        return Err(Error::shape(Conv2d::NAME, expected, (weight, bias)));
    }
    Ok(Dims { batch, height, width, ins, outs, kh, kw, dilation: 1 })
}

/// The convolution's value alone, of operands whose shapes have been checked.
pub(super) fn infer(activation: Option<Activation>, dims: Dims, inputs: [&Tensor; 3]) -> Result<Tensor> {
    let device = inputs[0].device();
    if !matches!(device, Device::Cpu(_)) {
        return Ok(run(activation, dims, inputs)?.0);
    }
    let mut y = Tensor::unwritten(device, &dims.result())?;
    if let On::Cpu(cpu, inputs, outputs) = on(inputs, [&mut y])? {
        simd::forward(cpu, dims, activation, inputs, outputs);
    }
    Ok(y)
}

/// The convolution of operands whose shapes have been checked.
pub(super) fn run(
    activation: Option<Activation>,
    dims: Dims,
    [x, weight, bias]: [&Tensor; 3],
) -> Result<(Tensor, Saved)> {
    let mut z = Tensor::unwritten(x.device(), &dims.result())?;
    let mut slope = activation::beside(activation, &z)?;
    match on([x, weight, bias], [&mut z, &mut slope])? {
        On::Reference(inputs, [z, _]) => reference::forward(dims, inputs, [z]),
        On::Reference32(inputs, [z, _]) => reference::forward(dims, inputs, [z]),
        On::Cpu(cpu, inputs, [z, _]) => simd::forward(cpu, dims, None, inputs, [z]),
        On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, activation, inputs, outputs)?,
    }
    let (y, fused) = activation::finish(activation, z, slope)?;
    Ok((y, Saved { x: x.clone(), weight: weight.clone(), fused, dims }))
}

/// `dx, dweight, dbias`
pub(super) fn gradients(
    activation: Option<Activation>,
    s: &Saved,
    dy: &Tensor,
    needs: [bool; 3],
) -> Result<[Option<Tensor>; 3]> {
    let (dims, device) = (s.dims, dy.device());
    check_gradient(Conv2d::NAME, dy, dims.result().iter().product())?;
    let dz = activation::unfinish(activation, &s.fused, dy)?;
    let [mut dx, mut dweight, mut dbias] = [None, None, None];
    if needs[0] {
        let dx = dx.insert(Tensor::unwritten(device, s.x.shape())?);
        match on([&dz, &s.weight], [dx])? {
            On::Reference(inputs, outputs) => reference::backward_x(dims, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward_x(dims, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::backward_x(cpu, dims, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward_x(gpu, dims, inputs, outputs)?,
        }
    }
    if needs[1] {
        let dweight = dweight.insert(Tensor::unwritten(device, s.weight.shape())?);
        let mut sum = Tensor::unwritten(device, &[dims.outs])?;
        match on([&dz, &s.x], [dweight, &mut sum])? {
            On::Reference(inputs, [dw, _]) => reference::backward_weight(dims, inputs, [dw]),
            On::Reference32(inputs, [dw, _]) => reference::backward_weight(dims, inputs, [dw]),
            On::Cpu(cpu, inputs, [dw, _]) => simd::backward_weight(cpu, dims, inputs, [dw]),
            On::Cuda(gpu, inputs, outputs) => {
                cuda::backward_weight(gpu, dims, inputs, outputs)?;
                dbias = Some(sum);
            }
        }
    }
    if needs[2] && dbias.is_none() {
        dbias = Some(super::add::sum_leading(&dz, &[dims.outs])?);
    }
    Ok([dx, dweight, dbias])
}

impl Dims {
    /// A sequence `x [B, T, I]` with `weight [K, I, O]` is a map of one row; a dilated kernel takes it as one column, since
    /// only columns spread.
    pub(super) fn sequence([batch, time, ins]: [usize; 3], [k, outs]: [usize; 2], dilation: usize) -> Self {
        let ((height, width), (kh, kw)) =
            if dilation == 1 { ((1, time), (1, k)) } else { ((time, 1), (k, 1)) };
        Dims { batch, height, width, ins, outs, kh, kw, dilation }
    }
}
