//! The tape: it knows the order in which ops ran, and no maths.
//!
//! Ops are recorded as they run, which is already a topological order; backward pops them off. A value that is used
//! twice gets the sum of two gradients here and nowhere else.

use crate::{
    device::Device,
    error::{Error, Result},
    ops::{Add, Op, add, dropout::Noise},
    params::{ParamId, Params},
    tensor::Tensor,
};
use std::cell::{Cell, RefCell};

#[derive(Clone, Copy, Debug)]
enum Source {
    Node(usize),
    Param(ParamId),
}

/// A tensor, and where on the tape it came from (nowhere: a constant).
#[derive(Clone, Debug)]
pub struct Var {
    pub value: Tensor,
    source: Option<Source>,
}

trait Node {
    fn backward(&self, dout: &Tensor) -> Result<Vec<Option<Tensor>>>;
    fn parents(&self) -> &[Option<Source>];
}

struct Recorded<O: Op<N>, const N: usize> {
    op: O,
    parents: [Option<Source>; N],
    saved: O::Saved,
}

impl<O: Op<N>, const N: usize> Node for Recorded<O, N> {
    fn backward(&self, dout: &Tensor) -> Result<Vec<Option<Tensor>>> {
        let needs = self.parents.map(|p| p.is_some());
        Ok(self.op.backward(&self.saved, dout, needs)?.into())
    }
    fn parents(&self) -> &[Option<Source>] {
        &self.parents
    }
}

/// One forward pass over borrowed parameters; [`Tape::backward`] consumes it.
pub struct Tape<'p> {
    params: &'p Params,
    device: Device,
    nodes: RefCell<Vec<Box<dyn Node>>>,
    used: RefCell<Vec<bool>>,
    record: bool,
    noise: Option<Noise>,
    draws: Cell<u32>,
}

impl<'p> Tape<'p> {
    /// Records for backward; without dropout. Results go to `device`'s buffers, a worker of the parameters' device.
    pub fn new(params: &'p Params, device: &Device) -> Self {
        Self {
            params,
            device: device.clone(),
            nodes: Default::default(),
            used: RefCell::new(vec![false; params.count()]),
            record: true,
            noise: None,
            draws: Cell::new(0),
        }
    }

    /// Records for backward, with dropout drawn from `noise`.
    pub fn training(params: &'p Params, device: &Device, noise: Noise) -> Self {
        Self { noise: Some(noise), ..Self::new(params, device) }
    }

    /// Records nothing: what a forward pass no longer needs is freed at once.
    pub fn inference(params: &'p Params, device: &Device) -> Self {
        Self { record: false, ..Self::new(params, device) }
    }

    /// Where results are made.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The source of dropout masks while training, with the number of this draw on the tape.
    pub fn noise(&self) -> Option<(Noise, u32)> {
        let noise = self.noise?;
        self.draws.set(self.draws.get() + 1);
        Some((noise, self.draws.get()))
    }

    /// A tensor without a gradient.
    pub fn constant(&self, value: Tensor) -> Var {
        Var { value, source: None }
    }

    /// A parameter.
    pub fn param(&self, id: ParamId) -> Var {
        self.used.borrow_mut()[Params::index(id)] = true;
        let value = self.params.value(id).used_by(&self.device);
        Var { value, source: self.record.then_some(Source::Param(id)) }
    }

    /// Runs `op` and records it if a gradient can flow through it.
    pub fn apply<O: Op<N>, const N: usize>(&self, op: O, inputs: [&Var; N]) -> Result<Var> {
        let parents = inputs.map(|v| v.source);
        let inputs = inputs.map(|v| &v.value);
        if parents.iter().all(Option::is_none) {
            return Ok(Var { value: op.infer(inputs)?, source: None });
        }
        let (value, saved) = op.forward(inputs)?;
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Box::new(Recorded { op, parents, saved }));
        Ok(Var { value, source: Some(Source::Node(nodes.len() - 1)) })
    }

    /// The gradient of the scalar `loss` in every parameter the pass used.
    pub fn backward(self, loss: &Var) -> Result<Grads> {
        let one = Tensor::new(&self.device, loss.value.shape(), &vec![1.0; loss.value.len()])?;
        self.backward_from(loss, one)
    }

    /// As [`Tape::backward`], from any result and the gradient `dout` in it.
    pub fn backward_from(self, out: &Var, dout: Tensor) -> Result<Grads> {
        let mut nodes = self.nodes.into_inner();
        let mut grads: Vec<Option<Tensor>> = vec![None; nodes.len()];
        let mut flat = Tensor::zeros(&self.device, self.params.flat().shape())?;
        let mut reached = vec![false; self.params.count()];
        if let Some(Source::Node(last)) = out.source {
            grads[last] = Some(dout);
        }
        while let Some(node) = nodes.pop() {
            let Some(dout) = grads[nodes.len()].take() else { continue };
            for (parent, gradient) in node.parents().iter().zip(node.backward(&dout)?) {
                match (parent, gradient) {
                    (Some(Source::Node(i)), Some(new)) => {
                        grads[*i] = Some(match grads[*i].take() {
                            None => new,
                            Some(old) => Add.forward([&old, &new])?.0,
                        });
                    }
                    (Some(Source::Param(id)), Some(new)) => {
                        reached[Params::index(*id)] = true;
                        add::accumulate(&mut flat, self.params.range(*id).start, &new)?;
                    }
                    _ => {}
                }
            }
        }
        let used = self.used.into_inner();
        match self.params.ids().find(|&id| used[Params::index(id)] && !reached[Params::index(id)]) {
            Some(id) => {
                Err(Error::Setting(format!("no gradient reaches {}, which was used", self.params.name(id))))
            }
            None => Ok(Grads { flat }),
        }
    }
}

/// Gradients in the layout of [`Params::flat`].
#[derive(Clone, Debug)]
pub struct Grads {
    flat: Tensor,
}

impl Grads {
    /// `[n]`, in order of registration.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    pub(crate) fn flat_mut(&mut self) -> &mut Tensor {
        &mut self.flat
    }

    /// `self += other`
    pub fn add(&mut self, other: &Grads) -> Result<()> {
        add::accumulate(&mut self.flat, 0, &other.flat)
    }
}
