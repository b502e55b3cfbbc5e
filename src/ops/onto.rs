//! `residual + dropout(h)`: how a layer ends whose result joins what it was made from (He et al. 2016,
//! <https://arxiv.org/abs/1512.03385>). Not an op: ops that are layers end so where they are given a residual. A GPU's kernels
//! do it to a result before they store it; elsewhere it is two passes.

use super::{Add, Ahead, Dropout, Op, dropout::Mask, layer_norm::Room};
use crate::{
    device::Device,
    error::{Error, Result},
    tensor::Tensor,
};

/// How many of `h`'s rows are a sample's, for a kernel that drops; an error where `residual` has another shape than `h`, or
/// where there is no telling samples apart.
pub(super) fn rows_per_sample(
    op: &'static str,
    h: &Tensor,
    dropout: Option<Mask>,
    residual: Option<&Tensor>,
) -> Result<usize> {
    if let Some(residual) = residual.filter(|residual| residual.shape() != h.shape()) {
        return Err(Error::shape(op, format!("a residual {:?}", h.shape()), residual));
    }
    match h.shape() {
        [_, rows @ .., _] => Ok(rows.iter().product()),
        _ if dropout.is_some() => Err(Error::shape(op, "samples, [B, .., C], to drop values of", h)),
        _ => Ok(1),
    }
}

/// What is after `h`; `h` itself on a GPU, whose kernel has done it.
pub(super) fn finish(h: Tensor, dropout: Option<Mask>, residual: Option<&Tensor>) -> Result<Tensor> {
    if let Device::Cuda(_) = h.device() {
        return Ok(h);
    }
    let h = through(dropout, h)?;
    match residual {
        Some(residual) => Ok(Add.forward([residual, &h])?.0),
        None => Ok(h),
    }
}

/// Room for the norm of a result like `y`, where one follows that `y`'s kernel can make.
pub(super) fn room(norm: &Option<Ahead>, y: &Tensor) -> Result<Option<Room>> {
    Ok(norm.as_ref().map(|ahead| ahead.room(y)).transpose()?.flatten())
}

/// Hands the norm of `y` over, where there was room for it.
pub(super) fn give(norm: &Option<Ahead>, y: &Tensor, room: Option<Room>) {
    if let (Some(ahead), Some(room)) = (norm, room) {
        ahead.give(y, room);
    }
}

/// `dropout(x)`: of a layer's result, and of the gradient on its way back.
pub(super) fn through(dropout: Option<Mask>, x: Tensor) -> Result<Tensor> {
    match dropout {
        Some(mask) => Ok(Dropout(mask).forward([&x])?.0),
        None => Ok(x),
    }
}
