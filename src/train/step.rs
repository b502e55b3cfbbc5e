//! The gradient of a batch: micro-batches of a fixed size, mapped over workers, added in a fixed order.

use crate::{
    arena::Kept,
    autograd::{Grads, Tape},
    data::{Batch, Duo},
    device::Device,
    error::{Error, Result},
    model::Network,
    ops::{Add, BceWithLogits, dropout::Noise},
    params::Params,
    tensor::{Reading, Tensor},
    workers::Workers,
};
use std::sync::Arc;

/// Gradients are first added within this many strips, each by one worker, and then across them: memory for so many
/// gradients, and the same sums for any number of threads up to it.
const STRIPS: usize = 16;

/// A pair to learn from.
#[derive(Clone, Copy, Debug)]
pub struct Example<'a> {
    pub pair: Duo<'a>,
    /// 0 to 1.
    pub label: f32,
    pub weight: f32,
    /// Added to the network's log-odds before they are compared with the label.
    pub offset: f32,
}

/// Which random masks a step uses.
#[derive(Clone, Copy, Debug)]
pub struct StepId {
    pub seed: u64,
    pub step: u32,
}

/// Gradient accumulation: adds up what a batch's micro-batches give, in memory that serves step after step.
#[derive(Debug)]
pub struct Accumulator {
    micro_batch: usize,
    /// Whether each op's results are looked at.
    checks: bool,
    strips: Vec<Strip>,
}

/// Sums over every `STRIPS`th micro-batch.
#[derive(Debug)]
struct Strip {
    loss: Reading,
    grads: Grads,
}

impl Strip {
    fn add(&mut self, other: &mut Strip) -> Result<()> {
        self.loss.add(std::mem::take(&mut other.loss));
        self.grads.add(&other.grads)
    }
}

impl Accumulator {
    /// `micro_batch` pairs go through the network together; 0 counts as 1. Where a GPU has no room for so many, half.
    pub fn new(micro_batch: usize) -> Self {
        Self { micro_batch: micro_batch.max(1), checks: false, strips: vec![] }
    }

    /// Whether to look at each op's results for infinities and what is no number ([`Tape::checked`]).
    pub fn checked(self, checks: bool) -> Self {
        Self { checks, ..self }
    }

    /// How many pairs go through the network together now.
    pub fn micro_batch(&self) -> usize {
        self.micro_batch
    }

    /// The weighted mean loss of `examples`, and its gradient, which stays until the next batch's. A GPU is not waited for.
    pub fn gradients(
        &mut self,
        network: &Network,
        params: &Params,
        examples: &[Example],
        id: StepId,
        workers: &Workers,
    ) -> Result<(Reading, &mut Grads)> {
        let normalizer = examples.iter().map(|e| e.weight).sum();
        loop {
            let (micro_batch, checks) = (self.micro_batch, self.checks);
            let batch = WholeBatch { network, params, examples, micro_batch, checks, normalizer, id };
            match self.add_up(&batch, workers) {
                Err(Error::OutOfMemory { .. }) if micro_batch > 1 => {
                    self.micro_batch = micro_batch.div_ceil(2)
                }
                done => break done?,
            }
        }
        match self.strips.first_mut() {
            Some(sum) if !examples.is_empty() => Ok((std::mem::take(&mut sum.loss), &mut sum.grads)),
            _ => Err(Error::Setting("a batch has no examples".into())),
        }
    }

    /// Leaves the sum in the first strip.
    fn add_up(&mut self, batch: &WholeBatch, workers: &Workers) -> Result<()> {
        let used = STRIPS.min(batch.examples.len().div_ceil(batch.micro_batch));
        while self.strips.len() < used {
            self.strips.push(Strip { loss: Reading::default(), grads: Grads::zeros(batch.params)? });
        }
        let strips = &mut self.strips[..used];
        workers.for_chunks(strips, 1, |device, first, strip| {
            strip.iter_mut().try_for_each(|strip| batch.strip(device, first, strip))
        })?;
        // Pairs of strips, then pairs of pairs: the order is fixed, and every round is shared among the workers.
        let mut apart = 1;
        while apart < strips.len() {
            workers.for_chunks(strips, 2 * apart, |_, _, strips| {
                let (sum, others) = strips.split_at_mut(apart.min(strips.len()));
                others.first_mut().map_or(Ok(()), |other| sum[0].add(other))
            })?;
            apart *= 2;
        }
        Ok(())
    }
}

struct WholeBatch<'a> {
    network: &'a Network,
    params: &'a Params,
    examples: &'a [Example<'a>],
    micro_batch: usize,
    checks: bool,
    /// Sum of the examples' weights.
    normalizer: f32,
    id: StepId,
}

impl WholeBatch<'_> {
    /// Every `STRIPS`th micro-batch from `first` on.
    fn strip(&self, device: &Device, first: usize, strip: &mut Strip) -> Result<()> {
        strip.loss = Reading::default();
        strip.grads.clear()?;
        let micro_batches = self.examples.chunks(self.micro_batch).enumerate();
        for (i, examples) in micro_batches.skip(first).step_by(STRIPS) {
            let first_sample = (i * self.micro_batch) as u32;
            let noise = Noise { seed: self.id.seed, step: self.id.step, first_sample };
            let grads = &mut strip.grads;
            let mut one =
                || self.one(Tape::training(self.params, device, noise).checked(self.checks), examples, grads);
            // What is captured to be repeated cannot be looked at.
            let loss = if self.checks { one()? } else { device.repeat("step", examples.len(), one)? };
            strip.loss.add(loss.reading()?);
        }
        Ok(())
    }

    /// Adds a micro-batch's gradient to `grads`; returns its loss.
    fn one(&self, tape: Tape, examples: &[Example], grads: &mut Grads) -> Result<Tensor> {
        let config = self.network.config();
        let seen = examples.iter().map(|e| config.reads.of(e.pair));
        let batch = Batch::on(tape.device(), seen, config.lengths())?;
        let mut logits = self.network.forward(&tape, &batch)?;
        if examples.iter().any(|e| e.offset != 0.0) {
            let offsets: Vec<f32> = examples.iter().map(|e| e.offset).collect();
            let offsets = tape.constant(Tensor::from_f32(tape.device(), &[examples.len(), 1], &offsets)?);
            logits = tape.apply(Add, [&logits, &offsets])?;
        }
        let Targets { labels, weights } = &*Targets::on(tape.device(), examples);
        let (targets, weights) = (labels.clone(), weights.clone());
        let loss = tape.apply(BceWithLogits { targets, weights, normalizer: self.normalizer }, [&logits])?;
        tape.backward_into(&loss, grads)?;
        Ok(loss.value)
    }
}

/// What the loss compares with, `[B]` each.
struct Targets {
    labels: Arc<[f32]>,
    weights: Arc<[f32]>,
}

impl Targets {
    /// In arrays of this size that the worker has kept from an earlier micro-batch.
    fn on(device: &Device, examples: &[Example]) -> Kept<Self> {
        let zeros = || -> Arc<[f32]> { vec![0.0; examples.len()].into() };
        let fits = |targets: &Self| targets.labels.len() == examples.len();
        let mut targets = device.keep(fits, || Self { labels: zeros(), weights: zeros() });
        let Self { labels, weights } = &mut *targets;
        Arc::make_mut(labels).iter_mut().zip(examples).for_each(|(label, e)| *label = e.label);
        Arc::make_mut(weights).iter_mut().zip(examples).for_each(|(weight, e)| *weight = e.weight);
        targets
    }
}
