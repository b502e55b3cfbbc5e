//! Gradient clipping by norm (Pascanu et al. 2013, <https://arxiv.org/abs/1211.5063>).

use super::cuda;
use crate::{
    autograd::Grads,
    error::Result,
    ops::Real,
    tensor::{On, Reading, Tensor, on},
};

/// Scales `grads` down to a Euclidean norm of `max` if theirs is greater; returns the norm they had. The sum runs in f64
/// and in a fixed order. A GPU is not waited for.
pub fn clip_norm(grads: &mut Grads, max: f64) -> Result<Reading> {
    let none = Tensor::zeros(grads.flat().device(), &[0])?;
    Ok(match on([&none], [grads.flat_mut()])? {
        On::Reference(_, [g]) => clip(g, max).into(),
        On::Reference32(_, [g]) | On::Cpu(_, _, [g]) => clip(g, max).into(),
        On::Cuda(gpu, _, [g]) => gpu.await_number(cuda::clip(gpu, g, max)?.view().part(0..1))?.into(),
    })
}

fn clip<T: Real + Into<f64>>(g: &mut [T], max: f64) -> f64 {
    let squares = g.iter().map(|&g| {
        let g: f64 = g.into();
        g * g
    });
    let norm = squares.sum::<f64>().sqrt();
    if norm > max {
        g.iter_mut().for_each(|g| *g = *g * T::of(max / norm));
    }
    norm
}
