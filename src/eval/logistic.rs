//! Logistic regression with a ridge, for a handful of features: what several scores tell together.
//!
//! Features are standardised over the training rows; then `sum_i log(1 + exp(-s_i (b + w x_i))) + |w|^2 / 2` is minimised by
//! Newton's method, with labels `s_i` of -1 and 1 and `b` left free: scikit-learn's `LogisticRegression(C=1)` on standardised
//! features. Hastie, Tibshirani & Friedman 2009, section 4.4, doi:10.1007/978-0-387-84858-7.

use ndarray::{Array1, Array2, ArrayView1, Axis};

const ROUNDS: usize = 100;
/// Newton's method ends when no weight moves by more.
const STILL: f64 = 1e-10;
/// Relative spread up to which a feature counts as constant: what rounding leaves of one.
const CONSTANT: f64 = 1e-12;
/// Steps are halved at most this often.
const HALVINGS: usize = 30;

/// A fitted regression.
#[derive(Clone, Debug)]
pub struct Logistic {
    mean: Array1<f64>,
    /// Standard deviation of each feature; 1 where it is constant.
    spread: Array1<f64>,
    /// The constant, then a weight for each standardised feature.
    weights: Array1<f64>,
}

impl Logistic {
    fn fit(features: &Array2<f64>, labels: &[bool]) -> Logistic {
        assert_eq!(features.nrows(), labels.len(), "one label a row");
        let mean = features.mean_axis(Axis(0)).expect("there are rows");
        let mut spread = features.std_axis(Axis(0), 0.0);
        spread.zip_mut_with(&mean, |s, mean| *s = if *s > CONSTANT * mean.abs() { *s } else { 1.0 });
        let mut design = Array2::ones((features.nrows(), features.ncols() + 1));
        design.slice_mut(ndarray::s![.., 1..]).assign(&((features - &mean) / &spread));
        let labels = labels.iter().map(|&label| f64::from(u8::from(label))).collect();
        let weights = newton(&design, &labels, 1.0);
        Logistic { mean, spread, weights }
    }

    /// features `[rows, k]`, labels `[rows]`, both classes among them. No weight is below 0: a feature that would be used
    /// against its direction is left out. A prior learned on one part of balanced rows points the wrong way on the other,
    /// and turning it round would be a trick of the split, no knowledge.
    ///
    /// # Panics
    /// If there are more or fewer labels than rows.
    pub fn fit_forward(features: &Array2<f64>, labels: &[bool]) -> Logistic {
        let mut used = features.clone();
        loop {
            let model = Logistic::fit(&used, labels);
            let least = model.weights.iter().skip(1).enumerate().min_by(|a, b| a.1.total_cmp(b.1));
            match least {
                // a constant feature gets weight 0
                Some((worst, &weight)) if weight < 0.0 => used.column_mut(worst).fill(0.0),
                _ => return model,
            }
        }
    }

    /// Natural-log odds of a positive for one row's features `[k]`.
    pub fn score(&self, features: ArrayView1<f64>) -> f64 {
        let standard = (&features - &self.mean) / &self.spread;
        self.weights[0] + self.weights.slice(ndarray::s![1..]).dot(&standard)
    }
}

/// The weights `[k]` that minimise the loss of `design` `[rows, k]`, with `ridge |w|^2 / 2` of all but the first, whose column
/// is usually 1. Labels may lie between 0 and 1.
pub(crate) fn newton(design: &Array2<f64>, labels: &Array1<f64>, ridge: f64) -> Array1<f64> {
    let mut weights = Array1::zeros(design.ncols());
    let mut loss_before = loss(design, labels, &weights, ridge);
    for _ in 0..ROUNDS {
        let p = design.dot(&weights).mapv(|z| 1.0 / (1.0 + (-z).exp()));
        let mut gradient = design.t().dot(&(&p - labels));
        let curvature = p.mapv(|p| p * (1.0 - p));
        let mut hessian = design.t().dot(&(design * &curvature.insert_axis(Axis(1))));
        for at in 1..weights.len() {
            gradient[at] += ridge * weights[at];
            hessian[[at, at]] += ridge;
        }
        // one class alone, or all but, drives the constant to infinity: its curvature is kept from vanishing
        hessian[[0, 0]] += 1e-9;
        let mut step = solve(hessian, gradient);
        for _ in 0..HALVINGS {
            let now = loss(design, labels, &(&weights - &step), ridge);
            if now <= loss_before {
                loss_before = now;
                break;
            }
            step /= 2.0;
        }
        weights -= &step;
        if step.iter().all(|d| d.abs() < STILL) {
            break;
        }
    }
    weights
}

fn loss(design: &Array2<f64>, labels: &Array1<f64>, weights: &Array1<f64>, ridge: f64) -> f64 {
    let ridge: f64 = ridge * weights.iter().skip(1).map(|w| w * w).sum::<f64>() / 2.0;
    // log(1 + e^z) - y z without overflow
    let row = |(&z, &y): (&f64, &f64)| z.max(0.0) + (-z.abs()).exp().ln_1p() - y * z;
    design.dot(weights).iter().zip(labels).map(row).sum::<f64>() + ridge
}

/// `x` of `a x = b` for symmetric positive definite `a` (Cholesky).
fn solve(mut a: Array2<f64>, mut b: Array1<f64>) -> Array1<f64> {
    let n = b.len();
    for i in 0..n {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| a[[i, k]] * a[[j, k]]).sum();
            let rest = a[[i, j]] - dot;
            a[[i, j]] = if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / a[[j, j]] };
        }
    }
    for i in 0..n {
        let dot: f64 = (0..i).map(|k| a[[i, k]] * b[k]).sum();
        b[i] = (b[i] - dot) / a[[i, i]];
    }
    for i in (0..n).rev() {
        let dot: f64 = (i + 1..n).map(|k| a[[k, i]] * b[k]).sum();
        b[i] = (b[i] - dot) / a[[i, i]];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    const X1: [f64; 12] = [0.2, 1.5, -0.3, 2.2, 0.9, -1.1, 0.4, 1.8, -0.6, 0.1, 1.2, -0.9];
    const X2: [f64; 12] = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0, 5.0, 3.0, 5.0, 8.0];
    const Y: [u8; 12] = [0, 1, 0, 1, 1, 0, 0, 1, 1, 0, 1, 0];

    fn data(sign: f64) -> (Array2<f64>, Vec<bool>) {
        let rows = Array2::from_shape_fn((12, 2), |(i, j)| if j == 0 { X1[i] } else { sign * X2[i] });
        (rows, Y.map(|y| y == 1).to_vec())
    }

    fn close(got: &[f64], expected: &[f64]) {
        let near = got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
        assert!(near && got.len() == expected.len(), "{got:?} is not {expected:?}");
    }

    /// Expected figures from scikit-learn 1.9.1, `LogisticRegression(C=1, tol=1e-14)` on standardised features.
    #[test]
    fn weights_are_scikit_learns() {
        let (x, y) = data(1.0);
        let model = Logistic::fit(&x, &y);
        close(
            model.weights.as_slice().unwrap(),
            &[0.03104991645510566, 1.2490133376603467, 0.1804512760218421],
        );
        let scores: Vec<f64> = (0..3).map(|row| model.score(x.row(row))).collect();
        close(&scores, &[-0.37008194995017824, 1.0515151290954619, -0.8996899033249178]);
    }

    /// With the second feature turned round, its weight would be -0.18: the model is that of the first alone.
    #[test]
    fn no_feature_is_used_against_its_direction() {
        let (x, y) = data(-1.0);
        let model = Logistic::fit_forward(&x, &y);
        close(model.weights.as_slice().unwrap(), &[0.014248676434478, 1.1859137150747376, 0.0]);
        close(&[model.score(x.row(1))], &[1.218507080036175]);
        let (x, y) = data(1.0);
        assert_eq!(Logistic::fit_forward(&x, &y).weights, Logistic::fit(&x, &y).weights);
    }

    #[test]
    fn separable_and_constant_features_stay_finite() {
        let x = array![[1.0, 5.0], [2.0, 5.0], [3.0, 5.0], [4.0, 5.0]];
        let model = Logistic::fit(&x, &[false, false, true, true]);
        let scores: Vec<f64> = x.rows().into_iter().map(|row| model.score(row)).collect();
        assert!(scores.windows(2).all(|pair| pair[0] < pair[1]) && scores[1] < 0.0 && scores[2] > 0.0);
        assert_eq!(model.weights[2], 0.0);
    }
}
