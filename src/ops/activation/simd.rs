use super::Activation;
use crate::simd::{Isa, Kernel, Simd, map, math, read, write, zip};

pub fn forward(isa: Isa, activation: Activation, x: &[f32], y: &mut [f32]) {
    isa.run(Forward { activation, x, y });
}

pub fn backward(isa: Isa, activation: Activation, x: &[f32], dy: &[f32], dx: &mut [f32]) {
    isa.run(Backward { activation, x, dy, dx });
}

struct Forward<'a> {
    activation: Activation,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.activation {
            Activation::Relu => map(s, self.x, self.y, |x| s.max(x, s.splat(0.0))),
            Activation::Gelu => {
                for (x, y) in self.x.chunks(S::LANES).zip(self.y.chunks_mut(S::LANES)) {
                    write(s, y, math::gelu(s, read(s, x)));
                }
            }
        }
    }
}

struct Backward<'a> {
    activation: Activation,
    x: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.activation {
            Activation::Relu => zip(s, self.x, self.dy, self.dx, |x, dy| s.mul(s.positive(x), dy)),
            Activation::Gelu => {
                let inputs = self.x.chunks(S::LANES).zip(self.dy.chunks(S::LANES));
                for ((x, dy), dx) in inputs.zip(self.dx.chunks_mut(S::LANES)) {
                    write(s, dx, s.mul(math::gelu_slope(s, read(s, x)), read(s, dy)));
                }
            }
        }
    }
}
