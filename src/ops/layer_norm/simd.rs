use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, write},
};
use std::array::from_fn;

/// Rows taken together. A row's sums are chains of dependent additions, long for so short a row; those of several rows
/// run side by side.
const FORWARD_ROWS: usize = 4;
/// Fewer, since backward keeps twice as much of a row in registers.
const BACKWARD_ROWS: usize = 2;

pub fn forward(cpu: &Cpu, d: Dims, [x, gamma, beta]: [&[f32]; 3], [y, mean, rstd]: [&mut [f32]; 3]) {
    cpu.isa.run(Forward { cols: d.cols as usize, eps: d.eps, x, gamma, beta, y, mean, rstd });
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
    cols: usize,
    eps: f32,
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
    fn run<S: Simd>(mut self, s: S) {
        let (rows, together) = (self.mean.len(), self.mean.len() / FORWARD_ROWS * FORWARD_ROWS);
        for r in (0..together).step_by(FORWARD_ROWS) {
            self.rows::<S, FORWARD_ROWS>(s, r);
        }
        for r in together..rows {
            self.rows::<S, 1>(s, r);
        }
    }
}

impl Forward<'_> {
    /// Rows `r..r + R`.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, s: S, r: usize) {
        let (cols, n) = (self.cols, self.cols as f32);
        let x: [&[f32]; R] = from_fn(|i| &self.x[(r + i) * cols..][..cols]);
        let mut sum = [s.splat(0.0); R];
        for c in (0..cols).step_by(S::LANES) {
            let to = cols.min(c + S::LANES);
            for i in 0..R {
                sum[i] = s.add(sum[i], read(s, &x[i][c..to]));
            }
        }
        let mean = sum.map(|sum| s.sum(sum) / n);
        let m = mean.map(|mean| s.splat(mean));
        let mut squares = [s.splat(0.0); R];
        for c in (0..cols).step_by(S::LANES) {
            let to = cols.min(c + S::LANES);
            // Lanes past the row hold zeros, whose distance from the mean does not count.
            let inside = read(s, &[1.0; 16][..to - c]);
            for i in 0..R {
                let off = s.mul(s.sub(read(s, &x[i][c..to]), m[i]), inside);
                squares[i] = s.fma(off, off, squares[i]);
            }
        }
        // A rounding here would be every element's: the few steps of a row's scalar are taken in f64.
        let rstd = squares.map(|squares| {
            let variance = f64::from(s.sum(squares)) / cols as f64;
            (1.0 / (variance + f64::from(self.eps)).sqrt()) as f32
        });
        let scale = rstd.map(|rstd| s.splat(rstd));
        for c in (0..cols).step_by(S::LANES) {
            let to = cols.min(c + S::LANES);
            let (gamma, beta) = (read(s, &self.gamma[c..to]), read(s, &self.beta[c..to]));
            for i in 0..R {
                let xhat = s.mul(s.sub(read(s, &x[i][c..to]), m[i]), scale[i]);
                write(s, &mut self.y[(r + i) * cols..][c..to], s.fma(xhat, gamma, beta));
            }
        }
        self.mean[r..][..R].copy_from_slice(&mean);
        self.rstd[r..][..R].copy_from_slice(&rstd);
    }
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
    fn run<S: Simd>(mut self, s: S) {
        self.dgamma.fill(0.0);
        self.dbeta.fill(0.0);
        let (rows, together) = (self.mean.len(), self.mean.len() / BACKWARD_ROWS * BACKWARD_ROWS);
        for r in (0..together).step_by(BACKWARD_ROWS) {
            self.rows::<S, BACKWARD_ROWS>(s, r);
        }
        for r in together..rows {
            self.rows::<S, 1>(s, r);
        }
    }
}

impl Backward<'_> {
    /// Rows `r..r + R`: their `dx`, and their share of `dgamma` and `dbeta` added.
    #[inline(always)]
    fn rows<S: Simd, const R: usize>(&mut self, s: S, r: usize) {
        let (cols, n) = (self.cols, self.cols as f32);
        let x: [&[f32]; R] = from_fn(|i| &self.x[(r + i) * cols..][..cols]);
        let dy: [&[f32]; R] = from_fn(|i| &self.dy[(r + i) * cols..][..cols]);
        let mean: [S::V; R] = from_fn(|i| s.splat(self.mean[r + i]));
        let rstd: [S::V; R] = from_fn(|i| s.splat(self.rstd[r + i]));
        let (mut sum, mut sum_xhat) = ([s.splat(0.0); R], [s.splat(0.0); R]);
        // Lanes past the row have `dy = 0` and add nothing.
        for c in (0..cols).step_by(S::LANES) {
            let to = cols.min(c + S::LANES);
            let gamma = read(s, &self.gamma[c..to]);
            let (mut dgamma, mut dbeta) = (read(s, &self.dgamma[c..to]), read(s, &self.dbeta[c..to]));
            for i in 0..R {
                let dy = read(s, &dy[i][c..to]);
                let xhat = s.mul(s.sub(read(s, &x[i][c..to]), mean[i]), rstd[i]);
                let dxhat = s.mul(dy, gamma);
                sum[i] = s.add(sum[i], dxhat);
                sum_xhat[i] = s.fma(dxhat, xhat, sum_xhat[i]);
                dgamma = s.fma(dy, xhat, dgamma);
                dbeta = s.add(dy, dbeta);
            }
            write(s, &mut self.dgamma[c..to], dgamma);
            write(s, &mut self.dbeta[c..to], dbeta);
        }
        let through_mean = sum.map(|sum| s.splat(s.sum(sum) / n));
        let minus_through_variance = sum_xhat.map(|sum| s.splat(-s.sum(sum) / n));
        for c in (0..cols).step_by(S::LANES) {
            let to = cols.min(c + S::LANES);
            let gamma = read(s, &self.gamma[c..to]);
            for i in 0..R {
                let xhat = s.mul(s.sub(read(s, &x[i][c..to]), mean[i]), rstd[i]);
                let dxhat = s.mul(read(s, &dy[i][c..to]), gamma);
                let v = s.fma(xhat, minus_through_variance[i], s.sub(dxhat, through_mean[i]));
                write(s, &mut self.dx[(r + i) * cols..][c..to], s.mul(v, rstd[i]));
            }
        }
    }
}
