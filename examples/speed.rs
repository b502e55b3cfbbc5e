//! Throughput of the reference networks, as one JSON object a line: the same names and counts as the PyTorch script it is
//! compared with. `cargo run --release --example speed -- train|infer|attention --model small|base --threads N --seconds S`

use clap::{Parser, ValueEnum};
use mirscope::{
    Result,
    data::Duo,
    device::{Device, Par},
    model::{Config, Network},
    ops::{Attention, Op},
    optim::AdamW,
    params::Builder,
    rna::Base,
    simd::{Isa, gemm},
    tensor::Tensor,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, ValueEnum, PartialEq)]
enum What {
    Train,
    Infer,
    Attention,
    /// All threads' f32 rate on a 1024-cubed product, and on one that stays in a first-level cache: the yardsticks.
    Peak,
}

#[derive(Parser)]
struct Args {
    what: What,
    #[arg(long, default_value = "small")]
    model: String,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// Pairs that a worker takes through the network together in training.
    #[arg(long, default_value_t = 8)]
    micro_batch: usize,
}

/// Median seconds per call over `seconds` of calls, after three warm-up calls.
fn rate(seconds: f64, mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..3 {
        step()?;
    }
    let mut times = vec![];
    let end = Instant::now() + Duration::from_secs_f64(seconds);
    while Instant::now() < end || times.len() < 3 {
        let start = Instant::now();
        step()?;
        times.push(start.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

fn sequences(random: &mut ChaCha8Rng, count: usize, len: usize) -> Vec<Vec<Base>> {
    const LETTERS: [Base; 4] = [Base::A, Base::C, Base::G, Base::U];
    (0..count).map(|_| (0..len).map(|_| LETTERS[random.random_range(0..4)]).collect()).collect()
}

fn main() -> Result<()> {
    let args = Args::parse();
    match args.what {
        What::Train => train(&args),
        What::Infer => infer(&args),
        What::Attention => attention(&args),
        What::Peak => peak(&args),
    }
}

fn train(args: &Args) -> Result<()> {
    let config = Config::preset(&args.model)?;
    let random = &mut ChaCha8Rng::seed_from_u64(0);
    let (mirnas, sites) = (sequences(random, 256, config.mirna_len), sequences(random, 256, config.site_len));
    let pairs = mirnas.iter().zip(&sites).map(|(m, s)| (&m[..], &s[..]));
    let examples: Vec<Example> =
        pairs.map(|pair| Example { pair, label: random.random_range(0..2u8).into(), weight: 1.0 }).collect();
    let mut builder = Builder::new(0);
    let network = Network::new(&mut builder, &config);
    let mut params = builder.on(&Device::cpu())?;
    let mut adamw = AdamW::new(&params, 0.01)?;
    let workers = Workers::new(&Device::cpu(), args.threads)?;
    let mut accumulator = Accumulator::new(args.micro_batch);
    let mut step = 0;
    let seconds = rate(args.seconds, || {
        step += 1;
        let id = StepId { seed: 0, step };
        let (loss, grads) = accumulator.gradients(&network, &params, &examples, id, &workers)?;
        assert!(loss.is_finite());
        adamw.step(&mut params, grads, 1e-3)
    })?;
    report("train", args, 256, 3.0 * config.forward_flops(), seconds);
    Ok(())
}

fn infer(args: &Args) -> Result<()> {
    let config = Config::preset(&args.model)?;
    let mut builder = Builder::new(0);
    let network = Network::new(&mut builder, &config);
    let params = builder.on(&Device::cpu())?;
    let workers = Workers::new(&Device::cpu(), args.threads)?;
    for batch in [1, 256, 1024] {
        let random = &mut ChaCha8Rng::seed_from_u64(0);
        let mirnas = sequences(random, batch, config.mirna_len);
        let sites = sequences(random, batch, config.site_len);
        let pairs: Vec<Duo> = mirnas.iter().zip(&sites).map(|(m, s)| (&m[..], &s[..])).collect();
        let seconds = rate(args.seconds, || {
            let logits = network.logits(&params, &pairs, &workers)?;
            assert!(logits.len() == batch && logits.iter().all(|z| z.is_finite()));
            Ok(())
        })?;
        report("infer", args, batch, config.forward_flops(), seconds);
    }
    Ok(())
}

fn report(what: &str, args: &Args, batch: usize, flops: f64, seconds: f64) {
    let rate = batch as f64 / seconds;
    let line = json!({
        "what": format!("mirscope {what}"), "model": args.model, "batch": batch, "threads": args.threads,
        "samples_per_s": rate.round(), "gflops": (flops * rate / 1e8).round() / 10.0,
    });
    println!("{line}");
}

fn attention(args: &Args) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build().expect("threads start");
    let par = if args.threads > 1 { Par::Threads } else { Par::Seq };
    let device = Device::cpu_with(Isa::detect(), par);
    for [b, h, l, d] in [[256, 4, 70, 16], [256, 8, 70, 16], [1, 8, 1024, 64], [1, 8, 4096, 64]] {
        let random = &mut ChaCha8Rng::seed_from_u64(0);
        let mut tensor = || {
            let values: Vec<f32> = (0..b * l * h * d).map(|_| random.random::<f32>() * 2.0 - 1.0).collect();
            Tensor::from_f32(&device, &[b, l, h * d], &values)
        };
        let [q, k, v, dout] = [tensor()?, tensor()?, tensor()?, tensor()?];
        let op = Attention { heads: h, lengths: None, dropout: None };
        let forward = rate(args.seconds, || pool.install(|| op.forward([&q, &k, &v]).map(drop)))?;
        let both = rate(args.seconds, || {
            pool.install(|| {
                let (_, saved) = op.forward([&q, &k, &v])?;
                op.backward(&saved, &dout, [true; 3]).map(drop)
            })
        })?;
        for (name, seconds, products) in [("forward", forward, 4), ("forward+backward", both, 14)] {
            let gflops = (products * b * h * l * l * d) as f64 / seconds / 1e9;
            let line = json!({
                "what": format!("mirscope attention {name}"), "shape": [b, h, l, d],
                "ms": (seconds * 1e6).round() / 1e3, "gflops": (gflops * 10.0).round() / 10.0,
            });
            println!("{line}");
        }
    }
    Ok(())
}

/// The rate of an `[m, k] x [k, n]` product, one on each thread at once.
fn product(args: &Args, what: &str, [m, k, n]: [usize; 3]) -> Result<()> {
    let isa = Isa::detect();
    let one = || {
        let (a, b, mut c) = (vec![0.5f32; m * k], vec![0.25f32; k * n], vec![0.0f32; m * n]);
        let mut packed = vec![0.0; gemm::packed_len(isa, k, n)];
        gemm::pack(isa, gemm::Mat::rows(&b, k, n, n), &mut packed);
        let calls = (1 << 30) / (m * k * n); // so that a call of the clock weighs nothing
        let seconds = rate(args.seconds, || {
            for _ in 0..calls {
                gemm::packed(isa, gemm::Mat::rows(&a, m, k, k), &packed, n, gemm::Start::Zero, &mut c, n);
            }
            assert_eq!(c[m * n - 1], 0.125 * k as f32);
            Ok(())
        })?;
        Ok::<f64, mirscope::Error>(2.0 * (calls * m * k * n) as f64 / seconds / 1e9)
    };
    let rates = std::thread::scope(|s| {
        let threads: Vec<_> = (0..args.threads).map(|_| s.spawn(one)).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect::<Result<Vec<f64>>>()
    })?;
    println!(
        "{}",
        json!({"what": what, "shape": [m, k, n], "threads": args.threads, "isa": isa.name(),
            "gflops": rates.iter().sum::<f64>().round()})
    );
    Ok(())
}

fn peak(args: &Args) -> Result<()> {
    product(args, "mirscope gemm", [1024, 1024, 1024])?;
    product(args, "mirscope gemm in cache", [48, 256, 32])
}
