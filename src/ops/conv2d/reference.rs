use super::Dims;
use crate::ops::Real;

/// `f(y, x, w)` for every meeting of an output position, an input position and a weight, as offsets of their channels
/// `[O]`, `[I]` and `[I, O]`.
fn each_meeting(d: Dims, mut f: impl FnMut(usize, usize, usize)) {
    let (top, left) = d.before();
    for b in 0..d.batch {
        for (i, j) in (0..d.height).flat_map(|i| (0..d.width).map(move |j| (i, j))) {
            for (u, v) in (0..d.kh).flat_map(|u| (0..d.kw).map(move |v| (u, v))) {
                let (row, col) = ((i + u * d.dilation).wrapping_sub(top), (j + v).wrapping_sub(left));
                if row < d.height && col < d.width {
                    let at = |i, j| (b * d.height + i) * d.width + j;
                    f(at(i, j) * d.outs, at(row, col) * d.ins, (u * d.kw + v) * d.ins * d.outs);
                }
            }
        }
    }
}

pub fn forward<T: Real>(d: Dims, [x, w, bias]: [&[T]; 3], [z]: [&mut [T]; 1]) {
    for z in z.chunks_exact_mut(d.outs) {
        z.copy_from_slice(bias);
    }
    each_meeting(d, |zi, xi, wi| {
        for i in 0..d.ins {
            for o in 0..d.outs {
                z[zi + o] += x[xi + i] * w[wi + i * d.outs + o];
            }
        }
    });
}

pub fn backward_x<T: Real>(d: Dims, [dz, w]: [&[T]; 2], [dx]: [&mut [T]; 1]) {
    dx.fill(T::of(0.0));
    each_meeting(d, |zi, xi, wi| {
        for i in 0..d.ins {
            for o in 0..d.outs {
                dx[xi + i] += dz[zi + o] * w[wi + i * d.outs + o];
            }
        }
    });
}

pub fn backward_weight<T: Real>(d: Dims, [dz, x]: [&[T]; 2], [dw]: [&mut [T]; 1]) {
    dw.fill(T::of(0.0));
    each_meeting(d, |zi, xi, wi| {
        for i in 0..d.ins {
            for o in 0..d.outs {
                dw[wi + i * d.outs + o] += dz[zi + o] * x[xi + i];
            }
        }
    });
}
