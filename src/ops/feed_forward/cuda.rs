use super::{Dims, FeedForward};
use crate::{
    cuda::{
        Gpu, Launch, Precision, View, ViewMut,
        product::{Cut, Product, Sources, products},
    },
    error::Result,
    ops::{
        layer_norm::{self, Room},
        linear,
    },
};

static SOURCES: Sources = products!("feed_forward");

/// `struct Dims` in kernels/feed_forward.cu.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Sizes {
    rows: i32,
    per_sample: i32,
    channels: i32,
    hidden: i32,
}

impl Dims {
    fn sizes(self) -> Sizes {
        let [rows, per_sample, channels, hidden] =
            [self.rows, self.per_sample, self.channels, self.hidden].map(|x| x as i32);
        Sizes { rows, per_sample, channels, hidden }
    }
}

/// The length of a tensor that keeps `[rows, hidden]`: with factors in bf16, two values are in the place of one.
pub fn kept(gpu: &Gpu, d: Dims) -> usize {
    match gpu.precision() {
        Precision::F32 | Precision::Tf32 => d.rows * d.hidden,
        Precision::Bf16 => (d.rows * d.hidden).div_ceil(2),
    }
}

/// The product of `name`, or of its wide form, with a result `[rows, columns]`.
fn product<'g>(gpu: &'g Gpu, d: Dims, columns: usize, [name, wide]: [&'static str; 2]) -> Result<Launch<'g>> {
    let product = Product::of(d.rows, columns);
    let name = if product.wide { wide } else { name };
    let source = SOURCES.of(gpu.precision());
    Ok(gpu.launch(source, name, product.grid(), product.threads())?.value(d.sizes()))
}

/// `slope` is left out where there is no room for it.
pub fn forward(
    gpu: &Gpu,
    op: &FeedForward,
    d: Dims,
    [x, up, up_bias, down, down_bias]: [View; 5],
    residual: View,
    [y, mut hidden, slope]: [ViewMut; 3],
    room: Option<&mut Room>,
) -> Result<()> {
    let mask = op.dropout.map(|mask| mask.upload(gpu)).transpose()?;
    let out_mask = op.out_dropout.map(|mask| mask.upload(gpu)).transpose()?;
    let launch = product(gpu, d, d.hidden, ["feed_forward_hidden", "feed_forward_hidden_wide"])?
        .input(x)
        .input(up)
        .input(up_bias)
        .input(mask.as_ref().map_or(View::none(), |mask| mask.view()))
        .output(hidden.reborrow())
        .output(slope);
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, `kept` is the room, and what is absent is
    // null.
    unsafe { launch.go()? };
    let launch = product(gpu, d, d.channels, ["feed_forward_forward", "feed_forward_forward_wide"])?
        .input(hidden.view())
        .input(down)
        .input(down_bias)
        .input(out_mask.as_ref().map_or(View::none(), |mask| mask.view()))
        .input(residual)
        .output(y);
    let launch = layer_norm::arguments(launch, room)?;
    // SAFETY: as above; `Ahead::room` checked the norm's lengths.
    unsafe { launch.go() }
}

pub fn infer(
    gpu: &Gpu,
    op: &FeedForward,
    d: Dims,
    inputs: [View; 5],
    residual: View,
    [y]: [ViewMut; 1],
    room: Option<&mut Room>,
) -> Result<()> {
    let mut hidden = gpu.scratch(kept(gpu, d))?;
    forward(gpu, op, d, inputs, residual, [y, hidden.view_mut(), ViewMut::none()], room)
}

pub fn backward(
    gpu: &Gpu,
    d: Dims,
    [x, up, down, hidden, slope, dy]: [View; 6],
    [dx, dup, dup_bias, ddown, ddown_bias]: [ViewMut; 5],
) -> Result<()> {
    let mut dz = gpu.scratch(kept(gpu, d))?;
    let names = ["feed_forward_backward_hidden", "feed_forward_backward_hidden_wide"];
    let launch = product(gpu, d, d.hidden, names)?.input(dy).input(down).input(slope).output(dz.view_mut());
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, and `kept` is the room.
    unsafe { launch.go()? };
    let names = ["feed_forward_backward_x", "feed_forward_backward_x_wide"];
    let launch = product(gpu, d, d.channels, names)?.input(dz.view()).input(up).output(dx);
    // SAFETY: as above.
    unsafe { launch.go()? };
    let operands = [dz.view(), x];
    weight(gpu, d, "feed_forward_backward_up", [d.channels, d.hidden], operands, [dup, dup_bias])?;
    let operands = [dy, hidden];
    weight(gpu, d, "feed_forward_backward_down", [d.hidden, d.channels], operands, [ddown, ddown_bias])
}

/// Gradients of weights `[ins, outs]` and of their bias.
fn weight(
    gpu: &Gpu,
    d: Dims,
    name: &'static str,
    [ins, outs]: [usize; 2],
    [dz, x]: [View; 2],
    outputs: [ViewMut; 2],
) -> Result<()> {
    let cut = Cut::of(d.rows, ins, outs);
    let mut shares = gpu.scratch(cut.shares * (ins + 1) * outs)?;
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, cut.grid(), Cut::THREADS)?
        .value(d.sizes())
        .value(cut.rows as i32)
        .input(dz)
        .input(x)
        .output(shares.view_mut());
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, and each share has its room.
    unsafe { launch.go()? };
    linear::cuda::add_shares(gpu, cut, shares.view(), outputs)
}
