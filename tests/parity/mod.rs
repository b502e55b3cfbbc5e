//! Running a case on a device, and how far its numbers are from the judge's.

use crate::cases::Case;
use mirscope::{device::Device, tensor::Tensor};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Values in -1..1, already rounded to f32 so that every device sees the same.
pub fn noise(random: &mut ChaCha8Rng, n: usize) -> Vec<f64> {
    (0..n).map(|_| f64::from(2.0 * random.random::<f32>() - 1.0)).collect()
}

pub fn inputs(case: &Case, device: &Device, values: &[Vec<f64>]) -> Vec<Tensor> {
    case.shapes.iter().zip(values).map(|(s, v)| Tensor::new(device, s, v).unwrap()).collect()
}

/// The result and the gradients on `device`; the second run, on buffers full of NaN, is the one that counts.
pub fn run(case: &Case, device: &Device, values: &[Vec<f64>], upstream: &[f64]) -> Vec<Vec<f64>> {
    let once = || {
        let (y, backward) = case.apply(&inputs(case, device, values)).unwrap();
        let dy = Tensor::new(device, y.shape(), upstream).unwrap();
        let gradients = backward(&dy).unwrap();
        std::iter::once(&y).chain(&gradients).map(|t| t.to_f64().unwrap()).collect::<Vec<_>>()
    };
    match device {
        Device::Cpu(cpu) => {
            once();
            cpu.poison();
        }
        Device::Cuda(gpu) => {
            once();
            gpu.poison().unwrap();
        }
        Device::Reference | Device::Reference32 => {}
    }
    once()
}

/// Root mean square of `a - b` over that of `b`.
pub fn error(a: &[f64], b: &[f64]) -> f64 {
    error_beside(0.0, a, b)
}

/// The same, where `b` is not taken for less than `least`.
pub fn error_beside(least: f64, a: &[f64], b: &[f64]) -> f64 {
    assert!(a.iter().all(|x| x.is_finite()), "reads what it has not written");
    let square = |x: f64| x * x;
    let gap: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    let whole = b.iter().copied().map(|b| square(b).max(square(least))).sum::<f64>();
    (gap / whole.max(1e-30)).sqrt()
}

pub fn greatest(errors: &[f64]) -> f64 {
    errors.iter().copied().fold(0.0, f64::max)
}
