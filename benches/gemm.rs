//! Our product beside `matrixmultiply`'s and the `gemm` crate's, one thread. Gelem/s are GFLOP/s.

mod common;

use common::{Meter, Work, timing};
use mirscope::simd::{
    Aligned, Isa,
    gemm::{Mat, Start, gemm, scratch_len},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// `m, k, n`: a cube, and what linear layers and convolutions of the presets ask for with 4, 8 and 256 pairs of 70 tokens.
const SHAPES: [(usize, usize, usize); 12] = [
    (280, 64, 64),
    (280, 64, 256),
    (280, 256, 64),
    (560, 64, 64),
    (560, 64, 192),
    (560, 64, 256),
    (560, 256, 64),
    (560, 128, 512),
    (560, 512, 128),
    (17920, 64, 256),
    (17920, 256, 64),
    (1024, 1024, 1024),
];

fn main() {
    let mut meter = Meter::new();
    for (m, k, n) in if timing() { &SHAPES[..] } else { &SHAPES[..1] } {
        shape(&mut meter, (*m, *k, *n));
    }
    meter.report();
}

fn shape(meter: &mut Meter, (m, k, n): (usize, usize, usize)) {
    let random = &mut ChaCha8Rng::seed_from_u64(0);
    let mut noise = |len| {
        let mut x = Aligned::zeros(len);
        x.fill_with(|| random.random::<f32>() - 0.5);
        x
    };
    let (a, b) = (noise(m * k), noise(k * n));
    let [mut ours, mut theirs, mut others] = [(); 3].map(|()| Aligned::zeros(m * n));
    let run = |ours: &mut [f32]| {
        gemm(Isa::detect(), Mat::rows(&a, m, k, k), Mat::rows(&b, k, n, n), Start::Zero, ours, n, &mut []);
    };
    run(&mut ours);
    multiply(&a, &b, (m, k, n), &mut theirs);
    check(&a, &b, (m, k, n), &ours, &theirs);
    gemm_crate(&a, &b, (m, k, n), &mut others);
    check(&a, &b, (m, k, n), &ours, &others);
    let (size, work) = (format!("{m}x{k}x{n}"), Work::Flops(2.0 * (m * k * n) as f64));
    meter.time("ours", &size, work, || run(&mut ours));
    meter.time("matrixmultiply", &size, work, || multiply(&a, &b, (m, k, n), &mut theirs));
    meter.time("gemm crate", &size, work, || gemm_crate(&a, &b, (m, k, n), &mut others));
    // The two products of backward: dz W^T, which turns W first, and x^T dz.
    let (wt, xt) = (Mat::rows(&b, n, k, k).t(), Mat::rows(&a, k, m, m).t());
    let mut scratch = Aligned::zeros(scratch_len(wt));
    meter.time("ours, B transposed", &size, work, || {
        gemm(Isa::detect(), Mat::rows(&a, m, k, k), wt, Start::Zero, &mut ours, n, &mut scratch);
    });
    meter.time("ours, A transposed", &size, work, || {
        gemm(Isa::detect(), xt, Mat::rows(&b, k, n, n), Start::Zero, &mut ours, n, &mut []);
    });
}

/// `c[m, n] = a[m, k] b[k, n]`
fn multiply(a: &[f32], b: &[f32], (m, k, n): (usize, usize, usize), c: &mut [f32]) {
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    let (ki, ni) = (k as isize, n as isize);
    // SAFETY: the lengths just checked are those of dense row-major matrices with these strides.
    unsafe {
        matrixmultiply::sgemm(m, k, n, 1.0, a.as_ptr(), ki, 1, b.as_ptr(), ni, 1, 0.0, c.as_mut_ptr(), ni, 1);
    }
}

/// The same by the `gemm` crate.
fn gemm_crate(a: &[f32], b: &[f32], (m, k, n): (usize, usize, usize), c: &mut [f32]) {
    assert!(a.len() == m * k && b.len() == k * n && c.len() == m * n);
    let (ki, ni, one_thread) = (k as isize, n as isize, gemm::Parallelism::None);
    let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
    // SAFETY: as above; strides are by column, then by row.
    unsafe {
        gemm::gemm(m, n, k, c, 1, ni, false, a, 1, ki, b, 1, ni, 0.0, 1.0, false, false, false, one_thread);
    }
}

/// The two products agree everywhere, and with sums in f64 on a few elements of every tile edge's kind.
fn check(a: &[f32], b: &[f32], (m, k, n): (usize, usize, usize), ours: &[f32], theirs: &[f32]) {
    let near = |x: f32, y: f64| (f64::from(x) - y).abs() < 1e-6 * (k as f64).sqrt() * 2.0;
    assert!(ours.iter().zip(theirs).all(|(&x, &y)| near(x, y.into())), "{m}x{k}x{n} beside matrixmultiply");
    for (i, j) in [(0, 0), (m / 2, n / 3), (m - 1, n - 1), (m - 1, 0), (0, n - 1)] {
        let sum: f64 = (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(b[p * n + j])).sum();
        assert!(near(ours[i * n + j], sum), "{m}x{k}x{n}: ({i}, {j}) is {}, not {sum}", ours[i * n + j]);
    }
}
