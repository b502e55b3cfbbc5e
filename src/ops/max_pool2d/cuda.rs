use super::Dims;
use crate::{
    cuda::{Gpu, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("max_pool2d");

pub fn forward(gpu: &Gpu, d: Dims, [x]: [View; 1], [y, argmax]: [ViewMut; 2]) -> Result<()> {
    let launch = gpu.launch_each(&SOURCE, "max_pool2d_forward", y.len())?;
    let launch = launch.value(d).value(y.len() as u32).input(x).output(y).output(argmax);
    // SAFETY: arguments match the kernel's signature, and have the shapes that `d` says.
    unsafe { launch.go() }
}

pub fn backward(gpu: &Gpu, d: Dims, [argmax, dy]: [View; 2], [dx]: [ViewMut; 1]) -> Result<()> {
    let launch = gpu.launch_each(&SOURCE, "max_pool2d_backward", dx.len())?;
    let launch = launch.value(d).value(dx.len() as u32).input(argmax).input(dy).output(dx);
    // SAFETY: arguments match the kernel's signature, and have the shapes that `d` says.
    unsafe { launch.go() }
}
