use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, [x]: [&[T]; 1], [y, argmax]: [&mut [T]; 2]) {
    let [_, height, width, channels] = d.shape();
    let size = d.size as usize;
    each(d, |out, [b, i, j, c]| {
        let at = |k: usize| {
            let (h, w) = (i * size + k / size, j * size + k % size);
            x[((b * height + h) * width + w) * channels + c]
        };
        let mut best = 0;
        for k in 1..size * size {
            if at(k) > at(best) {
                best = k;
            }
        }
        y[out] = at(best);
        argmax[out] = T::of(best as f64);
    });
}

pub fn backward<T: Real>(d: Dims, [argmax, dy]: [&[T]; 2], [dx]: [&mut [T]; 1]) {
    let [_, height, width, channels] = d.shape();
    let size = d.size as usize;
    dx.fill(T::of(0.0));
    each(d, |out, [b, i, j, c]| {
        for k in 0..size * size {
            let (h, w) = (i * size + k / size, j * size + k % size);
            if argmax[out] == T::of(k as f64) {
                dx[((b * height + h) * width + w) * channels + c] = dy[out];
            }
        }
    });
}

/// Every pooled value: its place, and the same as `[b, i, j, c]`.
fn each(d: Dims, mut f: impl FnMut(usize, [usize; 4])) {
    let [batch, rows, cols, channels] = d.pooled();
    for out in 0..batch * rows * cols * channels {
        let (c, pixel) = (out % channels, out / channels);
        f(out, [pixel / cols / rows, pixel / cols % rows, pixel % cols, c]);
    }
}
