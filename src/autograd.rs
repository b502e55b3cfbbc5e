//! The tape: it knows the order in which ops ran, and no maths.
//!
//! Ops are recorded as they run, which is already a topological order; backward pops them off. A value that is used
//! twice gets the sum of two gradients here and nowhere else.

mod finite;

use crate::{
    arena::Kept,
    device::Device,
    error::{Error, Result},
    ops::{Add, Op, add, dropout::Noise},
    params::{FixedId, ParamId, Params},
    tensor::Tensor,
};
use std::{
    any::Any,
    cell::{Cell, RefCell},
};

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

/// Where gradients go: to a source, as they are made.
type Give<'a> = &'a mut dyn FnMut(Source, Tensor) -> Result<()>;

/// A place on the tape. An op leaves it empty when its backward is done; the same op of the next pass is written there.
trait Node: Any + Send {
    fn op(&self) -> &'static str;
    fn backward(&mut self, dout: &Tensor, give: Give) -> Result<()>;
    fn clear(&mut self);
}

struct Recorded<O: Op<N>, const N: usize> {
    op: O,
    parents: [Option<Source>; N],
    saved: O::Saved,
}

impl<O: Op<N>, const N: usize> Node for Option<Recorded<O, N>> {
    fn op(&self) -> &'static str {
        O::NAME
    }
    fn backward(&mut self, dout: &Tensor, give: Give) -> Result<()> {
        let Some(Recorded { op, parents, saved }) = self.take() else { return Ok(()) };
        let grads = op.backward(&saved, dout, parents.map(|p| p.is_some()))?;
        for (parent, gradient) in parents.into_iter().zip(grads) {
            if let (Some(parent), Some(gradient)) = (parent, gradient) {
                give(parent, gradient)?;
            }
        }
        Ok(())
    }
    fn clear(&mut self) {
        *self = None;
    }
}

/// What a pass writes down. The device keeps it between passes, so that the next one finds its places made.
#[derive(Default)]
struct Recording {
    nodes: Vec<Box<dyn Node>>,
    /// Nodes of this pass; the places after them are empty.
    len: usize,
    /// Gradients that wait for their node.
    grads: Vec<Option<Tensor>>,
    /// Gradients of parameters that wait to be gathered, and where they begin in [`Params::flat`].
    waiting: Vec<(usize, Tensor)>,
    /// Whether the pass used each parameter.
    used: Vec<bool>,
    /// Whether a gradient reached it.
    reached: Vec<bool>,
}

impl Recording {
    /// The place of a new node.
    fn push<O: Op<N>, const N: usize>(&mut self, new: Recorded<O, N>) -> usize {
        let (at, new) = (self.len, Some(new));
        match self.nodes.get_mut(at) {
            None => self.nodes.push(Box::new(new)),
            Some(place) => match (&mut **place as &mut dyn Any).downcast_mut() {
                Some(same) => *same = new,
                None => *place = Box::new(new),
            },
        }
        self.len += 1;
        at
    }

    fn clear(&mut self) {
        self.nodes[..self.len].iter_mut().for_each(|node| node.clear());
        self.grads.clear();
        self.waiting.clear();
        self.len = 0;
    }
}

/// One forward pass over borrowed parameters; [`Tape::backward`] consumes it.
pub struct Tape<'p> {
    params: &'p Params,
    device: Device,
    recording: RefCell<Kept<Recording>>,
    record: bool,
    checks: bool,
    noise: Option<Noise>,
    draws: Cell<u32>,
}

impl Drop for Tape<'_> {
    fn drop(&mut self) {
        self.recording.get_mut().clear();
    }
}

impl<'p> Tape<'p> {
    fn with(params: &'p Params, device: &Device, record: bool, noise: Option<Noise>) -> Self {
        let mut recording = device.keep(|_| true, Recording::default);
        let Recording { used, reached, .. } = &mut *recording;
        for flags in [used, reached] {
            flags.clear();
            flags.resize(params.count(), false);
        }
        let (recording, device) = (RefCell::new(recording), device.clone());
        Self { params, device, recording, record, checks: false, noise, draws: Cell::new(0) }
    }

    /// Records for backward; without dropout. Results go to `device`'s buffers, a worker of the parameters' device.
    pub fn new(params: &'p Params, device: &Device) -> Self {
        Self::with(params, device, true, None)
    }

    /// Records for backward, with dropout drawn from `noise`.
    pub fn training(params: &'p Params, device: &Device, noise: Noise) -> Self {
        Self::with(params, device, true, Some(noise))
    }

    /// Records nothing: what a forward pass no longer needs is freed at once.
    pub fn inference(params: &'p Params, device: &Device) -> Self {
        Self::with(params, device, false, None)
    }

    /// Whether to look at everything that goes in and comes out of each op, here and on the way back, for infinities and what is
    /// no number. The first is an error.
    pub fn checked(mut self, checks: bool) -> Self {
        self.checks = checks;
        self
    }

    /// Where results are made.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Whether a gradient can be asked for.
    pub fn records(&self) -> bool {
        self.record
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

    /// A tensor that was registered with the parameters and is not learned.
    pub fn fixed(&self, id: FixedId) -> Var {
        self.constant(self.params.fixed(id).clone().used_by(&self.device))
    }

    /// A parameter.
    pub fn param(&self, id: ParamId) -> Var {
        self.recording.borrow_mut().used[Params::index(id)] = true;
        let value = self.params.value(id).used_by(&self.device);
        Var { value, source: self.record.then_some(Source::Param(id)) }
    }

    /// Runs `op` and records it if a gradient can flow through it.
    pub fn apply<O: Op<N>, const N: usize>(&self, op: O, inputs: [&Var; N]) -> Result<Var> {
        let parents = inputs.map(|v| v.source);
        if self.checks {
            finite::expect_finite_inputs(O::NAME, &inputs, self.params)?;
        }
        let inputs = inputs.map(|v| &v.value);
        if parents.iter().all(Option::is_none) {
            let value = self.look_at::<O, N>(op.infer(inputs)?, parents)?;
            return Ok(Var { value, source: None });
        }
        let (value, saved) = op.forward(inputs)?;
        let value = self.look_at::<O, N>(value, parents)?;
        let at = self.recording.borrow_mut().push(Recorded { op, parents, saved });
        Ok(Var { value, source: Some(Source::Node(at)) })
    }

    /// An op's output, if it is to be looked at.
    fn look_at<O: Op<N>, const N: usize>(
        &self,
        value: Tensor,
        parents: [Option<Source>; N],
    ) -> Result<Tensor> {
        if self.checks {
            finite::expect_finite(O::NAME, &value, || finite::output(&parents, self.params))?;
        }
        Ok(value)
    }

    /// The gradient of the scalar `loss` in every parameter the pass used.
    pub fn backward(self, loss: &Var) -> Result<Grads> {
        let mut grads = Grads::zeros(self.params)?;
        self.backward_into(loss, &mut grads)?;
        Ok(grads)
    }

    /// As [`Tape::backward`], added to `grads`.
    pub fn backward_into(self, loss: &Var, grads: &mut Grads) -> Result<()> {
        let one = Tensor::full(&self.device, loss.value.shape(), 1.0)?;
        self.walk(loss, one, grads)
    }

    /// As [`Tape::backward`], from any result and the gradient `dout` in it.
    pub fn backward_from(self, out: &Var, dout: Tensor) -> Result<Grads> {
        let mut grads = Grads::zeros(self.params)?;
        self.walk(out, dout, &mut grads)?;
        Ok(grads)
    }

    fn walk(mut self, out: &Var, dout: Tensor, sum: &mut Grads) -> Result<()> {
        let (params, checks) = (self.params, self.checks);
        let Recording { nodes, len, grads, waiting, used, reached } = &mut **self.recording.get_mut();
        grads.resize(*len, None);
        if let Some(Source::Node(last)) = out.source {
            grads[last] = Some(dout);
        }
        while *len > 0 {
            *len -= 1;
            let (before, node) = nodes.split_at_mut(*len);
            let node = &mut node[0];
            let Some(dout) = grads.pop().flatten() else {
                node.clear();
                continue;
            };
            let op = node.op();
            node.backward(&dout, &mut |source, new| {
                if checks {
                    finite::expect_finite(op, &new, || match source {
                        Source::Node(i) => format!("gradient of {}'s output", before[i].op()),
                        Source::Param(id) => format!("gradient of {}", params.name(id)),
                    })?;
                }
                match source {
                    Source::Node(i) => {
                        grads[i] = Some(match grads[i].take() {
                            None => new,
                            Some(old) => Add.forward([&old, &new])?.0,
                        });
                        Ok(())
                    }
                    Source::Param(id) => {
                        reached[Params::index(id)] = true;
                        sum.take(params.range(id).start, new, waiting)
                    }
                }
            })?;
        }
        sum.gather(waiting)?;
        match params.ids().find(|&id| used[Params::index(id)] && !reached[Params::index(id)]) {
            Some(id) => {
                Err(Error::Setting(format!("no gradient reaches {}, which was used", params.name(id))))
            }
            None => Ok(()),
        }
    }
}

/// Gradients in the layout of [`Params::flat`].
#[derive(Clone, Debug)]
pub struct Grads {
    flat: Tensor,
}

impl Grads {
    /// None yet, for `params`.
    pub fn zeros(params: &Params) -> Result<Self> {
        Ok(Self { flat: Tensor::zeros(params.device(), params.flat().shape())? })
    }

    /// Makes all of them zero: in place, unless a clone still reads them.
    pub fn clear(&mut self) -> Result<()> {
        self.flat.clear()
    }

    /// `[n]`, in order of registration.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Adds the gradient `new` of the parameter that begins at `at`. A GPU adds many in one go, but of one parameter only one:
    /// there it waits among `waiting`.
    fn take(&mut self, at: usize, new: Tensor, waiting: &mut Vec<(usize, Tensor)>) -> Result<()> {
        if !matches!(new.device(), Device::Cuda(_)) {
            return add::accumulate(&mut self.flat, at, &new);
        }
        if waiting.iter().any(|(other, _)| *other == at) {
            self.gather(waiting)?;
        }
        waiting.push((at, new));
        Ok(())
    }

    fn gather(&mut self, waiting: &mut Vec<(usize, Tensor)>) -> Result<()> {
        add::gather(&mut self.flat, waiting)?;
        waiting.clear();
        Ok(())
    }

    pub(crate) fn flat_mut(&mut self) -> &mut Tensor {
        &mut self.flat
    }

    /// `self += other`
    pub fn add(&mut self, other: &Grads) -> Result<()> {
        add::accumulate(&mut self.flat, 0, &other.flat)
    }
}
