//! What a core could do at most: the figure that fractions of peak are of.

use super::{Isa, Kernel, Simd};
use std::{hint::black_box, time::Instant};

/// Floating-point operations per second of one thread that multiplies and adds in registers and touches no memory: the
/// best of `tries` runs of a fraction of a millisecond.
pub fn fma_peak(isa: Isa, tries: usize) -> f64 {
    let run = |_| {
        let start = Instant::now();
        let operations = isa.run(Chains(black_box(ROUNDS)));
        operations / start.elapsed().as_secs_f64()
    };
    (0..tries).map(run).fold(0.0, f64::max)
}

const ROUNDS: usize = 20_000;
/// Independent sums: more than a core's latency times its multipliers, and few enough for sixteen registers.
const CHAINS: usize = 12;

/// So many rounds; how many operations they were.
struct Chains(usize);

impl Kernel for Chains {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> f64 {
        let (by, plus) = (s.splat(black_box(0.999)), s.splat(black_box(0.001)));
        let mut sums = [s.splat(0.5); CHAINS];
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = s.fma(*sum, by, plus);
            }
        }
        for sum in sums {
            black_box(s.sum(sum));
        }
        (2 * self.0 * CHAINS * S::LANES) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(miri, ignore)] // it measures time
    fn wider_vectors_do_not_do_less() {
        let rates: Vec<f64> = Isa::all().into_iter().map(|isa| fma_peak(isa, 20)).collect();
        println!("{:?}", rates.iter().map(|r| r / 1e9).collect::<Vec<_>>());
        assert!(rates.windows(2).all(|pair| pair[1] > 0.8 * pair[0]), "{rates:?}");
    }
}
