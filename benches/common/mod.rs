//! What the benches share: a criterion with short times that also keeps each case's median, the machine's peaks, and a
//! closing table of rates and fractions.

use criterion::{Criterion, SamplingMode, Throughput};
use mirscope::simd::{Isa, fma_peak};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// What a call does; criterion prints it a second (Gelem/s are GFLOP/s).
#[allow(dead_code)] // not every bench has both
#[derive(Clone, Copy)]
pub enum Work {
    Flops(f64),
    Bytes(f64),
}

/// A criterion and the medians it has seen. All cases run on one thread with the best instruction set.
pub struct Meter {
    criterion: Criterion,
    medians: Vec<(String, Work, f64)>,
}

/// Whether this is `cargo bench`: under `cargo test` each case runs once, unoptimised, and no rate is meant.
pub fn timing() -> bool {
    let has = |flag| std::env::args().any(|a| a == flag);
    has("--bench") && !has("--test")
}

impl Meter {
    pub fn new() -> Self {
        let criterion = Criterion::default().without_plots().sample_size(10).nresamples(1000);
        let (warm, measure) = (Duration::from_millis(100), Duration::from_millis(500));
        let criterion = criterion.warm_up_time(warm).measurement_time(measure).configure_from_args();
        Self { criterion, medians: vec![] }
    }

    /// Times `call` as `what/size`.
    pub fn time(&mut self, what: &str, size: &str, work: Work, mut call: impl FnMut()) {
        let mut seconds = vec![];
        let mut group = self.criterion.benchmark_group(what);
        group.sampling_mode(SamplingMode::Flat).throughput(match work {
            Work::Flops(n) => Throughput::Elements(n as u64),
            Work::Bytes(n) => Throughput::Bytes(n as u64),
        });
        group.bench_function(format!("{size}/{}", Isa::detect().name()), |b| {
            b.iter_custom(|calls| {
                let start = Instant::now();
                (0..calls).for_each(|_| call());
                seconds.push(start.elapsed().as_secs_f64() / calls as f64);
                start.elapsed()
            });
        });
        group.finish();
        if !seconds.is_empty() {
            self.medians.push((format!("{what}/{size}"), work, median(seconds)));
        }
    }

    /// The closing table: rates beside what this machine multiplies and adds in registers, or copies in a first-level cache.
    pub fn report(self) {
        if !timing() || self.medians.is_empty() {
            return;
        }
        let (flops, bytes) = (fma_peak(Isa::detect(), 2000) / 1e9, copy_rate());
        println!("\n{}, CPU, one thread: in registers {flops:.1} GFLOP/s", Isa::detect().name());
        println!("copy of a 70 x 128 array {bytes:.1} GB/s, read and written");
        for (case, work, seconds) in self.medians {
            let (rate, unit, peak) = match work {
                Work::Flops(n) => (n / seconds / 1e9, "GFLOP/s", flops),
                Work::Bytes(n) => (n / seconds / 1e9, "GB/s", bytes),
            };
            let micros = seconds * 1e6;
            println!("{case:44} {micros:10.1} us {rate:8.1} {unit:7} {:4.0} %", 100.0 * rate / peak);
        }
    }
}

fn median(mut x: Vec<f64>) -> f64 {
    x.sort_by(f64::total_cmp);
    x[x.len() / 2]
}

/// Seconds a call takes: the median of `samples`, each of `calls`.
fn seconds(samples: usize, calls: usize, mut call: impl FnMut()) -> f64 {
    let mut sample = || {
        let start = Instant::now();
        (0..calls).for_each(|_| call());
        start.elapsed().as_secs_f64() / calls as f64
    };
    median((0..samples).map(|_| sample()).collect())
}

/// GB/s of a copy, counted twice: read and written.
fn copy_rate() -> f64 {
    let (from, mut to) = (vec![1.0f32; 70 * 128], vec![0.0f32; 70 * 128]);
    let median = seconds(11, 10_000, || to.copy_from_slice(black_box(&from)));
    assert!(black_box(&to).iter().all(|&x| x == 1.0));
    8.0 * from.len() as f64 / median / 1e9
}
