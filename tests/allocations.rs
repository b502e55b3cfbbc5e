//! A training step like the ones before it allocates nothing: counted by an allocator, over all threads of a program of
//! its own, so that no other test and no test harness adds to the count.

#[allow(dead_code)] // how much
mod counting;

use counting::allocations;
use mirscope::{
    data::Duo,
    device::Device,
    model::{Config, Fusion, Joins, Network, PairingConfig, Pooling, PositionKind},
    optim::{AdamW, Sgd, clip_norm},
    params::{Builder, Params},
    rna::Base,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
/// Preset `small`; the default model's shape; and one with whatever else has code of its own.
fn configs() -> [(&'static str, Config); 4] {
    let stem = |channels: &[usize]| PairingConfig {
        channels: channels.to_vec(),
        kernels: [5, 5, 3][..channels.len()].to_vec(),
        hidden: 64,
        joins: Joins::Pooled,
    };
    let pairing = Config { site_len: 50, pairing: Some(stem(&[32, 32, 64])), ..Config::small() };
    let positions = PositionKind::Learned;
    let other = Config { width: 12, layers: 1, segments: false, positions, dropout: 0.0, ..Config::small() };
    let other = Config { pairing: Some(stem(&[3])), ..other };
    assert!(pairing.dropout > 0.0, "masks are drawn too");
    let both = |stem| PairingConfig { joins: Joins::Both, ..stem };
    let variants = Config {
        layers: 1,
        positions: PositionKind::Relative,
        fusion: Fusion::Cross,
        pooling: Pooling::Attention,
        bases: true,
        conv_layers: 2,
        pairing: Some(both(stem(&[8, 8]))),
        ..Config::small()
    };
    [("small", Config::small()), ("pairing", pairing), ("learned positions", other), ("variants", variants)]
}

/// Random miRNAs and sites of 15 nt up to the longest a network reads.
fn sequences(config: &Config, count: usize) -> Vec<[Vec<Base>; 2]> {
    const LETTERS: [Base; 5] = [Base::A, Base::C, Base::G, Base::U, Base::N];
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let mut sequence = |most: usize| -> Vec<Base> {
        (0..random.random_range(15..=most)).map(|_| LETTERS[random.random_range(0..5)]).collect()
    };
    (0..count).map(|_| [sequence(config.mirna_len), sequence(config.site_len)]).collect()
}

/// Everything a step needs, and two optimizers that share its gradient.
struct Training<'a> {
    network: Network,
    params: Params,
    examples: Vec<Example<'a>>,
    workers: Workers,
    accumulator: Accumulator,
    adamw: AdamW,
    sgd: Sgd,
    step: u32,
}

impl<'a> Training<'a> {
    fn new(config: &Config, sequences: &'a [[Vec<Base>; 2]], threads: usize) -> Self {
        let mut builder = Builder::new(1);
        let network = Network::new(&mut builder, config);
        let params = builder.on(&Device::cpu()).unwrap();
        let pairs = sequences.iter().map(|[mirna, site]| (&mirna[..], &site[..])).enumerate();
        let example = |(i, pair)| Example { pair, label: (i % 2) as f32, weight: 1.0, offset: 0.0 };
        Self {
            network,
            examples: pairs.map(example).collect(),
            workers: Workers::new(&Device::cpu(), threads).unwrap(),
            accumulator: Accumulator::new(2),
            adamw: AdamW::new(&params, 0.01).unwrap(),
            sgd: Sgd::new(&params, 0.9, 0.0).unwrap(),
            params,
            step: 0,
        }
    }

    /// A step over the first `size` examples.
    fn step(&mut self, size: usize) {
        self.step += 1;
        let (id, examples) = (StepId { seed: 1, step: self.step }, &self.examples[..size]);
        let (loss, grads) =
            self.accumulator.gradients(&self.network, &self.params, examples, id, &self.workers).unwrap();
        let norm = clip_norm(grads, 1e-3).unwrap();
        assert!(loss.value().unwrap().is_finite() && norm.value().unwrap().is_finite());
        self.adamw.step(&mut self.params, grads, 1e-3).unwrap();
        self.sgd.step(&mut self.params, grads, 1e-3).unwrap();
    }

    /// A step over each size of batch: more micro-batches than strips, the last of them smaller; few; a single pair.
    fn round(&mut self) {
        [35, 4, 1].into_iter().for_each(|size| self.step(size));
    }
}

fn main() {
    assert_eq!(allocations(|| drop(std::hint::black_box(vec![0u8; 3]))), 1, "the counter counts");
    let elsewhere = || std::thread::scope(|s| drop(s.spawn(|| vec![0u8; 3]).join()));
    assert!(allocations(elsewhere) > 1, "on other threads too");
    for (name, config) in configs() {
        let sequences = sequences(&config, 35);
        a_worker_alone(name, Training::new(&config, &sequences, 1));
        two_workers(name, Training::new(&config, &sequences, 2));
    }
}

fn a_worker_alone(name: &str, mut training: Training) {
    let first = allocations(|| training.round());
    let later: [usize; 5] = std::array::from_fn(|_| allocations(|| training.round()));
    println!("{name}, 1 thread: {first} allocations in the first steps, then {later:?}");
    assert_eq!(later, [0; 5], "{name}");

    let pairs: Vec<Duo> = training.examples.iter().map(|e| e.pair).collect();
    let infer = || drop(training.network.logits(&training.params, &pairs, &training.workers));
    infer();
    assert_eq!(allocations(infer), 1, "{name}: the logits that are returned, and nothing else");
}

/// Which thread takes which micro-batch is chance, so that each may meet a new one for a while; and the pool's queue
/// takes a block of memory at every 63rd call, so that no long run of steps has none.
fn two_workers(name: &str, mut training: Training) {
    let mut counts = vec![];
    while !counts.ends_with(&[0; 5]) {
        assert!(counts.len() < 100, "{name}, 2 threads: {counts:?}");
        counts.push(allocations(|| training.round()));
    }
    println!("{name}, 2 threads: {counts:?}");
}
