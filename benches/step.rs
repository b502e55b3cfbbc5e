//! A training step and inference of preset `small`, one thread. Gelem/s are GFLOP/s, counted as PyTorch's script counts
//! them: forward once, and three times forward for a step. The examples' loss, gradient and logits are first held
//! against the reference in f64, on two pairs.

mod common;

use common::{Meter, Work, timing};
use mirscope::{
    data::Duo,
    device::Device,
    model::{Config, Network},
    optim::AdamW,
    params::{Builder, Params},
    rna::Base,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 64;
/// Pairs that go through the network together.
const MICRO_BATCH: usize = 4;

fn main() {
    let mut meter = Meter::new();
    let config = Config::small();
    let random = &mut ChaCha8Rng::seed_from_u64(0);
    let mut sequence = |len: usize| -> Vec<Base> {
        const LETTERS: [Base; 4] = [Base::A, Base::C, Base::G, Base::U];
        (0..len).map(|_| LETTERS[random.random_range(0..4)]).collect()
    };
    let sequences: Vec<_> =
        (0..BATCH).map(|_| [sequence(config.mirna_len), sequence(config.site_len)]).collect();
    let pairs: Vec<Duo> = sequences.iter().map(|[m, s]| (&m[..], &s[..])).collect();
    check(&config, &pairs[..2]);
    let pairs = if timing() { &pairs[..] } else { &pairs[..2] };
    train(&mut meter, &config, pairs);
    infer(&mut meter, &config, pairs);
    meter.report();
}

fn network(config: &Config, device: &Device) -> (Network, Params, Workers) {
    let mut builder = Builder::new(0);
    let network = Network::new(&mut builder, config);
    (network, builder.on(device).unwrap(), Workers::new(device, 1).unwrap())
}

fn examples<'a>(pairs: &[Duo<'a>]) -> Vec<Example<'a>> {
    let labelled = |(i, &pair)| Example { pair, label: (i % 2) as f32, weight: 1.0, offset: 0.0 };
    pairs.iter().enumerate().map(labelled).collect()
}

/// The loss, its gradient and the logits.
fn results(config: &Config, device: &Device, pairs: &[Duo]) -> [Vec<f64>; 3] {
    let (network, params, workers) = network(config, device);
    let id = StepId { seed: 0, step: 1 };
    let mut accumulator = Accumulator::new(1);
    let (loss, grads) = accumulator.gradients(&network, &params, &examples(pairs), id, &workers).unwrap();
    let logits = network.logits(&params, pairs, &workers).unwrap();
    [vec![loss.value().unwrap()], grads.flat().to_f64().unwrap(), logits.into_iter().map(f64::from).collect()]
}

fn check(config: &Config, pairs: &[Duo]) {
    let judge = results(config, &Device::Reference, pairs);
    for (got, judge) in results(config, &Device::cpu(), pairs).iter().zip(&judge) {
        let gap: f64 = got.iter().zip(judge).map(|(a, b)| (a - b) * (a - b)).sum();
        assert!(gap.sqrt() < 1e-5 * judge.iter().map(|b| b * b).sum::<f64>().sqrt());
    }
}

fn train(meter: &mut Meter, config: &Config, pairs: &[Duo]) {
    let (network, mut params, workers) = network(config, &Device::cpu());
    let mut adamw = AdamW::new(&params, 0.01).unwrap();
    let (mut accumulator, examples, mut step) = (Accumulator::new(MICRO_BATCH), examples(pairs), 0);
    let work = Work::Flops(3.0 * config.forward_flops() * pairs.len() as f64);
    meter.time("train", &format!("small, batch {}", pairs.len()), work, || {
        step += 1;
        let id = StepId { seed: 0, step };
        let (_, grads) = accumulator.gradients(&network, &params, &examples, id, &workers).unwrap();
        adamw.step(&mut params, grads, 1e-4).unwrap();
    });
}

fn infer(meter: &mut Meter, config: &Config, pairs: &[Duo]) {
    let (network, params, workers) = network(config, &Device::cpu());
    let work = Work::Flops(config.forward_flops() * pairs.len() as f64);
    meter.time("infer", &format!("small, batch {}", pairs.len()), work, || {
        network.logits(&params, pairs, &workers).unwrap();
    });
}
