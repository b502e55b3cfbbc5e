//! Gradient clipping by norm (Pascanu et al. 2013, <https://arxiv.org/abs/1211.5063>).

use crate::{
    autograd::Grads,
    cuda,
    error::Result,
    ops::Real,
    tensor::{On, Tensor, on},
};

/// Scales `grads` down to a Euclidean norm of `max` if theirs is greater; returns the norm they had. The sum runs in f64
/// and in a fixed order.
pub fn clip_norm(grads: &mut Grads, max: f64) -> Result<f64> {
    let norm = match on([grads.flat()], [])? {
        On::Reference([g], []) => squares(g.iter().copied()),
        On::Reference32([g], []) | On::Cpu(_, [g], []) => squares(g.iter().map(|&g| g.into())),
        On::Cuda(..) => return Err(cuda::not_built("clip_norm")),
    };
    let norm = norm.sqrt();
    if norm > max {
        scale(grads.flat_mut(), max / norm)?;
    }
    Ok(norm)
}

fn squares(values: impl Iterator<Item = f64>) -> f64 {
    values.map(|x| x * x).sum()
}

fn scale(x: &mut Tensor, by: f64) -> Result<()> {
    let device = x.device().clone();
    let none = Tensor::zeros(&device, &[0])?;
    match on([&none], [x])? {
        On::Reference(_, [x]) => scale_all(x, by),
        On::Reference32(_, [x]) | On::Cpu(_, _, [x]) => scale_all(x, by),
        On::Cuda(..) => return Err(cuda::not_built("clip_norm")),
    }
    Ok(())
}

fn scale_all<T: Real>(x: &mut [T], by: f64) {
    x.iter_mut().for_each(|x| *x = *x * T::of(by));
}
