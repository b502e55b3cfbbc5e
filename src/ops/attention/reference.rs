use super::{Attention, Dims};
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
    let factor = |j| op.dropout.map_or(1.0, |mask| mask.factor(b, d.element(h, t) + j));
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

pub fn forward<T: Real>(op: &Attention, d: Dims, [q, k, v]: [&[T]; 3], [out, lse]: [&mut [T]; 2]) {
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
        lse[(b * d.heads + h) * d.tq + t] = max + sum.ln();
    });
}

pub fn backward<T: Real>(
    op: &Attention,
    d: Dims,
    [q, k, v, out, lse, dout]: [&[T]; 6],
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
        let factors = factors::<T>(op, d, b, h, t);
        for (j, &f) in factors[..keys].iter().enumerate() {
            let there = row(d.tk, b, j, h);
            let (k, v) = (&k[there.clone()], &v[there.clone()]);
            let p = (dot(q, k) * T::of(d.scale()) - lse[(b * d.heads + h) * d.tq + t]).exp();
            let ds = p * (f * dot(dout, v) - delta) * T::of(d.scale());
            add(&mut dv[there.clone()], p * f, dout);
            add(&mut dk[there], ds, q);
            add(&mut dq[here.clone()], ds, k);
        }
    });
}
