//! What can be differentiated. An op knows its maths; it does not know that there is a tape.
//!
//! Each op is a folder: `mod.rs` has the formula, the shapes and one exhaustive match on the device; `reference.rs` the
//! textbook formula over f32 and f64, which is the judge; `simd.rs`, where speed matters, the same in vectors.

use crate::{
    error::{Error, Result},
    tensor::Tensor,
};

pub mod activation;
pub mod add;
pub mod attention;
pub mod bce;
pub mod conv1d;
pub mod conv2d;
pub mod cross_entropy;
pub mod dropout;
pub mod embedding;
pub mod feed_forward;
pub mod layer_norm;
pub mod linear;
pub mod masked_max;
pub mod masked_mean;
pub mod max_pool2d;
pub mod noisy_or;
mod onto;
pub(crate) mod pair_conv;
pub mod reshape;

pub use activation::{Activate, Activation};
pub use add::Add;
pub use attention::Attention;
pub use bce::BceWithLogits;
pub use conv1d::Conv1d;
pub use conv2d::Conv2d;
pub use cross_entropy::SoftmaxCrossEntropy;
pub use dropout::Dropout;
pub use embedding::Embedding;
pub use feed_forward::FeedForward;
pub use layer_norm::{Ahead, LayerNorm};
pub use linear::Linear;
pub use masked_max::MaskedMax;
pub use masked_mean::MaskedMean;
pub use max_pool2d::MaxPool2d;
pub use noisy_or::NoisyOr;
pub use reshape::Reshape;

/// An operation on `N` tensors with one result.
pub trait Op<const N: usize>: std::fmt::Debug + Send + 'static {
    /// As it stands in errors and in the case list.
    const NAME: &'static str;
    /// What backward needs.
    type Saved: Send + 'static;

    /// The value, and what backward needs.
    fn forward(&self, inputs: [&Tensor; N]) -> Result<(Tensor, Self::Saved)>;

    /// The value alone, for a pass that records nothing; ops override it where that is cheaper.
    fn infer(&self, inputs: [&Tensor; N]) -> Result<Tensor> {
        Ok(self.forward(inputs)?.0)
    }

    /// The gradient of a loss in each input that `needs` one, given the gradient `dout` in the result.
    fn backward(&self, saved: &Self::Saved, dout: &Tensor, needs: [bool; N]) -> Result<[Option<Tensor>; N]>;
}

/// An error unless `dout`, the gradient in a result, has as many values as that: backward goes by the sizes that forward saw.
pub(crate) fn check_gradient(op: &'static str, dout: &Tensor, values: usize) -> Result<()> {
    if dout.len() == values {
        return Ok(());
    }
    Err(Error::shape(op, format!("a gradient of {values} values"), dout))
}

/// Sizes as kernels count; an error where one is more than they can.
pub(crate) fn sizes<const N: usize>(op: &'static str, sizes: [usize; N]) -> Result<[i32; N]> {
    match sizes.iter().find(|&&n| i32::try_from(n).is_err()) {
        Some(large) => Err(Error::shape(op, "sizes below 2^31", large)),
        None => Ok(sizes.map(|n| n as i32)),
    }
}

/// f32 or f64: what the reference formulas are written over.
pub(crate) trait Real:
    Copy
    + PartialOrd
    + std::ops::Add<Output = Self>
    + std::ops::Sub<Output = Self>
    + std::ops::Mul<Output = Self>
    + std::ops::Div<Output = Self>
    + std::ops::AddAssign
    + std::iter::Sum
{
    /// Rounded to this type.
    fn of(x: f64) -> Self;
    fn sqrt(self) -> Self;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn erf(self) -> Self;

    fn greater(self, other: Self) -> Self {
        if self > other { self } else { other }
    }
}

impl Real for f32 {
    fn of(x: f64) -> f32 {
        x as f32
    }
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }
    fn exp(self) -> f32 {
        f32::exp(self)
    }
    fn ln(self) -> f32 {
        f32::ln(self)
    }
    fn erf(self) -> f32 {
        libm::erff(self)
    }
}

impl Real for f64 {
    fn of(x: f64) -> f64 {
        x
    }
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    fn exp(self) -> f64 {
        f64::exp(self)
    }
    fn ln(self) -> f64 {
        f64::ln(self)
    }
    fn erf(self) -> f64 {
        libm::erf(self)
    }
}
