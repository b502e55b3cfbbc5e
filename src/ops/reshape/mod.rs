//! The same values in row-major order under another shape: a view, in both directions.

use super::Op;
use crate::{
    error::Result,
    tensor::{Shape, Tensor},
};

/// `x` of any shape to `shape`, which has as many values.
#[derive(Debug)]
pub struct Reshape {
    pub shape: Shape,
}

/// The shape of `x`.
pub struct Saved {
    shape: Shape,
}

impl Op<1> for Reshape {
    const NAME: &'static str = "reshape";
    type Saved = Saved;

    fn forward(&self, [x]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        Ok((x.reshape(&self.shape)?, Saved { shape: Shape::new(x.shape()) }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        Ok([Some(dy.reshape(&s.shape)?)])
    }
}
