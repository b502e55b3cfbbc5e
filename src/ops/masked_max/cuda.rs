use super::Dims;
use crate::{
    cuda::{Gpu, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("masked_max");

/// Threads of a block of forward, and channels.
const THREADS: u32 = 256;
const CHANNELS: u32 = 32;

pub fn forward(
    gpu: &Gpu,
    d: Dims,
    lengths: Option<&[u32]>,
    [x]: [View; 1],
    [y, argmax]: [ViewMut; 2],
) -> Result<()> {
    let lengths = lengths.map(|lengths| gpu.upload(lengths)).transpose()?;
    let [batch, _, channels] = d.shape().map(|n| n as u32);
    let launch = gpu
        .launch(&SOURCE, "masked_max_forward", [batch, channels.div_ceil(CHANNELS), 1], THREADS)?
        .value(d)
        .input(lengths.as_ref().map_or(View::none(), Pooled::view))
        .input(x)
        .output(y)
        .output(argmax);
    // SAFETY: arguments match the kernel's signature; `Dims::of` checked every length.
    unsafe { launch.go() }
}

pub fn backward(gpu: &Gpu, d: Dims, [argmax, dy]: [View; 2], [dx]: [ViewMut; 1]) -> Result<()> {
    let launch = gpu.launch_each(&SOURCE, "masked_max_backward", dx.len())?;
    let launch = launch.value(d).input(argmax).input(dy).output(dx);
    // SAFETY: arguments match the kernel's signature, and have the shapes that `d` says.
    unsafe { launch.go() }
}
