use super::Dims;
use crate::ops::Real;

pub fn forward<T: Real>(d: Dims, [x, gamma, beta]: [&[T]; 3], [y, mean, rstd]: [&mut [T]; 3]) {
    let (cols, n) = (d.cols as usize, T::of(d.cols as f64));
    for r in 0..d.rows as usize {
        let (x, y) = (&x[r * cols..][..cols], &mut y[r * cols..][..cols]);
        let m = x.iter().copied().sum::<T>() / n;
        let variance = x.iter().map(|&x| (x - m) * (x - m)).sum::<T>() / n;
        let scale = T::of(1.0) / (variance + T::of(d.eps as f64)).sqrt();
        for c in 0..cols {
            y[c] = (x[c] - m) * scale * gamma[c] + beta[c];
        }
        (mean[r], rstd[r]) = (m, scale);
    }
}

pub fn backward<T: Real>(d: Dims, [x, gamma, mean, rstd, dy]: [&[T]; 5], [dx, dgamma, dbeta]: [&mut [T]; 3]) {
    let (cols, n) = (d.cols as usize, T::of(d.cols as f64));
    dgamma.fill(T::of(0.0));
    dbeta.fill(T::of(0.0));
    for r in 0..d.rows as usize {
        let row = r * cols..(r + 1) * cols;
        let (x, dy, dx) = (&x[row.clone()], &dy[row.clone()], &mut dx[row]);
        let xhat = |c: usize| (x[c] - mean[r]) * rstd[r];
        let through_mean = (0..cols).map(|c| dy[c] * gamma[c]).sum::<T>() / n;
        let through_variance = (0..cols).map(|c| dy[c] * gamma[c] * xhat(c)).sum::<T>() / n;
        for c in 0..cols {
            dx[c] = (dy[c] * gamma[c] - through_mean - xhat(c) * through_variance) * rstd[r];
            dgamma[c] += dy[c] * xhat(c);
            dbeta[c] += dy[c];
        }
    }
}
