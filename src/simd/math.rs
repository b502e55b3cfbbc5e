//! Elementary functions on vectors. Each states its range and its measured error against f64 (`tests` below).

use super::Simd;

/// `2^x`: a minimax polynomial of degree 5 on the fraction, exact at whole `x`. Inputs below -126 are taken as -126;
/// those of 127 and more are not for it. Relative error under 2e-7.
#[inline(always)]
pub fn exp2<S: Simd>(s: S, x: S::V) -> S::V {
    // In this order a NaN stays one.
    exp2_within(s, s.max(s.splat(-126.0), x))
}

/// [`exp2`] of what needs no clamp.
#[inline(always)]
fn exp2_within<S: Simd>(s: S, x: S::V) -> S::V {
    let r = s.fract(x);
    let mut p = s.splat(1.867_130_2e-3);
    for c in [9.017_03e-3, 5.579_991_3e-2, 0.240_164_44, 0.693_151_3, 1.0] {
        p = s.fma(p, r, s.splat(c));
    }
    s.times_pow2(p, x)
}

/// `u = -|x|`, not beyond [`FAR`], and `cdf(u)`, where `cdf` is the standard normal distribution function: the fourth
/// power of a minimax polynomial, which needs half the degree that `cdf` itself would. Absolute error under 1.2e-7.
#[inline(always)]
fn lower_tail<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    let u = s.max(s.splat(FAR), s.minus_abs(x));
    let mut p = s.splat(7.036_469e-8);
    for c in [
        1.301_235_7e-6,
        6.544_606_5e-6,
        -1.758_274e-5,
        -2.093_679_5e-4,
        1.757_624_9e-4,
        3.913_252_6e-3,
        -4.596_097e-3,
        -5.018_632e-2,
        1.677_348e-1,
        8.408_964e-1,
    ] {
        p = s.fma(p, u, s.splat(c));
    }
    let p = s.mul(p, p);
    (u, s.mul(p, p))
}

/// From here down GELU and its slope count as constant: they are within 2e-7 of zero.
const FAR: f32 = -5.7;

/// `x cdf(x) = max(x, 0) - |x| cdf(-|x|)`: GELU, Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>. Error
/// under 1.2e-7, relative where `|x| > 1`.
#[inline(always)]
pub fn gelu<S: Simd>(s: S, x: S::V) -> S::V {
    let (u, tail) = lower_tail(s, x);
    s.fma(u, tail, s.max(s.splat(0.0), x))
}

/// [`gelu`] and its derivative `cdf(x) + x density(x)`, which is `d` at `-|x|` and `1 - d` at `|x|`. Absolute error of
/// the derivative under 3e-7.
#[inline(always)]
pub fn gelu_and_slope<S: Simd>(s: S, x: S::V) -> (S::V, S::V) {
    const LOG2_E: f32 = std::f32::consts::LOG2_E;
    const LOG2_DENSITY_AT_0: f32 = -1.325_748_1;
    let (u, tail) = lower_tail(s, x);
    let y = s.fma(u, tail, s.max(s.splat(0.0), x));
    let log2_density = s.fma(s.mul(u, s.splat(-0.5 * LOG2_E)), u, s.splat(LOG2_DENSITY_AT_0));
    let density = exp2_within(s, log2_density);
    let d = s.fma(u, density, tail);
    (y, s.by_sign(x, d, s.sub(s.splat(1.0), d)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel, read, write};

    struct Apply<'a, const F: char>(&'a [f32], &'a mut [f32]);
    impl<const F: char> Kernel for Apply<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            for (x, y) in self.0.chunks(S::LANES).zip(self.1.chunks_mut(S::LANES)) {
                let x = read(s, x);
                let v = match F {
                    '2' => exp2(s, x),
                    'g' => gelu(s, x),
                    'y' => gelu_and_slope(s, x).0,
                    _ => gelu_and_slope(s, x).1,
                };
                write(s, y, v);
            }
        }
    }

    /// All instruction sets; of an interpreter those that it knows.
    fn sets() -> impl Iterator<Item = Isa> {
        Isa::all().into_iter().filter(|isa| !cfg!(miri) || isa.name() != "avx512")
    }

    fn apply<const F: char>(isa: Isa, x: &[f32]) -> Vec<f32> {
        let mut y = vec![f32::NAN; x.len()];
        isa.run(Apply::<F>(x, &mut y));
        y
    }

    fn worst<const F: char>(isa: Isa, (from, to): (f32, f32), error: impl Fn(f64, f64) -> f64) -> f64 {
        let points = if cfg!(miri) { 203 } else { 200_003 };
        let x: Vec<f32> = (0..points).map(|i| from + (to - from) * i as f32 / (points - 1) as f32).collect();
        let y = apply::<F>(isa, &x);
        x.iter().zip(&y).map(|(&x, &y)| error(x as f64, y as f64)).fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_as_stated() {
        let cdf = |x: f64| 0.5 * libm::erfc(-x / 2f64.sqrt());
        let slope = |x: f64| cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        let gelu_error = |x: f64, y: f64| (y - x * cdf(x)).abs() / x.abs().max(1.0);
        for isa in sets() {
            let e = worst::<'2'>(isa, (-126.0, 126.9), |x, y| (y / x.exp2() - 1.0).abs());
            let g = worst::<'g'>(isa, (-9.0, 9.0), gelu_error);
            let y = worst::<'y'>(isa, (-9.0, 9.0), gelu_error);
            let d = worst::<'d'>(isa, (-9.0, 9.0), |x, y| (y - slope(x)).abs());
            println!("{}: exp2 {e:.1e}, gelu {g:.1e}, with slope {y:.1e}, slope {d:.1e}", isa.name());
            assert!(e < 2e-7 && g < 1.2e-7 && y < 1.2e-7 && d < 3e-7, "{}", isa.name());
        }
    }

    #[test]
    fn small_inputs_keep_relative_precision_and_odd_ones_their_nature() {
        for isa in sets() {
            let small =
                worst::<'g'>(isa, (-1e-3, -1e-9), |x, y| (y / (0.5 * x + 0.398_942_28 * x * x) - 1.0).abs());
            assert!(small < 4e-7, "{} {small:.1e}", isa.name());
            let odd = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1e30, -1e30];
            let [exp2, gelu, slope] = [apply::<'2'>, apply::<'g'>, apply::<'d'>].map(|f| f(isa, &odd));
            assert!(exp2[0].is_nan() && gelu[0].is_nan() && slope[0].is_nan());
            assert!(exp2[2] < 2e-38 && exp2[4] == 1.0);
            assert_eq!(gelu[1], f32::INFINITY);
            assert!(gelu[2].abs() < 2e-7 && gelu[6].abs() < 2e-7 && gelu[3] == 0.0 && gelu[4] == 0.0);
            assert!(gelu[5] == 1e30 && (slope[5] - 1.0).abs() < 4e-7 && slope[6].abs() < 4e-7);
        }
    }
}
