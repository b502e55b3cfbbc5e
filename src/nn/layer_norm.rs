use crate::{
    autograd::{Tape, Var},
    device::Device,
    error::Result,
    ops,
    params::{Builder, ParamId},
};

/// Added to the variance.
const EPS: f32 = 1e-5;

/// Tokens between two layers, and as the next one reads them.
#[derive(Clone, Debug)]
pub struct Normed {
    /// `[B, T, C]`
    pub x: Var,
    /// The next layer's norm of `x`.
    pub normed: Var,
}

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
        let norm = ops::LayerNorm { eps: EPS, ahead: None };
        t.apply(norm, [x, &t.param(self.gamma), &t.param(self.beta)])
    }

    /// `x`, and its norm.
    pub(crate) fn of(&self, t: &Tape, x: Var) -> Result<Normed> {
        Ok(Normed { normed: self.forward(t, &x)?, x })
    }

    /// The result of a layer, an `op` that may make the norm along with it, and its norm.
    pub(super) fn after<O: ops::Op<N>, const N: usize>(
        &self,
        t: &Tape,
        op: impl FnOnce(Option<ops::Ahead>) -> O,
        inputs: [&Var; N],
    ) -> Result<Normed> {
        let (gamma, beta) = (t.param(self.gamma), t.param(self.beta));
        let ahead = match t.device() {
            Device::Cuda(_) => Some(ops::Ahead::new(EPS, &gamma.value, &beta.value)),
            _ => None,
        };
        let x = t.apply(op(ahead.clone()), inputs)?;
        let normed = t.apply(ops::LayerNorm { eps: EPS, ahead }, [&x, &gamma, &beta])?;
        Ok(Normed { x, normed })
    }
}
