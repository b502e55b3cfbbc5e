//! Launches kernels/adamw.cu, sgd.cu and clip.cu. What differs from step to step is uploaded and read there; a norm stays on
//! the GPU for the kernel that scales by it.

use crate::{
    cuda::{Gpu, Plain, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static ADAMW: Source = kernels!("adamw");
static SGD: Source = kernels!("sgd");
static CLIP: Source = kernels!("clip");

/// Blocks and threads that add up squares, and threads of the one block that adds up theirs.
const BLOCKS: usize = 528;
const THREADS: u32 = 256;
const LAST_THREADS: u32 = 1024;

/// `struct Factors` in kernels/adamw.cu.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Factors {
    pub b1: f32,
    pub c1: f32,
    pub b2: f32,
    pub c2: f32,
    pub rate: f32,
    pub spread: f32,
    pub eps: f32,
    pub keep: f32,
}

// SAFETY: eight f32 and nothing else.
unsafe impl Plain for Factors {}

pub fn adamw(gpu: &Gpu, f: Factors, g: View, [x, m, v]: [ViewMut; 3]) -> Result<()> {
    let factors = gpu.upload(&[f])?;
    let launch = gpu
        .launch_each(&ADAMW, "adamw_step", g.len())?
        .value(g.len() as u32)
        .input(factors.view())
        .input(g)
        .output(x)
        .output(m)
        .output(v);
    // SAFETY: arguments match the kernel's signature; gradients and moments have the parameters' shape.
    unsafe { launch.go() }
}

/// `struct Pace` in kernels/sgd.cu.
#[repr(C)]
#[derive(Clone, Copy)]
struct Pace {
    momentum: f32,
    decay: f32,
    rate: f32,
}

// SAFETY: three f32 and nothing else.
unsafe impl Plain for Pace {}

pub fn sgd(gpu: &Gpu, [momentum, decay, rate]: [f64; 3], g: View, [x, velocity]: [ViewMut; 2]) -> Result<()> {
    let pace = gpu.upload(&[Pace { momentum: momentum as f32, decay: decay as f32, rate: rate as f32 }])?;
    let launch = gpu
        .launch_each(&SGD, "sgd_step", g.len())?
        .value(g.len() as u32)
        .input(pace.view())
        .input(g)
        .output(x)
        .output(velocity);
    // SAFETY: arguments match the kernel's signature; gradients and velocity have the parameters' shape.
    unsafe { launch.go() }
}

/// Scales `g` down to a norm of `max`; returns `[norm, scale]`, still on the GPU.
pub fn clip(gpu: &Gpu, mut g: ViewMut, max: f64) -> Result<Pooled> {
    let blocks = g.len().div_ceil(THREADS as usize).clamp(1, BLOCKS);
    let mut sums = gpu.scratch_of::<f64>(blocks)?;
    let launch = gpu.launch(&CLIP, "clip_squares", [blocks as u32, 1, 1], THREADS)?;
    let launch = launch.value(g.len() as u32).input(g.view()).output(sums.view_mut());
    // SAFETY: arguments match the kernel's signature; there is a sum a block.
    unsafe { launch.go()? };
    let mut norm_and_scale = gpu.scratch(2)?;
    let launch = gpu.launch(&CLIP, "clip_norm", [1, 1, 1], LAST_THREADS)?;
    let launch = launch.value(blocks as u32).value(max as f32).input(sums.view());
    let launch = launch.output(norm_and_scale.view_mut());
    // SAFETY: arguments match the kernel's signature; there is a sum a block.
    unsafe { launch.go()? };
    let launch = gpu.launch_each(&CLIP, "clip_scale", g.len())?;
    let launch = launch.value(g.len() as u32).input(norm_and_scale.view()).output(g.reborrow());
    // SAFETY: arguments match the kernel's signature.
    unsafe { launch.go()? };
    Ok(norm_and_scale)
}
