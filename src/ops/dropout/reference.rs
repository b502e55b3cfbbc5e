use super::Mask;
use crate::ops::Real;

pub fn forward<T: Real>(mask: &Mask, per_sample: usize, x: &[T], y: &mut [T]) {
    for (i, (&x, y)) in x.iter().zip(y).enumerate() {
        let factor = mask.factor(i / per_sample, i % per_sample);
        *y = x * T::of(factor.into());
    }
}
