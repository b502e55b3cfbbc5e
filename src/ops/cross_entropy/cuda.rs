use super::SoftmaxCrossEntropy;
use crate::{
    cuda::{Gpu, Launch, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("cross_entropy");

/// Threads of forward's one block.
const THREADS: u32 = 1024;
/// Samples of a block of backward, a warp each.
const WARPS: u32 = 8;
const WARP: u32 = 32;

#[repr(C)]
#[derive(Clone, Copy)]
struct Dims {
    batch: i32,
    classes: i32,
}

/// The op's own numbers on the GPU: the classes, and the weights with the normalizer after them.
struct Known {
    dims: Dims,
    classes: Pooled<u32>,
    weights: Pooled,
}

impl Known {
    fn upload(gpu: &Gpu, op: &SoftmaxCrossEntropy, logits: usize) -> Result<Self> {
        let batch = op.classes.len();
        let dims = Dims { batch: batch as i32, classes: (logits / batch.max(1)) as i32 };
        let weights = gpu.upload(&[&op.weights[..], &[op.normalizer]].concat())?;
        Ok(Self { dims, classes: gpu.upload(&op.classes)?, weights })
    }

    fn give<'a>(&self, launch: Launch<'a>) -> Launch<'a> {
        let (weights, batch) = (self.weights.view(), self.dims.batch as usize);
        launch
            .value(self.dims)
            .input(self.classes.view())
            .input(weights.part(0..batch))
            .input(weights.part(batch..batch + 1))
    }
}

pub fn forward(gpu: &Gpu, op: &SoftmaxCrossEntropy, [logits]: [View; 1], [loss]: [ViewMut; 1]) -> Result<()> {
    let known = Known::upload(gpu, op, logits.len())?;
    let launch = gpu.launch(&SOURCE, "cross_entropy_forward", [1, 1, 1], THREADS)?;
    let launch = known.give(launch).input(logits).output(loss);
    // SAFETY: arguments match the kernel's signature; `check` compared every length and saw every class.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    op: &SoftmaxCrossEntropy,
    [logits, dloss]: [View; 2],
    [dlogits]: [ViewMut; 1],
) -> Result<()> {
    let known = Known::upload(gpu, op, logits.len())?;
    let grid = [(known.dims.batch as u32).div_ceil(WARPS), 1, 1];
    let launch = gpu.launch(&SOURCE, "cross_entropy_backward", grid, WARP * WARPS)?;
    let launch = known.give(launch).input(logits).input(dloss).output(dlogits);
    // SAFETY: arguments match the kernel's signature; `check` compared every length and saw every class.
    unsafe { launch.go() }
}
