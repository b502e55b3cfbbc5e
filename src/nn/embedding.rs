use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
    params::{Builder, ParamId},
    tensor::Shape,
};
use std::sync::Arc;

/// Ids `[..]` to vectors `[.., C]`. Initial values normal with deviation 1, as PyTorch's.
#[derive(Clone, Debug)]
pub struct Embedding {
    table: ParamId,
}

impl Embedding {
    /// Registers `name.table [V, C]`.
    pub fn new(p: &mut Builder, name: &str, vocabulary: usize, width: usize) -> Self {
        p.scope(name, |p| Self { table: p.normal("table", &[vocabulary, width], 1.0) })
    }

    /// Registers `name.table [V, C]` with these values.
    pub fn starting_at(p: &mut Builder, name: &str, shape: [usize; 2], values: &[f64]) -> Self {
        p.scope(name, |p| Self { table: p.given("table", &shape, values) })
    }

    pub fn forward(&self, t: &Tape, ids: &Arc<[u32]>, shape: impl Into<Shape>) -> Result<Var> {
        t.apply(ops::Embedding { ids: ids.clone(), shape: shape.into() }, [&t.param(self.table)])
    }
}
