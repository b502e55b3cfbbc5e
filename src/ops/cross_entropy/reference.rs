use super::SoftmaxCrossEntropy;
use crate::ops::Real;

pub fn forward<T: Real>(op: &SoftmaxCrossEntropy, [logits]: [&[T]; 1], [loss]: [&mut [T]; 1]) {
    let classes = logits.len() / op.classes.len().max(1);
    let terms = op.classes.iter().zip(&*op.weights).enumerate().map(|(b, (&class, &w))| {
        let z = &logits[b * classes..][..classes];
        let (max, sum) = max_and_sum(z);
        T::of(w as f64) * (sum.ln() - (z[class as usize] - max))
    });
    loss[0] = terms.sum::<T>() / T::of(op.normalizer as f64);
}

pub fn backward<T: Real>(op: &SoftmaxCrossEntropy, [logits, dloss]: [&[T]; 2], [dlogits]: [&mut [T]; 1]) {
    let classes = logits.len() / op.classes.len().max(1);
    for (b, (&class, &w)) in op.classes.iter().zip(&*op.weights).enumerate() {
        let z = &logits[b * classes..][..classes];
        let (max, sum) = max_and_sum(z);
        for k in 0..classes {
            let p = (z[k] - max).exp() / sum;
            let y = T::of(if k == class as usize { 1.0 } else { 0.0 });
            dlogits[b * classes + k] = T::of(w as f64) * (p - y) / T::of(op.normalizer as f64) * dloss[0];
        }
    }
}

/// `m = max_k z_k` and `sum_k exp(z_k - m)`
fn max_and_sum<T: Real>(z: &[T]) -> (T, T) {
    let max = z.iter().copied().fold(z[0], T::greater);
    (max, z.iter().map(|&z| (z - max).exp()).sum())
}
