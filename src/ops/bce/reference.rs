use super::BceWithLogits;
use crate::ops::Real;

pub fn forward<T: Real>(op: &BceWithLogits, [logits]: [&[T]; 1], [loss]: [&mut [T]; 1]) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    let terms = logits.iter().enumerate().map(|(b, &z)| {
        let (w, y) = (T::of(op.weights[b] as f64), T::of(op.targets[b] as f64));
        w * (z.greater(zero) - z * y + (one + decay(z)).ln())
    });
    loss[0] = terms.sum::<T>() / T::of(op.normalizer as f64);
}

pub fn backward<T: Real>(op: &BceWithLogits, [logits, dloss]: [&[T]; 2], [dlogits]: [&mut [T]; 1]) {
    let (zero, one) = (T::of(0.0), T::of(1.0));
    for (b, (&z, dz)) in logits.iter().zip(dlogits).enumerate() {
        let (w, y) = (T::of(op.weights[b] as f64), T::of(op.targets[b] as f64));
        let p = if z > zero { one } else { decay(z) } / (one + decay(z));
        *dz = w * (p - y) / T::of(op.normalizer as f64) * dloss[0];
    }
}

/// `exp(-|z|)`, which overflows for no `z`.
pub fn decay<T: Real>(z: T) -> T {
    let zero = T::of(0.0);
    (zero - z.greater(zero - z)).exp()
}
