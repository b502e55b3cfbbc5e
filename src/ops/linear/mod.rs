//! `y = activation(residual + dropout(x W + b))` over the last axis; all but the product is optional.
//!
//! The bias starts the product's accumulators, so it costs no pass; backward turns `W` once and reads `x` transposed where
//! it lies.

pub(in crate::ops) mod cuda;
mod reference;
mod simd;

use super::{Activation, Ahead, Op, activation, check_gradient, dropout::Mask, onto, sizes};
use crate::{
    cuda::View,
    error::{Error, Result},
    tensor::{On, Shape, Tensor, on},
};

/// `x [.., I], weight [I, O], bias [O], residual [.., O]` to `[.., O]`. As `Op<2>` without a bias, as `Op<3>` without a
/// residual, as `Op<4>` with both.
#[derive(Debug, Default)]
pub struct Linear {
    pub activation: Option<Activation>,
    /// Over `x W + b`, numbered as [`super::Dropout`] numbers elements.
    pub dropout: Option<Mask>,
    /// The layer norm that follows.
    pub norm: Option<Ahead>,
}

/// What backward needs. `x [.., I], weight [I, O], fused [.., O]` (the activation's share, where there is one).
pub struct Saved {
    x: Tensor,
    weight: Tensor,
    fused: Option<Tensor>,
    dims: Dims,
}

/// Sizes of one product `[rows, ins] x [ins, outs]`; `per_sample` rows make a sample.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    rows: i32,
    per_sample: i32,
    ins: i32,
    outs: i32,
}

impl Linear {
    fn run(
        &self,
        [x, weight]: [&Tensor; 2],
        bias: Option<&Tensor>,
        residual: Option<&Tensor>,
    ) -> Result<(Tensor, Saved)> {
        let (&[ins, outs], Some((&last, outer))) = (weight.shape(), x.shape().split_last()) else {
            return Err(Error::shape("linear", "x [.., I], weight [I, O]", (x, weight)));
        };
        if last != ins || bias.is_some_and(|b| b.shape() != [outs]) {
            return Err(Error::shape("linear", format!("x [.., {ins}], bias [{outs}]"), (x, bias)));
        }
        let mut shape = Shape::new(x.shape());
        *shape.last_mut().expect("its last extent was just read") = outs;
        let mut z = Tensor::unwritten(x.device(), &shape)?;
        let per_sample = onto::rows_per_sample("linear", &z, self.dropout, residual)?;
        let rows = outer.iter().product();
        let [rows, per_sample, ins, outs] = sizes("linear", [rows, per_sample, ins, outs])?;
        let dims = Dims { rows, per_sample, ins, outs };
        let mut slope = activation::beside(self.activation, &z)?;
        let mut room = onto::room(&self.norm, &z)?;
        // What is absent is opened as x, and left out.
        let operands = [x, weight, bias.unwrap_or(x), residual.unwrap_or(x)];
        match on(operands, [&mut z, &mut slope])? {
            On::Reference([x, w, b, _], [z, _]) => reference::forward(dims, x, w, bias.map(|_| b), z),
            On::Reference32([x, w, b, _], [z, _]) => reference::forward(dims, x, w, bias.map(|_| b), z),
            On::Cpu(cpu, [x, w, b, _], [z, _]) => simd::forward(cpu, dims, x, w, bias.map(|_| b), z),
            On::Cuda(gpu, [x, w, b, r], outputs) => {
                let (bias, residual) =
                    (bias.map_or(View::none(), |_| b), residual.map_or(View::none(), |_| r));
                cuda::forward(gpu, self, dims, [x, w, bias, residual], outputs, room.as_mut())?
            }
        }
        let z = onto::finish(z, self.dropout, residual)?;
        let (y, fused) = activation::finish(self.activation, z, slope)?;
        onto::give(&self.norm, &y, room);
        Ok((y, Saved { x: x.clone(), weight: weight.clone(), fused, dims }))
    }

    /// `dx, dweight, dbias, dresidual`
    fn gradients(&self, s: &Saved, dy: &Tensor, needs: [bool; 4]) -> Result<[Option<Tensor>; 4]> {
        let (dims, device) = (s.dims, dy.device());
        check_gradient("linear", dy, dims.rows as usize * dims.outs as usize)?;
        let dresidual = activation::unfinish(self.activation, &s.fused, dy)?;
        let dz = onto::through(self.dropout, dresidual.clone())?;
        let [mut dx, mut dweight, mut dbias] = [None, None, None];
        if needs[0] {
            let dx = dx.insert(Tensor::unwritten(device, s.x.shape())?);
            match on([&dz, &s.weight], [dx])? {
                On::Reference(inputs, outputs) => reference::backward_x(dims, inputs, outputs),
                On::Reference32(inputs, outputs) => reference::backward_x(dims, inputs, outputs),
                On::Cpu(cpu, inputs, outputs) => {
                    simd::backward_x(cpu, dims, inputs, s.weight.turned(), outputs)
                }
                On::Cuda(gpu, inputs, outputs) => cuda::backward_x(gpu, dims, inputs, outputs)?,
            }
        }
        if needs[1] {
            let dweight = dweight.insert(Tensor::unwritten(device, s.weight.shape())?);
            let mut sum = Tensor::unwritten(device, &[dims.outs as usize])?;
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
            dbias = Some(super::add::sum_leading(&dz, &[dims.outs as usize])?);
        }
        Ok([dx, dweight, dbias, needs[3].then_some(dresidual)])
    }
}

impl Op<2> for Linear {
    const NAME: &'static str = "linear";
    type Saved = Saved;

    fn forward(&self, [x, weight]: [&Tensor; 2]) -> Result<(Tensor, Saved)> {
        self.run([x, weight], None, None)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, [x, weight]: [bool; 2]) -> Result<[Option<Tensor>; 2]> {
        let [dx, dweight, ..] = self.gradients(s, dy, [x, weight, false, false])?;
        Ok([dx, dweight])
    }
}

impl Op<3> for Linear {
    const NAME: &'static str = "linear";
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [&Tensor; 3]) -> Result<(Tensor, Saved)> {
        self.run([x, weight], Some(bias), None)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, [x, w, b]: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        let [dx, dweight, dbias, _] = self.gradients(s, dy, [x, w, b, false])?;
        Ok([dx, dweight, dbias])
    }
}

impl Op<4> for Linear {
    const NAME: &'static str = "linear";
    type Saved = Saved;

    fn forward(&self, [x, weight, bias, residual]: [&Tensor; 4]) -> Result<(Tensor, Saved)> {
        self.run([x, weight], Some(bias), Some(residual))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, needs: [bool; 4]) -> Result<[Option<Tensor>; 4]> {
        self.gradients(s, dy, needs)
    }
}
