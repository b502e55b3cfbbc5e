use super::Dims;
use crate::{
    cuda::{Gpu, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("noisy_or");

pub fn forward(gpu: &Gpu, d: Dims, lengths: Option<&[u32]>, [x]: [View; 1], [y]: [ViewMut; 1]) -> Result<()> {
    let lengths = lengths.map(|lengths| gpu.upload(lengths)).transpose()?;
    let launch = gpu
        .launch_each(&SOURCE, "noisy_or_forward", y.len())?
        .value(d)
        .input(lengths.as_ref().map_or(View::none(), Pooled::view))
        .input(x)
        .output(y);
    // SAFETY: arguments match the kernel's signature; `Dims::of` checked every length.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    d: Dims,
    lengths: Option<&[u32]>,
    [x, dy]: [View; 2],
    [dx]: [ViewMut; 1],
) -> Result<()> {
    let lengths = lengths.map(|lengths| gpu.upload(lengths)).transpose()?;
    let launch = gpu
        .launch_each(&SOURCE, "noisy_or_backward", dx.len())?
        .value(d)
        .input(lengths.as_ref().map_or(View::none(), Pooled::view))
        .input(x)
        .input(dy)
        .output(dx);
    // SAFETY: arguments match the kernel's signature; `Dims::of` checked every length.
    unsafe { launch.go() }
}
