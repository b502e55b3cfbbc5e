use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, map, read, write},
};

pub fn forward(cpu: &Cpu, d: Dims, lengths: Option<&[u32]>, [x]: [&[f32]; 1], [y]: [&mut [f32]; 1]) {
    cpu.isa.run(Forward { d, lengths, x, y });
}

pub fn backward(cpu: &Cpu, d: Dims, lengths: Option<&[u32]>, [dy]: [&[f32]; 1], [dx]: [&mut [f32]; 1]) {
    cpu.isa.run(Backward { d, lengths, dy, dx });
}

struct Forward<'a> {
    d: Dims,
    lengths: Option<&'a [u32]>,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let [_, time, channels] = self.d.shape();
        let samples =
            self.x.chunks_exact((time * channels).max(1)).zip(self.y.chunks_exact_mut(channels.max(1)));
        for ((x, y), b) in samples.zip(0..) {
            let n = self.d.length(self.lengths, b);
            for c in (0..channels).step_by(S::LANES) {
                let lanes = S::LANES.min(channels - c);
                let mut sum = s.splat(0.0);
                for t in 0..n {
                    sum = s.add(sum, read(s, &x[t * channels + c..][..lanes]));
                }
                write(s, &mut y[c..][..lanes], s.div(sum, s.splat(n as f32)));
            }
        }
    }
}

struct Backward<'a> {
    d: Dims,
    lengths: Option<&'a [u32]>,
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let [_, time, channels] = self.d.shape();
        let samples =
            self.dy.chunks_exact(channels.max(1)).zip(self.dx.chunks_exact_mut((time * channels).max(1)));
        for ((dy, dx), b) in samples.zip(0..) {
            let n = self.d.length(self.lengths, b);
            let (seen, padding) = dx.split_at_mut(n * channels);
            let (first, others) = seen.split_at_mut(channels);
            map(s, dy, first, |dy| s.div(dy, s.splat(n as f32)));
            others.chunks_exact_mut(channels).for_each(|dx| dx.copy_from_slice(first));
            padding.fill(0.0);
        }
    }
}
