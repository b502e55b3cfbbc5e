use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, x: &[T], w: &[T], bias: Option<&[T]>, z: &mut [T]) {
    let (ins, outs) = (d.ins as usize, d.outs as usize);
    for r in 0..d.rows as usize {
        for o in 0..outs {
            let sum: T = (0..ins).map(|i| x[r * ins + i] * w[i * outs + o]).sum();
            z[r * outs + o] = bias.map_or(sum, |b| sum + b[o]);
        }
    }
}

pub fn backward_x<T: Real>(d: Dims, [dz, w]: [&[T]; 2], [dx]: [&mut [T]; 1]) {
    let (ins, outs) = (d.ins as usize, d.outs as usize);
    for r in 0..d.rows as usize {
        for i in 0..ins {
            dx[r * ins + i] = (0..outs).map(|o| dz[r * outs + o] * w[i * outs + o]).sum();
        }
    }
}

pub fn backward_weight<T: Real>(d: Dims, [dz, x]: [&[T]; 2], [dw]: [&mut [T]; 1]) {
    let (ins, outs) = (d.ins as usize, d.outs as usize);
    for i in 0..ins {
        for o in 0..outs {
            dw[i * outs + o] = (0..d.rows as usize).map(|r| x[r * ins + i] * dz[r * outs + o]).sum();
        }
    }
}
