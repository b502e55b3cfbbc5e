//! The whole network: its gradient, its parity over instruction sets, its independence of threads and batches, and its
//! logits beside PyTorch's.

mod tiny;

use mirscope::{
    autograd::Tape,
    data::{Batch, Duo},
    device::{Device, Par},
    model::{Config, Meaning, Network, PositionKind, Predictor, Provenance},
    optim::AdamW,
    params::{Builder, Params},
    rna::{Base, parse},
    simd::Isa,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{collections::HashSet, ops::Range};
use tiny::{STEP, config, configs, examples, loss, network, sequences};

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A network, its values, and its gradient there, in f64.
struct Differentiated {
    network: Network,
    params: Params,
    start: Vec<f64>,
    gradient: Vec<f64>,
    direction: Vec<f64>,
}

impl Differentiated {
    fn new(config: &Config, examples: &[Example]) -> Self {
        let (network, params) = network(config, &Device::Reference, 11);
        let start = params.flat().to_f64().unwrap();
        let gradient = loss(&network, &params, examples, 2).1;
        let random = &mut ChaCha8Rng::seed_from_u64(13);
        let direction = start.iter().map(|_| 2.0 * random.random::<f64>() - 1.0).collect();
        Self { network, params, start, gradient, direction }
    }

    /// The derivative along a random direction in the parameters of `range`, from backward, and how far from that a
    /// central difference is.
    fn derivative(&mut self, examples: &[Example], range: Range<usize>) -> (f64, f64) {
        const H: f64 = 1e-5;
        let direction = &self.direction[range.clone()];
        let mut at = |h: f64| {
            let mut moved = self.start.clone();
            moved[range.clone()].iter_mut().zip(direction).for_each(|(x, d)| *x += h * d);
            self.params.set_flat(&moved).unwrap();
            loss(&self.network, &self.params, examples, 2).0
        };
        let numeric = (at(H) - at(-H)) / (2.0 * H);
        let exact = dot(&self.gradient[range.clone()], direction);
        (exact, (exact - numeric).abs())
    }
}

/// For a random direction over all parameters at once and then over each alone.
///
/// ReLU and max pooling have kinks. The pooled map is of zeros and ones, so equal patches tie, but they are the same
/// function of the weights and stay tied; of the others, the seeds are ones for which none lies within a step.
#[test]
fn the_networks_gradient_matches_central_differences() {
    for (name, config) in configs() {
        let sequences = sequences(&config, 3, 12);
        let some = |what: fn(&[Base], usize) -> bool| {
            sequences.iter().any(|[m, s]| what(m, config.mirna_len) && what(s, config.site_len))
        };
        assert!(some(|x, n| x.len() < n) && some(|x, _| x.contains(&Base::N)), "pads and N are there");
        let examples = examples(&sequences);
        let mut at = Differentiated::new(&config, &examples);
        let (whole, off) = at.derivative(&examples, 0..at.start.len());
        println!("{name}: {} parameters, all at once {:.1e}", at.start.len(), off / whole.abs());
        assert!(off < 1e-6 * whole.abs(), "{name}: {whole:.3e} is off by {off:.1e}");
        let mut worst = (String::new(), 0.0);
        for id in at.params.ids() {
            let parameter = at.params.name(id).to_string();
            let range = at.params.range(id);
            let (exact, off) = at.derivative(&examples, range);
            let figures = format!("{name}: {parameter} has a derivative of {exact:.1e}, off by {off:.1e}");
            if parameter.ends_with("key.bias") {
                // A shift of all keys shifts all of a query's scores alike, and a softmax does not see that.
                assert!(exact.abs() < 1e-12 && off < 1e-9, "{figures}");
                continue;
            }
            assert!(exact.abs() > 5e-6, "{figures}: too flat to tell");
            if off / exact.abs() > worst.1 {
                worst = (parameter, off / exact.abs());
            }
        }
        println!("    worst of each alone: {} {:.1e}", worst.0, worst.1);
        assert!(worst.1 < 1e-6, "{name}: {} is off by {:.1e}", worst.0, worst.1);
    }
}

/// Root mean square of `a - b` over that of `b`.
fn error(a: &[f64], b: &[f64]) -> f64 {
    assert!(a.iter().all(|x| x.is_finite()));
    let gap: f64 = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum();
    (gap / dot(b, b)).sqrt()
}

/// Logits and gradients are at most twice as far from the judge's as the textbook formulas in f32 are.
#[test]
fn instruction_sets_match_the_reference() {
    for (name, config) in configs() {
        let sequences = sequences(&config, 33, 22);
        let examples = examples(&sequences);
        let run = |device: &Device| {
            let (network, params) = network(&config, device, 21);
            let pairs: Vec<Duo> = examples.iter().map(|e| e.pair).collect();
            let batch = Batch::new(&pairs, config.lengths()).unwrap();
            let logits = network.forward(&Tape::inference(&params, device), &batch).unwrap();
            [logits.value.to_f64().unwrap(), loss(&network, &params, &examples, 4).1]
        };
        let judge = run(&Device::Reference);
        let errors = |device: &Device| {
            let [logits, gradient] = run(device);
            [error(&logits, &judge[0]), error(&gradient, &judge[1])]
        };
        let base = errors(&Device::Reference32);
        println!("{name}: f32 logits {:.1e}, gradient {:.1e}", base[0], base[1]);
        for isa in Isa::all() {
            let got = errors(&Device::cpu_with(isa, Par::Seq));
            println!("    {:8} logits {:.1e}, gradient {:.1e}", isa.name(), got[0], got[1]);
            for (part, (got, base)) in ["logits", "gradient"].iter().zip(got.iter().zip(&base)) {
                let allowed = 2.0 * base.max(f64::from(f32::EPSILON) / 2.0);
                assert!(*got <= allowed, "{name} {} {part}: {got:.1e}, f32 {base:.1e}", isa.name());
            }
        }
    }
}

/// What a recorded pass and one that records nothing make of the same pairs differs by rounding alone.
#[test]
fn inference_is_what_is_trained() {
    for (name, config) in configs() {
        for device in [Device::Reference32, Device::cpu()] {
            let (network, params) = network(&config, &device, 61);
            let sequences = sequences(&config, 21, 62);
            let pairs: Vec<Duo> = sequences.iter().map(|[m, s]| (&m[..], &s[..])).collect();
            let batch = Batch::new(&pairs, config.lengths()).unwrap();
            let logits = |tape: Tape| network.forward(&tape, &batch).unwrap().value.to_f64().unwrap();
            let (recorded, inferred) =
                (logits(Tape::new(&params, &device)), logits(Tape::inference(&params, &device)));
            let off = error(&inferred, &recorded);
            assert!(off < 1e-6, "{name} on {device:?}: {off:.1e}");
        }
    }
}

/// What says nothing of the variants is a network without them: the settings, the parameters' names and order, their first
/// values and the model file's own words are what they were before there were any.
#[test]
fn files_from_before_the_variants_keep_their_bytes() {
    let old = "mirna_len = 30\nsite_len = 50\nwidth = 16\nheads = 4\nfeed_forward = 256\nlayers = 2\nconv_width = 7\n\
               dropout = 0.1\nsegments = true\npositions = \"sinusoidal\"\nreads = \"both\"\n\n\
               [pairing]\nchannels = [8, 16]\nkernels = [5, 3]\nhidden = 12\n";
    let config: Config = toml::from_str(old).unwrap();
    let written: String = toml::to_string(&config).unwrap();
    assert_eq!(written, old);
    let mut builder = Builder::new(7);
    Network::new(&mut builder, &config);
    let params = builder.on(&Device::Reference).unwrap();
    let names: Vec<&str> = params.ids().map(|id| params.name(id)).collect();
    assert_eq!(names.len(), 48);
    let first = "pairing.conv0.weight pairing.conv0.bias pairing.conv1.weight pairing.conv1.bias \
                 pairing.from_map.weight pairing.from_map.bias pairing.from_tokens.weight \
                 pairing.from_tokens.bias tokens.table segments.table motifs.weight motifs.bias layer0.norm1.gamma";
    assert_eq!(names[..13].join(" "), first);
    assert_eq!(names[44..].join(" "), "norm.gamma norm.beta head.weight head.bias");
    let values = params.flat().to_f64().unwrap();
    let sum: f64 = values.iter().enumerate().map(|(i, x)| x * (i as f64).sin()).sum();
    assert!(values.len() == 23425 && (sum + 2.484550990).abs() < 1e-8, "{sum}");
    let provenance = Provenance {
        name: "n".into(),
        trained_by: "0".into(),
        threshold: 0.5,
        data: "d".into(),
        seed: 7,
        meaning: Meaning::default(),
    };
    let file = Predictor::file(&config, &params, &provenance).unwrap();
    let card = r#"\"positions\":\"sinusoidal\",\"reads\":\"both\",\"pairing\":{\"channels\":[8,16],\"kernels\":[5,3],\"hidden\":12}}"#;
    assert!(String::from_utf8_lossy(&file[..600]).contains(card), "a card as it was");
}

/// 53 examples in micro-batches of 3 are more than the 16 strips in which gradients are first added.
#[test]
fn gradients_have_the_same_bits_for_any_number_of_threads() {
    let config = config(true, PositionKind::Learned, 0.2);
    for isa in Isa::all() {
        let device = Device::cpu_with(isa, Par::Seq);
        let (network, params) = network(&config, &device, 31);
        let sequences = sequences(&config, 53, 32);
        let examples = examples(&sequences);
        let mut accumulator = Accumulator::new(3);
        let mut run = |workers: &Workers| {
            let (loss, grads) = accumulator.gradients(&network, &params, &examples, STEP, workers).unwrap();
            (
                loss.value().unwrap().to_bits(),
                grads.flat().to_f32().unwrap().iter().map(|g| g.to_bits()).collect::<Vec<_>>(),
            )
        };
        let one = run(&Workers::new(&device, 1).unwrap());
        for threads in 1..=3 {
            let workers = Workers::new(&device, threads).unwrap();
            for time in 1..=3 {
                assert!(run(&workers) == one, "{}, {threads} threads, run {time}", isa.name());
            }
        }
    }
}

/// Masks belong to samples, not to places in a micro-batch.
#[test]
fn micro_batches_add_up_to_the_batch() {
    let config = config(true, PositionKind::Learned, 0.2);
    let (network, params) = network(&config, &Device::Reference, 41);
    let sequences = sequences(&config, 13, 42);
    let examples = examples(&sequences);
    let (whole, gradient) = loss(&network, &params, &examples, 13);
    for micro_batch in [1, 3, 5] {
        let (loss, parts) = loss(&network, &params, &examples, micro_batch);
        assert!((loss - whole).abs() < 1e-13, "micro-batches of {micro_batch}: {loss}, whole {whole}");
        assert!(error(&parts, &gradient) < 1e-12, "micro-batches of {micro_batch}");
    }
    let workers = Workers::new(&Device::Reference, 1).unwrap();
    let other = StepId { step: STEP.step + 1, ..STEP };
    let other = Accumulator::new(13).gradients(&network, &params, &examples, other, &workers).unwrap().0;
    let other = other.value().unwrap();
    assert!((other - whole).abs() > 1e-4, "dropout is on: another step has other masks");
}

fn predictor(config: &Config, params: &Params, workers: Workers) -> Predictor {
    let provenance = Provenance {
        name: "test".into(),
        trained_by: "0".into(),
        threshold: 0.5,
        data: "none".into(),
        seed: 0,
        meaning: Meaning::default(),
    };
    Predictor::from_bytes(&Predictor::file(config, params, &provenance).unwrap(), "test", workers).unwrap()
}

#[test]
fn a_pairs_probability_depends_on_the_pair_alone() {
    let config = config(true, PositionKind::Sinusoidal, 0.2);
    for isa in Isa::all() {
        let device = Device::cpu_with(isa, Par::Seq);
        let params = network(&config, &device, 51).1;
        let sequences = sequences(&config, 29, 52);
        let pairs: Vec<Duo> = sequences.iter().map(|[m, s]| (&m[..], &s[..])).collect();
        let bits = |threads: usize, pairs: &[Duo]| -> Vec<u32> {
            let predictor = predictor(&config, &params, Workers::new(&device, threads).unwrap());
            predictor.probabilities(pairs).unwrap().iter().map(|p| p.to_bits()).collect()
        };
        let all = bits(1, &pairs);
        assert!(all.iter().collect::<HashSet<_>>().len() > 20, "they differ");
        assert!(bits(2, &pairs) == all && bits(3, &pairs) == all, "{}: threads", isa.name());
        let backwards: Vec<Duo> = pairs.iter().rev().copied().collect();
        assert!(bits(1, &backwards).iter().rev().eq(&all), "{}: order", isa.name());
        let alone: Vec<u32> = pairs.iter().flat_map(|&pair| bits(1, &[pair])).collect();
        assert!(alone == all, "{}: alone", isa.name());
    }
}

/// f32 has no normal numbers below 1.2e-38.
#[test]
fn parameters_too_small_to_be_normal_are_computed_with() {
    let config = config(true, PositionKind::Sinusoidal, 0.0);
    let sequences = sequences(&config, 29, 52);
    let pairs: Vec<Duo> = sequences.iter().map(|[m, s]| (&m[..], &s[..])).collect();
    for isa in Isa::all() {
        let device = Device::cpu_with(isa, Par::Seq);
        let mut params = network(&config, &device, 51).1;
        let start = params.flat().to_f64().unwrap();
        for factor in [1e-36, 1e-39, 1e-44] {
            params.set_flat(&start.iter().map(|x| x * factor).collect::<Vec<_>>()).unwrap();
            let predictor = predictor(&config, &params, Workers::new(&device, 1).unwrap());
            let log_odds = predictor.log_odds(&pairs).unwrap();
            let most = 2.0 * factor as f32;
            assert!(log_odds.iter().all(|z| z.abs() <= most), "{}, {factor}: {log_odds:?}", isa.name());
        }
    }
}

/// The network that PyTorch was asked about: preset `small` from seed 7, each value `i` moved by `sin(i) / 20`, so that
/// norms and biases are not what they begin as.
fn small(device: &Device) -> (Network, Params) {
    let mut builder = Builder::new(7);
    let network = Network::new(&mut builder, &Config::small());
    let mut params = builder.on(device).unwrap();
    let start = params.flat().to_f64().unwrap();
    let moved = start.iter().enumerate().map(|(i, x)| f64::from((x + (i as f64).sin() / 20.0) as f32));
    params.set_flat(&moved.collect::<Vec<_>>()).unwrap();
    (network, params)
}

/// let-7a on a site in lin-41, miR-21 on one of full length, N's, and the shortest there can be; with the logit that
/// `tests/oracle/torch_network.py` prints for each, in double precision.
const TORCH: [(&str, &str, f64); 4] = [
    ("UGAGGUAGUAGGUUGUAUAGUU", "UUAUACAACCGUUCUACACUCA", -0.565304479),
    ("UAGCUUAUCAGACUGAUGUUGACUGAAUUU", "GGCAUCAACAUCAGUCUGAUAAGCUAUUUGACGCAUGCAU", -0.606753620),
    ("UNAGGUANUAGN", "NNACUACCUCANNCUACCUCAAA", -0.453051859),
    ("U", "A", -0.374830366),
];

/// Writes what the oracle reads, into the tests' temporary folder; then, by hand,
/// `python tests/oracle/torch_network.py target/tmp/oracle.safetensors target/tmp/oracle.tsv`.
fn write_oracle_input() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let params = small(&Device::Reference).1;
    std::fs::write(folder.join("oracle.safetensors"), params.to_safetensors(Default::default()).unwrap())
        .unwrap();
    let lines: String = TORCH.iter().map(|(mirna, site, _)| format!("{mirna}\t{site}\n")).collect();
    std::fs::write(folder.join("oracle.tsv"), lines).unwrap();
}

#[test]
fn the_small_preset_is_pytorchs_network() {
    write_oracle_input();
    let sequences = TORCH.map(|(mirna, site, _)| [mirna, site].map(|s| parse(s.as_bytes()).unwrap()));
    let pairs: Vec<Duo> = sequences.iter().map(|[m, s]| (&m[..], &s[..])).collect();
    let cpus = Isa::all().into_iter().map(|isa| Device::cpu_with(isa, Par::Seq));
    for device in [Device::Reference, Device::Reference32].into_iter().chain(cpus) {
        let (network, params) = small(&device);
        let batch = Batch::new(&pairs, network.config().lengths()).unwrap();
        let logits = network.forward(&Tape::inference(&params, &device), &batch).unwrap();
        let logits = logits.value.to_f64().unwrap();
        let gaps = logits.iter().zip(TORCH).map(|(got, (_, _, expected))| (got - expected).abs());
        let worst = gaps.fold(0.0, f64::max);
        println!("{device:?}: off by {worst:.1e}");
        assert!(worst < 1e-5, "{device:?}: {logits:?} are off by {worst:.1e}");
    }
}

/// After an optimizer's step backward multiplies by transposes that were kept. They are the weights': the gradients are the
/// bits of a network that was given the same values and keeps none.
#[test]
fn kept_transposes_are_the_weights() {
    for isa in Isa::all() {
        let device = Device::cpu_with(isa, Par::Seq);
        let config = Config { heads: 2, width: 18, feed_forward: 29, layers: 1, ..Config::small() };
        let sequences = sequences(&config, 3, 12);
        let examples = examples(&sequences);
        let (network, mut params) = network(&config, &device, 11);
        let workers = Workers::new(&device, 1).unwrap();
        let mut accumulator = Accumulator::new(2);
        let mut gradients = |params: &Params| {
            let id = StepId { seed: 1, step: 2 };
            let (_, grads) = accumulator.gradients(&network, params, &examples, id, &workers).unwrap();
            grads.clone()
        };
        let mut adamw = AdamW::new(&params, 0.1).unwrap();
        for _ in 0..2 {
            let grads = gradients(&params);
            adamw.step(&mut params, &grads, 0.1).unwrap();
        }
        let kept = gradients(&params).flat().to_f32().unwrap();
        params.set_flat(&params.flat().to_f64().unwrap()).unwrap();
        assert_eq!(kept, gradients(&params).flat().to_f32().unwrap(), "{}", isa.name());
    }
}
