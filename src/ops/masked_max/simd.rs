use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, write},
};

pub fn forward(cpu: &Cpu, d: Dims, lengths: Option<&[u32]>, [x]: [&[f32]; 1], [y, argmax]: [&mut [f32]; 2]) {
    cpu.isa.run(Forward { d, lengths, x, y, argmax });
}

/// One value a channel is not zero: clearing is all the work there is, and needs no vectors of ours.
pub fn backward(d: Dims, [argmax, dy]: [&[f32]; 2], [dx]: [&mut [f32]; 1]) {
    let [_, time, channels] = d.shape();
    dx.fill(0.0);
    let samples = argmax.chunks_exact(channels.max(1)).zip(dy.chunks_exact(channels.max(1)));
    for ((argmax, dy), dx) in samples.zip(dx.chunks_exact_mut((time * channels).max(1))) {
        for (c, (&t, &dy)) in argmax.iter().zip(dy).enumerate() {
            dx[t as usize * channels + c] = dy;
        }
    }
}

struct Forward<'a> {
    d: Dims,
    lengths: Option<&'a [u32]>,
    x: &'a [f32],
    y: &'a mut [f32],
    argmax: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let [batch, time, channels] = self.d.shape();
        for b in 0..batch {
            let n = self.d.length(self.lengths, b);
            let x = &self.x[b * time * channels..][..time * channels];
            for c in (0..channels).step_by(S::LANES) {
                let lanes = S::LANES.min(channels - c);
                let (mut best, mut at) = (read(s, &x[c..][..lanes]), s.splat(0.0));
                for t in 1..n {
                    let v = read(s, &x[t * channels + c..][..lanes]);
                    let won = s.positive(s.sub(v, best));
                    at = s.fma(won, s.sub(s.splat(t as f32), at), at);
                    best = s.max(v, best);
                }
                let i = b * channels + c;
                write(s, &mut self.y[i..][..lanes], best);
                write(s, &mut self.argmax[i..][..lanes], at);
            }
        }
    }
}
