use super::Dims;
use crate::{
    cuda::{
        Gpu, View, ViewMut,
        product::{Cut, Product, Sources, products},
    },
    error::Result,
    ops::{Activation, linear},
};

static SOURCES: Sources = products!("conv2d");

/// `struct Divisor` in kernels/conv2d.cu: `n / by = (high(n factor) + n) >> shift` for `n < 2^31`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Divisor {
    by: u32,
    factor: u32,
    shift: u32,
}

impl Divisor {
    fn of(by: usize) -> Self {
        let by = by.max(1) as u32;
        let shift = by.next_power_of_two().trailing_zeros();
        let factor = ((1u64 << 32) * ((1u64 << shift) - u64::from(by)) / u64::from(by) + 1) as u32;
        Self { by, factor, shift }
    }
}

/// `struct Dims` in kernels/conv2d.cu.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Unrolled {
    positions: i32,
    ins: i32,
    outs: i32,
    taps: i32,
    height: Divisor,
    width: Divisor,
    kernel_width: Divisor,
    /// Of the operand that is unrolled.
    channels: Divisor,
    dilation: i32,
    top: i32,
    left: i32,
    /// 1, or -1 to read on the other side of a position.
    sign: i32,
}

impl Unrolled {
    fn of(d: Dims, channels: usize, sign: i32) -> Self {
        let (top, left) = d.before();
        Self {
            positions: (d.batch * d.height * d.width) as i32,
            ins: d.ins as i32,
            outs: d.outs as i32,
            taps: (d.kh * d.kw) as i32,
            height: Divisor::of(d.height),
            width: Divisor::of(d.width),
            kernel_width: Divisor::of(d.kw),
            channels: Divisor::of(channels),
            dilation: d.dilation as i32,
            top: top as i32,
            left: left as i32,
            sign,
        }
    }
}

/// `y = activation(x * w + bias)`; of GELU `slope` as well, where there is room for it.
pub fn forward(
    gpu: &Gpu,
    d: Dims,
    activation: Option<Activation>,
    [x, w, bias]: [View; 3],
    [y, slope]: [ViewMut; 2],
) -> Result<()> {
    let unrolled = Unrolled::of(d, d.ins, 1);
    let product = Product::of(unrolled.positions as usize, d.outs);
    let name = if product.wide { "conv2d_forward_wide" } else { "conv2d_forward" };
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, product.grid(), product.threads())?
        .value(unrolled)
        .value(linear::cuda::number(activation))
        .input(x)
        .input(w)
        .input(bias)
        .output(y)
        .output(slope);
    // SAFETY: arguments match the kernel's signature; shapes have been checked, and an absent operand is null.
    unsafe { launch.go() }
}

pub fn backward_x(gpu: &Gpu, d: Dims, [dz, w]: [View; 2], [dx]: [ViewMut; 1]) -> Result<()> {
    let unrolled = Unrolled::of(d, d.outs, -1);
    let product = Product::of(unrolled.positions as usize, d.ins);
    let name = if product.wide { "conv2d_backward_x_wide" } else { "conv2d_backward_x" };
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, product.grid(), product.threads())?
        .value(unrolled)
        .input(dz)
        .input(w)
        .output(dx);
    // SAFETY: arguments match the kernel's signature; shapes have been checked.
    unsafe { launch.go() }
}

/// `dbias`, the sum of `dz`, comes along.
pub fn backward_weight(gpu: &Gpu, d: Dims, [dz, x]: [View; 2], outputs: [ViewMut; 2]) -> Result<()> {
    let (unrolled, depth) = (Unrolled::of(d, d.ins, 1), d.kh * d.kw * d.ins);
    let cut = Cut::of(unrolled.positions as usize, depth, d.outs);
    let mut shares = gpu.scratch(cut.shares * (depth + 1) * d.outs)?;
    let name = "conv2d_backward_weight";
    let launch = gpu
        .launch(SOURCES.of(gpu.precision()), name, cut.grid(), Cut::THREADS)?
        .value(unrolled)
        .value(cut.rows as i32)
        .input(dz)
        .input(x)
        .output(shares.view_mut());
    // SAFETY: arguments match the kernel's signature; shapes have been checked, and each share has its room.
    unsafe { launch.go()? };
    linear::cuda::add_shares(gpu, cut, shares.view(), outputs)
}

#[cfg(test)]
mod tests {
    use super::Divisor;

    #[test]
    fn divisors_divide() {
        for by in [1, 2, 3, 5, 7, 64, 70, 448, 1000, 65_537] {
            let Divisor { factor, shift, .. } = Divisor::of(by);
            let numbers = (0..2000).chain((0..31).flat_map(|b| [(1 << b) - 1, 1 << b, (1 << b) + 1]));
            for n in numbers.chain([i32::MAX as u64]) {
                let quotient = (((n * u64::from(factor)) >> 32) + n) >> shift;
                assert_eq!(quotient, n / by as u64, "{n} / {by}");
            }
        }
    }
}
