use super::BceWithLogits;
use crate::{
    cuda::{Gpu, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("bce");

/// Threads of forward's one block.
const THREADS: u32 = 1024;

pub fn forward(gpu: &Gpu, op: &BceWithLogits, [logits]: [View; 1], [loss]: [ViewMut; 1]) -> Result<()> {
    let known = upload(gpu, op)?;
    let [targets, weights, normalizer] = parts(&known, logits.len());
    let launch = gpu
        .launch(&SOURCE, "bce_forward", [1, 1, 1], THREADS)?
        .value(logits.len() as i32)
        .input(logits)
        .input(targets)
        .input(weights)
        .input(normalizer)
        .output(loss);
    // SAFETY: arguments match the kernel's signature; `check` compared every length.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    op: &BceWithLogits,
    [logits, dloss]: [View; 2],
    [dlogits]: [ViewMut; 1],
) -> Result<()> {
    let known = upload(gpu, op)?;
    let [targets, weights, normalizer] = parts(&known, logits.len());
    let launch = gpu
        .launch_each(&SOURCE, "bce_backward", logits.len())?
        .value(logits.len() as i32)
        .input(logits)
        .input(targets)
        .input(weights)
        .input(normalizer)
        .input(dloss)
        .output(dlogits);
    // SAFETY: arguments match the kernel's signature; `check` compared every length.
    unsafe { launch.go() }
}

/// Targets, weights and normalizer in one copy.
fn upload(gpu: &Gpu, op: &BceWithLogits) -> Result<Pooled> {
    gpu.upload(&[&op.targets[..], &op.weights, &[op.normalizer]].concat())
}

fn parts(known: &Pooled, batch: usize) -> [View<'_>; 3] {
    let known = known.view();
    [known.part(0..batch), known.part(batch..2 * batch), known.part(2 * batch..2 * batch + 1)]
}
