//! What the tape promises: sums over uses, nothing kept for inference, no gradient lost in silence, one backward.

use mirscope::{
    Result,
    autograd::{Grads, Tape, Var},
    device::{Device, Par},
    ops::{Activate, Activation, Add, Attention, Dropout, LayerNorm, Linear, dropout::Mask, dropout::Noise},
    params::{Builder, ParamId, Params},
    simd::Isa,
    tensor::Tensor,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Parameters `a, b [2, 3, 4]`.
fn two(device: &Device) -> (Params, [ParamId; 2]) {
    let mut builder = Builder::new(1);
    let ids = ["a", "b"].map(|name| builder.uniform(name, &[2, 3, 4], 1.0));
    (builder.on(device).unwrap(), ids)
}

fn ones(out: &Var) -> Tensor {
    Tensor::new(out.value.device(), out.value.shape(), &vec![1.0; out.value.len()]).unwrap()
}

#[test]
fn a_value_used_several_times_gets_the_sum() {
    for device in [Device::Reference, Device::Reference32, Device::cpu()] {
        let (params, [a, _]) = two(&device);
        let gradient = |uses: usize| {
            let tape = Tape::new(&params, &device);
            let x = tape.param(a);
            let y = tape.apply(Activate(Activation::Gelu), [&x]).unwrap();
            let mut sum = tape.apply(Add, [&y, &y]).unwrap(); // 2 y
            for _ in 2..uses {
                sum = tape.apply(Add, [&sum, &y]).unwrap();
            }
            let grads = tape.backward_from(&sum, ones(&sum)).unwrap();
            grads.flat().to_f64().unwrap()
        };
        let (two, six) = (gradient(2), gradient(6));
        assert!(two[..24].iter().any(|&g| g != 0.0) && two[24..].iter().all(|&g| g == 0.0));
        for (two, six) in two.iter().zip(&six) {
            assert!((3.0 * two - six).abs() <= 1e-6 * six.abs(), "{device:?}: {two} twice, {six} six times");
        }
        // A parameter asked for twice is one parameter.
        let tape = Tape::new(&params, &device);
        let sum = tape.apply(Add, [&tape.param(a), &tape.param(a)]).unwrap();
        let grads = tape.backward_from(&sum, ones(&sum)).unwrap();
        assert_eq!(grads.flat().to_f64().unwrap()[..24], [2.0; 24]);
    }
}

#[test]
fn inference_records_nothing_and_frees_at_once() {
    // How many buffers of the device lie free, as its `Debug` says.
    let free = |device: &Device| format!("{device:?}").split_once("Arena(").unwrap().1[..1].to_string();
    let device = Device::cpu_with(Isa::detect(), Par::Seq);
    let (params, [a, _]) = two(&device);
    let run = |tape: Tape| {
        let mut x = tape.param(a);
        for _ in 0..4 {
            x = tape.apply(Activate(Activation::Relu), [&x]).unwrap();
        }
        let complaint = |e: mirscope::Error| e.to_string();
        (free(tape.device()), tape.backward_from(&x, ones(&x)).map(drop).map_err(complaint))
    };
    let recorded = run(Tape::new(&params, &device.worker()));
    assert_eq!(recorded, ("0".into(), Ok(())), "every result is kept for backward");
    let none = Err("no gradient reaches a, which was used".to_string());
    let inferred = run(Tape::inference(&params, &device.worker()));
    assert_eq!(inferred, ("1".into(), none), "two buffers take turns");
}

#[test]
fn a_parameter_used_without_gradient_is_named() {
    for device in [Device::Reference, Device::cpu()] {
        let (params, [a, b]) = two(&device);
        let tape = Tape::new(&params, &device);
        let x = tape.apply(Activate(Activation::Gelu), [&tape.param(a)]).unwrap();
        let _aside = tape.apply(Activate(Activation::Gelu), [&tape.param(b)]).unwrap();
        let error = tape.backward_from(&x, ones(&x)).unwrap_err();
        assert_eq!(error.to_string(), "no gradient reaches b, which was used");

        let tape = Tape::new(&params, &device);
        let x = tape.apply(Activate(Activation::Gelu), [&tape.param(a)]).unwrap();
        let grads = tape.backward_from(&x, ones(&x)).unwrap(); // b was not used: no complaint, a gradient of zero
        assert!(grads.flat().to_f64().unwrap()[24..].iter().all(|&g| g == 0.0));
    }
}

/// Backward takes the tape by value (this does not compile otherwise), and a tape cannot be cloned.
#[test]
fn backward_runs_once() {
    let _: fn(Tape<'static>, &Var) -> Result<Grads> = Tape::backward;
    let _: fn(Tape<'static>, &Var, Tensor) -> Result<Grads> = Tape::backward_from;
    trait Plain {
        fn can_be_cloned(&self) -> bool {
            false
        }
    }
    trait Cloned {
        fn can_be_cloned(&self) -> bool {
            true
        }
    }
    impl<T> Plain for &std::marker::PhantomData<T> {}
    impl<T: Clone> Cloned for std::marker::PhantomData<T> {}
    assert!(std::marker::PhantomData::<Var>.can_be_cloned(), "the test can tell");
    assert!(!(&std::marker::PhantomData::<Tape<'static>>).can_be_cloned());
}

/// Parameters of [`graph`]: values `[2, 3, 4]`, a matrix, rows and a `[3, 4]` that is repeated.
fn graph_params(device: &Device, seed: u64) -> (Params, Vec<ParamId>) {
    let mut builder = Builder::new(seed);
    let shapes: [&[usize]; 6] = [&[2, 3, 4], &[2, 3, 4], &[4, 4], &[4], &[4], &[3, 4]];
    let ids = shapes.iter().enumerate().map(|(i, s)| builder.uniform(&format!("p{i}"), s, 1.0)).collect();
    (builder.on(device).unwrap(), ids)
}

/// Nine random ops, each over random earlier values; all values count in the end, so that every path is walked.
fn graph(tape: &Tape, p: &[ParamId], choices: &mut ChaCha8Rng) -> Var {
    let param = |i: usize| tape.param(p[i]);
    let mut values = vec![param(0), param(1)];
    for _ in 0..9 {
        let mut any = || values[choices.random_range(0..values.len())].clone();
        let (x, y, z) = (any(), any(), any());
        let noise = (Noise { seed: choices.random(), step: 1, first_sample: 0 }, 1);
        let made = match choices.random_range(0..7) {
            0 => tape.apply(Add, [&x, &y]),
            1 => tape.apply(Add, [&x, &param(5)]),
            2 => tape.apply(Activate(Activation::Gelu), [&x]),
            3 => tape.apply(
                Linear { activation: Some(Activation::Gelu), ..Default::default() },
                [&x, &param(2), &param(3)],
            ),
            4 => tape.apply(LayerNorm { eps: 0.1, ahead: None }, [&x, &param(4), &param(3)]),
            5 => tape.apply(Attention { heads: 2, lengths: None, dropout: None }, [&x, &y, &z]),
            _ => tape.apply(Dropout(Mask::new(0.3, noise)), [&x]),
        };
        values.push(made.unwrap());
    }
    let sum = |x: Var, y: &Var| tape.apply(Add, [&x, y]).unwrap();
    values[1..].iter().fold(values[0].clone(), sum)
}

/// Every op here is smooth, so a step of 1e-5 meets no kink.
#[test]
fn random_graphs_match_central_differences() {
    const H: f64 = 1e-5;
    let mut worst = (0, 0.0f64);
    for seed in 0..40 {
        let random = &mut ChaCha8Rng::seed_from_u64(seed);
        let (mut params, ids) = graph_params(&Device::Reference, random.random());
        let upstream: Vec<f64> = (0..24).map(|_| random.random::<f64>() - 0.5).collect();
        let upstream = Tensor::new(&Device::Reference, &[2, 3, 4], &upstream).unwrap();
        let choices = || ChaCha8Rng::seed_from_u64(1000 + seed);
        let start = params.flat().to_f64().unwrap();
        let direction: Vec<f64> = start.iter().map(|_| random.random::<f64>() - 0.5).collect();
        let tape = Tape::new(&params, &Device::Reference);
        let out = graph(&tape, &ids, &mut choices());
        let grads = tape.backward_from(&out, upstream.clone()).unwrap().flat().to_f64().unwrap();
        let mut at = |h: f64| {
            let moved: Vec<f64> = start.iter().zip(&direction).map(|(x, d)| x + h * d).collect();
            params.set_flat(&moved).unwrap();
            let tape = Tape::inference(&params, &Device::Reference);
            dot(&graph(&tape, &ids, &mut choices()).value.to_f64().unwrap(), &upstream.to_f64().unwrap())
        };
        let (exact, numeric) = (dot(&grads, &direction), (at(H) - at(-H)) / (2.0 * H));
        let gap = (exact - numeric).abs() / exact.abs().max(1e-3);
        if gap > worst.1 {
            worst = (seed, gap);
        }
    }
    println!("worst of 40 graphs: seed {}, {:.1e}", worst.0, worst.1);
    assert!(worst.1 < 1e-6, "graph {} is off by {:.1e}", worst.0, worst.1);
}

/// A worker keeps its tapes' places: passes of other graphs, finished or not, change no bit of a later one.
#[test]
fn a_pass_does_not_see_the_ones_before_it() {
    let worn = Device::cpu();
    for seed in 0..20 {
        let (params, ids) = graph_params(&worn, seed);
        let pass = |device: &Device| {
            let tape = Tape::new(&params, device);
            let out = graph(&tape, &ids, &mut ChaCha8Rng::seed_from_u64(seed));
            tape.backward_from(&out, ones(&out)).unwrap().flat().to_f32().unwrap()
        };
        let fresh = pass(&Device::cpu());
        assert!(pass(&worn) == fresh && pass(&worn) == fresh, "graph {seed}");
        let left = Tape::new(&params, &worn);
        graph(&left, &ids, &mut ChaCha8Rng::seed_from_u64(seed + 1));
    }
}

/// Added to what is there already.
#[test]
fn gradients_add_up_over_passes() {
    let device = Device::cpu();
    let (params, [a, b]) = two(&device);
    let pass = |id: ParamId| {
        let tape = Tape::new(&params, &device);
        let y = tape.apply(Activate(Activation::Gelu), [&tape.param(id)]).unwrap();
        (tape, y)
    };
    let alone = |id| {
        let (tape, y) = pass(id);
        tape.backward(&y).unwrap()
    };
    let mut expected = alone(a);
    expected.add(&alone(b)).unwrap();
    expected.add(&alone(b)).unwrap();
    let mut grads = Grads::zeros(&params).unwrap();
    let mut read = vec![];
    for time in 0..2 {
        grads.clear().unwrap();
        for id in [a, b, b] {
            let (tape, y) = pass(id);
            tape.backward_into(&y, &mut grads).unwrap();
        }
        assert_eq!(grads.flat().to_f32().unwrap(), expected.flat().to_f32().unwrap(), "time {time}");
        read.push(grads.clone());
    }
    grads.clear().unwrap();
    assert_eq!(read[0].flat().to_f32().unwrap(), expected.flat().to_f32().unwrap(), "a clone is left alone");
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
