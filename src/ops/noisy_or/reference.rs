use super::Dims;
use crate::ops::{Real, bce::reference::decay};

pub fn forward<T: Real>(d: Dims, lengths: Option<&[u32]>, [x]: [&[T]; 1], [y]: [&mut [T]; 1]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        for c in 0..channels {
            let at = |t: usize| softplus(x[(b * time + t) * channels + c]);
            y[b * channels + c] = (0..d.length(lengths, b)).map(at).sum();
        }
    }
}

pub fn backward<T: Real>(d: Dims, lengths: Option<&[u32]>, [x, dy]: [&[T]; 2], [dx]: [&mut [T]; 1]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        for t in 0..time {
            for c in 0..channels {
                let i = (b * time + t) * channels + c;
                let counts = t < d.length(lengths, b);
                dx[i] = if counts { sigmoid(x[i]) * dy[b * channels + c] } else { T::of(0.0) };
            }
        }
    }
}

fn softplus<T: Real>(x: T) -> T {
    x.greater(T::of(0.0)) + (T::of(1.0) + decay(x)).ln()
}

fn sigmoid<T: Real>(x: T) -> T {
    (if x > T::of(0.0) { T::of(1.0) } else { decay(x) }) / (T::of(1.0) + decay(x))
}
