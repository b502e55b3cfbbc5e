use super::Dims;
use crate::{
    cuda::{Gpu, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("masked_mean");

/// Threads of a block of forward, and channels.
const THREADS: u32 = 256;
const CHANNELS: u32 = 32;

pub fn forward(gpu: &Gpu, d: Dims, lengths: Option<&[u32]>, [x]: [View; 1], [y]: [ViewMut; 1]) -> Result<()> {
    let lengths = upload(gpu, lengths)?;
    let grid = [d.batch as u32, (d.channels as u32).div_ceil(CHANNELS), 1];
    let launch = gpu
        .launch(&SOURCE, "masked_mean_forward", grid, THREADS)?
        .value(d)
        .input(view(&lengths))
        .input(x)
        .output(y);
    // SAFETY: arguments match the kernel's signature; `Dims::of` checked every length.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    d: Dims,
    lengths: Option<&[u32]>,
    [dy]: [View; 1],
    [dx]: [ViewMut; 1],
) -> Result<()> {
    let lengths = upload(gpu, lengths)?;
    let launch = gpu
        .launch_each(&SOURCE, "masked_mean_backward", dx.len())?
        .value(d)
        .input(view(&lengths))
        .input(dy)
        .output(dx);
    // SAFETY: arguments match the kernel's signature; `Dims::of` checked every length.
    unsafe { launch.go() }
}

/// Lengths, where there are any.
fn upload(gpu: &Gpu, lengths: Option<&[u32]>) -> Result<Option<Pooled<u32>>> {
    lengths.map(|lengths| gpu.upload(lengths)).transpose()
}

fn view(lengths: &Option<Pooled<u32>>) -> View<'_, u32> {
    lengths.as_ref().map_or(View::none(), Pooled::view)
}
