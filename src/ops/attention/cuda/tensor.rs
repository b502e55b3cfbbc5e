use super::{Dims, Gradients, Inputs, Sizes, Uploads};
use crate::{
    cuda::{Gpu, Launch, Precision, Source, View, ViewMut, kernels},
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
/// Those of a block with two others beside it, on a multiprocessor with 227 KiB.
const THIRD: usize = 72 << 10;

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
        let [queries, keys] = padded(d);
        let lines = queries.min(LINES);
        let head = self.shared(queries + 2 * keys, 0, keys);
        let shape = Shape::whole("attention_forward_whole", d, queries, head).unwrap_or_else(|| {
            Shape::tiles("attention_forward", d, d.tq, lines, self.shared(lines + 2 * LINES, 0, LINES))
        });
        let launch = shape.launch(self.source, gpu, d, inputs)?;
        let launch = uploads.input(launch).output(out).output(stats);
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
        let mut go = |shape: Shape| -> Result<()> {
            let launch = shape.launch(self.source, gpu, d, inputs)?;
            let launch = uploads.input(saved.into_iter().fold(launch, |launch, x| launch.input(x)));
            let launch = (0..3).fold(launch, |launch, part| gradients.output(launch, part));
            // SAFETY: arguments match the kernel's signature; `dims` checked every length, and what is absent is null.
            unsafe { launch.go() }
        };
        let [queries, keys] = padded(d);
        let head = self.shared(2 * (queries + keys), queries, keys);
        if let Some(whole) = Shape::whole("attention_backward", d, queries.max(keys), head) {
            return go(whole);
        }
        let shared = self.shared(4 * LINES, LINES, LINES);
        go(Shape::tiles("attention_backward_q", d, d.tq, LINES, shared))?;
        go(Shape::tiles("attention_backward_kv", d, d.tk, LINES, shared))
    }
}

/// Queries and keys in whole warps.
fn padded(d: Dims) -> [usize; 2] {
    [d.tq, d.tk].map(|t| t.next_multiple_of(WARP))
}

/// How a kernel is launched.
struct Shape {
    kernel: &'static str,
    blocks: usize,
    /// Rows of a block.
    lines: usize,
    /// Bytes of shared memory.
    shared: usize,
    /// Heads that a block has there at once.
    group: usize,
}

impl Shape {
    /// A block for each sample, with all its heads of `shared` bytes: in groups of one size, as many at once as there is room
    /// for beside two other blocks. None for more than one tile.
    fn whole(kernel: &'static str, d: Dims, lines: usize, shared: usize) -> Option<Self> {
        if padded(d).into_iter().any(|t| t > LINES) || shared > SHARED {
            return None;
        }
        let groups = d.heads.div_ceil((THIRD / shared).max(1));
        let group = d.heads.div_ceil(groups);
        Some(Self { kernel, blocks: d.batch, lines, shared: group * shared, group })
    }

    /// A block for each tile of `time` positions of a head.
    fn tiles(kernel: &'static str, d: Dims, time: usize, lines: usize, shared: usize) -> Self {
        Self { kernel, blocks: d.batch * d.heads * time.div_ceil(LINES), lines, shared, group: 1 }
    }

    /// With sizes and q, k, v as its first arguments.
    fn launch<'g>(
        &self,
        source: &'static Source,
        gpu: &'g Gpu,
        d: Dims,
        inputs: &Inputs,
    ) -> Result<Launch<'g>> {
        let launch =
            gpu.launch(source, self.kernel, [self.blocks as u32, 1, 1], (self.lines / WARP * 32) as u32)?;
        let sizes = Sizes { group: self.group as i32, ..inputs.sizes(d) };
        Ok(inputs.input(launch.shared(self.shared).value(sizes)))
    }
}
