//! `y[b, t] = table[ids[b, t]]`: a row of the table for every token, in as many axes as the ids have.
//!
//! Backward adds rows in the order of the tokens, on one thread: the same bits every time.

mod cuda;
mod reference;
mod simd;

use super::{Op, check_gradient, sizes};
use crate::{
    error::{Error, Result},
    tensor::{On, Shape, Tensor, counted, on},
};
use std::sync::Arc;

/// `table [V, C]` to `[.., C]`.
#[derive(Debug)]
pub struct Embedding {
    /// Each below V.
    pub ids: Arc<[u32]>,
    /// Theirs, of at most three axes.
    pub shape: Shape,
}

/// The table's sizes.
pub struct Saved {
    dims: Dims,
}

/// `table [rows, channels]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dims {
    rows: i32,
    channels: i32,
}

impl Embedding {
    fn dims(&self, table: &Tensor) -> Result<Dims> {
        let &[rows, channels] = table.shape() else {
            return Err(Error::shape(Self::NAME, "table [V, C]", table));
        };
        if self.shape.len() > 3 || self.ids.len() != counted(&self.shape)? {
            let expected = format!("at most 3 axes, and ids {:?}", self.shape);
            return Err(Error::shape(Self::NAME, expected, self.ids.len()));
        }
        if let Some(id) = self.ids.iter().find(|&&id| id as usize >= rows) {
            return Err(Error::shape(Self::NAME, format!("ids below {rows}"), id));
        }
        let [rows, channels] = sizes(Self::NAME, [rows, channels])?;
        Ok(Dims { rows, channels })
    }
}

impl Op<1> for Embedding {
    const NAME: &'static str = "embedding";
    type Saved = Saved;

    fn forward(&self, [table]: [&Tensor; 1]) -> Result<(Tensor, Saved)> {
        let dims = self.dims(table)?;
        let mut y = Tensor::unwritten(table.device(), &self.shape.and(dims.channels as usize))?;
        match on([table], [&mut y])? {
            On::Reference(inputs, outputs) => reference::forward(dims, &self.ids, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::forward(dims, &self.ids, inputs, outputs),
            On::Cpu(_, inputs, outputs) => simd::forward(dims, &self.ids, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::forward(gpu, dims, &self.ids, inputs, outputs)?,
        }
        Ok((y, Saved { dims }))
    }

    fn backward(&self, s: &Saved, dy: &Tensor, _: [bool; 1]) -> Result<[Option<Tensor>; 1]> {
        let dims = s.dims;
        check_gradient(Self::NAME, dy, self.ids.len() * dims.channels as usize)?;
        let mut dtable = Tensor::unwritten(dy.device(), &[dims.rows as usize, dims.channels as usize])?;
        match on([dy], [&mut dtable])? {
            On::Reference(inputs, outputs) => reference::backward(dims, &self.ids, inputs, outputs),
            On::Reference32(inputs, outputs) => reference::backward(dims, &self.ids, inputs, outputs),
            On::Cpu(cpu, inputs, outputs) => simd::backward(cpu, dims, &self.ids, inputs, outputs),
            On::Cuda(gpu, inputs, outputs) => cuda::backward(gpu, dims, &self.ids, inputs, outputs)?,
        }
        Ok([Some(dtable)])
    }
}
