//! Every case of the list: gradients against central differences in f64, every instruction set against the reference.

mod cases;

use cases::{Case, all};
use mirscope::{
    device::{Device, Par},
    simd::Isa,
    tensor::Tensor,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Values in -1..1, already rounded to f32 so that every device sees the same.
fn noise(random: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from(2.0 * random.random::<f32>() - 1.0)).collect()
}

fn inputs(case: &Case, device: &Device, values: &[Vec<f64>]) -> Vec<Tensor> {
    case.shapes.iter().zip(values).map(|(s, v)| Tensor::new(device, s, v).unwrap()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The worst relative gap, over the inputs, between the directional derivative from backward and from a central
/// difference, for a random direction and a random upstream gradient.
fn gradient_gap(case: &Case) -> f64 {
    const H: f64 = 1e-5;
    let random = &mut ChaCha8Rng::seed_from_u64(1);
    let values: Vec<Vec<f64>> = case.shapes.iter().map(|s| noise(random, s.iter().product())).collect();
    let (y, backward) = case.apply(&inputs(case, &Device::Reference, &values)).unwrap();
    let upstream = noise(random, y.len());
    let gradients = backward(&Tensor::new(&Device::Reference, y.shape(), &upstream).unwrap()).unwrap();
    let mut worst = 0.0f64;
    for (i, gradient) in gradients.iter().enumerate() {
        assert_eq!(gradient.shape(), case.shapes[i], "{}: gradient {i}", case.name);
        let direction = noise(random, gradient.len());
        let at = |h: f64| {
            let mut moved = values.clone();
            moved[i].iter_mut().zip(&direction).for_each(|(x, d)| *x += h * d);
            let y = case.apply(&inputs(case, &Device::Reference, &moved)).unwrap().0;
            dot(&upstream, &y.to_f64().unwrap())
        };
        let exact = dot(&direction, &gradient.to_f64().unwrap());
        let numeric = (at(H) - at(-H)) / (2.0 * H);
        worst = worst.max((exact - numeric).abs() / exact.abs().max(numeric.abs()).max(1e-4));
    }
    worst
}

#[test]
fn gradients_match_central_differences() {
    let mut worst = ("", 0.0);
    let cases = all();
    for case in &cases {
        let gap = gradient_gap(case);
        println!("{:40} {gap:.1e}", case.name);
        if gap > worst.1 {
            worst = (&case.name, gap);
        }
    }
    println!("worst of {} cases: {} {:.1e}", cases.len(), worst.0, worst.1);
    assert!(worst.1 < 1e-6, "{} is off by {:.1e}", worst.0, worst.1);
}

/// The result and the gradients on `device`; the second run, on buffers full of NaN, is the one that counts.
fn run(case: &Case, device: &Device, values: &[Vec<f64>], upstream: &[f64]) -> Vec<Vec<f64>> {
    let once = || {
        let (y, backward) = case.apply(&inputs(case, device, values)).unwrap();
        let dy = Tensor::new(device, y.shape(), upstream).unwrap();
        let gradients = backward(&dy).unwrap();
        std::iter::once(&y).chain(&gradients).map(|t| t.to_f64().unwrap()).collect::<Vec<_>>()
    };
    if let Device::Cpu(cpu) = device {
        once();
        cpu.poison();
    }
    once()
}

/// Root mean square of `a - b` over that of `b`.
fn error(a: &[f64], b: &[f64]) -> f64 {
    assert!(a.iter().all(|x| x.is_finite()), "reads what it has not written");
    let square = |x: f64| x * x;
    let gap: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (gap / b.iter().copied().map(square).sum::<f64>().max(1e-30)).sqrt()
}

/// Errors of the result and each gradient are at most twice those of the reference formula in f32. Half a unit in the
/// last place, relative, is rounding itself and always allowed.
#[test]
fn instruction_sets_match_the_reference() {
    let devices = |isa| [Par::Seq, Par::Threads].map(|par| Device::cpu_with(isa, par));
    let mut failures = vec![];
    println!(
        "{:40} {:>9} {}",
        "case",
        "f32",
        Isa::all().iter().map(|i| format!("{:>9}", i.name())).collect::<String>()
    );
    for case in all() {
        let random = &mut ChaCha8Rng::seed_from_u64(2);
        let values: Vec<Vec<f64>> = case.shapes.iter().map(|s| noise(random, s.iter().product())).collect();
        let y = case.apply(&inputs(&case, &Device::Reference, &values)).unwrap().0;
        let upstream = noise(random, y.len());
        let judge = run(&case, &Device::Reference, &values, &upstream);
        let errors = |device: &Device| -> Vec<f64> {
            run(&case, device, &values, &upstream).iter().zip(&judge).map(|(a, b)| error(a, b)).collect()
        };
        let f32s = errors(&Device::Reference32);
        let greatest = |e: &[f64]| e.iter().copied().fold(0.0, f64::max);
        let mut row = format!("{:40} {:9.1e}", case.name, greatest(&f32s));
        for isa in Isa::all() {
            for (i, device) in devices(isa).iter().enumerate() {
                let errors = errors(device);
                if i == 0 {
                    row += &format!(" {:8.1e}", greatest(&errors));
                }
                for (part, (e, base)) in errors.iter().zip(&f32s).enumerate() {
                    if *e > 2.0 * base.max(f64::from(f32::EPSILON) / 2.0) {
                        failures
                            .push(format!("{} {device:?} part {part}: {e:.1e}, f32 {base:.1e}", case.name));
                    }
                }
            }
        }
        println!("{row}");
    }
    let widest = Isa::all().last().map(|i| i.name());
    if widest != Some("avx512") {
        eprintln!("skipped: instruction sets wider than {widest:?}, which this CPU has not");
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
