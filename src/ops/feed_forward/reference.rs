use super::{Dims, FeedForward};
use crate::ops::{Real, activation::reference::gelu_and_slope};

pub fn forward<T: Real>(
    op: &FeedForward,
    d: Dims,
    [x, up, up_bias, down, down_bias]: [&[T]; 5],
    [y, hidden, slope]: [&mut [T]; 3],
) {
    let (c, f) = (d.channels, d.hidden);
    for r in 0..d.rows {
        let x = &x[r * c..][..c];
        let (hidden, slope) = (&mut hidden[r * f..][..f], &mut slope[r * f..][..f]);
        let sum = |j: usize| x.iter().enumerate().map(|(i, &x)| x * up[i * f + j]).sum::<T>() + up_bias[j];
        let z: Vec<T> = (0..f).map(sum).collect();
        gelu_and_slope(&z, hidden, slope);
        if let Some(mask) = &op.dropout {
            let (sample, first) = d.element(r);
            for j in 0..f {
                let factor = T::of(mask.factor(sample, first + j).into());
                (hidden[j], slope[j]) = (hidden[j] * factor, slope[j] * factor);
            }
        }
        for (o, y) in y[r * c..][..c].iter_mut().enumerate() {
            *y = (0..f).map(|j| hidden[j] * down[j * c + o]).sum::<T>() + down_bias[o];
        }
    }
}

pub fn backward<T: Real>(
    d: Dims,
    [x, up, down, hidden, slope, dy]: [&[T]; 6],
    [dx, dup, dup_bias, ddown]: [&mut [T]; 4],
) {
    let (c, f) = (d.channels, d.hidden);
    for gradient in [&mut *dup, &mut *dup_bias, &mut *ddown] {
        gradient.fill(T::of(0.0));
    }
    for r in 0..d.rows {
        let (x, dx, dy) = (&x[r * c..][..c], &mut dx[r * c..][..c], &dy[r * c..][..c]);
        dx.fill(T::of(0.0));
        for j in 0..f {
            let dhidden: T = (0..c).map(|o| dy[o] * down[j * c + o]).sum();
            let dz = dhidden * slope[r * f + j];
            dup_bias[j] += dz;
            for i in 0..c {
                dx[i] += dz * up[i * f + j];
                dup[i * f + j] += x[i] * dz;
                ddown[j * c + i] += hidden[r * f + j] * dy[i];
            }
        }
    }
}
