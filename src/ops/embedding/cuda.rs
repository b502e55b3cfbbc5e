use super::Dims;
use crate::{
    cuda::{Gpu, Source, View, ViewMut, kernels},
    error::Result,
    ops::add,
};

static SOURCE: Source = kernels!("embedding");

/// Threads of a block of backward, and channels.
const THREADS: u32 = 256;
const CHANNELS: u32 = 32;
/// Blocks that keep the largest GPU busy. A number and not the GPU's own, so that sums are the same on all of them.
const BLOCKS: usize = 1056;
/// Fewest tokens that are worth a block.
const STRIP: usize = 256;

#[repr(C)]
#[derive(Clone, Copy)]
struct Strips {
    tokens: u32,
    strip: u32,
}

pub fn forward(gpu: &Gpu, d: Dims, ids: &[u32], [table]: [View; 1], [y]: [ViewMut; 1]) -> Result<()> {
    let ids = gpu.upload(ids)?;
    let launch = gpu
        .launch_each(&SOURCE, "embedding_forward", y.len())?
        .value(d)
        .value(y.len() as u32)
        .input(ids.view())
        .input(table)
        .output(y);
    // SAFETY: arguments match the kernel's signature; `dims` checked every id and length.
    unsafe { launch.go() }
}

pub fn backward(gpu: &Gpu, d: Dims, ids: &[u32], [dy]: [View; 1], [dtable]: [ViewMut; 1]) -> Result<()> {
    let (tokens, [rows, channels]) = (ids.len(), [d.rows, d.channels].map(|n| n as u32));
    let ids = gpu.upload(ids)?;
    let table_blocks = (rows * channels.div_ceil(CHANNELS)) as usize;
    let strips = tokens.div_ceil(STRIP).clamp(1, BLOCKS.div_ceil(table_blocks.max(1)));
    let strip = tokens.div_ceil(strips).next_multiple_of(32);
    let strips = tokens.div_ceil(strip.max(1)).max(1);
    let one = |sums: ViewMut| {
        let launch = gpu
            .launch(
                &SOURCE,
                "embedding_backward",
                [rows, channels.div_ceil(CHANNELS), strips as u32],
                THREADS,
            )?
            .value(d)
            .value(Strips { tokens: tokens as u32, strip: strip as u32 })
            .input(ids.view())
            .input(dy)
            .output(sums);
        // SAFETY: arguments match the kernel's signature; `dims` checked every length, and sums is a table a strip.
        unsafe { launch.go() }
    };
    if strips == 1 {
        return one(dtable);
    }
    let mut sums = gpu.scratch(strips * dtable.len())?;
    one(sums.view_mut())?;
    add::cuda::sum(gpu, [sums.view()], [dtable])
}
