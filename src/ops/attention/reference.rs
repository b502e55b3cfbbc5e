use super::{Attention, Dims, QUERIES};
use crate::ops::Real;
use std::ops::Range;

fn dot<T: Real>(a: &[T], b: &[T]) -> T {
    a.iter().zip(b).map(|(&a, &b)| a * b).sum()
}

/// `y += a * x`
fn add<T: Real>(y: &mut [T], a: T, x: &[T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// The dropout factors of one row of probabilities; ones without dropout.
fn factors<T: Real>(op: &Attention, d: Dims, b: usize, h: usize, t: usize) -> Vec<T> {
    let (first, width) = d.elements(h, t / QUERIES * QUERIES);
    let element = |j| first + j * width + t % QUERIES;
    let factor = |j| op.dropout.map_or(1.0, |mask| mask.factor(b, element(j)));
    (0..d.tk).map(|j| T::of(factor(j).into())).collect()
}

/// `f(b, h, t, keys)` for every query row.
fn each_row(op: &Attention, d: Dims, mut f: impl FnMut(usize, usize, usize, usize)) {
    for b in 0..d.batch {
        for h in 0..d.heads {
            for t in 0..d.tq {
                f(b, h, t, op.keys(d, b));
            }
        }
    }
}

pub fn forward<T: Real>(op: &Attention, d: Dims, [q, k, v]: [&[T]; 3], [out, stats]: [&mut [T]; 2]) {
    out.fill(T::of(0.0));
    let row = |time, b, t, h| -> Range<usize> { d.at(time, b, t, h)..d.at(time, b, t, h) + d.head };
    each_row(op, d, |b, h, t, keys| {
        let q = &q[row(d.tq, b, t, h)];
        let s: Vec<T> = (0..keys).map(|j| dot(q, &k[row(d.tk, b, j, h)]) * T::of(d.scale())).collect();
        let max = s.iter().copied().reduce(T::greater).expect("dims checked: at least one key");
        let sum: T = s.iter().map(|&s| (s - max).exp()).sum();
        let factors = factors::<T>(op, d, b, h, t);
        for (j, &s) in s.iter().enumerate() {
            let p = (s - max).exp() / sum * factors[j];
            add(&mut out[row(d.tq, b, t, h)], p, &v[row(d.tk, b, j, h)]);
        }
        stats[d.stat(b, h, t)] = max;
        stats[d.stat(b, h, t) + QUERIES] = T::of(1.0) / sum;
    });
}

pub fn backward<T: Real>(
    op: &Attention,
    d: Dims,
    [q, k, v, out, stats, dout]: [&[T]; 6],
    [dq, dk, dv]: [&mut [T]; 3],
) {
    for gradient in [&mut *dq, &mut *dk, &mut *dv] {
        gradient.fill(T::of(0.0));
    }
    let row = |time, b, t, h| -> Range<usize> { d.at(time, b, t, h)..d.at(time, b, t, h) + d.head };
    each_row(op, d, |b, h, t, keys| {
        let here = row(d.tq, b, t, h);
        let (q, out, dout) = (&q[here.clone()], &out[here.clone()], &dout[here.clone()]);
        let delta = dot(out, dout);
        let (max, inverse) = (stats[d.stat(b, h, t)], stats[d.stat(b, h, t) + QUERIES]);
        let factors = factors::<T>(op, d, b, h, t);
        for (j, &f) in factors[..keys].iter().enumerate() {
            let there = row(d.tk, b, j, h);
            let (k, v) = (&k[there.clone()], &v[there.clone()]);
            let p = (dot(q, k) * T::of(d.scale()) - max).exp() * inverse;
            let ds = p * (f * dot(dout, v) - delta) * T::of(d.scale());
            add(&mut dv[there.clone()], p * f, dout);
            add(&mut dk[there], ds, q);
            add(&mut dq[here.clone()], ds, k);
        }
    });
}

/// `q, k, v` as tensors of their own.
fn apart<T: Real>(d: Dims, qkv: &[T]) -> [Vec<T>; 3] {
    let c = d.channels();
    [0, 1, 2].map(|part| qkv.chunks_exact(3 * c).flat_map(|x| x[part * c..][..c].iter().copied()).collect())
}

pub fn forward_of_one<T: Real>(op: &Attention, d: Dims, qkv: &[T], outputs: [&mut [T]; 2]) {
    forward(op, d, apart(d, qkv).each_ref().map(|x| &x[..]), outputs);
}

pub fn backward_of_one<T: Real>(op: &Attention, d: Dims, [qkv, out, stats, dout]: [&[T]; 4], dqkv: &mut [T]) {
    let [q, k, v] = apart(d, qkv);
    let mut gradients = [(); 3].map(|()| vec![T::of(0.0); q.len()]);
    let parts = gradients.each_mut().map(|x| &mut x[..]);
    backward(op, d, [&q, &k, &v, out, stats, dout], parts);
    let c = d.channels();
    for (t, to) in dqkv.chunks_exact_mut(3 * c).enumerate() {
        for (to, from) in to.chunks_exact_mut(c).zip(&gradients) {
            to.copy_from_slice(&from[t * c..][..c]);
        }
    }
}
