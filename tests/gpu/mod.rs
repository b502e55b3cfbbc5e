//! What must hold on a GPU, be it one or a driver that runs kernels on the CPU.

mod maxima;

use crate::{
    cases::{Case, all},
    parity::{error, error_beside, greatest, inputs, noise, run},
    tiny,
};
pub use maxima::gradients_through_maxima;
use mirscope::{
    Result,
    autograd::{Grads, Tape},
    cuda::Precision,
    data::{Batch, Duo},
    device::Device,
    ops::{
        Add, BceWithLogits, Dropout, MaskedMax, MaxPool2d, Op, SoftmaxCrossEntropy,
        dropout::{Mask, Noise},
    },
    optim::{AdamW, Sgd, clip_norm},
    params::{Builder, Params},
    tensor::Tensor,
};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

/// Ops that are matrix products, whose arithmetic depends on the device's precision.
const PRODUCTS: &[&str] = &["linear", "feed_forward", "conv1d", "conv2d", "attention"];

/// The op that a case is of.
pub fn op(case: &Case) -> &str {
    case.name.split(' ').next().expect("a name has a first word")
}

/// Fails with a line for everything that does not hold.
fn assert_none(failures: Vec<String>) {
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every case of `name`, or of all ops where it is empty: in f32, and in the other precisions where they are others.
pub fn cases(name: &str) {
    let mut failures = vec![];
    for (precision, allowed) in PRECISIONS {
        let device = Device::cuda_with(0, precision).unwrap();
        let (exact, all) = (precision == Precision::F32, all());
        let wanted = |case: &&Case| name.is_empty() || op(case) == name;
        for case in all.iter().filter(wanted).filter(|case| exact || PRODUCTS.contains(&op(case))) {
            failures.extend(parity(case, &device, allowed));
        }
    }
    assert_none(failures);
}

/// What each precision allows.
const PRECISIONS: [(Precision, Allowed); 3] = [
    (Precision::F32, Allowed::TimesF32(4.0)),
    (Precision::Tf32, Allowed::Share(2e-3)),
    (Precision::Bf16, Allowed::Share(2e-2)),
];

/// How far a result may be from the judge's.
#[derive(Clone, Copy)]
enum Allowed {
    /// So many times as far as the textbook formula in f32, or as half a unit in the last place.
    TimesF32(f64),
    /// So much, relative.
    Share(f64),
}

impl Allowed {
    fn at_most(self, base: f64) -> f64 {
        match self {
            Allowed::TimesF32(times) => times * base.max(f64::from(f32::EPSILON) / 2.0),
            Allowed::Share(share) => share,
        }
    }
}

/// The result and every gradient, against the judge.
fn parity(case: &Case, device: &Device, allowed: Allowed) -> Vec<String> {
    let start = Instant::now();
    let random = &mut ChaCha8Rng::seed_from_u64(2);
    let values: Vec<Vec<f64>> = case.shapes.iter().map(|s| noise(random, s.iter().product())).collect();
    let y = case.apply(&inputs(case, &Device::Reference, &values)).unwrap().0;
    let upstream = noise(random, y.len());
    let judge = run(case, &Device::Reference, &values, &upstream);
    let errors = |device: &Device| -> Vec<f64> {
        let parts = run(case, device, &values, &upstream);
        // What is exactly zero, a difference of equals, is measured against what the gradients are made of.
        let against = |b: &[f64]| if b.iter().all(|&b| b == 0.0) { greatest(&upstream) } else { 0.0 };
        parts.iter().zip(&judge).map(|(a, b)| error_beside(against(b), a, b)).collect()
    };
    let (base, got) = (errors(&Device::Reference32), errors(device));
    let seconds = start.elapsed().as_secs_f64();
    let name = format!("{} {}", case.name, precision(device));
    println!("{name:45} {:9.1e} {:9.1e} {seconds:7.1} s", greatest(&base), greatest(&got));
    let wrong = |(part, (got, base)): (usize, (&f64, &f64))| {
        (*got > allowed.at_most(*base)).then(|| format!("{name} part {part}: {got:.1e}, f32 {base:.1e}"))
    };
    got.iter().zip(&base).enumerate().filter_map(wrong).collect()
}

fn precision(device: &Device) -> String {
    match device {
        Device::Cuda(gpu) => format!("{:?}", gpu.precision()),
        other => format!("{other:?}"),
    }
}

/// Masks are the CPU's, bit for bit.
pub fn masks() {
    let device = &Device::cuda(0).unwrap();
    let mask = |p| Mask::new(p, (Noise { seed: 0x1234_5678_9abc_def0, step: 7, first_sample: 3 }, 5));
    let shapes: [&[usize]; 4] = [&[3, 7, 11], &[2, 300], &[5, 128], &[1, 1]];
    let mut failures = vec![];
    for p in [0.0, 0.1, 0.5, 0.999] {
        for shape in shapes {
            let bits = |device: &Device| {
                let ones = Tensor::full(device, shape, 1.0).unwrap();
                Dropout(mask(p)).forward([&ones]).unwrap().0.to_f32().unwrap()
            };
            if bits(device) != bits(&Device::cpu()) {
                failures.push(format!("masks: {shape:?} at {p} differ from the CPU's"));
            }
        }
    }
    assert_none(failures);
}

/// The result of `op` and the gradient for an upstream gradient of ones.
fn with_ones(op: &impl Op<1>, device: &Device, (shape, x): (&[usize], &[f64])) -> [Vec<f64>; 2] {
    let x = Tensor::new(device, shape, x).unwrap();
    let (y, saved) = op.forward([&x]).unwrap();
    let ones = Tensor::full(device, y.shape(), 1.0).unwrap();
    let [dx] = op.backward(&saved, &ones, [true]).unwrap();
    [y, dx.expect("it was asked for")].map(|t| t.to_f64().unwrap())
}

/// Of equal maxima the first counts, wherever in a block they meet; losses stay finite where exponentials would not.
pub fn ties_and_extremes() {
    const C: usize = 35;
    let device = &Device::cuda(0).unwrap();
    let x: Vec<f64> =
        (0..30 * C).map(|i| f64::from(u32::from(i / C % 7 == 3) + u32::from(i % 5 == 1))).collect();
    let max = MaskedMax { lengths: Some([29, 9].into()) };
    let two = [&x[..], &x].concat();
    let both = |device| with_ones(&max, device, (&[2, 30, C], &two));
    assert!(both(device) == both(&Device::Reference), "masked_max: of equal maxima another than the first");
    let whole = MaskedMax { lengths: None };
    let pool = MaxPool2d { size: 3 };
    let places = |device| {
        [with_ones(&whole, device, (&[1, 30, C], &x)), with_ones(&pool, device, (&[1, 5, 6, C], &x))]
    };
    assert!(places(device) == places(&Device::Reference), "of equal maxima another than the first");
    let z = [-1e4, -90.0, 0.0, 90.0, 1e4, 1e4];
    let bce = BceWithLogits {
        targets: [0.0, 1.0, 0.0, 0.0, 1.0, 0.0].into(),
        weights: [1.0; 6].into(),
        normalizer: 6.0,
    };
    let softmax = SoftmaxCrossEntropy { classes: [1, 0].into(), weights: [1.0, 3.0].into(), normalizer: 4.0 };
    let losses =
        |device: &Device| [with_ones(&bce, device, (&[6], &z)), with_ones(&softmax, device, (&[2, 3], &z))];
    for (got, judge) in losses(device).iter().flatten().zip(losses(&Device::Reference).iter().flatten()) {
        assert!(error(got, judge) < 1e-6, "{got:?} is not {judge:?}");
    }
}

/// One parameter of as many values as a step has to be proven on: past a block, and no multiple of anything.
fn one_parameter(device: &Device) -> Params {
    let mut builder = Builder::new(3);
    builder.normal("x", &[2711], 1.0);
    let params = builder.on(&Device::cpu()).unwrap();
    let start = params.flat().to_f64().unwrap();
    let mut builder = Builder::new(3);
    builder.constant("x", &[2711], 0.0);
    let mut params = builder.on(device).unwrap();
    params.set_flat(&start).unwrap();
    params
}

/// A gradient that differs from step to step; the sum of two, since the parameter is used twice.
fn gradient(params: &Params, step: u64) -> Grads {
    let tape = Tape::new(params, params.device());
    let x = tape.param(params.ids().next().expect("one parameter"));
    let y = tape.apply(Add, [&x, &x]).unwrap();
    let values = noise(&mut ChaCha8Rng::seed_from_u64(step), x.value.len());
    let dout = Tensor::new(params.device(), x.value.shape(), &values).unwrap();
    tape.backward_from(&y, dout).unwrap()
}

/// Three steps of each optimizer over clipped gradients: the norms, and the parameters afterwards.
fn optimized(device: &Device) -> Vec<Vec<f64>> {
    let (mut by_adamw, mut by_sgd) = (one_parameter(device), one_parameter(device));
    let mut adamw = AdamW::new(&by_adamw, 0.1).unwrap();
    let mut sgd = Sgd::new(&by_sgd, 0.9, 0.05).unwrap();
    let mut norms = vec![];
    for step in 0..3 {
        let mut grads = gradient(&by_adamw, step);
        grads.add(&gradient(&by_adamw, 10 + step)).unwrap();
        for most in [1e3, 5.0] {
            norms.push(clip_norm(&mut grads, most).unwrap().value().unwrap());
        }
        adamw.step(&mut by_adamw, &grads, 1e-2 / (step + 1) as f64).unwrap();
        sgd.step(&mut by_sgd, &grads, 1e-2 / (step + 1) as f64).unwrap();
    }
    let flat = |params: &Params| params.flat().to_f64().unwrap();
    let (_, m, v) = adamw.state();
    let state = [m, v, sgd.velocity()].map(|t| t.to_f64().unwrap());
    [norms, flat(&by_adamw), flat(&by_sgd)].into_iter().chain(state).collect()
}

/// Optimizers and clipping.
pub fn optimizers() {
    let device = &Device::cuda(0).unwrap();
    let judge = optimized(&Device::Reference);
    let errors = |device: &Device| -> Vec<f64> {
        optimized(device).iter().zip(&judge).map(|(a, b)| error(a, b)).collect()
    };
    let (base, got) = (errors(&Device::Reference32), errors(device));
    let wrong = |(part, (got, base)): (&str, (&f64, &f64))| {
        (*got > Allowed::TimesF32(4.0).at_most(*base))
            .then(|| format!("optimizers: {part}: {got:.1e}, f32 {base:.1e}"))
    };
    let parts = ["norm", "adamw", "sgd", "m", "v", "velocity"];
    assert_none(parts.into_iter().zip(got.iter().zip(&base)).filter_map(wrong).collect());
}

/// Whole networks: logits, the loss and its gradient in micro-batches, and the parameters after a step.
pub fn network() {
    let mut failures = vec![];
    for (name, config) in tiny::configs() {
        let sequences = tiny::sequences(&config, 7, 22);
        let examples = tiny::examples(&sequences);
        let trained = |device: &Device| -> Result<[Vec<f64>; 4]> {
            let (network, mut params) = tiny::network(&config, device, 21);
            let pairs: Vec<Duo> = examples.iter().map(|e| e.pair).collect();
            let batch = Batch::new(&pairs, config.lengths())?;
            let logits = network.forward(&Tape::inference(&params, device), &batch)?;
            let (loss, mut grads) = tiny::step(&network, &params, &examples, 4)?;
            let gradient = grads.flat().to_f64()?;
            clip_norm(&mut grads, 1.0)?;
            AdamW::new(&params, 0.1)?.step(&mut params, &grads, 1e-3)?;
            Ok([logits.value.to_f64()?, vec![loss], gradient, params.flat().to_f64()?])
        };
        let [judge, base] = [Device::Reference, Device::Reference32].map(|d| trained(&d).unwrap());
        let pairs: Vec<Duo> = examples.iter().map(|e| e.pair).collect();
        let moved = |device: &Device| maxima::moved(&config, 21, device, &pairs);
        for (precision, allowed) in PRECISIONS {
            let device = Device::cuda_with(0, precision).unwrap();
            let got = match trained(&device) {
                Ok(got) => got,
                Err(e) => {
                    failures.push(format!("network {name} {precision:?}: {e}"));
                    continue;
                }
            };
            // AdamW's first step is a sign: what rounding does to a small gradient is as large as the step.
            let firm = match precision {
                Precision::F32 => 4,
                Precision::Tf32 | Precision::Bf16 if moved(&device) > 0 => 2,
                Precision::Tf32 | Precision::Bf16 => 3,
            };
            let parts = ["logits", "loss", "gradient", "parameters"].into_iter().enumerate();
            for (part, what) in parts.take(firm) {
                let (got, base) = (error(&got[part], &judge[part]), error(&base[part], &judge[part]));
                let line = format!("network {name} {precision:?} {what}");
                println!("{line:60} {base:9.1e} {got:9.1e}");
                if got > allowed.at_most(base) {
                    failures.push(format!("{line}: {got:.1e}, f32 {base:.1e}"));
                }
            }
        }
    }
    assert_none(failures);
}
