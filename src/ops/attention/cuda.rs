//! In f32, or for heads of more than 64 channels, the kernels of `kernels/attention.cu`; else those on tensor cores.

mod fma;
mod tensor;

use super::{Attention, Dims, QUERIES};
use crate::{
    cuda::{Gpu, Launch, Pooled, View, ViewMut},
    error::Result,
    ops::dropout::KernelMask,
};
use tensor::Tensor;

/// `struct Dims` in kernels/attention.cuh.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Sizes {
    batch: i32,
    heads: i32,
    tq: i32,
    tk: i32,
    head: i32,
    /// Values from a position to the next, of q, and of k and v.
    q_row: i32,
    k_row: i32,
    scale: f32,
    /// Heads in shared memory at once, where a block has all of a sample.
    group: i32,
}

/// `q, k, v`, as tensors of their own or side by side.
pub struct Inputs<'a> {
    parts: [View<'a>; 3],
    /// Values from a position to the next.
    row: usize,
}

impl<'a> Inputs<'a> {
    pub fn apart(d: Dims, parts: [View<'a>; 3]) -> Self {
        Self { parts, row: d.channels() }
    }

    /// Of `qkv [B, T, 3 C]`.
    pub fn together(d: Dims, qkv: View<'a>) -> Self {
        let parts = [0, 1, 2].map(|i| qkv.part((i * d.channels()).min(qkv.len())..qkv.len()));
        Self { parts, row: 3 * d.channels() }
    }

    /// The next arguments of a kernel.
    fn input<'g>(&self, launch: Launch<'g>) -> Launch<'g> {
        let [q, k, v] = self.parts;
        launch.input(q).input(k).input(v)
    }

    fn sizes(&self, d: Dims) -> Sizes {
        let [batch, heads, tq, tk, head, row] =
            [d.batch, d.heads, d.tq, d.tk, d.head, self.row].map(|x| x as i32);
        Sizes { batch, heads, tq, tk, head, q_row: row, k_row: row, scale: d.scale() as f32, group: 1 }
    }
}

/// Where the gradients of [`Inputs`] go.
pub enum Gradients<'a> {
    Apart([ViewMut<'a>; 3]),
    Together(Dims, ViewMut<'a>),
}

impl Gradients<'_> {
    /// The gradient of q, k or v, as the next argument.
    fn output<'g>(&mut self, launch: Launch<'g>, part: usize) -> Launch<'g> {
        match self {
            Gradients::Apart(parts) => launch.output(parts[part].reborrow()),
            Gradients::Together(d, all) => {
                let len = all.len();
                launch.output(all.reborrow().part((part * d.channels()).min(len)..len))
            }
        }
    }
}

/// What is uploaded for one pass.
struct Uploads {
    lengths: Option<Pooled<u32>>,
    mask: Option<Pooled<KernelMask>>,
}

impl Uploads {
    fn of(gpu: &Gpu, op: &Attention) -> Result<Self> {
        let lengths = op.lengths.as_ref().map(|lengths| gpu.upload(lengths)).transpose()?;
        let mask = op.dropout.map(|mask| mask.upload(gpu)).transpose()?;
        Ok(Self { lengths, mask })
    }

    /// The next arguments of a kernel: null, what there is none of.
    fn input<'g>(&self, launch: Launch<'g>) -> Launch<'g> {
        let lengths = self.lengths.as_ref().map_or(View::none(), |lengths| lengths.view());
        launch.input(lengths).input(self.mask.as_ref().map_or(View::none(), |mask| mask.view()))
    }
}

pub fn forward(gpu: &Gpu, op: &Attention, d: Dims, inputs: Inputs, outputs: [ViewMut; 2]) -> Result<()> {
    let uploads = Uploads::of(gpu, op)?;
    match Tensor::of(gpu.precision(), d) {
        Some(tensor) => tensor.forward(gpu, d, &inputs, &uploads, outputs),
        None => fma::forward(gpu, d, &inputs, &uploads, outputs),
    }
}

/// `saved`: out, stats, and the gradient of out.
pub fn backward(
    gpu: &Gpu,
    op: &Attention,
    d: Dims,
    inputs: Inputs,
    saved: [View; 3],
    gradients: Gradients,
) -> Result<()> {
    let uploads = Uploads::of(gpu, op)?;
    match Tensor::of(gpu.precision(), d) {
        Some(tensor) => tensor.backward(gpu, d, &inputs, &uploads, saved, gradients),
        None => fma::backward(gpu, d, &inputs, &uploads, saved, gradients),
    }
}
