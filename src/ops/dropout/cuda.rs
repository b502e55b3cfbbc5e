use super::Mask;
use crate::{
    cuda::{Gpu, Plain, Pooled, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("dropout");

/// Threads of a block; each has the eight elements of one counter.
const THREADS: u32 = 256;

/// `struct Mask` in kernels/common.cuh.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelMask {
    pub(super) key: [u32; 2],
    pub(super) step: u32,
    pub(super) draw: u32,
    pub(super) first_sample: u32,
    pub(super) threshold: u32,
    pub(super) scale: f32,
}

// SAFETY: seven words of four bytes and nothing else.
unsafe impl Plain for KernelMask {}

/// `x [samples, per_sample]`
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Dims {
    samples: u32,
    per_sample: u32,
}

impl Mask {
    /// For kernels that drop out what they make: they take a pointer to it.
    pub(crate) fn upload(&self, gpu: &Gpu) -> Result<Pooled<KernelMask>> {
        gpu.upload(&[self.for_kernels()])
    }
}

pub fn forward(gpu: &Gpu, mask: &Mask, per_sample: usize, x: View, y: ViewMut) -> Result<()> {
    let (mask, samples) = (mask.upload(gpu)?, x.len() / per_sample.max(1));
    let d = Dims { samples: samples as u32, per_sample: per_sample as u32 };
    let groups = per_sample.div_ceil(128) as u32;
    let launch = gpu
        .launch(
            &SOURCE,
            "dropout_forward",
            [(16 * groups).div_ceil(THREADS), samples.min(65_535) as u32, 1],
            THREADS,
        )?
        .value(d)
        .input(mask.view())
        .input(x)
        .output(y);
    // SAFETY: arguments match the kernel's signature; x and y have samples times per_sample values.
    unsafe { launch.go() }
}
