use super::{
    Mask,
    philox::{WORD, WORDS},
};
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, write},
};

pub fn forward(cpu: &Cpu, mask: &Mask, per_sample: usize, x: &[f32], y: &mut [f32]) {
    cpu.isa.run(DropOut { mask, per_sample, x, y });
}

struct DropOut<'a> {
    mask: &'a Mask,
    per_sample: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for DropOut<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        const GROUP: usize = WORD * WORDS;
        let (scale, n) = (s.splat(self.mask.scale()), self.per_sample.max(1));
        let mut bits = [0; WORDS];
        for (sample, (x, y)) in self.x.chunks_exact(n).zip(self.y.chunks_exact_mut(n)).enumerate() {
            for (group, (x, y)) in x.chunks(GROUP).zip(y.chunks_mut(GROUP)).enumerate() {
                self.mask.keep_bits(s, sample, group * GROUP, &mut bits);
                for (i, (x, y)) in x.chunks(S::LANES).zip(y.chunks_mut(S::LANES)).enumerate() {
                    let element = i * S::LANES;
                    let bits = u32::from(bits[element / WORD]) >> (element % WORD);
                    write(s, y, s.keep(s.mul(read(s, x), scale), bits));
                }
            }
        }
    }
}
