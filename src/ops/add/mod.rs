//! `y = a + b`, where `b` has `a`'s shape or is repeated along `a`'s first axis (`[B, T, C] + [T, C]`).

pub(crate) mod cuda;
mod reference;
mod simd;

use super::Op;
use crate::{
    error::{Error, Result},
    tensor::{On, Shape, Tensor, on},
};

/// `a [B, ..] + b`, `b` of the same shape or without the first axis.
#[derive(Debug)]
pub struct Add;

/// The repeated operand's shape, where there is one.
pub struct Saved {
    repeated: Option<Shape>,
}

impl Op<2> for Add {
    const NAME: &'static str = "add";
    type Saved = Saved;

    fn forward(&self, [a, b]: [&Tensor; 2]) -> Result<(Tensor, Saved)> {
        let same = a.shape() == b.shape();
        if !same && a.shape().get(1..) != Some(b.shape()) {
            return Err(Error::shape(
                Self::NAME,
                format!("{0:?} or {0:?} without its first axis", a.shape()),
                b,
            ));
        }
        let mut y = Tensor::unwritten(a.device(), a.shape())?;
        match on([a, b], [&mut y])? {
            On::Reference(inputs, outputs) => reference::forward(inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::forward(cpu, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, inputs, outputs)?,
        }
        Ok((y, Saved { repeated: (!same).then(|| Shape::new(b.shape())) }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, needs: [bool; 2]) -> Result<[Option<Tensor>; 2]> {
        let db = match (&s.repeated, needs[1]) {
            (_, false) => None,
            (None, true) => Some(dy.clone()),
            (Some(shape), true) => Some(sum_leading(dy, shape)?),
        };
        Ok([needs[0].then(|| dy.clone()), db])
    }
}

/// The gradient of an operand that was repeated: `dy [.., N]`, any leading axes, summed to `shape`, the trailing ones.
pub(crate) fn sum_leading(dy: &Tensor, shape: &[usize]) -> Result<Tensor> {
    let mut db = Tensor::unwritten(dy.device(), shape)?;
    match on([dy], [&mut db])? {
        On::Reference(inputs, outputs) => reference::sum(inputs, outputs),
        On::Reference32(inputs, outputs) => reference::sum(inputs, outputs),
        On::Cpu(cpu, inputs, outputs) => simd::sum(cpu, inputs, outputs),
        On::Cuda(gpu, inputs, outputs) => cuda::sum(gpu, inputs, outputs)?,
    }
    Ok(db)
}

/// `into[at..][..x.len()] += x` for each `(at, x)`, in place, no two of which meet: how gradients of parameters are gathered. A
/// GPU does it in one launch.
pub(crate) fn gather(into: &mut Tensor, parts: &[(usize, Tensor)]) -> Result<()> {
    let Some((_, first)) = parts.first() else { return Ok(()) };
    let inside = |(at, x): &(usize, Tensor)| at.checked_add(x.len()).is_some_and(|end| end <= into.len());
    assert!(parts.iter().all(inside), "what is gathered has its place");
    let mut pieces = vec![];
    for (at, x) in parts {
        match on([x], [])? {
            On::Cuda(_, [x], []) => pieces.extend(cuda::pieces(x, *at)),
            _ => accumulate(into, *at, x)?,
        }
    }
    match on([first], [into])? {
        On::Cuda(gpu, _, [into]) => cuda::gather(gpu, &pieces, into),
        _ => Ok(()),
    }
}

/// `into[at..][..x.len()] += x`, in place.
pub(crate) fn accumulate(into: &mut Tensor, at: usize, x: &Tensor) -> Result<()> {
    match on([x], [into])? {
        On::Reference([x], [into]) => reference::accumulate(x, &mut into[at..][..x.len()]),
        On::Reference32([x], [into]) => reference::accumulate(x, &mut into[at..][..x.len()]),
        On::Cpu(cpu, [x], [into]) => simd::accumulate(cpu, x, &mut into[at..][..x.len()]),
        On::Cuda(gpu, [x], [into]) => cuda::accumulate(gpu, x, into.part(at..at + x.len()))?,
    }
    Ok(())
}
