//! Philox4x32-10, a counter-based generator (Salmon et al. 2011, doi:10.1145/2063384.2063405), and the dropout masks
//! made of it.

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

/// Elements made together: eight counters of four words of two halves.
pub(crate) const GROUP: usize = 64;

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

    /// The factors (0 or [`Mask::scale`]) of elements `from..from + out.len()` of `sample` in this pass.
    #[inline(always)]
    pub(crate) fn fill(&self, sample: usize, from: usize, out: &mut [f32]) {
        let sample = self.noise.first_sample + sample as u32;
        let (mut group, skip) = (from / GROUP, from % GROUP);
        let head = if skip == 0 { 0 } else { (GROUP - skip).min(out.len()) };
        if head > 0 {
            out[..head].copy_from_slice(&self.group(sample, group as u32)[skip..skip + head]);
            group += 1;
        }
        for out in out[head..].chunks_mut(GROUP) {
            let factors = self.group(sample, group as u32);
            out.copy_from_slice(&factors[..out.len()]);
            group += 1;
        }
    }

    /// Element `i` of a group is half `i / 8 % 2` of word `i / 16` of counter `i % 8`: the order in which vectors make them.
    #[inline(always)]
    fn group(&self, sample: u32, group: u32) -> [f32; GROUP] {
        let key = [self.noise.seed as u32, (self.noise.seed >> 32) as u32];
        let counter: [u32; 8] = std::array::from_fn(|i| group * 8 + i as u32);
        let words = philox([counter, [sample; 8], [self.draw; 8], [self.noise.step; 8]], key);
        let (scale, threshold) = (self.scale(), self.threshold as u32);
        let mut out = [0.0; GROUP];
        for (word, out) in words.iter().zip(out.as_chunks_mut::<16>().0) {
            for i in 0..8 {
                out[i] = if word[i] & 0xffff < threshold { 0.0 } else { scale };
                out[i + 8] = if word[i] >> 16 < threshold { 0.0 } else { scale };
            }
        }
        out
    }
}

/// Ten rounds over `L` independent counters: `c[word][lane]`.
#[inline(always)]
fn philox<const L: usize>(mut c: [[u32; L]; 4], mut key: [u32; 2]) -> [[u32; L]; 4] {
    for _ in 0..10 {
        let a = c[0].map(|x| u64::from(x) * 0xD251_1F53);
        let b = c[2].map(|x| u64::from(x) * 0xCD9E_8D57);
        c = [
            std::array::from_fn(|i| (b[i] >> 32) as u32 ^ c[1][i] ^ key[0]),
            b.map(|b| b as u32),
            std::array::from_fn(|i| (a[i] >> 32) as u32 ^ c[3][i] ^ key[1]),
            a.map(|a| a as u32),
        ];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that come with Random123.
    #[test]
    fn known_answers() {
        let one = |c: [u32; 4], k| philox(c.map(|c| [c]), k).map(|[c]| c);
        assert_eq!(one([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(one([u32::MAX; 4], [u32::MAX; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
        let pi = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];
        assert_eq!(one(pi, [0xa4093822, 0x299f31d0]), [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]);
    }

    #[test]
    fn any_cut_sees_the_same_mask_at_the_stated_rate() {
        let noise = Noise { seed: 7, step: 3, first_sample: 5 };
        let mask = Mask::new(0.1, (noise, 2));
        let mut whole = vec![0.0; 100_000];
        mask.fill(0, 0, &mut whole);
        for (from, len) in [(0, 1), (1, 63), (63, 2), (64, 64), (100, 1000), (129, 70)] {
            let mut part = vec![0.0; len];
            Mask::new(0.1, (Noise { first_sample: 0, ..noise }, 2)).fill(5, from, &mut part);
            assert_eq!(part, whole[from..from + len], "{from} {len}");
        }
        let dropped = whole.iter().filter(|&&x| x == 0.0).count() as f64 / whole.len() as f64;
        assert!((dropped - 0.1).abs() < 0.004, "{dropped}");
        let mean = whole.iter().map(|&x| x as f64).sum::<f64>() / whole.len() as f64;
        assert!((mean - 1.0).abs() < 0.005, "{mean}");
        let mut other = vec![0.0; 1000];
        Mask::new(0.1, (noise, 3)).fill(0, 0, &mut other);
        assert_ne!(other, whole[..1000]);
    }
}
