use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, ids: &[u32], [table]: [&[T]; 1], [y]: [&mut [T]; 1]) {
    let channels = d.channels as usize;
    for (i, &id) in ids.iter().enumerate() {
        for c in 0..channels {
            y[i * channels + c] = table[id as usize * channels + c];
        }
    }
}

pub fn backward<T: Real>(d: Dims, ids: &[u32], [dy]: [&[T]; 1], [dtable]: [&mut [T]; 1]) {
    let channels = d.channels as usize;
    dtable.fill(T::of(0.0));
    for (i, &id) in ids.iter().enumerate() {
        for c in 0..channels {
            dtable[id as usize * channels + c] += dy[i * channels + c];
        }
    }
}
