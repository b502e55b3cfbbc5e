use super::Activation;
use crate::ops::Real;

pub fn forward<T: Real>(activation: Activation, x: &[T], y: &mut [T]) {
    for (&x, y) in x.iter().zip(y) {
        *y = match activation {
            Activation::Relu => x.greater(T::of(0.0)),
            Activation::Gelu => x * normal_cdf(x),
        };
    }
}

/// `y = gelu(x)`, `slope = gelu'(x)`
pub fn gelu_and_slope<T: Real>(x: &[T], y: &mut [T], slope: &mut [T]) {
    forward(Activation::Gelu, x, y);
    for (&x, slope) in x.iter().zip(slope) {
        *slope = normal_cdf(x) + x * normal_density(x);
    }
}

/// `saved`: of ReLU the result, of GELU the slope.
pub fn backward<T: Real>(activation: Activation, saved: &[T], dy: &[T], dx: &mut [T]) {
    for ((&saved, &dy), dx) in saved.iter().zip(dy).zip(dx) {
        *dx = match activation {
            Activation::Relu if saved > T::of(0.0) => dy,
            Activation::Relu => T::of(0.0),
            Activation::Gelu => saved * dy,
        };
    }
}

fn normal_cdf<T: Real>(x: T) -> T {
    T::of(0.5) * (T::of(1.0) + (x / T::of(2.0).sqrt()).erf())
}

fn normal_density<T: Real>(x: T) -> T {
    (T::of(-0.5) * x * x).exp() / T::of(2.0 * std::f64::consts::PI).sqrt()
}
