//! Every case of the list: gradients against central differences in f64, every instruction set against the reference.

mod cases;
mod parity;

use cases::{Case, all};
use mirscope::{
    Error,
    device::{Device, Par},
    ops::{
        Ahead, BceWithLogits, Embedding, LayerNorm, Linear, MaskedMax, MaskedMean, MaxPool2d, Op, Reshape,
        SoftmaxCrossEntropy,
    },
    simd::Isa,
    tensor::Tensor,
};
use parity::{error, greatest, inputs, noise, run};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The worst relative gap, over the inputs, between the directional derivative from backward and from a central
/// difference, for a random direction and a random upstream gradient.
fn gradient_gap(case: &Case) -> f64 {
    const H: f64 = 1e-5;
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let values: Vec<Vec<f64>> = case.shapes.iter().map(|s| noise(random, s.iter().product())).collect();
    let (y, backward) = case.apply(&inputs(case, &Device::Reference, &values)).unwrap();
    let upstream = noise(random, y.len());
    let gradients = backward(&Tensor::new(&Device::Reference, y.shape(), &upstream).unwrap()).unwrap();
    let mut worst = 0.0f64;
    for (i, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.shape(), case.shapes[i], "{}: gradient {i}", case.name);
        let direction = noise(random, gradient.len());
        let at = |h: f64| {
            let mut moved = values.clone();
            moved[i].iter_mut().zip(&direction).for_each(|(x, d)| *x += h * d);
            let y = case.apply(&inputs(case, &Device::Reference, &moved)).unwrap().0;
            dot(&upstream, &y.to_f64().unwrap())
        };
        let exact = dot(&direction, &gradient.to_f64().unwrap());
        let numeric = (at(H) - at(-H)) / (2.0 * H);
        worst = worst.max((exact - numeric).abs() / exact.abs().max(numeric.abs()).max(1e-4));
    }
    worst
}

#[test]
fn gradients_match_central_differences() {
    let mut worst = ("", 0.0);
    let cases = all();
    for case in &cases {
        let gap = gradient_gap(case);
        println!("{:40} {gap:.1e}", case.name);
        if gap > worst.1 {
            worst = (&case.name, gap);
        }
    }
    println!("worst of {} cases: {} {:.1e}", cases.len(), worst.0, worst.1);
    assert!(worst.1 < 1e-6, "{} is off by {:.1e}", worst.0, worst.1);
}

/// Errors of the result and each gradient are at most twice those of the reference formula in f32. Half a unit in the
/// last place, relative, is rounding itself and always allowed.
#[test]
fn instruction_sets_match_the_reference() {
    let devices = |isa| [Par::Seq, Par::Threads].map(|par| Device::cpu_with(isa, par));
    let mut failures = vec![];
    println!(
        "{:40} {:>9} {}",
        "case",
        "f32",
        Isa::all().iter().map(|i| format!("{:>9}", i.name())).collect::<String>()
    );
    for case in all() {
        let random = &mut ChaCha8Rng::seed_from_u64(2);
        let values: Vec<Vec<f64>> = case.shapes.iter().map(|s| noise(random, s.iter().product())).collect();
        let y = case.apply(&inputs(&case, &Device::Reference, &values)).unwrap().0;
        let upstream = noise(random, y.len());
        let judge = run(&case, &Device::Reference, &values, &upstream);
        let errors = |device: &Device| -> Vec<f64> {
            run(&case, device, &values, &upstream).iter().zip(&judge).map(|(a, b)| error(a, b)).collect()
        };
        let f32s = errors(&Device::Reference32);
        let mut row = format!("{:40} {:9.1e}", case.name, greatest(&f32s));
        for isa in Isa::all() {
            for (i, device) in devices(isa).iter().enumerate() {
                let errors = errors(device);
                if i == 0 {
                    row += &format!(" {:8.1e}", greatest(&errors));
                }
                for (part, (e, base)) in errors.iter().zip(&f32s).enumerate() {
                    if *e > 2.0 * base.max(f64::from(f32::EPSILON) / 2.0) {
                        failures
                            .push(format!("{} {device:?} part {part}: {e:.1e}, f32 {base:.1e}", case.name));
                    }
                }
            }
        }
        println!("{row}");
    }
    let widest = Isa::all().last().map(|i| i.name());
    if widest != Some("avx512") {
        eprintln!("skipped: instruction sets wider than {widest:?}, which this CPU has not");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The result of `op` and the gradient for an upstream gradient of ones, on the reference and every instruction set.
fn everywhere(op: &impl Op<1>, shape: &[usize], x: &[f64]) -> Vec<[Vec<f64>; 2]> {
    let mut devices = vec![Device::Reference, Device::Reference32];
    devices.extend(Isa::all().into_iter().map(|isa| Device::cpu_with(isa, Par::Seq)));
    let run = |device: &Device| {
        let x = Tensor::new(device, shape, x).unwrap();
        let (y, saved) = op.forward([&x]).unwrap();
        let ones = Tensor::new(device, y.shape(), &vec![1.0; y.len()]).unwrap();
        let [dx] = op.backward(&saved, &ones, [true]).unwrap();
        [y.to_f64().unwrap(), dx.unwrap().to_f64().unwrap()]
    };
    devices.iter().map(run).collect()
}

#[test]
fn of_equal_maxima_the_first_gets_the_gradient() {
    const C: usize = 19;
    let ties: Vec<f64> = (0..6 * C).map(|i| [0.0, 3.0, 3.0, 2.0, 3.0, 9.0][i / C]).collect();
    let at = |n: usize| (0..6 * C).map(|i| f64::from(u8::from(i / C == n))).collect::<Vec<_>>();
    for [y, dx] in everywhere(&MaskedMax { lengths: Some([5].into()) }, &[1, 6, C], &ties) {
        assert_eq!((y, dx), (vec![3.0; C], at(1)));
    }
    for [y, dx] in everywhere(&MaxPool2d { size: 2 }, &[1, 2, 3, C], &ties) {
        assert_eq!((y, dx), (vec![3.0; C], at(1)));
    }
}

#[test]
fn losses_stay_finite_and_micro_batches_add_up() {
    let z = [-1e4, -90.0, 0.0, 90.0, 1e4];
    let bce = |range: std::ops::Range<usize>| BceWithLogits {
        targets: [0.0f32, 1.0, 0.0, 0.0, 1.0][range.clone()].into(),
        weights: [1.0f32, 2.0, 1.0, 1.0, 1.0][range].into(),
        normalizer: 6.0,
    };
    let whole = everywhere(&bce(0..5), &[5], &z);
    let parts =
        everywhere(&bce(0..2), &[2], &z[..2]).into_iter().zip(everywhere(&bce(2..5), &[3, 1], &z[2..]));
    for ([loss, dz], ([loss0, dz0], [loss1, dz1])) in whole.into_iter().zip(parts) {
        assert!((loss[0] - (180.0 + 2f64.ln() + 90.0) / 6.0).abs() < 1e-5, "{loss:?}");
        assert!((loss[0] - loss0[0] - loss1[0]).abs() < 1e-5);
        assert_eq!(dz, [dz0, dz1].concat());
        assert!(error(&dz, &[0.0, -2.0 / 6.0, 0.5 / 6.0, 1.0 / 6.0, 0.0]) < 1e-6, "{dz:?}");
    }
    let softmax = SoftmaxCrossEntropy { classes: [0, 1].into(), weights: [1.0, 3.0].into(), normalizer: 4.0 };
    for [loss, dz] in everywhere(&softmax, &[2, 2], &[1e4, -1e4, 1e4, 9.9e3]) {
        assert!((loss[0] - 75.0).abs() < 1e-4, "{loss:?}");
        assert!(error(&dz, &[0.0, 0.0, 0.75, -0.75]) < 1e-6, "{dz:?}");
    }
}

#[test]
fn operands_that_do_not_fit_are_errors_that_say_why() {
    fn complaint<const N: usize>(op: impl Op<N>, shapes: [&[usize]; N]) -> String {
        let inputs = shapes.map(|s| Tensor::zeros(&Device::cpu(), s).unwrap());
        match op.forward(inputs.each_ref()) {
            Err(e @ Error::Shape { .. }) => e.to_string(),
            Err(e) => panic!("another complaint: {e}"),
            Ok(_) => panic!("{op:?} took {shapes:?}"),
        }
    }
    let embed = |ids: &[u32]| Embedding { ids: ids.into(), shape: [1, 2].into() };
    assert_eq!(complaint(embed(&[4, 7]), [&[5, 3]]), "embedding: expected ids below 5, got 7");
    assert_eq!(
        complaint(embed(&[4]), [&[5, 3]]),
        "embedding: expected at most 3 axes, and ids [1, 2], got 1"
    );
    let norm = complaint(LayerNorm { eps: 1e-5, ahead: None }, [&[2, 5], &[5], &[4]]);
    assert_eq!(norm, "layer_norm: expected gamma, beta [5], got (Tensor[5], Tensor[4])");
    let [gamma, beta] = [5, 4].map(|n| Tensor::zeros(&Device::cpu(), &[n]).unwrap());
    let layer = Linear { norm: Some(Ahead::new(1e-5, &gamma, &beta)), ..Linear::default() };
    let norm = complaint(layer, [&[2, 3], &[3, 5]]);
    assert_eq!(norm, "layer_norm: expected gamma, beta [5], got (Tensor[5], Tensor[4])");
    let mean = |lengths: &[u32]| complaint(MaskedMean { lengths: Some(lengths.into()) }, [&[2, 3, 1]]);
    assert_eq!(mean(&[0, 3]), "masked_mean: expected lengths in 1..=3, got 0");
    assert_eq!(mean(&[1, 4]), "masked_mean: expected lengths in 1..=3, got 4");
    let max = complaint(MaskedMax { lengths: Some([1].into()) }, [&[2, 3, 1]]);
    assert_eq!(max, "masked_max: expected 2 lengths, got 1");
    let pool = complaint(MaxPool2d { size: 4 }, [&[1, 5, 3, 2]]);
    assert_eq!(pool, "max_pool2d: expected a size in 1..=3, got 4");
    let bce = |n: usize, normalizer| {
        let (targets, weights) = (vec![0.0; n].into(), vec![1.0; n].into());
        complaint(BceWithLogits { targets, weights, normalizer }, [&[2]])
    };
    assert_eq!(bce(3, 1.0), "bce: expected 2 targets and weights, got (3, 3)");
    assert_eq!(bce(2, 0.0), "bce: expected a positive normalizer, got 0.0");
    let softmax = SoftmaxCrossEntropy { classes: [3].into(), weights: [1.0].into(), normalizer: 1.0 };
    assert_eq!(complaint(softmax, [&[1, 3]]), "cross_entropy: expected classes below 3, got 3");
    let residual = complaint(Linear::default(), [&[2, 5], &[5, 3], &[3], &[3]]);
    assert_eq!(residual, "linear: expected a residual [2, 3], got Tensor[3]");
    assert_eq!(complaint(Reshape { shape: [5].into() }, [&[2, 3]]), "reshape: expected 6 values, got [5]");
}
