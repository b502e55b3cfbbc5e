use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, lengths: Option<&[u32]>, [x]: [&[T]; 1], [y]: [&mut [T]; 1]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        let n = d.length(lengths, b);
        for c in 0..channels {
            let sum: T = (0..n).map(|t| x[(b * time + t) * channels + c]).sum();
            y[b * channels + c] = sum / T::of(n as f64);
        }
    }
}

pub fn backward<T: Real>(d: Dims, lengths: Option<&[u32]>, [dy]: [&[T]; 1], [dx]: [&mut [T]; 1]) {
    let [batch, time, channels] = d.shape();
    for b in 0..batch {
        let n = d.length(lengths, b);
        for t in 0..time {
            for c in 0..channels {
                let share = dy[b * channels + c] / T::of(n as f64);
                dx[(b * time + t) * channels + c] = if t < n { share } else { T::of(0.0) };
            }
        }
    }
}
