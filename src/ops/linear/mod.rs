//! `y = activation(x W + b)` over the last axis; bias and activation are optional.
//!
//! The bias starts the product's accumulators, so it costs no pass; backward turns `W` once and reads `x` transposed where
//! it lies.

pub(in crate::ops) mod cuda;
mod reference;
mod simd;

use super::{Activation, Op, activation};
use crate::{
    cuda::View,
    error::{Error, Result},
    tensor::{On, Shape, Tensor, on},
};

/// `x [.., I], weight [I, O], bias [O]` to `[.., O]`. As `Op<2>` without a bias, as `Op<3>` with one.
#[derive(Debug, Default)]
pub struct Linear {
    pub activation: Option<Activation>,
}

/// What backward needs. `x [.., I], weight [I, O], fused [.., O]` (the activation's share, where there is one).
pub struct Saved {
    x: Tensor,
    weight: Tensor,
    fused: Option<Tensor>,
    dims: Dims,
}

/// Sizes of one product `[rows, ins] x [ins, outs]`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    rows: i32,
    ins: i32,
    outs: i32,
}

impl Dims {
    fn of(rows: usize, ins: usize, outs: usize) -> Self {
        Self { rows: rows as i32, ins: ins as i32, outs: outs as i32 }
    }
}

impl Linear {
    fn dims(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Dims> {
        let (&[ins, outs], Some(&last)) = (weight.shape(), x.shape().last()) else {
            return Err(Error::shape("linear", "x [.., I], weight [I, O]", (x, weight)));
        };
        if last != ins || bias.is_some_and(|b| b.shape() != [outs]) {
            return Err(Error::shape("linear", format!("x [.., {ins}], bias [{outs}]"), (x, bias)));
        }
        Ok(Dims::of(x.len() / ins.max(1), ins, outs))
    }

    fn run(&self, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<(Tensor, Saved)> {
        let dims = Self::dims(x, weight, bias)?;
        let mut shape = Shape::new(x.shape());
        *shape.last_mut().expect("dims checked the rank") = dims.outs as usize;
        let mut z = Tensor::unwritten(x.device(), &shape)?;
        let mut slope = activation::beside(self.activation, &z)?;
        match bias {
            None => match on([x, weight], [&mut z, &mut slope])? {
                On::Reference([x, w], [z, _]) => reference::forward(dims, x, w, None, z),
                On::Reference32([x, w], [z, _]) => reference::forward(dims, x, w, None, z),
                On::Cpu(cpu, [x, w], [z, _]) => simd::forward(cpu, dims, x, w, None, z),
                On::Cuda(gpu, [x, w], outputs) => {
                    cuda::forward(gpu, dims, self.activation, [x, w, View::none()], outputs)?
                }
            },
            Some(bias) => match on([x, weight, bias], [&mut z, &mut slope])? {
                On::Reference([x, w, b], [z, _]) => reference::forward(dims, x, w, Some(b), z),
                On::Reference32([x, w, b], [z, _]) => reference::forward(dims, x, w, Some(b), z),
                On::Cpu(cpu, [x, w, b], [z, _]) => simd::forward(cpu, dims, x, w, Some(b), z),
                On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, self.activation, inputs, outputs)?,
            },
        }
        let (y, fused) = activation::finish(self.activation, z, slope)?;
        Ok((y, Saved { x: x.clone(), weight: weight.clone(), fused, dims }))
    }

    /// `dx, dweight, dbias`
    fn gradients(&self, s: &Saved, dy: &Tensor, needs: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        let (dims, device) = (s.dims, dy.device());
        let dz = activation::unfinish(self.activation, &s.fused, dy)?;
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
        Ok([dx, dweight, dbias])
    }
}

impl Op<2> for Linear {
    const NAME: &'static str = "linear";
    type Saved = Saved;

    fn forward(&self, [x, weight]: [&Tensor; 2]) -> Result<(Tensor, Saved)> {
        self.run(x, weight, None)
    }

    fn backward(&self, s: &Saved, dy: &Tensor, [x, weight]: [bool; 2]) -> Result<[Option<Tensor>; 2]> {
        let [dx, dweight, _] = self.gradients(s, dy, [x, weight, false])?;
        Ok([dx, dweight])
    }
}

impl Op<3> for Linear {
    const NAME: &'static str = "linear";
    type Saved = Saved;

    fn forward(&self, [x, weight, bias]: [&Tensor; 3]) -> Result<(Tensor, Saved)> {
        self.run(x, weight, Some(bias))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, needs: [bool; 3]) -> Result<[Option<Tensor>; 3]> {
        self.gradients(s, dy, needs)
    }
}
