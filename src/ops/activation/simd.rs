use super::Activation;
use crate::simd::{Isa, Kernel, Simd, gemm::Finish, map, math, read, write, zip};

pub fn forward(isa: Isa, activation: Activation, x: &[f32], y: &mut [f32]) {
    isa.run(Forward { activation, x, y });
}

/// `y = gelu(x)`, `slope = gelu'(x)`
pub fn gelu_and_slope(isa: Isa, x: &[f32], y: &mut [f32], slope: &mut [f32]) {
    isa.run(GeluAndSlope { x, y, slope });
}

/// `saved`: of ReLU the result, of GELU the slope.
pub fn backward(isa: Isa, activation: Activation, saved: &[f32], dy: &[f32], dx: &mut [f32]) {
    isa.run(Backward { activation, saved, dy, dx });
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

/// A product's values, activated while they are in cache.
pub struct Activated(pub Option<Activation>);

impl Finish for Activated {
    #[inline(always)]
    fn row<S: Simd>(&mut self, s: S, _: usize, _: usize, c: &mut [f32]) {
        match self.0 {
            None => {}
            Some(Activation::Relu) => {
                for c in c.chunks_mut(S::LANES) {
                    write(s, c, s.max(read(s, c), s.splat(0.0)));
                }
            }
            Some(Activation::Gelu) => {
                for c in c.chunks_mut(S::LANES) {
                    write(s, c, math::gelu(s, read(s, c)));
                }
            }
        }
    }
}

struct GeluAndSlope<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    slope: &'a mut [f32],
}

impl Kernel for GeluAndSlope<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let results = self.y.chunks_mut(S::LANES).zip(self.slope.chunks_mut(S::LANES));
        for (x, (y, slope)) in self.x.chunks(S::LANES).zip(results) {
            let (value, derivative) = math::gelu_and_slope(s, read(s, x));
            write(s, y, value);
            write(s, slope, derivative);
        }
    }
}

struct Backward<'a> {
    activation: Activation,
    saved: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        match self.activation {
            Activation::Relu => zip(s, self.saved, self.dy, self.dx, |y, dy| s.mul(s.positive(y), dy)),
            Activation::Gelu => zip(s, self.saved, self.dy, self.dx, |slope, dy| s.mul(slope, dy)),
        }
    }
}
