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

pub fn backward<T: Real>(activation: Activation, x: &[T], dy: &[T], dx: &mut [T]) {
    for ((&x, &dy), dx) in x.iter().zip(dy).zip(dx) {
        let slope = match activation {
            Activation::Relu if x > T::of(0.0) => T::of(1.0),
            Activation::Relu => T::of(0.0),
            Activation::Gelu => normal_cdf(x) + x * normal_density(x),
        };
        *dx = slope * dy;
    }
}

fn normal_cdf<T: Real>(x: T) -> T {
    T::of(0.5) * (T::of(1.0) + (x / T::of(2.0).sqrt()).erf())
}

fn normal_density<T: Real>(x: T) -> T {
    (T::of(-0.5) * x * x).exp() / T::of(2.0 * std::f64::consts::PI).sqrt()
}
