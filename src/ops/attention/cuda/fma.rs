use super::{Dims, Gradients, Inputs, QUERIES, Uploads};
use crate::{
    cuda::{Gpu, Launch, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("attention"; "attention", "attention_fma");

/// Keys of a tile.
const KEYS: usize = 64;
/// Channels of a head that a block makes.
const PART: usize = 64;
const THREADS: u32 = 192;

/// A block for each of so many tiles of a head, and each part of its channels.
fn grid(d: Dims, tiles: usize) -> [u32; 3] {
    [(d.batch * d.heads * tiles) as u32, d.head.div_ceil(PART) as u32, 1]
}

/// Bytes of so many rows of a part of a head, and so many tiles of scores, with factors of rows and dropout's bits.
fn shared(d: Dims, rows: usize, scores: usize) -> usize {
    let row = 4 * (d.head.min(PART).div_ceil(4) | 1);
    let bits = size_of::<u16>() * KEYS * QUERIES / 16;
    size_of::<f32>() * (rows * row + scores * QUERIES * (KEYS + 4) + QUERIES) + bits
}

pub fn forward(
    gpu: &Gpu,
    d: Dims,
    inputs: &Inputs,
    uploads: &Uploads,
    [out, stats]: [ViewMut; 2],
) -> Result<()> {
    let launch = gpu.launch(&SOURCE, "attention_forward", grid(d, d.blocks()), THREADS)?;
    let launch = uploads.input(inputs.input(launch.value(inputs.sizes(d))));
    let launch = launch.output(out).output(stats).shared(shared(d, QUERIES + 2 * KEYS, 1));
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, and what is absent is null.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    d: Dims,
    inputs: &Inputs,
    uploads: &Uploads,
    [out, stats, dout]: [View; 3],
    mut gradients: Gradients,
) -> Result<()> {
    let (sizes, rows) = (inputs.sizes(d), d.batch * d.tq * d.heads);
    let mut delta = gpu.scratch(rows)?;
    let launch = gpu.launch(&SOURCE, "attention_delta", [rows.div_ceil(8) as u32, 1, 1], 256)?;
    let launch = launch.value(sizes).input(out).input(dout).output(delta.view_mut());
    // SAFETY: arguments match the kernel's signature; `dims` checked every length.
    unsafe { launch.go()? };
    let both = |name, tiles, scores| -> Result<Launch<'_>> {
        let launch = inputs.input(gpu.launch(&SOURCE, name, grid(d, tiles), THREADS)?.value(sizes));
        let launch = uploads.input(launch.input(stats).input(delta.view()).input(dout));
        Ok(launch.shared(shared(d, 2 * (QUERIES + KEYS), scores)))
    };
    let launch = gradients.output(both("attention_backward_q", d.blocks(), 1)?, 0);
    // SAFETY: as above, and what is absent is null.
    unsafe { launch.go()? };
    let launch = gradients.output(both("attention_backward_kv", d.tk.div_ceil(KEYS), 2)?, 1);
    // SAFETY: as above.
    unsafe { gradients.output(launch, 2).go() }
}
