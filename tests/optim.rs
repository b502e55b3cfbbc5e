//! Optimizers and clipping against PyTorch's, on the reference and every instruction set.
//!
//! The constants are what `tests/oracle/torch_optim.py` prints: three steps over 19 values (one past two vectors), with
//! gradients that change sign, and one that is always zero so that decay is seen alone.

use mirscope::{
    autograd::{Grads, Tape},
    device::{Device, Par},
    ops::Add,
    optim::{AdamW, Sgd, clip_norm},
    params::{Builder, Params},
    simd::Isa,
    tensor::Tensor,
};

const N: usize = 19;
const RATE: f64 = 0.1;

fn devices() -> Vec<Device> {
    let cpus = Isa::all().into_iter().map(|isa| Device::cpu_with(isa, Par::Seq));
    [Device::Reference, Device::Reference32].into_iter().chain(cpus).collect()
}

/// The script's start, in two parameters.
fn start(device: &Device) -> Params {
    let mut builder = Builder::new(0);
    builder.constant("a", &[2, 3], 0.0);
    builder.constant("b", &[N - 6], 0.0);
    let mut params = builder.on(device).unwrap();
    let values: Vec<f64> = (0..N).map(|i| ((7 * i % 11) as f64 - 5.0) / 4.0).collect();
    let mut flat = vec![0.0; params.flat().len()];
    places(&params).zip(values).for_each(|(at, value)| flat[at] = value);
    params.set_flat(&flat).unwrap();
    params
}

/// Where the script's values stand in a flat array.
fn places(params: &Params) -> impl Iterator<Item = usize> {
    params.ids().flat_map(|id| params.range(id))
}

/// The script's gradient, through a tape: of `a + 0` and `b + 0`, added.
fn gradient(params: &Params, step: usize) -> Grads {
    let value = |i: usize| if i == 2 { 0.0 } else { ((5 * i + 3 * step) % 13) as f64 / 8.0 - 0.75 };
    let values: Vec<f64> = (0..N).map(value).collect();
    let mut from = 0;
    let mut parts = params.ids().map(|id| {
        let tape = Tape::new(params, params.device());
        let x = tape.param(id);
        let zeros = Tensor::zeros(params.device(), x.value.shape()).unwrap();
        let y = tape.apply(Add, [&x, &tape.constant(zeros)]).unwrap();
        let part = &values[from..from + x.value.len()];
        from += part.len();
        let dout = Tensor::new(params.device(), x.value.shape(), part).unwrap();
        tape.backward_from(&y, dout).unwrap()
    });
    let mut grads = parts.next().unwrap();
    parts.for_each(|part| grads.add(&part).unwrap());
    grads
}

/// Within rounding: of f64, or a few of f32.
fn same(device: &Device, got: &Tensor, expected: &[f64]) {
    let tolerance = if matches!(device, Device::Reference) { 1e-13 } else { 5e-7 };
    let got = got.to_f64().unwrap();
    for (i, (at, expected)) in places(&start(device)).zip(expected).enumerate() {
        let got = got[at];
        assert!((got - expected).abs() < tolerance, "{device:?}: {i} is {got}, PyTorch has {expected}");
    }
}

#[test]
fn adamw_is_pytorchs() {
    for device in devices() {
        let mut params = start(&device);
        let mut adamw = AdamW::new(&params, 0.3).unwrap();
        for step in 0..3 {
            let grads = gradient(&params, step);
            adamw.step(&mut params, &grads, RATE).unwrap();
        }
        same(&device, params.flat(), &ADAMW);
    }
}

#[test]
fn sgd_is_pytorchs() {
    for device in devices() {
        let mut params = start(&device);
        let mut sgd = Sgd::new(&params, 0.9, 0.05).unwrap();
        for step in 0..3 {
            let grads = gradient(&params, step);
            sgd.step(&mut params, &grads, RATE).unwrap();
        }
        same(&device, params.flat(), &SGD);
    }
}

/// Stopped after a step and taken up again, a run has the same bits.
#[test]
fn a_restored_optimizer_goes_on_as_before() {
    for device in devices() {
        let (mut straight, mut stopped) = (start(&device), start(&device));
        let (mut adamw, mut first) =
            (AdamW::new(&straight, 0.3).unwrap(), AdamW::new(&stopped, 0.3).unwrap());
        adamw.step(&mut straight, &gradient(&start(&device), 0), RATE).unwrap();
        first.step(&mut stopped, &gradient(&start(&device), 0), RATE).unwrap();
        let (steps, m, v) = first.state();
        let mut second = AdamW::new(&stopped, 0.3).unwrap();
        second.restore(steps, &m.to_f64().unwrap(), &v.to_f64().unwrap()).unwrap();
        adamw.step(&mut straight, &gradient(&start(&device), 1), RATE).unwrap();
        second.step(&mut stopped, &gradient(&start(&device), 1), RATE).unwrap();
        assert_eq!(straight.flat().to_f64().unwrap(), stopped.flat().to_f64().unwrap());
    }
}

/// PyTorch divides by the norm and 1e-6 more, we by the norm; the constants are scaled by that.
#[test]
fn clipping_is_pytorchs() {
    for device in devices() {
        let mut grads = gradient(&start(&device), 0);
        let norm = clip_norm(&mut grads, 0.75).unwrap().value().unwrap();
        assert!((norm - NORM).abs() < 1e-7, "{device:?}: {norm}");
        let scaled: Vec<f64> = CLIPPED.iter().map(|g| g * (NORM + 1e-6) / NORM).collect();
        same(&device, grads.flat(), &scaled);
        let before = grads.flat().to_f64().unwrap();
        assert!((clip_norm(&mut grads, 0.7501).unwrap().value().unwrap() - 0.75).abs() < 1e-6);
        assert_eq!(grads.flat().to_f64().unwrap(), before, "a short gradient stays as it is");
    }
}

#[rustfmt::skip]
const ADAMW: [f64; N] = [
    -0.884272073049226, 0.445045575027502, -0.4563365, 1.34535438021371, 0.0622480092988281,
    -0.794896578180598, 0.986864510157834, -0.219052745612182, -0.674804282039195, 0.52946621967967,
    -0.295839962513812, -0.9903423754739, 0.261355578385931, -0.199767323049226, 1.1295503250275,
    0.200333382156275, -0.479991619786291, 0.746752759298828, -0.110391828180598,
];
#[rustfmt::skip]
const SGD: [f64; N] = [
    -0.94219796875, 0.40979775, -0.4860349375, 1.34832609375, 0.18962965625,
    -0.82362928125, 0.965658, -0.1930384375, -0.7690058125, 0.58298990625,
    -0.26776903125, -1.15167390625, 0.3628218125, -0.2131455625, 1.13885015625,
    0.28809121875, -0.59581365625, 0.9186820625, -0.094576875,
];
const NORM: f64 = 2.06155281280883;
#[rustfmt::skip]
const CLIPPED: [f64; N] = [
    -0.272852445812998, -0.0454754076354996, 0.0, -0.181901630541998, 0.0454754076354996,
    0.272852445812998, -0.0909508152709992, 0.136426222906499, -0.227377038177498, 0.0,
    0.227377038177498, -0.136426222906499, 0.0909508152709992, -0.272852445812998, -0.0454754076354996,
    0.181901630541998, -0.181901630541998, 0.0454754076354996, 0.272852445812998,
];
