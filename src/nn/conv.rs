use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops::{self, Activation, pair_conv::Pairs},
    params::{Builder, ParamId},
};

/// `x [B, T, I]` to `[B, T, O]`. Initial values uniform in `±1 / sqrt(I K)`.
#[derive(Clone, Debug)]
pub struct Conv1d {
    weight: ParamId,
    bias: ParamId,
    activation: Option<Activation>,
}

impl Conv1d {
    /// Registers `name.weight [K, I, O]` and `name.bias [O]`.
    pub fn new(
        p: &mut Builder,
        name: &str,
        k: usize,
        (ins, outs): (usize, usize),
        activation: Option<Activation>,
    ) -> Self {
        let bound = 1.0 / ((k * ins) as f64).sqrt();
        p.scope(name, |p| Self {
            weight: p.uniform("weight", &[k, ins, outs], bound),
            bias: p.uniform("bias", &[outs], bound),
            activation,
        })
    }

    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        let op = ops::Conv1d { dilation: 1, activation: self.activation };
        t.apply(op, [x, &t.param(self.weight), &t.param(self.bias)])
    }
}

/// `x [B, H, W, I]` to `[B, H, W, O]` with a square kernel. Initial values uniform in `±sqrt(3) * sqrt(2 / (I K K))`,
/// He et al. 2015, <https://arxiv.org/abs/1502.01852>.
#[derive(Clone, Debug)]
pub struct Conv2d {
    weight: ParamId,
    bias: ParamId,
    activation: Option<Activation>,
}

impl Conv2d {
    /// Registers `name.weight [K, K, I, O]` and `name.bias [O]`.
    pub fn new(
        p: &mut Builder,
        name: &str,
        k: usize,
        (ins, outs): (usize, usize),
        activation: Option<Activation>,
    ) -> Self {
        let bound = (6.0 / (k * k * ins) as f64).sqrt();
        p.scope(name, |p| Self {
            weight: p.uniform("weight", &[k, k, ins, outs], bound),
            bias: p.constant("bias", &[outs], 0.0),
            activation,
        })
    }

    /// What [`Conv2d::forward`] and max pooling make of the map of `pairs`, without the map; where nothing is recorded, on a
    /// CPU.
    pub(crate) fn of_pairs(&self, t: &Tape, pairs: &Pairs, pool: usize) -> Result<Var> {
        debug_assert_eq!(self.activation, Some(Activation::Relu), "the only one that this knows");
        let parameters = [self.weight, self.bias].map(|id| t.param(id).value);
        Ok(t.constant(pairs.convolved(t.device(), [&parameters[0], &parameters[1]], pool)?))
    }

    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        t.apply(ops::Conv2d { activation: self.activation }, [x, &t.param(self.weight), &t.param(self.bias)])
    }
}
