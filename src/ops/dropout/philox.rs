//! Philox4x32, a counter-based generator (Salmon et al. 2011, doi:10.1145/2063384.2063405), and the dropout masks made
//! of it. Seven rounds, the fewest that pass BigCrush (their table 2); a mask needs no margin beyond that.
//!
//! A mask is bits, two a word of the generator's; vectors are over counters, so that a comparison's result, a bit a lane,
//! is already a piece of the mask.

use super::cuda::KernelMask;
use crate::simd::Simd;
use std::array::from_fn;

/// Where masks come from: a run's seed, the step, and which samples of the step's batch this pass holds.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    pub seed: u64,
    pub step: u32,
    /// The batch's index of this pass's first sample.
    pub first_sample: u32,
}

/// One dropout mask: which elements stay, and by what they are then multiplied.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    noise: Noise,
    draw: u32,
    /// An element goes when its 16 bits are below this.
    threshold: u16,
}

const ROUNDS: usize = 7;
/// Elements to a word of the mask.
pub(crate) const WORD: usize = 16;
/// Words made together, from sixteen counters: word `w` has a bit of each, from half `w % 2` of their word `w / 2`.
pub(crate) const WORDS: usize = 8;

impl Mask {
    /// Drops with probability `p` (rounded to 1/65536), `0 <= p < 1`. `draw` tells apart the masks of one pass.
    pub fn new(p: f32, (noise, draw): (Noise, u32)) -> Self {
        assert!((0.0..1.0).contains(&p), "a dropout probability is at least 0 and below 1, got {p}");
        Self { noise, draw, threshold: (p * 65536.0).round().min(65535.0) as u16 }
    }

    /// What kept elements are multiplied by.
    pub fn scale(&self) -> f32 {
        65536.0 / (65536.0 - self.threshold as f32)
    }

    /// What `element` of `sample` in this pass is multiplied by: 0 or [`Mask::scale`].
    pub(crate) fn factor(&self, sample: usize, element: usize) -> f32 {
        let (word, bit) = (element / WORD, element % WORD);
        let counter = self.counter(sample, (word / WORDS * WORD + bit) as u32);
        let random = philox::<ROUNDS>(counter, self.key())[word % WORDS / 2] >> (16 * (word % 2)) & 0xffff;
        if random < self.threshold.into() { 0.0 } else { self.scale() }
    }

    /// Bit `i` of `bits[w]`: whether element `first + 16 w + i` of `sample` in this pass is kept; 16 divides `first`.
    /// Cheapest when 128 divides it.
    #[inline(always)]
    pub(crate) fn keep_bits<S: Simd>(&self, s: S, sample: usize, first: usize, bits: &mut [u16]) {
        assert!(first.is_multiple_of(WORD), "bits begin at a whole word, not at element {first}");
        let (mut group, mut skip) = (first / WORD / WORDS, first / WORD % WORDS);
        let (keys, mut bits) = (keys(self.key()), bits);
        while !bits.is_empty() {
            let words = self.group(s, sample, group as u32, &keys);
            let (now, later) = bits.split_at_mut((WORDS - skip).min(bits.len()));
            if let Ok(now) = <&mut [u16; WORDS]>::try_from(&mut *now) {
                *now = words;
            } else {
                now.copy_from_slice(&words[skip..][..now.len()]);
            }
            (bits, group, skip) = (later, group + 1, 0);
        }
    }

    #[inline(always)]
    fn group<S: Simd>(&self, s: S, sample: usize, group: u32, keys: &[[u32; 2]; ROUNDS]) -> [u16; WORDS] {
        let [first, rest @ ..] = self.counter(sample, group * WORD as u32);
        let [b, c, d] = [s.splat_u32(rest[0]), s.splat_u32(rest[1]), s.splat_u32(rest[2])];
        let [x, y] = s.sixteen(first);
        let (x, y) = (vectors(s, [x, b, c, d], keys), vectors(s, [y, b, c, d], keys));
        let mut bits = [[0; 2]; WORDS / 2];
        for (i, bits) in bits.iter_mut().enumerate() {
            *bits = s.at_least([x[i], y[i]], self.threshold);
        }
        from_fn(|w| bits[w / 2][w % 2])
    }

    /// As kernels read it.
    pub(super) fn for_kernels(&self) -> KernelMask {
        let Noise { step, first_sample, .. } = self.noise;
        let (key, threshold) = (self.key(), self.threshold.into());
        KernelMask { key, step, draw: self.draw, first_sample, threshold, scale: self.scale() }
    }

    #[inline(always)]
    fn counter(&self, sample: usize, i: u32) -> [u32; 4] {
        [i, self.noise.first_sample + sample as u32, self.draw, self.noise.step]
    }

    #[inline(always)]
    fn key(&self) -> [u32; 2] {
        [self.noise.seed as u32, (self.noise.seed >> 32) as u32]
    }
}

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];

/// The keys of the rounds.
#[inline(always)]
fn keys<const ROUNDS: usize>(key: [u32; 2]) -> [[u32; 2]; ROUNDS] {
    const STEPS: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
    from_fn(|round| from_fn(|i| key[i].wrapping_add(STEPS[i].wrapping_mul(round as u32))))
}

/// The four random words of one counter: the judge of [`vectors`].
fn philox<const ROUNDS: usize>(mut c: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    for key in keys::<ROUNDS>(key) {
        let a = u64::from(c[0]) * u64::from(MULTIPLIERS[0]);
        let b = u64::from(c[2]) * u64::from(MULTIPLIERS[1]);
        c = [(b >> 32) as u32 ^ c[1] ^ key[0], b as u32, (a >> 32) as u32 ^ c[3] ^ key[1], a as u32];
    }
    c
}

/// The same for eight counters.
#[inline(always)]
fn vectors<S: Simd, const ROUNDS: usize>(s: S, mut c: [S::U; 4], keys: &[[u32; 2]; ROUNDS]) -> [S::U; 4] {
    for key in keys {
        let [a_high, a_low] = s.mul_u32(c[0], MULTIPLIERS[0]);
        let [b_high, b_low] = s.mul_u32(c[2], MULTIPLIERS[1]);
        c = [s.xor(b_high, c[1], key[0]), b_low, s.xor(a_high, c[3], key[1]), a_low];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simd::{Isa, Kernel};

    /// The known answers that come with Random123.
    #[test]
    fn known_answers() {
        assert_eq!(philox::<7>([0; 4], [0; 2]), [0x5f6fb709, 0x0d893f64, 0x4f121f81, 0x4f730a48]);
        assert_eq!(philox::<10>([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        let ones = philox::<10>([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(ones, [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        let pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
        let key = [0xa4093822, 0x299f31d0];
        assert_eq!(philox::<10>(pi, key), [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
    }

    struct Bits<'a>(&'a Mask, usize, usize, &'a mut [u16]);
    impl Kernel for Bits<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            self.0.keep_bits(s, self.1, self.2, self.3);
        }
    }

    #[test]
    fn any_cut_on_any_instruction_set_has_the_bits_of_the_formula() {
        let noise = Noise { seed: 0x1234_5678_9abc_def0, step: 3, first_sample: 5 };
        for p in [0.0, 0.1, 0.5, 0.999] {
            let mask = Mask::new(p, (noise, 2));
            // A later pass that starts at another sample.
            let same = Mask::new(p, (Noise { first_sample: 0, ..noise }, 2));
            for (first, words) in [(0, 1), (0, 8), (16, 7), (16, 8), (112, 19), (1280, 16), (4000, 23)] {
                if cfg!(miri) && (p != 0.1 || words > 8) {
                    continue; // an interpreter gets this many done
                }
                for isa in Isa::all() {
                    let mut bits = vec![0xaaaa; words];
                    isa.run(Bits(&mask, 1, first, &mut bits));
                    for element in 0..16 * words {
                        let kept =
                            if bits[element / 16] >> (element % 16) & 1 == 1 { mask.scale() } else { 0.0 };
                        assert_eq!(kept, same.factor(6, first + element), "{} {first} {element}", isa.name());
                    }
                }
            }
        }
    }

    #[test]
    #[cfg_attr(miri, ignore)] // of statistics an interpreter finds nothing
    fn masks_have_the_stated_rate_and_differ_by_draw() {
        let noise = Noise { seed: 7, step: 3, first_sample: 5 };
        let factors = |draw| (0..100_000).map(move |i| Mask::new(0.1, (noise, draw)).factor(0, i) as f64);
        let dropped = factors(2).filter(|&x| x == 0.0).count() as f64 / 1e5;
        assert!((dropped - 0.1).abs() < 0.004, "{dropped}");
        let mean = factors(2).sum::<f64>() / 1e5;
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
        let both = factors(2).zip(factors(3)).filter(|&(a, b)| a == 0.0 && b == 0.0).count() as f64 / 1e5;
        assert!((both - 0.01).abs() < 0.002, "{both}");
    }
}
