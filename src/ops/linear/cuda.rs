use super::{Dims, Linear};
use crate::{
    cuda::{
        Gpu, View, ViewMut,
        product::{Cut, Product, Sources, products},
    },
    error::Result,
    ops::{
        Activation,
        layer_norm::{self, Room},
    },
};

static SOURCES: Sources = products!("linear");

/// `y = activation(residual + dropout(x w + bias))`; of GELU `slope` as well, and the norm of `y`, where there is room for
/// them.
pub fn forward(
    gpu: &Gpu,
    op: &Linear,
    d: Dims,
    [x, w, bias, residual]: [View; 4],
    [y, slope]: [ViewMut; 2],
    room: Option<&mut Room>,
) -> Result<()> {
    let mask = op.dropout.map(|mask| mask.upload(gpu)).transpose()?;
    let product = Product::of(d.rows as usize, d.outs as usize);
    let name = if product.wide { "linear_forward_wide" } else { "linear_forward" };
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, product.grid(), product.threads())?
        .value(d)
        .value(number(op.activation))
        .input(x)
        .input(w)
        .input(bias)
        .input(mask.as_ref().map_or(View::none(), |mask| mask.view()))
        .input(residual)
        .output(y)
        .output(slope);
    let launch = layer_norm::arguments(launch, room)?;
    // SAFETY: arguments match the kernel's signature; `dims` and `Ahead::room` checked every length, and an absent operand is
    // null.
    unsafe { launch.go() }
}

/// `enum` in kernels/layer.cuh.
pub(in crate::ops) fn number(activation: Option<Activation>) -> i32 {
    match activation {
        None => 0,
        Some(Activation::Relu) => 1,
        Some(Activation::Gelu) => 2,
    }
}

pub fn backward_x(gpu: &Gpu, d: Dims, [dz, w]: [View; 2], [dx]: [ViewMut; 1]) -> Result<()> {
    let product = Product::of(d.rows as usize, d.ins as usize);
    let name = if product.wide { "linear_backward_x_wide" } else { "linear_backward_x" };
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, product.grid(), product.threads())?
        .value(d)
        .input(dz)
        .input(w)
        .output(dx);
    // SAFETY: arguments match the kernel's signature; `dims` checked every length.
    unsafe { launch.go() }
}

/// `dbias`, the sum of `dz`, comes along.
pub fn backward_weight(gpu: &Gpu, d: Dims, [dz, x]: [View; 2], outputs: [ViewMut; 2]) -> Result<()> {
    let (rows, ins, outs) = (d.rows as usize, d.ins as usize, d.outs as usize);
    let cut = Cut::of(rows, ins, outs);
    let mut shares = gpu.scratch(cut.shares * (ins + 1) * outs)?;
    let name = "linear_backward_weight";
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, cut.grid(), Cut::THREADS)?
        .value(d)
        .value(cut.rows as i32)
        .input(dz)
        .input(x)
        .output(shares.view_mut());
    // SAFETY: arguments match the kernel's signature; `dims` checked every length, and each share has its room.
    unsafe { launch.go()? };
    add_shares(gpu, cut, shares.view(), outputs)
}

/// `dweight` and `dbias`, each the sum of its shares: `shares [cut.shares, dweight then dbias]`.
pub(in crate::ops) fn add_shares(
    gpu: &Gpu,
    cut: Cut,
    shares: View,
    [dweight, dbias]: [ViewMut; 2],
) -> Result<()> {
    let (weights, biases) = (dweight.len(), dbias.len());
    let launch = gpu
        .launch(
            SOURCES.of(gpu.precision()),
            "add_shares",
            [(weights + biases).div_ceil(32) as u32, 1, 1],
            256,
        )?
        .value(cut.shares as u32)
        .value(weights as u32)
        .value(biases as u32)
        .input(shares)
        .output(dweight)
        .output(dbias);
    // SAFETY: arguments match the kernel's signature; there are as many shares, of as many values.
    unsafe { launch.go() }
}
