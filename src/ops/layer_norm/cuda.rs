use super::Dims;
use crate::{
    cuda::{Gpu, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("layer_norm");

/// Rows of a block, a warp each.
const WARPS: u32 = 8;
const WARP: u32 = 32;
/// Blocks of backward, at most: enough for the largest GPU, and few enough that adding their shares is no work.
const BLOCKS: u32 = 528;
/// Bytes of shared memory that leave room for several blocks; rows too long for it get fewer warps a block.
const SHARED: usize = 48 << 10;

pub fn forward(gpu: &Gpu, d: Dims, [x, gamma, beta]: [View; 3], [y, mean, rstd]: [ViewMut; 3]) -> Result<()> {
    let grid = [(d.rows as u32).div_ceil(WARPS), 1, 1];
    let launch = gpu
        .launch(&SOURCE, "layer_norm_forward", grid, WARP * WARPS)?
        .value(d)
        .input(x)
        .input(gamma)
        .input(beta)
        .output(y)
        .output(mean)
        .output(rstd);
    // SAFETY: arguments match the kernel's signature; `dims` checked every length.
    unsafe { launch.go() }
}

pub fn backward(
    gpu: &Gpu,
    d: Dims,
    [x, gamma, mean, rstd, dy]: [View; 5],
    [dx, dgamma, dbeta]: [ViewMut; 3],
) -> Result<()> {
    let share = 2 * d.cols as usize * size_of::<f32>();
    let warps = (SHARED / share.max(1)).clamp(1, WARPS as usize);
    let blocks = (d.rows as u32).div_ceil(warps as u32).clamp(1, BLOCKS);
    let mut partial = gpu.scratch(2 * blocks as usize * d.cols as usize)?;
    let launch = gpu
        .launch(&SOURCE, "layer_norm_backward", [blocks, 1, 1], WARP * warps as u32)?
        .shared(warps * share)
        .value(d)
        .input(x)
        .input(gamma)
        .input(mean)
        .input(rstd)
        .input(dy)
        .output(dx)
        .output(partial.view_mut());
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, and partial has two rows a block.
    unsafe { launch.go()? };
    let launch = gpu
        .launch(&SOURCE, "layer_norm_gather", [(d.cols as u32).div_ceil(WARP), 2, 1], WARP * WARPS)?
        .value(blocks as i32)
        .value(d.cols)
        .input(partial.view())
        .output(dgamma)
        .output(dbeta);
    // SAFETY: arguments match the kernel's signature, and lengths are as above.
    unsafe { launch.go() }
}
