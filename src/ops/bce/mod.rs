//! Binary cross-entropy on logits, weighted:
//! `sum_b w_b (max(z, 0) - z y + ln(1 + exp(-|z|))) / normalizer`, which equals
//! `-y ln p - (1 - y) ln(1 - p)` for `p = 1 / (1 + exp(-z))` and overflows for no `z`.
//!
//! The normalizer is a field, not this batch's weight: with the sum of weights of a *whole* batch in it, the losses and
//! gradients of its micro-batches add up to the batch's mean.

mod cuda;
pub(super) mod reference;

use super::{Op, check_gradient};
use crate::{
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `logits [B] or [B, 1]` to `[1]`.
#[derive(Debug)]
pub struct BceWithLogits {
    /// `[B]`, probabilities in 0..=1.
    pub targets: Arc<[f32]>,
    /// `[B]`
    pub weights: Arc<[f32]>,
    /// What the weighted sum is divided by; positive.
    pub normalizer: f32,
}

/// What backward needs.
pub struct Saved {
    logits: Tensor,
}

impl BceWithLogits {
    fn check(&self, logits: &Tensor) -> Result<()> {
        let (&[batch] | &[batch, 1]) = logits.shape() else {
            return Err(Error::shape(Self::NAME, "logits [B] or [B, 1]", logits));
        };
        let given = (self.targets.len(), self.weights.len());
        if given != (batch, batch) {
            return Err(Error::shape(Self::NAME, format!("{batch} targets and weights"), given));
        }
        check_normalizer(Self::NAME, self.normalizer)
    }
}

/// A sum of no weight has no mean.
pub(crate) fn check_normalizer(op: &'static str, normalizer: f32) -> Result<()> {
    if normalizer > 0.0 {
        return Ok(());
    }
    Err(Error::shape(op, "a positive normalizer", normalizer))
}

impl Op<1> for BceWithLogits {
    const NAME: &'static str = "bce";
    type Saved = Saved;

    fn forward(&self, [logits]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        self.check(logits)?;
        let mut loss = Tensor::unwritten(logits.device(), &[1])?;
        match on([logits], [&mut loss])? {
            On::Reference(inputs, outputs) => reference::forward(self, inputs, outputs),
            On::Reference32(inputs, outputs) | On::Cpu(_, inputs, outputs) => {
                reference::forward(self, inputs, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, self, inputs, outputs)?,
        }
        Ok((loss, Saved { logits: logits.clone() }))
    }

    fn backward(&self, s: &Saved, dloss: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        self.check(&s.logits)?;
        check_gradient(Self::NAME, dloss, 1)?;
        let mut dlogits = Tensor::unwritten(dloss.device(), s.logits.shape())?;
        match on([&s.logits, dloss], [&mut dlogits])? {
            On::Reference(inputs, outputs) => reference::backward(self, inputs, outputs),
            On::Reference32(inputs, outputs) | On::Cpu(_, inputs, outputs) => {
                reference::backward(self, inputs, outputs)
            }
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, self, inputs, outputs)?,
        }
        Ok([Some(dlogits)])
    }
}
