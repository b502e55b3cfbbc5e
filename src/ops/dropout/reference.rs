use super::Mask;
use crate::ops::Real;

pub fn forward<T: Real>(mask: &Mask, per_sample: usize, x: &[T], y: &mut [T]) {
    let mut factors = vec![0.0; per_sample];
    for (b, (x, y)) in
        x.chunks_exact(per_sample.max(1)).zip(y.chunks_exact_mut(per_sample.max(1))).enumerate()
    {
        mask.fill(b, 0, &mut factors);
        for ((y, &x), &f) in y.iter_mut().zip(x).zip(&factors) {
            *y = x * T::of(f as f64);
        }
    }
}
