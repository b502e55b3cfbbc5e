use super::*;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const Z: [f64; 16] = [-3.1, -2.4, -2.0, -1.7, -1.2, -0.8, -0.8, -0.3, 0.1, 0.4, 0.9, 1.3, 1.8, 2.2, 2.9, 3.5];
const Y: [u8; 16] = [0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 1, 1, 1];

fn rows() -> Rows {
    Rows { log_odds: Z.to_vec(), labels: Y.map(|y| y == 1).to_vec() }
}

/// scipy 1.17 `minimize_scalar` of the loss, scikit-learn 1.9 `_SigmoidCalibration` and `IsotonicRegression` on the same targets.
#[test]
fn curves_are_scipys_and_scikit_learns() {
    let Some(Curve::Temperature { scale }) = temperature(&rows()) else { panic!("a temperature") };
    assert!((scale - 0.497_405_33).abs() < 1e-6, "{scale}");
    let Some(Curve::Line { scale, offset }) = line(&rows()) else { panic!("a line") };
    assert!((scale - 0.497_344_1).abs() < 1e-5 && (offset + 0.014_364_234).abs() < 1e-5, "{scale} {offset}");
    let Some(Curve::Isotonic { points }) = isotonic(&rows()) else { panic!("blocks") };
    let expected = [
        [-2.75, -2.197_224_6],
        [-1.133_333_3, -0.546_543_7],
        [0.25, 0.0],
        [1.333_333_3, 0.546_543_7],
        [2.866_666_7, 2.197_224_6],
    ];
    assert_eq!(points.len(), expected.len(), "{points:?}");
    for (x, y) in points.iter().flatten().zip(expected.iter().flatten()) {
        assert!((x - y).abs() < 1e-5, "{points:?}");
    }
}

/// Between two corners, at one, and beyond the ends.
#[test]
fn an_isotonic_curve_by_hand() {
    let curve = Curve::Isotonic { points: vec![[-1.0, -2.0], [1.0, 0.0], [2.0, 3.0]] };
    let expected = [(-3.0, -2.1), (-1.0, -2.0), (0.0, -1.0), (1.0, 0.0), (1.5, 1.5), (2.0, 3.0), (4.0, 3.1)];
    for (z, calibrated) in expected {
        assert!((curve.log_odds(z) - calibrated).abs() < 1e-12, "{z}: {}", curve.log_odds(z));
    }
}

/// Rows that are positive by the chance that `truth` makes of their log-odds.
fn drawn(count: usize, truth: fn(f64) -> f64) -> (Vec<f32>, Vec<bool>, Vec<usize>) {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let log_odds: Vec<f32> = (0..count).map(|_| rng.random_range(-6.0f32..6.0)).collect();
    let chance = |&z: &f32| 1.0 / (1.0 + (-truth(f64::from(z))).exp());
    let labels = log_odds.iter().map(|z| rng.random_range(0.0..1.0) < chance(z)).collect();
    (log_odds, labels, (0..count).map(|row| row % 5).collect())
}

#[test]
fn the_curve_of_the_lowest_loss_is_taken() {
    let fitted = |truth| {
        let (log_odds, labels, folds) = drawn(4000, truth);
        Calibration::fit(&log_odds, &labels, &folds, vec![]).expect("enough rows")
    };
    let straight = fitted(|z| 0.5 * z - 1.0);
    let Curve::Line { scale, offset } = straight.curve else { panic!("{straight:?}") };
    assert!((scale - 0.5).abs() < 0.05 && (offset + 1.0).abs() < 0.1, "{scale} {offset}");
    let LogLoss { uncalibrated, temperature, line, isotonic } = straight.log_loss;
    assert!(line < isotonic && line < temperature && line < Some(uncalibrated - 0.1), "{straight:?}");
    let steps = fitted(|z| if z < 3.0 { -2.0 } else { 2.0 });
    assert!(matches!(steps.curve, Curve::Isotonic { .. }), "{steps:?}");
    assert!(steps.log_loss.isotonic < steps.log_loss.line.map(|loss| loss - 0.01), "{steps:?}");
}

#[test]
fn what_cannot_be_fitted_is_not() {
    let (log_odds, labels, folds) = drawn(200, |z| z);
    let fit = |log_odds: &[f32], labels: &[bool]| Calibration::fit(log_odds, labels, &folds, vec![]);
    assert!(fit(&log_odds, &labels).is_some());
    assert_eq!(fit(&log_odds, &[true; 200]), None);
    // scores that point the wrong way have no rising line
    let turned: Vec<f32> = log_odds.iter().map(|z| -z).collect();
    let block = fit(&turned, &labels).expect("a curve");
    assert!(matches!(block.curve, Curve::Isotonic { .. }) && block.log_loss.line.is_none(), "{block:?}");
    let kept: Calibration = serde_json::from_str(&serde_json::to_string(&block).unwrap()).unwrap();
    assert_eq!((kept.curve, kept.log_loss.line), (block.curve, None));
}

proptest! {
    #[test]
    fn blocks_keep_the_order(rows in proptest::collection::vec((-20i8..20, any::<bool>()), 2..80)) {
        let rows = Rows {
            log_odds: rows.iter().map(|(z, _)| f64::from(*z) / 4.0).collect(),
            labels: rows.iter().map(|(_, label)| *label).collect(),
        };
        if let Some(curve) = isotonic(&rows) {
            prop_assert!(curve.rises(), "{curve:?}");
            let calibrated: Vec<f64> = (-80..80).map(|z| curve.log_odds(f64::from(z) / 10.0)).collect();
            prop_assert!(calibrated.windows(2).all(|two| two[0] < two[1]), "{calibrated:?}");
        }
    }
}
