//! `u = momentum u + g + decay x`, `x = x - lr u` (Sutskever et al. 2013, <https://proceedings.mlr.press/v28/sutskever13.html>,
//! in PyTorch's form).

use super::cuda;
use crate::{
    autograd::Grads,
    error::Result,
    ops::Real,
    params::Params,
    tensor::{On, Tensor, on},
};

/// Stochastic gradient descent with momentum.
#[derive(Debug)]
pub struct Sgd {
    pub momentum: f64,
    pub weight_decay: f64,
    velocity: Tensor,
}

impl Sgd {
    /// For `params`, at rest.
    pub fn new(params: &Params, momentum: f64, weight_decay: f64) -> Result<Self> {
        let velocity = Tensor::zeros(params.device(), params.flat().shape())?;
        Ok(Self { momentum, weight_decay, velocity })
    }

    /// One step at learning rate `lr`.
    pub fn step(&mut self, params: &mut Params, grads: &Grads, lr: f64) -> Result<()> {
        let f = [self.momentum, self.weight_decay, lr];
        params.update(|flat| {
            match on([grads.flat()], [flat, &mut self.velocity])? {
                On::Reference([g], state) => step(f, g, state),
                On::Reference32([g], state) | On::Cpu(_, [g], state) => step(f, g, state),
                On::Cuda(gpu, [g], state) => cuda::sgd(gpu, f, g, state)?,
            }
            Ok(())
        })
    }

    /// `[n]`: what a checkpoint keeps.
    pub fn velocity(&self) -> &Tensor {
        &self.velocity
    }

    /// Takes up where [`Sgd::velocity`] was read.
    pub fn restore(&mut self, velocity: &[f64]) -> Result<()> {
        self.velocity = Tensor::new(&self.velocity.device().clone(), self.velocity.shape(), velocity)?;
        Ok(())
    }
}

fn step<T: Real>([momentum, decay, lr]: [f64; 3], g: &[T], [x, u]: [&mut [T]; 2]) {
    for ((&g, x), u) in g.iter().zip(x).zip(u) {
        *u = T::of(momentum) * *u + g + T::of(decay) * *x;
        *x = *x - T::of(lr) * *u;
    }
}
