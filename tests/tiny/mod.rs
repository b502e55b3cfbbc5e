//! Small networks and batches for them.

use mirscope::{
    autograd::Grads,
    device::Device,
    model::{Config, Fusion, Joins, Network, PairingConfig, Pooling, PositionKind},
    params::{Builder, Params},
    rna::Base,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network small enough to be differentiated by differences; sizes are no multiples of a vector.
pub fn config(pairing: bool, positions: PositionKind, dropout: f32) -> Config {
    let stem = PairingConfig { channels: vec![4, 5], kernels: vec![3, 2], hidden: 6, joins: Joins::Pooled };
    Config {
        mirna_len: 7,
        site_len: 11,
        width: 10,
        heads: 2,
        feed_forward: 13,
        layers: 2,
        conv_width: 3,
        dropout,
        segments: true,
        positions,
        pairing: pairing.then_some(stem),
        ..Config::small()
    }
}

/// Every combination of stem, positions, dropout and variants that has code of its own.
pub fn configs() -> Vec<(&'static str, Config)> {
    use PositionKind::{Learned, Relative, Sinusoidal};
    // an even number of channels a head, and at least four
    let wide = |pairing, positions, dropout| Config { width: 8, ..config(pairing, positions, dropout) };
    let joined = |joins, from: Config| {
        let pairing = from.pairing.clone().map(|stem| PairingConfig { joins, ..stem });
        Config { pairing, ..from }
    };
    let cross = |from| Config { fusion: Fusion::Cross, ..from };
    let pooled = |pooling, from| Config { pooling, ..from };
    vec![
        ("tokens", config(false, Sinusoidal, 0.0)),
        ("tokens, learned positions", config(false, Learned, 0.0)),
        ("tokens, dropout", config(false, Sinusoidal, 0.2)),
        ("pairing", config(true, Sinusoidal, 0.0)),
        ("pairing, learned positions, dropout", config(true, Learned, 0.2)),
        ("relative positions, bases", Config { bases: true, ..wide(false, Relative, 0.0) }),
        (
            "max, no token convolution",
            Config { conv_layers: 0, ..pooled(Pooling::Max, wide(false, Sinusoidal, 0.0)) },
        ),
        (
            "attention pooling, deep convolution",
            Config { conv_layers: 2, ..pooled(Pooling::Attention, wide(false, Sinusoidal, 0.0)) },
        ),
        ("cross, learned positions", cross(wide(false, Learned, 0.0))),
        ("map joins tokens", joined(Joins::Tokens, wide(true, Sinusoidal, 0.0))),
        (
            "everything, dropout",
            Config {
                bases: true,
                width: 12,
                layers: 1,
                ..joined(Joins::Both, pooled(Pooling::Attention, cross(wide(true, Relative, 0.2))))
            },
        ),
    ]
}

/// A network whose norms and biases have left their initial ones and zeros, which would hide a wrong term. Values are
/// rounded to f32, so that every device has the same.
pub fn network(config: &Config, device: &Device, seed: u64) -> (Network, Params) {
    let mut builder = Builder::new(seed);
    let network = Network::new(&mut builder, config);
    let mut params = builder.on(device).unwrap();
    let random = &mut ChaCha8Rng::seed_from_u64(seed + 1);
    let start = params.flat().to_f64().unwrap();
    let moved = start.iter().map(|x| f64::from((x + 0.2 * random.random::<f64>() - 0.1) as f32));
    params.set_flat(&moved.collect::<Vec<_>>()).unwrap();
    (network, params)
}

/// Pairs of all lengths up to the longest, with N here and there.
pub fn sequences(config: &Config, count: usize, seed: u64) -> Vec<[Vec<Base>; 2]> {
    let random = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut sequence = |longest: usize, i: usize| {
        let len = if i == 0 { longest } else { random.random_range(longest / 2..=longest) };
        let letters = [Base::A, Base::C, Base::G, Base::U, Base::A, Base::C, Base::G, Base::U, Base::N];
        (0..len).map(|_| letters[random.random_range(0..letters.len())]).collect()
    };
    (0..count).map(|i| [sequence(config.mirna_len, i), sequence(config.site_len, i)]).collect()
}

pub fn examples(sequences: &[[Vec<Base>; 2]]) -> Vec<Example<'_>> {
    let pairs = sequences.iter().map(|[mirna, site]| (&mirna[..], &site[..])).enumerate();
    pairs
        .map(|(i, pair)| Example { pair, label: (i % 2) as f32, weight: 0.5 + (i % 3) as f32, offset: 0.0 })
        .collect()
}

pub const STEP: StepId = StepId { seed: 3, step: 5 };

/// The loss and its gradient, on one thread.
pub fn step(
    network: &Network,
    params: &Params,
    examples: &[Example],
    micro_batch: usize,
) -> mirscope::Result<(f64, Grads)> {
    let workers = Workers::new(params.device(), 1)?;
    let mut accumulator = Accumulator::new(micro_batch);
    let (loss, grads) = accumulator.gradients(network, params, examples, STEP, &workers)?;
    Ok((loss.value()?, grads.clone()))
}

/// As [`step`], with the gradient as plain numbers.
pub fn loss(network: &Network, params: &Params, examples: &[Example], micro_batch: usize) -> (f64, Vec<f64>) {
    let (loss, grads) = step(network, params, examples, micro_batch).unwrap();
    (loss, grads.flat().to_f64().unwrap())
}
