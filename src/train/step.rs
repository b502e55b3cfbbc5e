//! The gradient of a batch: micro-batches of a fixed size, mapped over workers, added in a fixed order.

use crate::{
    autograd::{Grads, Tape},
    data::{Batch, Duo},
    error::{Error, Result},
    model::Network,
    ops::{BceWithLogits, dropout::Noise},
    params::Params,
    workers::Workers,
};

/// Gradients are first added within this many strips, each by one worker, and then across them: memory for so many
/// gradients, and the same sums for any number of threads up to it.
const STRIPS: usize = 16;

/// A pair to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    pub pair: Duo<'a>,
    /// 0 or 1.
    pub label: f32,
    pub weight: f32,
}

/// Which random masks a step uses.
#[derive(Clone, Copy, Debug)]
pub struct StepId {
    pub seed: u64,
    pub step: u32,
}

/// The weighted mean loss of `examples`, and its gradient. `micro_batch` pairs go through the network together.
pub fn gradients(
    network: &Network,
    params: &Params,
    examples: &[Example],
    micro_batch: usize,
    id: StepId,
    workers: &Workers,
) -> Result<(f64, Grads)> {
    let normalizer: f32 = examples.iter().map(|e| e.weight).sum();
    let micro_batches: Vec<(usize, &[Example])> = examples.chunks(micro_batch).enumerate().collect();
    let strips: Vec<usize> = (0..STRIPS.min(micro_batches.len())).collect();
    let sums = workers.map(&strips, |device, &strip| {
        let mut sum: Option<(f64, Grads)> = None;
        for &(i, examples) in micro_batches.iter().skip(strip).step_by(STRIPS) {
            let noise = Noise { seed: id.seed, step: id.step, first_sample: (i * micro_batch) as u32 };
            let tape = Tape::training(params, device, noise);
            let (loss, grads) = one(network, tape, examples, normalizer)?;
            match &mut sum {
                None => sum = Some((loss, grads)),
                Some((total, all)) => {
                    *total += loss;
                    all.add(&grads)?;
                }
            }
        }
        Ok(sum.expect("a strip begins with a micro-batch"))
    })?;
    let mut sums = sums.into_iter();
    let (mut loss, mut grads) =
        sums.next().ok_or_else(|| Error::Setting("a batch has no examples".into()))?;
    for (more, other) in sums {
        loss += more;
        grads.add(&other)?;
    }
    Ok((loss, grads))
}

fn one(network: &Network, tape: Tape, examples: &[Example], normalizer: f32) -> Result<(f64, Grads)> {
    let pairs: Vec<Duo> = examples.iter().map(|e| e.pair).collect();
    let logits = network.forward(&tape, &Batch::new(&pairs, network.config().lengths())?)?;
    let targets = examples.iter().map(|e| e.label).collect();
    let weights = examples.iter().map(|e| e.weight).collect();
    let loss = tape.apply(BceWithLogits { targets, weights, normalizer }, [&logits])?;
    let value = loss.value.to_f64()?[0];
    Ok((value, tape.backward(&loss)?))
}
