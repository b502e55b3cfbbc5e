use super::*;
use crate::{
    device::Par,
    ops::{Activation, Conv2d, MaxPool2d, Op},
    simd::Isa,
};

/// Token 0 meets 0 in channel 1 and 1 in channel 0; 1 meets 0 in channel 0; 2 meets nothing.
fn channel(row: u32, column: u32) -> Option<u8> {
    match (row, column) {
        (0, 0) => Some(1),
        (0, 1) | (1, 0) => Some(0),
        _ => None,
    }
}

fn noise(seed: &mut u32) -> u32 {
    *seed = seed.wrapping_mul(1664525).wrapping_add(1013904223);
    *seed >> 16
}

#[test]
fn agrees_with_the_convolution_of_the_map_on_every_instruction_set() {
    let mut seed = 7;
    for (rows, columns, (kh, kw), outs, pool) in [
        (1, 1, (1, 1), 1, 1),
        (6, 9, (5, 5), 16, 2),
        (7, 5, (3, 5), 17, 2),
        (4, 8, (4, 2), 33, 1),
        (9, 7, (5, 3), 8, 3),
    ] {
        let batch = 3;
        let tokens: Vec<u32> = (0..batch * (rows + columns)).map(|_| noise(&mut seed) % 3).collect();
        let pairs = Pairs { tokens: &tokens, rows, columns, vocabulary: 3, channel };
        let mut map = vec![0.0; batch * rows * columns * 2];
        for b in 0..batch {
            let (left, right) = tokens[b * (rows + columns)..][..rows + columns].split_at(rows);
            for i in 0..rows {
                for j in 0..columns {
                    if let Some(c) = channel(left[i], right[columns - 1 - j]) {
                        map[((b * rows + i) * columns + j) * 2 + c as usize] = 1.0;
                    }
                }
            }
        }
        let mut values =
            |n: usize| -> Vec<f64> { (0..n).map(|_| f64::from(noise(&mut seed)) / 32768.0 - 1.0).collect() };
        let (weight, bias) = (values(kh * kw * 2 * outs), values(outs));
        let tensors = |device: &Device| {
            let make = |x: &[f64], shape: &[usize]| Tensor::new(device, shape, x).unwrap();
            (make(&map, &[batch, rows, columns, 2]), make(&weight, &[kh, kw, 2, outs]), make(&bias, &[outs]))
        };
        let (x, w, b) = tensors(&Device::Reference);
        let convolved = Conv2d { activation: Some(Activation::Relu) }.infer([&x, &w, &b]).unwrap();
        let expected = MaxPool2d { size: pool }.infer([&convolved]).unwrap();
        for isa in Isa::all() {
            let device = Device::cpu_with(isa, Par::Seq);
            let (_, w, b) = tensors(&device);
            let got = pairs.convolved(&device, [&w, &b], pool).unwrap();
            assert_eq!(got.shape(), expected.shape());
            for (got, expected) in got.to_f64().unwrap().iter().zip(expected.to_f64().unwrap()) {
                assert!((got - expected).abs() < 1e-5, "{}: {got} and {expected}", isa.name());
            }
        }
    }
}
