//! Elementary functions on vectors. Each states its range and its measured error against f64 (`tests` below).

use super::Simd;

/// `e^x`, Cody-Waite reduction and Cephes' degree-6 polynomial. Inputs are clamped to [-87.3, 88]; relative error
/// under 2e-7.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.min(s.max(x, s.splat(-87.3)), s.splat(88.0));
    let n = s.round(s.mul(x, s.splat(std::f32::consts::LOG2_E)));
    let r = s.fma(n, s.splat(-0.693_359_4), x);
    let r = s.fma(n, s.splat(2.121_944_4e-4), r);
    let mut p = s.splat(1.987_569_1e-4);
    for c in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = s.fma(p, r, s.splat(c));
    }
    let y = s.add(s.fma(p, s.mul(r, r), r), s.splat(1.0));
    s.mul(y, s.pow2(n))
}

/// `2^x`: a minimax polynomial of degree 5 on the fraction, exact at whole `x`. Inputs below -126 are taken as -126;
/// those of 127 and more are not for it. Relative error under 2e-7.
#[inline(always)]
pub fn exp2<S: Simd>(s: S, x: S::V) -> S::V {
    let x = s.max(x, s.splat(-126.0));
    let r = s.fract(x);
    let mut p = s.splat(1.867_130_2e-3);
    for c in [9.017_03e-3, 5.579_991_3e-2, 0.240_164_44, 0.693_151_3, 1.0] {
        p = s.fma(p, r, s.splat(c));
    }
    s.times_pow2(p, x)
}

/// The standard normal distribution function `(1 + erf(x / sqrt 2)) / 2`: an odd rational in `x / sqrt 2`, as in
/// Eigen's `erf`. Absolute error under 3e-7.
#[inline(always)]
pub fn normal_cdf<S: Simd>(s: S, x: S::V) -> S::V {
    let z = s.mul(x, s.splat(std::f32::consts::FRAC_1_SQRT_2));
    let z = s.min(s.max(z, s.splat(-3.832_507)), s.splat(3.832_507));
    let w = s.mul(z, z);
    let mut p = s.splat(-2.726_142_3e-10);
    for c in [2.770_681_4e-8, -2.101_024e-6, -5.692_506_5e-5, -7.349_906e-4, -2.954_6e-3, -1.609_603_4e-2] {
        p = s.fma(p, w, s.splat(c));
    }
    let mut q = s.splat(-1.456_607_2e-5);
    for c in [-2.133_740_6e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2] {
        q = s.fma(q, w, s.splat(c));
    }
    let half_erf = s.mul(s.splat(0.5), s.div(s.mul(z, p), q));
    s.add(s.splat(0.5), half_erf)
}

/// `x * normal_cdf(x)`: GELU, Hendrycks and Gimpel 2016, <https://arxiv.org/abs/1606.08415>.
#[inline(always)]
pub fn gelu<S: Simd>(s: S, x: S::V) -> S::V {
    s.mul(x, normal_cdf(s, x))
}

/// The derivative of [`gelu`]: `normal_cdf(x) + x * normal_density(x)`.
#[inline(always)]
pub fn gelu_slope<S: Simd>(s: S, x: S::V) -> S::V {
    const DENSITY_AT_0: f32 = 0.398_942_3;
    let density = s.mul(s.splat(DENSITY_AT_0), exp(s, s.mul(s.splat(-0.5), s.mul(x, x))));
    s.fma(x, density, normal_cdf(s, x))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel, map};

    struct Apply<'a, const F: char>(&'a [f32], &'a mut [f32]);
    impl<const F: char> Kernel for Apply<'_, F> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            map(s, self.0, self.1, |x| match F {
                'e' => exp(s, x),
                '2' => exp2(s, x),
                'c' => normal_cdf(s, x),
                'g' => gelu(s, x),
                _ => gelu_slope(s, x),
            })
        }
    }

    fn worst<const F: char>(isa: Isa, (from, to): (f32, f32), error: impl Fn(f64, f64) -> f64) -> f64 {
        let x: Vec<f32> = (0..200_003).map(|i| from + (to - from) * i as f32 / 200_002.0).collect();
        let mut y = vec![f32::NAN; x.len()];
        isa.run(Apply::<F>(&x, &mut y));
        x.iter().zip(&y).map(|(&x, &y)| error(x as f64, y as f64)).fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_as_stated() {
        let cdf = |x: f64| 0.5 * (1.0 + libm::erf(x / 2f64.sqrt()));
        let slope = |x: f64| cdf(x) + x * (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
        for isa in Isa::all() {
            let e = worst::<'e'>(isa, (-87.0, 87.9), |x, y| (y / x.exp() - 1.0).abs());
            let e2 = worst::<'2'>(isa, (-126.0, 126.9), |x, y| (y / x.exp2() - 1.0).abs());
            let c = worst::<'c'>(isa, (-9.0, 9.0), |x, y| (y - cdf(x)).abs());
            let g = worst::<'g'>(isa, (-9.0, 9.0), |x, y| (y - x * cdf(x)).abs() / x.abs().max(1.0));
            let d = worst::<'d'>(isa, (-9.0, 9.0), |x, y| (y - slope(x)).abs());
            println!(
                "{}: exp {e:.1e}, exp2 {e2:.1e}, normal_cdf {c:.1e}, gelu {g:.1e}, gelu_slope {d:.1e}",
                isa.name()
            );
            assert!(e < 2e-7 && e2 < 2e-7 && c < 3e-7 && g < 3e-7 && d < 4e-7, "{}", isa.name());
        }
    }
}
