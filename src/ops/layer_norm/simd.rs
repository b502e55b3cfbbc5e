use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, whole, write},
};

pub fn forward(cpu: &Cpu, d: Dims, [x, gamma, beta]: [&[f32]; 3], [y, mean, rstd]: [&mut [f32]; 3]) {
    cpu.isa.run(Forward { d, x, gamma, beta, y, mean, rstd });
}

pub fn backward(
    cpu: &Cpu,
    d: Dims,
    [x, gamma, mean, rstd, dy]: [&[f32]; 5],
    [dx, dgamma, dbeta]: [&mut [f32]; 3],
) {
    cpu.isa.run(Backward { cols: d.cols as usize, x, gamma, mean, rstd, dy, dx, dgamma, dbeta });
}

struct Forward<'a> {
    d: Dims,
    x: &'a [f32],
    gamma: &'a [f32],
    beta: &'a [f32],
    y: &'a mut [f32],
    mean: &'a mut [f32],
    rstd: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let cols = self.d.cols as usize;
        let rows = self.x.chunks_exact(cols.max(1)).zip(self.y.chunks_exact_mut(cols.max(1)));
        for ((x, y), (mean, rstd)) in rows.zip(self.mean.iter_mut().zip(self.rstd)) {
            (*mean, *rstd) = moments(s, x, self.d.eps);
            let (m, r) = (s.splat(*mean), s.splat(*rstd));
            for c in (0..cols).step_by(S::LANES) {
                let to = cols.min(c + S::LANES);
                let xhat = s.mul(s.sub(read(s, &x[c..to]), m), r);
                let v = s.fma(xhat, read(s, &self.gamma[c..to]), read(s, &self.beta[c..to]));
                write(s, &mut y[c..to], v);
            }
        }
    }
}

/// `mean(x)` and `1 / sqrt(var(x) + eps)`
#[inline(always)]
fn moments<S: Simd>(s: S, x: &[f32], eps: f32) -> (f32, f32) {
    const ONES: [f32; 16] = [1.0; 16];
    let n = x.len() as f32;
    let (full, rest) = x.split_at(whole(s, x.len()));
    let tail = s.load_part(rest);
    let mut sum = tail;
    for x in full.chunks_exact(S::LANES) {
        sum = s.add(sum, s.load(x));
    }
    let mean = s.sum(sum) / n;
    let m = s.splat(mean);
    // Lanes past the row hold zeros, whose distance from the mean does not count.
    let off = s.mul(s.sub(tail, m), s.load_part(&ONES[..rest.len()]));
    let mut squares = s.mul(off, off);
    for x in full.chunks_exact(S::LANES) {
        let off = s.sub(s.load(x), m);
        squares = s.fma(off, off, squares);
    }
    (mean, 1.0 / (s.sum(squares) / n + eps).sqrt())
}

struct Backward<'a> {
    cols: usize,
    x: &'a [f32],
    gamma: &'a [f32],
    mean: &'a [f32],
    rstd: &'a [f32],
    dy: &'a [f32],
    dx: &'a mut [f32],
    dgamma: &'a mut [f32],
    dbeta: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (cols, n) = (self.cols, self.cols as f32);
        self.dgamma.fill(0.0);
        self.dbeta.fill(0.0);
        let rows = self.x.chunks_exact(cols.max(1)).zip(self.dy.chunks_exact(cols.max(1)));
        let rows = rows.zip(self.dx.chunks_exact_mut(cols.max(1)));
        for (((x, dy), dx), (&mean, &rstd)) in rows.zip(self.mean.iter().zip(self.rstd)) {
            let (m, r) = (s.splat(mean), s.splat(rstd));
            let (mut sum, mut sum_xhat) = (s.splat(0.0), s.splat(0.0));
            // Lanes past the row have `dy = 0` and add nothing.
            for c in (0..cols).step_by(S::LANES) {
                let to = cols.min(c + S::LANES);
                let dy = read(s, &dy[c..to]);
                let xhat = s.mul(s.sub(read(s, &x[c..to]), m), r);
                let dxhat = s.mul(dy, read(s, &self.gamma[c..to]));
                sum = s.add(sum, dxhat);
                sum_xhat = s.fma(dxhat, xhat, sum_xhat);
                let dgamma = s.fma(dy, xhat, read(s, &self.dgamma[c..to]));
                write(s, &mut self.dgamma[c..to], dgamma);
                let dbeta = s.add(dy, read(s, &self.dbeta[c..to]));
                write(s, &mut self.dbeta[c..to], dbeta);
            }
            let (through_mean, through_variance) = (s.splat(s.sum(sum) / n), s.splat(-s.sum(sum_xhat) / n));
            for c in (0..cols).step_by(S::LANES) {
                let to = cols.min(c + S::LANES);
                let xhat = s.mul(s.sub(read(s, &x[c..to]), m), r);
                let dxhat = s.mul(read(s, &dy[c..to]), read(s, &self.gamma[c..to]));
                let v = s.fma(xhat, through_variance, s.sub(dxhat, through_mean));
                write(s, &mut dx[c..to], s.mul(v, r));
            }
        }
    }
}
