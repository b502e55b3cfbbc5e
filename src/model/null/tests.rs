use super::*;
use crate::model::{Calibration, Curve, LogLoss, Meaning};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn null(chance: Chance) -> Null {
    let gates = BTreeMap::from([("canonical".to_string(), chance)]);
    Null { mirnas: 1, transcripts: 1, seed: 0, mirna_sha256: "".into(), target_sha256: "".into(), gates }
}

/// Few enough scores for each to be a point.
#[test]
fn a_table_by_hand() {
    let sample = Sample {
        nucleotides: 10,
        real: vec![2.0, 3.0, 0.0, 1.0, 1.5],
        shuffled: vec![1.0, -1.0, 0.5],
        windows: vec![-1.0, 0.5, 1.0, -2.0],
    };
    let chance = Chance::of(sample).unwrap();
    assert_eq!((chance.real, chance.shuffled, chance.nucleotides), (5, 3, 10));
    // from, (shuffled + 1) / real kept from rising, (windows + 1) / (4 + 1)
    let expected = [
        [-2.0, 0.8, 1.0],
        [-1.0, 0.8, 0.8],
        [0.0, 0.6, 0.6],
        [0.5, 0.6, 0.6],
        [1.0, 0.5, 0.4],
        [1.5, 1.0 / 3.0, 0.2],
        [2.0, 1.0 / 3.0, 0.2],
        [3.0, 1.0 / 3.0, 0.2],
    ];
    assert_eq!(chance.points, expected);
    assert_eq!(Chance::of(Sample::default()), None);
}

#[test]
fn a_site_is_judged_by_the_point_at_or_below_it() {
    let chance = Chance {
        nucleotides: 1,
        real: 1,
        shuffled: 1,
        points: vec![[-1.0, 0.9, 1.0], [0.0, 0.5, 0.3], [2.0, 0.1, 0.01]],
    };
    let null = null(chance);
    let line = Curve::Line { scale: 2.0, offset: 1.0 };
    let log_loss = LogLoss { uncalibrated: 0.0, temperature: None, line: None, isotonic: None };
    let calibration = Some(Calibration { curve: line, log_loss, rows: 0, sha256: vec![] });
    let meaning = Meaning { calibration, ..Meaning::default() };
    let scales = [Scale::default(), Scale::new(&meaning, 0.01).unwrap()];
    for scale in scales {
        let steps = null.false_discovery(Gate::Canonical, &scale).expect("the gate is there");
        let survival = null.survival(Gate::Canonical, &scale).expect("the gate is there");
        let expected =
            [(-5.0, 0.9), (-1.0, 0.9), (-0.1, 0.9), (0.0, 0.5), (1.9, 0.5), (2.0, 0.1), (30.0, 0.1)];
        for (z, rate) in expected {
            assert_eq!(steps.at(scale.probability(z)), rate, "{z} {scale:?}");
        }
        assert_eq!(survival.at(scale.probability(3.0)), 0.01);
        assert!(null.false_discovery(Gate::Relaxed, &scale).is_none());
    }
    // with so small a scale all points are one probability, and the first counts
    let one = Scale { curve: Some(Curve::Temperature { scale: 1e-12 }), shift: 0.0 };
    assert_eq!(null.false_discovery(Gate::Canonical, &one).expect("the gate").at(0.5), 0.9);
}

/// Of normal scores, a tenth of them shifted by 3, the rate is the share of the others among those above a threshold, and as many
/// chance scores as p-values say lie above it.
#[test]
fn rates_are_those_of_a_known_mixture() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut normal = move || (0..12).map(|_| rng.random_range(0.0f32..1.0)).sum::<f32>() - 6.0;
    let shuffled: Vec<f32> = (0..90_000).map(|_| normal()).collect();
    let (chance, bound): (Vec<f32>, Vec<f32>) =
        ((0..90_000).map(|_| normal()).collect(), (0..10_000).map(|_| normal() + 3.0).collect());
    let real = [&chance[..], &bound].concat();
    let sample = Sample { nucleotides: 1, real, windows: shuffled.clone(), shuffled };
    let found = Chance::of(sample).unwrap();
    assert!(found.points.len() > 50 && found.points.len() <= POINTS, "{}", found.points.len());
    let mut looked_at = 0;
    for &[from, rate, share] in &found.points {
        let above = |scores: &[f32]| scores.iter().filter(|&&score| score >= from).count() as f64;
        let (false_ones, true_ones) = (above(&chance), above(&bound));
        if false_ones > 300.0 {
            let truth = false_ones / (false_ones + true_ones);
            assert!((f64::from(rate) / truth - 1.0).abs() < 0.2, "{from}: {rate}, in truth {truth}");
            assert!((f64::from(share) / (false_ones / 90_000.0) - 1.0).abs() < 0.2, "{from}: {share}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 15, "{looked_at}");
}

proptest::proptest! {
    #[test]
    fn rates_and_shares_fall(
        real in proptest::collection::vec(-50i8..50, 0..300), shuffled in proptest::collection::vec(-50i8..50, 1..300)
    ) {
        let scores = |all: Vec<i8>| -> Vec<f32> { all.into_iter().map(|z| f32::from(z) / 5.0).collect() };
        let (real, shuffled) = (scores(real), scores(shuffled));
        let sample = Sample { nucleotides: 1, real, windows: shuffled.clone(), shuffled };
        let chance = Chance::of(sample).unwrap();
        proptest::prop_assert!(chance.points.len() <= POINTS);
        let falls = |two: &[[f32; 3]]| two[0][0] < two[1][0] && two[0][1] >= two[1][1] && two[0][2] >= two[1][2];
        proptest::prop_assert!(chance.points.windows(2).all(falls), "{chance:?}");
        proptest::prop_assert!(chance.points.iter().all(|[_, rate, share]| (0.0..=1.0).contains(rate) && *share > 0.0));
    }
}
