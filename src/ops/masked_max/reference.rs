use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, lengths: Option<&[u32]>, [x]: [&[T]; 1], [y, argmax]: [&mut [T]; 2]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        for c in 0..channels {
            let at = |t: usize| x[(b * time + t) * channels + c];
            let mut best = 0;
            for t in 1..d.length(lengths, b) {
                if at(t) > at(best) {
                    best = t;
                }
            }
            y[b * channels + c] = at(best);
            argmax[b * channels + c] = T::of(best as f64);
        }
    }
}

pub fn backward<T: Real>(d: Dims, [argmax, dy]: [&[T]; 2], [dx]: [&mut [T]; 1]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        for t in 0..time {
            for c in 0..channels {
                let i = b * channels + c;
                let won = argmax[i] == T::of(t as f64);
                dx[(b * time + t) * channels + c] = if won { dy[i] } else { T::of(0.0) };
            }
        }
    }
}
