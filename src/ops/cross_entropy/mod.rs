//! Softmax cross-entropy, weighted: `sum_b w_b (ln sum_k exp(z_k - m) - (z_class - m)) / normalizer`, `m = max_k z_k`.
//!
//! The normalizer is a field for the same reason as in [`super::bce`]: micro-batches add up.

mod cuda;
mod reference;

use super::{Op, bce::check_normalizer, check_gradient};
use crate::{
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use std::sync::Arc;

/// `logits [B, K]` to `[1]`.
#[derive(Debug)]
pub struct SoftmaxCrossEntropy {
    /// `[B]`, each below K.
    pub classes: Arc<[u32]>,
    /// `[B]`
    pub weights: Arc<[f32]>,
    /// What the weighted sum is divided by; positive.
    pub normalizer: f32,
}

/// What backward needs.
pub struct Saved {
    logits: Tensor,
}

impl SoftmaxCrossEntropy {
    fn check(&self, logits: &Tensor) -> Result<()> {
        let &[batch, classes] = logits.shape() else {
            return Err(Error::shape(Self::NAME, "logits [B, K]", logits));
        };
        let given = (self.classes.len(), self.weights.len());
        if given != (batch, batch) {
            return Err(Error::shape(Self::NAME, format!("{batch} classes and weights"), given));
        }
        if let Some(class) = self.classes.iter().find(|&&k| k as usize >= classes) {
            return Err(Error::shape(Self::NAME, format!("classes below {classes}"), class));
        }
        check_normalizer(Self::NAME, self.normalizer)
    }
}

impl Op<1> for SoftmaxCrossEntropy {
    const NAME: &'static str = "cross_entropy";
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
