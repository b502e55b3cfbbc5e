use crate::{
    cuda::{Gpu, Plain, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("add");

/// Columns of a block that sums rows, and its threads.
const COLUMNS: usize = 32;
const THREADS: u32 = 256;
/// Values that a block gathers.
const PIECE: usize = 4 * THREADS as usize;
/// Blocks that keep the largest GPU busy. A number and not the GPU's own, so that sums are the same on all of them.
const BLOCKS: usize = 528;
/// Fewest rows that are worth a block.
const STRIP: usize = 64;

#[repr(C)]
#[derive(Clone, Copy)]
struct Dims {
    count: u32,
    period: u32,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct SumDims {
    rows: u32,
    columns: u32,
    strip: u32,
}

pub fn forward(gpu: &Gpu, [a, b]: [View; 2], [y]: [ViewMut; 1]) -> Result<()> {
    let d = Dims { count: a.len() as u32, period: b.len() as u32 };
    let launch = gpu.launch_each(&SOURCE, "add_forward", a.len())?.value(d).input(a).input(b).output(y);
    // SAFETY: arguments match the kernel's signature; y has a's shape, and b's size divides it.
    unsafe { launch.go() }
}

pub fn sum(gpu: &Gpu, [dy]: [View; 1], [db]: [ViewMut; 1]) -> Result<()> {
    let columns = db.len();
    let rows = dy.len() / columns.max(1);
    let wanted = BLOCKS.div_ceil(columns.div_ceil(COLUMNS).max(1));
    let strips = rows.div_ceil(STRIP).clamp(1, wanted);
    if strips == 1 {
        return sum_strips(gpu, dy, (rows, 1), db);
    }
    let strip = rows.div_ceil(strips);
    let strips = rows.div_ceil(strip);
    let mut sums = gpu.scratch(strips * columns)?;
    sum_strips(gpu, dy, (strip, strips), sums.view_mut())?;
    sum_strips(gpu, sums.view(), (strips, 1), db)
}

/// Sums `dy [.., columns]` by `strips` of `strip` rows, the last of what is left: `[strips, columns]`.
fn sum_strips(gpu: &Gpu, dy: View, (strip, strips): (usize, usize), sums: ViewMut) -> Result<()> {
    let columns = sums.len() / strips;
    let d =
        SumDims { rows: (dy.len() / columns.max(1)) as u32, columns: columns as u32, strip: strip as u32 };
    let grid = [columns.div_ceil(COLUMNS) as u32, strips as u32, 1];
    let launch = gpu.launch(&SOURCE, "add_sum", grid, THREADS)?.value(d).input(dy).output(sums);
    // SAFETY: arguments match the kernel's signature; dy is rows of as many columns as sums, and sums has a row a strip.
    unsafe { launch.go() }
}

/// `struct Piece` in kernels/add.cu.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    from: u64,
    to: u32,
    count: u32,
}

// SAFETY: 8, 4 and 4 bytes are the 16 of its size.
unsafe impl Plain for Piece {}

/// What is to be added from `to` on, a piece a block.
pub fn pieces(x: View, to: usize) -> impl Iterator<Item = Piece> {
    (0..x.len()).step_by(PIECE).map(move |at| {
        let count = PIECE.min(x.len() - at);
        let from = x.part(at..at + count).address();
        Piece { from, to: (to + at) as u32, count: count as u32 }
    })
}

pub fn gather(gpu: &Gpu, pieces: &[Piece], into: ViewMut) -> Result<()> {
    let uploaded = gpu.upload(pieces)?;
    let launch = gpu.launch(&SOURCE, "add_gather", [pieces.len() as u32, 1, 1], THREADS)?;
    let launch = launch.input(uploaded.view()).output(into);
    // SAFETY: arguments match the kernel's signature; the caller's pieces lie inside of what they are from and go to, are
    // apart, and stay until they are queued.
    unsafe { launch.go() }
}

pub fn accumulate(gpu: &Gpu, x: View, into: ViewMut) -> Result<()> {
    let launch = gpu.launch_each(&SOURCE, "add_accumulate", x.len())?;
    let launch = launch.value(x.len() as u32).input(x).output(into);
    // SAFETY: arguments match the kernel's signature; the caller has cut `into` to the size of x.
    unsafe { launch.go() }
}
