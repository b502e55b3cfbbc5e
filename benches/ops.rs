//! The ops that take a step's time, forward and backward, at the networks' sizes and at long sequences, one thread.
//! Gelem/s are GFLOP/s. Each case is first held against the reference in f64, at a size that this can do.

mod common;

use common::{Meter, Work, timing};
use mirscope::{
    device::Device,
    ops::{Attention, Conv1d, Conv2d, Dropout, LayerNorm, Op, dropout::Mask, dropout::Noise},
    tensor::Tensor,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn main() {
    let mut meter = Meter::new();
    attention(&mut meter);
    convolutions(&mut meter);
    rows(&mut meter);
    meter.report();
}

fn tensors<const N: usize>(device: &Device, shapes: [&[usize]; N], seed: u64) -> [Tensor; N] {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    shapes.map(|shape| {
        let len: usize = shape.iter().product();
        let values: Vec<f32> = (0..len).map(|_| 2.0 * random.random::<f32>() - 1.0).collect();
        Tensor::from_f32(device, shape, &values).unwrap()
    })
}

/// The result of `op` and all its gradients, for seeded inputs of these shapes.
fn results<O: Op<N>, const N: usize>(op: &O, shapes: [&[usize]; N], device: &Device) -> Vec<Vec<f64>> {
    let inputs = tensors(device, shapes, 0);
    let (y, saved) = op.forward(inputs.each_ref()).unwrap();
    let [dy] = tensors(device, [y.shape()], 1);
    let gradients = op.backward(&saved, &dy, [true; N]).unwrap();
    let all = std::iter::once(y).chain(gradients.into_iter().flatten());
    all.map(|t| t.to_f64().unwrap()).collect()
}

/// The vector kernels give what the reference gives.
fn check<O: Op<N>, const N: usize>(op: &O, shapes: [&[usize]; N]) {
    let (got, judge) = (results(op, shapes, &Device::cpu()), results(op, shapes, &Device::Reference));
    for (part, (got, judge)) in got.iter().zip(&judge).enumerate() {
        let gap: f64 = got.iter().zip(judge).map(|(a, b)| (a - b) * (a - b)).sum();
        let size: f64 = judge.iter().map(|b| b * b).sum();
        assert!(gap.sqrt() < 1e-5 * size.sqrt(), "{} {shapes:?}: part {part} differs", O::NAME);
    }
}

/// Times `op` forward and backward; `work` is what forward does, `back` how many times as much backward does.
fn time<O: Op<N>, const N: usize>(
    meter: &mut Meter,
    op: &O,
    shapes: [&[usize]; N],
    size: &str,
    (work, back): (f64, f64),
) {
    let inputs = tensors(&Device::cpu(), shapes, 0);
    let (y, saved) = op.forward(inputs.each_ref()).unwrap();
    let [dy] = tensors(&Device::cpu(), [y.shape()], 1);
    meter.time(&format!("{} forward", O::NAME), size, Work::Flops(work), || {
        op.forward(inputs.each_ref()).unwrap();
    });
    meter.time(&format!("{} backward", O::NAME), size, Work::Flops(back * work), || {
        op.backward(&saved, &dy, [true; N]).unwrap();
    });
}

/// Two products forward; backward makes one of them again and has four of its own.
fn attention(meter: &mut Meter) {
    let op = |heads, dropped: f32| Attention {
        heads,
        lengths: None,
        dropout: (dropped > 0.0)
            .then(|| Mask::new(dropped, (Noise { seed: 0, step: 0, first_sample: 0 }, 1))),
    };
    let sizes = [
        ([256, 4, 70, 16], 0.0, [2, 4, 70, 16]),
        ([256, 8, 70, 16], 0.0, [2, 8, 70, 16]),
        ([8, 4, 70, 16], 0.0, [2, 4, 70, 16]),
        ([8, 4, 70, 16], 0.1, [2, 4, 70, 16]),
        ([1, 8, 1024, 64], 0.0, [1, 2, 300, 64]),
        ([1, 8, 1024, 64], 0.1, [1, 2, 300, 64]),
        ([1, 8, 4096, 64], 0.0, [1, 1, 600, 64]),
    ];
    for ([b, h, l, d], dropped, checked) in sizes.into_iter().take(if timing() { sizes.len() } else { 1 }) {
        let [cb, ch, cl, cd] = checked;
        check(&op(ch, dropped), [&[cb, cl, ch * cd]; 3]);
        let work = 4.0 * (b * h * l * l * d) as f64;
        let size = format!("{b}x{h}x{l}x{d}{}", if dropped > 0.0 { ", dropout" } else { "" });
        time(meter, &op(h, dropped), [&[b, l, h * d]; 3], &size, (work, 2.5));
    }
    check(&op(4, 0.1), [&[2, 70, 3 * 64]]);
    let work = 4.0 * (8 * 4 * 70 * 70 * 16) as f64;
    time(meter, &op(4, 0.1), [&[8, 70, 3 * 64]], "8x4x70x16 of one, dropout", (work, 2.5));
}

/// Edges are counted as if the kernel never left the input.
fn convolutions(meter: &mut Meter) {
    let conv1d = Conv1d { dilation: 1, activation: None };
    for c in [64, 128] {
        check(&conv1d, [&[2, 70, c], &[7, c, c], &[c]]);
        let work = 2.0 * (8 * 70 * 7 * c * c) as f64;
        time(meter, &conv1d, [&[8, 70, c], &[7, c, c], &[c]], &format!("7 on 8x70x{c}"), (work, 2.0));
    }
    let conv2d = Conv2d { activation: None };
    check(&conv2d, [&[2, 15, 25, 32], &[5, 5, 32, 32], &[32]]);
    let work = 2.0 * (8 * 15 * 25 * 25 * 32 * 32) as f64;
    time(meter, &conv2d, [&[8, 15, 25, 32], &[5, 5, 32, 32], &[32]], "5x5x32 on 8x15x25x32", (work, 2.0));
}

/// Ops that read and write and hardly compute: bytes of the large arrays, each counted once.
fn rows(meter: &mut Meter) {
    let norm = LayerNorm { eps: 1e-5, ahead: None };
    for c in [64, 128] {
        let shapes: [&[usize]; 3] = [&[70, c], &[c], &[c]];
        check(&norm, shapes);
        let inputs = tensors(&Device::cpu(), shapes, 0);
        let [dy] = tensors(&Device::cpu(), [shapes[0]], 1);
        let (size, bytes) = (format!("70x{c}"), 4.0 * 70.0 * c as f64);
        meter.time("layer_norm forward", &size, Work::Bytes(2.0 * bytes), || {
            norm.forward(inputs.each_ref()).unwrap();
        });
        let (_, saved) = norm.forward(inputs.each_ref()).unwrap();
        meter.time("layer_norm backward", &size, Work::Bytes(3.0 * bytes), || {
            norm.backward(&saved, &dy, [true; 3]).unwrap();
        });
    }
    let dropout = Dropout(Mask::new(0.1, (Noise { seed: 0, step: 0, first_sample: 0 }, 1)));
    check(&dropout, [&[8, 70, 64]]);
    let [x] = tensors(&Device::cpu(), [&[8, 70, 64]], 0);
    meter.time("dropout forward", "8x70x64", Work::Bytes(2.0 * 4.0 * x.len() as f64), || {
        dropout.forward([&x]).unwrap();
    });
}
