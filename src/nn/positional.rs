use crate::{
    autograd::{Tape, Var},
    error::Result,
    ops::Add,
    params::{Builder, FixedId, ParamId},
};
use std::ops::Range;

/// What tells a model where a token stands.
#[derive(Clone, Debug)]
pub enum Positions {
    /// [`sinusoids`] `[T, C]`.
    Sinusoidal(FixedId),
    /// A parameter `[T, C]`.
    Learned(ParamId),
}

impl Positions {
    /// Fixed sines and cosines of these places.
    pub fn sinusoidal(p: &mut Builder, places: Range<usize>, width: usize) -> Self {
        let shape = [places.len(), width];
        Positions::Sinusoidal(p.fixed(&shape, || sinusoids(places.map(|t| t as f64), width)))
    }

    /// Registers `name [T, C]`, normal with deviation .02.
    pub fn learned(p: &mut Builder, name: &str, time: usize, width: usize) -> Self {
        Positions::Learned(p.normal(name, &[time, width], 0.02))
    }

    /// `x [B, T, C]` with the positions added.
    pub fn forward(&self, t: &Tape, x: &Var) -> Result<Var> {
        let positions = match self {
            Positions::Sinusoidal(id) => t.fixed(*id),
            Positions::Learned(id) => t.param(*id),
        };
        t.apply(Add, [x, &positions])
    }
}

/// `[T, C]` for places `t`: `sin(t / 10000^(2i / C))` at channel `2i`, the cosine at `2i + 1` (Vaswani et al. 2017,
/// <https://arxiv.org/abs/1706.03762>).
pub fn sinusoids(places: impl IntoIterator<Item = f64>, width: usize) -> Vec<f64> {
    let value = |t: f64, c: usize| {
        let angle = t * (-(10000f64.ln()) * (c / 2 * 2) as f64 / width as f64).exp();
        if c.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    places.into_iter().flat_map(|t| (0..width).map(move |c| value(t, c))).collect()
}
