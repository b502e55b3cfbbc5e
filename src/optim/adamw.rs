//! `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g^2`, `x = x - lr (m' / (sqrt v' + eps) + decay x)`, where `m'` and `v'`
//! are `m / (1 - b1^t)` and `v / (1 - b2^t)`. Loshchilov and Hutter 2019, <https://arxiv.org/abs/1711.05101>.

use super::cuda;
use crate::{
    autograd::Grads,
    error::Result,
    ops::Real,
    params::Params,
    simd::{Kernel, Simd},
    tensor::{On, Tensor, on},
};

/// Adam with decoupled weight decay; the same on every parameter, as in PyTorch.
#[derive(Debug)]
pub struct AdamW {
    pub betas: (f64, f64),
    pub eps: f64,
    /// Share of a parameter that a step of rate 1 would remove.
    pub weight_decay: f64,
    /// Steps taken.
    steps: u64,
    m: Tensor,
    v: Tensor,
}

/// A step's constants, with the bias corrections worked in.
#[derive(Clone, Copy)]
struct Factors {
    b1: f64,
    b2: f64,
    /// `lr / (1 - b1^t)`
    rate: f64,
    /// `1 / sqrt(1 - b2^t)`
    spread: f64,
    eps: f64,
    /// `1 - lr * decay`
    keep: f64,
}

impl Factors {
    /// As the kernel reads them.
    fn for_kernels(self) -> cuda::Factors {
        let [b1, c1, b2, c2, rate, spread, eps, keep] =
            [self.b1, 1.0 - self.b1, self.b2, 1.0 - self.b2, self.rate, self.spread, self.eps, self.keep]
                .map(|x| x as f32);
        cuda::Factors { b1, c1, b2, c2, rate, spread, eps, keep }
    }
}

impl AdamW {
    /// For `params`, with betas .9 and .999 and eps 1e-8.
    pub fn new(params: &Params, weight_decay: f64) -> Result<Self> {
        let zeros = || Tensor::zeros(params.device(), params.flat().shape());
        Ok(Self { betas: (0.9, 0.999), eps: 1e-8, weight_decay, steps: 0, m: zeros()?, v: zeros()? })
    }

    /// One step at learning rate `lr`.
    pub fn step(&mut self, params: &mut Params, grads: &Grads, lr: f64) -> Result<()> {
        self.steps += 1;
        let ((b1, b2), t) = (self.betas, self.steps as i32);
        let (rate, spread) = (lr / (1.0 - b1.powi(t)), 1.0 / (1.0 - b2.powi(t)).sqrt());
        let f = Factors { b1, b2, rate, spread, eps: self.eps, keep: 1.0 - lr * self.weight_decay };
        params.update(|flat| {
            match on([grads.flat()], [flat, &mut self.m, &mut self.v])? {
                On::Reference([g], state) => reference(f, g, state),
                On::Reference32([g], state) => reference(f, g, state),
                On::Cpu(cpu, [g], [x, m, v]) => cpu.isa.run(Step { f, g, x, m, v }),
                On::Cuda(gpu, [g], state) => cuda::adamw(gpu, f.for_kernels(), g, state)?,
            }
            Ok(())
        })
    }

    /// Steps taken, and the two moments `[n]`: what a checkpoint keeps.
    pub fn state(&self) -> (u64, &Tensor, &Tensor) {
        (self.steps, &self.m, &self.v)
    }

    /// Takes up where [`AdamW::state`] was read.
    pub fn restore(&mut self, steps: u64, m: &[f64], v: &[f64]) -> Result<()> {
        let device = self.m.device().clone();
        let shape = self.m.shape().to_vec();
        (self.m, self.v) = (Tensor::new(&device, &shape, m)?, Tensor::new(&device, &shape, v)?);
        self.steps = steps;
        Ok(())
    }
}

fn reference<T: Real>(f: Factors, g: &[T], [x, m, v]: [&mut [T]; 3]) {
    let of = T::of;
    for (((&g, x), m), v) in g.iter().zip(x).zip(m).zip(v) {
        *m = of(f.b1) * *m + of(1.0 - f.b1) * g;
        *v = of(f.b2) * *v + of(1.0 - f.b2) * g * g;
        *x = of(f.keep) * *x - of(f.rate) * *m / (of(f.spread) * v.sqrt() + of(f.eps));
    }
}

struct Step<'a> {
    f: Factors,
    g: &'a [f32],
    x: &'a mut [f32],
    m: &'a mut [f32],
    v: &'a mut [f32],
}

impl Kernel for Step<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let of = |x: f64| s.splat(x as f32);
        let f = self.f;
        let (b1, c1, b2, c2) = (of(f.b1), of(1.0 - f.b1), of(f.b2), of(1.0 - f.b2));
        let (rate, spread, eps, keep) = (of(-f.rate), of(f.spread), of(f.eps), of(f.keep));
        let lanes = S::LANES;
        let state = self.m.chunks_mut(lanes).zip(self.v.chunks_mut(lanes));
        for ((g, x), (m, v)) in self.g.chunks(lanes).zip(self.x.chunks_mut(lanes)).zip(state) {
            let g = s.load_part(g);
            let m1 = s.fma(b1, s.load_part(m), s.mul(c1, g));
            let v1 = s.fma(b2, s.load_part(v), s.mul(c2, s.mul(g, g)));
            let step = s.div(m1, s.fma(spread, s.sqrt(v1), eps));
            let x1 = s.fma(rate, step, s.mul(keep, s.load_part(x)));
            s.store_part(m, m1);
            s.store_part(v, v1);
            s.store_part(x, x1);
        }
    }
}
