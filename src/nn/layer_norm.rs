use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops,
    params::{Builder, ParamId},
};

/// Normalises the last axis, `[.., C]`; eps 1e-5.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    gamma: ParamId,
    beta: ParamId,
}

impl LayerNorm {
    /// Registers `name.gamma [C]`, ones, and `name.beta [C]`, zeros.
    pub fn new(p: &mut Builder, name: &str, width: usize) -> Self {
        p.scope(name, |p| Self {
            gamma: p.constant("gamma", &[width], 1.0),
            beta: p.constant("beta", &[width], 0.0),
        })
    }

    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        t.apply(ops::LayerNorm { eps: 1e-5 }, [x, &t.param(self.gamma), &t.param(self.beta)])
    }
}
