use super::{Mask, philox::GROUP};
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, zip},
};

pub fn forward(cpu: &Cpu, mask: &Mask, per_sample: usize, x: &[f32], y: &mut [f32]) {
    for (sample, (x, y)) in
        x.chunks_exact(per_sample.max(1)).zip(y.chunks_exact_mut(per_sample.max(1))).enumerate()
    {
        cpu.isa.run(Sample { mask, sample, x, y });
    }
}

struct Sample<'a> {
    mask: &'a Mask,
    sample: usize,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Sample<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut factors = [0.0; GROUP];
        for (i, (x, y)) in self.x.chunks(GROUP).zip(self.y.chunks_mut(GROUP)).enumerate() {
            let factors = &mut factors[..x.len()];
            self.mask.fill(self.sample, i * GROUP, factors);
            zip(s, x, factors, y, |x, f| s.mul(x, f));
        }
    }
}
