//! Throughput of the reference networks, as one JSON object a line: the same names and counts as the PyTorch script it is
//! compared with. `cargo run --release --example speed -- train|infer|attention|conv1d|peak --model small|base --threads N --seconds S`,
//! or with `--device cuda:0 --precision bf16` for a GPU, where times are the wall's, with all work done at the end of each.

use clap::{Parser, ValueEnum};
use mirscope::{
    Result,
    cuda::Precision,
    data::Duo,
    device::{Device, Par},
    model::{Config, Network},
    ops::{Attention, Conv1d, Op},
    optim::AdamW,
    params::Builder,
    rna::Base,
    simd::{
        Aligned, Isa, fma_peak,
        gemm::{Mat, Start, gemm},
    },
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
    Conv1d,
    /// All threads' f32 rate in registers, on a product that stays in a first-level cache, and on a 1024-cubed one: the
    /// yardsticks.
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
    /// Pairs of a training step.
    #[arg(long, default_value_t = 256)]
    batch: usize,
    /// scalar, avx2 or avx512, instead of the best there is.
    #[arg(long, value_parser = isa_named, default_value = Isa::detect().name())]
    isa: Isa,
    /// Pairs that a worker takes through the network together in training.
    #[arg(long, default_value_t = 4)]
    micro_batch: usize,
    /// cpu, or cuda:N for training, inference and attention.
    #[arg(long, default_value = "cpu")]
    device: String,
    /// f32, tf32 or bf16: the arithmetic of a GPU's matrix products.
    #[arg(long, default_value = "f32")]
    precision: Precision,
}

fn isa_named(name: &str) -> std::result::Result<Isa, String> {
    let all = Isa::all();
    let names: Vec<_> = all.iter().map(|isa| isa.name()).collect();
    let found = all.iter().find(|isa| isa.name() == name);
    found.copied().ok_or_else(|| format!("this CPU has {}", names.join(", ")))
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
        What::Conv1d => conv1d(&args),
        What::Peak => peak(&args),
    }
}

impl Args {
    fn device(&self, par: Par) -> Result<Device> {
        match self.device.as_str() {
            "cpu" => Ok(Device::cpu_with(self.isa, par)),
            name => Device::named(name, self.precision),
        }
    }

    fn on_gpu(&self) -> bool {
        self.device != "cpu"
    }
}

fn train(args: &Args) -> Result<()> {
    let config = Config::preset(&args.model)?;
    let random = &mut ChaCha8Rng::seed_from_u64(0);
    let (mirnas, sites) =
        (sequences(random, args.batch, config.mirna_len), sequences(random, args.batch, config.site_len));
    let pairs = mirnas.iter().zip(&sites).map(|(m, s)| (&m[..], &s[..]));
    let examples: Vec<Example> = pairs
        .map(|pair| Example { pair, label: random.random_range(0..2u8).into(), weight: 1.0, offset: 0.0 })
        .collect();
    let mut builder = Builder::new(0);
    let network = Network::new(&mut builder, &config);
    let device = args.device(Par::Seq)?;
    let mut params = builder.on(&device)?;
    let mut adamw = AdamW::new(&params, 0.01)?;
    let workers = Workers::new(&device, args.threads)?;
    let mut accumulator = Accumulator::new(if args.on_gpu() { args.batch } else { args.micro_batch });
    let mut step = 0;
    let seconds = rate(args.seconds, || {
        step += 1;
        let id = StepId { seed: 0, step };
        let (loss, grads) = accumulator.gradients(&network, &params, &examples, id, &workers)?;
        adamw.step(&mut params, grads, 1e-3)?;
        assert!(loss.value()?.is_finite());
        device.wait()
    })?;
    report("train", args, args.batch, 3.0 * config.forward_flops(), seconds);
    Ok(())
}

fn infer(args: &Args) -> Result<()> {
    let config = Config::preset(&args.model)?;
    let mut builder = Builder::new(0);
    let network = Network::new(&mut builder, &config);
    let device = args.device(Par::Seq)?;
    let params = builder.on(&device)?;
    let workers = Workers::new(&device, args.threads)?;
    for batch in if args.on_gpu() { [1, 256, 4096] } else { [1, 256, 1024] } {
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
        "device": args.device,
        "samples_per_s": rate.round(), "gflops": (flops * rate / 1e8).round() / 10.0,
    });
    println!("{line}");
}

fn attention(args: &Args) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads).build().expect("threads start");
    let par = if args.threads > 1 { Par::Threads } else { Par::Seq };
    let device = args.device(par)?;
    let shapes = match args.on_gpu() {
        true => [[4096, 4, 70, 16], [4096, 8, 70, 16], [4096, 4, 70, 32], [4, 16, 4096, 64]],
        false => [[256, 4, 70, 16], [256, 8, 70, 16], [1, 8, 1024, 64], [1, 8, 4096, 64]],
    };
    // A GPU is given many calls before it is waited for: one takes less time than the waiting.
    let calls = if args.on_gpu() { 20 } else { 1 };
    for [b, h, l, d] in shapes {
        let random = &mut ChaCha8Rng::seed_from_u64(0);
        let mut tensor = || {
            let values: Vec<f32> = (0..b * l * h * d).map(|_| random.random::<f32>() * 2.0 - 1.0).collect();
            Tensor::from_f32(&device, &[b, l, h * d], &values)
        };
        let [q, k, v, dout] = [tensor()?, tensor()?, tensor()?, tensor()?];
        let op = Attention { heads: h, lengths: None, dropout: None };
        let several = |call: &dyn Fn() -> Result<()>| {
            rate(args.seconds, || {
                (0..calls).try_for_each(|_| call())?;
                device.wait()
            })
        };
        let forward = several(&|| pool.install(|| op.forward([&q, &k, &v]).map(drop)))?;
        let both = several(&|| {
            pool.install(|| {
                let (_, saved) = op.forward([&q, &k, &v])?;
                op.backward(&saved, &dout, [true; 3]).map(drop)
            })
        })?;
        for (name, seconds, products) in [("forward", forward, 4), ("forward+backward", both, 14)] {
            let flops = products * b * h * l * l * d;
            timed(&format!("mirscope attention {name}"), &[b, h, l, d], flops, seconds / calls as f64);
        }
    }
    Ok(())
}

/// Convolutions of eight sequences, forward and with backward, on one thread.
fn conv1d(args: &Args) -> Result<()> {
    let device = args.device(Par::Seq)?;
    for c in [64, 128] {
        let random = &mut ChaCha8Rng::seed_from_u64(0);
        let mut tensor = |shape: &[usize]| {
            let len = shape.iter().product();
            let values: Vec<f32> = (0..len).map(|_| random.random::<f32>() * 2.0 - 1.0).collect();
            Tensor::from_f32(&device, shape, &values)
        };
        let [x, weight, bias, dout] =
            [tensor(&[8, 70, c])?, tensor(&[7, c, c])?, tensor(&[c])?, tensor(&[8, 70, c])?];
        let op = Conv1d { dilation: 1, activation: None };
        let forward = rate(args.seconds, || op.forward([&x, &weight, &bias]).map(drop))?;
        let both = rate(args.seconds, || {
            let (_, saved) = op.forward([&x, &weight, &bias])?;
            op.backward(&saved, &dout, [true; 3]).map(drop)
        })?;
        for (name, seconds, products) in [("forward", forward, 2), ("forward+backward", both, 6)] {
            timed(&format!("mirscope conv1d {name}"), &[8, 70, c], products * 8 * 70 * 7 * c * c, seconds);
        }
    }
    Ok(())
}

fn timed(what: &str, shape: &[usize], flops: usize, seconds: f64) {
    let gflops = (flops as f64 / seconds / 1e8).round() / 10.0;
    let ms = (seconds * 1e6).round() / 1e3;
    println!("{}", json!({"what": what, "shape": shape, "ms": ms, "gflops": gflops}));
}

/// Prints what all threads together do with `one` at once, in GFLOP/s.
fn together(args: &Args, what: &str, one: impl Fn() -> Result<f64> + Sync) -> Result<()> {
    let rates = std::thread::scope(|s| {
        let threads: Vec<_> = (0..args.threads).map(|_| s.spawn(&one)).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect::<Result<Vec<f64>>>()
    })?;
    let gflops = (rates.iter().sum::<f64>() / 1e9).round();
    let isa = args.isa.name();
    println!("{}", json!({"what": what, "threads": args.threads, "isa": isa, "gflops": gflops}));
    Ok(())
}

/// Operations a second of an `[m, k] x [k, n]` product.
fn product(args: &Args, [m, k, n]: [usize; 3]) -> Result<f64> {
    let filled = |len, value| {
        let mut x = Aligned::zeros(len);
        x.fill(value);
        x
    };
    let (a, b, mut c) = (filled(m * k, 0.5), filled(k * n, 0.25), filled(m * n, 0.0));
    let calls = (1 << 30) / (m * k * n); // so that a call of the clock weighs nothing
    let seconds = rate(args.seconds, || {
        for _ in 0..calls {
            let (a, b) = (Mat::rows(&a, m, k, k), Mat::rows(&b, k, n, n));
            gemm(args.isa, a, b, Start::Zero, &mut c, n, &mut []);
        }
        assert_eq!(c[m * n - 1], 0.125 * k as f32);
        Ok(())
    })?;
    Ok(2.0 * (calls * m * k * n) as f64 / seconds)
}

fn peak(args: &Args) -> Result<()> {
    together(args, "fma in registers", || Ok(fma_peak(args.isa, (2000.0 * args.seconds) as usize)))?;
    together(args, "mirscope gemm in cache", || product(args, [48, 256, 64]))?;
    together(args, "mirscope gemm 1024 cubed", || product(args, [1024; 3]))
}
