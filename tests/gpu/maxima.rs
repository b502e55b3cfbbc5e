//! Gradients through maxima. A gradient goes to the greatest value of a window alone, and where rounding makes another the
//! greatest it goes elsewhere: as a gradient it is as right, and yet another. So networks with a pairing stem are compared
//! where no maximum has moved.

use super::{Allowed, PRECISIONS, assert_none};
use crate::{parity::error, tiny};
use mirscope::{
    data::{Batch, Duo},
    device::Device,
    model::{Config, PositionKind},
    ops::{Activation, Conv2d, MaxPool2d, Op},
    params::Params,
    tensor::Tensor,
};

/// Networks, each with a pair of its own.
const SEEDS: std::ops::Range<u64> = 40..52;

/// Of each of the pairing stem's maxima where it is, and whether it is above zero, where ReLU lets a gradient through.
fn maxima(config: &Config, params: &Params, pairs: &[Duo]) -> Vec<(usize, bool)> {
    let Some(stem) = &config.pairing else { return vec![] };
    let batch = Batch::new(pairs, config.lengths()).unwrap();
    let shape = batch.map_shape();
    let mut map = vec![0.0; shape.iter().product()];
    batch.pairing_map(&mut map);
    let mut map = Tensor::from_f32(params.device(), &shape, &map).unwrap();
    let convolutions = stem.kernels.len();
    let mut found = vec![];
    for i in 0..convolutions {
        let [weight, bias] = ["weight", "bias"].map(|part| {
            let name = format!("pairing.conv{i}.{part}");
            params.value(params.ids().find(|&id| params.name(id) == name).expect("a parameter of the stem"))
        });
        let op = Conv2d { activation: Some(Activation::Relu) };
        let y = op.forward([&map, &weight, &bias]).unwrap().0;
        let last = i + 1 == convolutions;
        found.extend(greatest(&y, if last { [y.shape()[1], y.shape()[2]] } else { [2, 2] }));
        if !last {
            map = MaxPool2d { size: 2 }.forward([&y]).unwrap().0;
        }
    }
    found
}

/// The first greatest of each window of each channel of `y [B, H, W, C]`.
fn greatest(y: &Tensor, [tall, wide]: [usize; 2]) -> Vec<(usize, bool)> {
    let &[batch, height, width, channels] = y.shape() else { panic!("a map has four axes") };
    let values = y.to_f64().unwrap();
    let mut found = vec![];
    for b in 0..batch {
        for (top, left, c) in (0..height / tall)
            .flat_map(|i| (0..width / wide).map(move |j| (i * tall, j * wide)))
            .flat_map(|(top, left)| (0..channels).map(move |c| (top, left, c)))
        {
            let places = (top..top + tall).flat_map(|i| (left..left + wide).map(move |j| (i, j)));
            let at = places.map(|(i, j)| ((b * height + i) * width + j) * channels + c);
            let first = at.reduce(|best, at| if values[at] > values[best] { at } else { best });
            let first = first.expect("a window has a place");
            found.push((first, values[first] > 0.0));
        }
    }
    found
}

/// How many maxima of the network of this seed are elsewhere on `device` than on the reference.
pub fn moved(config: &Config, seed: u64, device: &Device, pairs: &[Duo]) -> usize {
    let on = |device| maxima(config, &tiny::network(config, device, seed).1, pairs);
    on(&Device::Reference).iter().zip(on(device)).filter(|(there, here)| *there != here).count()
}

/// Where no maximum has moved, gradients of networks with a pairing stem are as right as any other's, in every precision.
pub fn gradients_through_maxima() {
    let mut failures = vec![];
    let config = tiny::config(true, PositionKind::Sinusoidal, 0.0);
    for (precision, allowed) in PRECISIONS {
        let Allowed::Share(_) = allowed else { continue };
        let mut compared = 0;
        for seed in SEEDS {
            let sequences = tiny::sequences(&config, 1, seed);
            let examples = tiny::examples(&sequences);
            let pairs: Vec<Duo> = examples.iter().map(|e| e.pair).collect();
            let gradient = |device: &Device| {
                let (network, params) = tiny::network(&config, device, seed);
                tiny::loss(&network, &params, &examples, 1).1
            };
            let device = Device::cuda_with(0, precision).unwrap();
            let moved = moved(&config, seed, &device, &pairs);
            let error = error(&gradient(&device), &gradient(&Device::Reference));
            println!("maxima {precision:?} {seed}: {moved} moved, gradient {error:9.1e}");
            if moved == 0 {
                compared += 1;
                if error > allowed.at_most(0.0) {
                    failures.push(format!("maxima {precision:?} {seed}: gradient {error:.1e}"));
                }
            }
        }
        if compared < 3 {
            failures.push(format!("maxima {precision:?}: in {compared} of {SEEDS:?} no maximum has moved"));
        }
    }
    assert_none(failures);
}
