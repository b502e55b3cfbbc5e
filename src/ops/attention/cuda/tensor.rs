use super::{Dims, Gradients, Inputs, Uploads};
use crate::{
    cuda::{Gpu, Precision, Source, View, ViewMut, kernels},
    error::Result,
};

macro_rules! sources {
    ($($variant:literal as $suffix:literal),*) => {
        [$(kernels!("attention_tensor" for $variant as $suffix; "mma", "attention", "attention_mma", "attention_back")),*]
    };
}

/// For heads of at most 16, 32 and 64 channels.
static TF32: [Source; 3] =
    sources!("Tf32, 16" as "_tf32_16", "Tf32, 32" as "_tf32_32", "Tf32, 64" as "_tf32_64");
static BF16: [Source; 3] =
    sources!("Bf16, 16" as "_bf16_16", "Bf16, 32" as "_bf16_32", "Bf16, 64" as "_bf16_64");

/// Rows of a block and of a tile.
const LINES: usize = 80;
/// Rows of a warp.
const WARP: usize = 16;
/// Bytes of shared memory that every GPU has for a block.
const SHARED: usize = 96 << 10;

/// The kernels for one precision and size of head.
pub struct Tensor {
    source: &'static Source,
    /// Bytes of a row of a head in shared memory.
    row: usize,
}

impl Tensor {
    /// None in f32, and for larger heads.
    pub fn of(precision: Precision, d: Dims) -> Option<Self> {
        let (sources, size, pad) = match precision {
            Precision::F32 => return None,
            Precision::Tf32 => (&TF32, size_of::<f32>(), 4),
            Precision::Bf16 => (&BF16, size_of::<u16>(), 8),
        };
        let at = [16, 32, 64].into_iter().position(|head| d.head <= head)?;
        Some(Self { source: &sources[at], row: ((WARP << at) + pad) * size })
    }

    /// Bytes of so many rows in shared memory, what is known of so many queries, and dropout's bits for so many keys of the
    /// three blocks of 48 queries that a block may meet.
    fn shared(&self, rows: usize, queries: usize, keys: usize) -> usize {
        rows * self.row + queries * 3 * size_of::<f32>() + 3 * 3 * keys * size_of::<u16>()
    }

    pub fn forward(
        &self,
        gpu: &Gpu,
        d: Dims,
        inputs: &Inputs,
        uploads: &Uploads,
        [out, stats]: [ViewMut; 2],
    ) -> Result<()> {
        let grid = [(d.batch * d.heads * d.tq.div_ceil(LINES)) as u32, 1, 1];
        let lines = d.tq.next_multiple_of(WARP).min(LINES);
        let launch = gpu.launch(self.source, "attention_forward", grid, threads(lines))?;
        let launch = uploads.input(inputs.input(launch.value(inputs.sizes(d)))).output(out).output(stats);
        let launch = launch.shared(self.shared(lines + 2 * LINES, 0, LINES));
        // SAFETY: arguments match the kernel's signature; `dims` checked every length, and what is absent is null.
        unsafe { launch.go() }
    }

    pub fn backward(
        &self,
        gpu: &Gpu,
        d: Dims,
        inputs: &Inputs,
        uploads: &Uploads,
        saved: [View; 3],
        mut gradients: Gradients,
    ) -> Result<()> {
        let mut launch = |name, tiles: usize, lines: usize, shared| -> Result<()> {
            let grid = [(d.batch * d.heads * tiles) as u32, 1, 1];
            let launch = gpu.launch(self.source, name, grid, threads(lines))?.value(inputs.sizes(d));
            let launch = saved.into_iter().fold(inputs.input(launch), |launch, x| launch.input(x));
            let launch = uploads.input(launch).shared(shared);
            let launch = (0..3).fold(launch, |launch, part| gradients.output(launch, part));
            // SAFETY: arguments match the kernel's signature; `dims` checked every length, and what is absent is null.
            unsafe { launch.go() }
        };
        let [queries, keys] = [d.tq, d.tk].map(|t| t.next_multiple_of(WARP));
        let whole = self.shared(2 * (queries + keys), queries, keys);
        if queries.max(keys) <= LINES && whole <= SHARED {
            return launch("attention_backward", 1, queries.max(keys), whole);
        }
        let shared = self.shared(4 * LINES, LINES, LINES);
        launch("attention_backward_q", d.tq.div_ceil(LINES), LINES, shared)?;
        launch("attention_backward_kv", d.tk.div_ceil(LINES), LINES, shared)
    }
}

fn threads(lines: usize) -> u32 {
    (lines / WARP * 32) as u32
}
