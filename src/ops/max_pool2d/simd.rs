use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, write},
};

pub fn forward(cpu: &Cpu, d: Dims, [x]: [&[f32]; 1], [y, argmax]: [&mut [f32]; 2]) {
    cpu.isa.run(Forward { d, x, y, argmax });
}

/// The values alone.
pub fn infer(cpu: &Cpu, d: Dims, [x]: [&[f32]; 1], [y]: [&mut [f32]; 1]) {
    cpu.isa.run(Infer { d, x, y });
}

pub fn backward(cpu: &Cpu, d: Dims, [argmax, dy]: [&[f32]; 2], [dx]: [&mut [f32]; 1]) {
    cpu.isa.run(Backward { d, argmax, dy, dx });
}

struct Forward<'a> {
    d: Dims,
    x: &'a [f32],
    y: &'a mut [f32],
    argmax: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (d, members) = (self.d, (self.d.size * self.d.size) as usize);
        each_vector::<S>(d, |out, at, lanes| {
            let (mut best, mut which) = (read(s, &self.x[at..][..lanes]), s.splat(0.0));
            for k in 1..members {
                let v = read(s, &self.x[at + d.member(k)..][..lanes]);
                let won = s.positive(s.sub(v, best));
                which = s.fma(won, s.sub(s.splat(k as f32), which), which);
                best = s.max(v, best);
            }
            write(s, &mut self.y[out..][..lanes], best);
            write(s, &mut self.argmax[out..][..lanes], which);
        });
    }
}

struct Infer<'a> {
    d: Dims,
    x: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Infer<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (d, members) = (self.d, (self.d.size * self.d.size) as usize);
        each_vector::<S>(d, |out, at, lanes| {
            let mut best = read(s, &self.x[at..][..lanes]);
            for k in 1..members {
                best = s.max(read(s, &self.x[at + d.member(k)..][..lanes]), best);
            }
            write(s, &mut self.y[out..][..lanes], best);
        });
    }
}

struct Backward<'a> {
    d: Dims,
    argmax: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (d, members) = (self.d, (self.d.size * self.d.size) as usize);
        if d.height % d.size != 0 || d.width % d.size != 0 {
            self.dx.fill(0.0);
        }
        each_vector::<S>(d, |out, at, lanes| {
            let which = read(s, &self.argmax[out..][..lanes]);
            let dy = read(s, &self.dy[out..][..lanes]);
            for k in 0..members {
                let off = s.sub(which, s.splat(k as f32));
                // Both are whole numbers: 1 - off^2 is positive only where they are equal.
                let won = s.positive(s.sub(s.splat(1.0), s.mul(off, off)));
                write(s, &mut self.dx[at + d.member(k)..][..lanes], s.mul(won, dy));
            }
        });
    }
}

/// Every vector of pooled channels: its place, its window's in `x`, and how many lanes it has.
#[inline(always)]
fn each_vector<S: Simd>(d: Dims, mut f: impl FnMut(usize, usize, usize)) {
    let [batch, rows, cols, channels] = d.pooled();
    for row in 0..batch * rows {
        for j in 0..cols {
            let (out, at) = ((row * cols + j) * channels, d.window(row, j));
            for c in (0..channels).step_by(S::LANES) {
                f(out + c, at + c, S::LANES.min(channels - c));
            }
        }
    }
}
