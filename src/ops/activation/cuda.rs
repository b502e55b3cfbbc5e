use super::Activation;
use crate::{
    cuda::{Gpu, Source, View, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("activation");

pub fn forward(gpu: &Gpu, activation: Activation, x: View, y: ViewMut) -> Result<()> {
    let kernel = match activation {
        Activation::Relu => "activation_relu",
        Activation::Gelu => "activation_gelu",
    };
    let launch = gpu.launch_each(&SOURCE, kernel, x.len())?.value(x.len() as u32).input(x).output(y);
    // SAFETY: arguments match the kernel's signature; x and y have one shape.
    unsafe { launch.go() }
}

/// `y = gelu(x)`, `slope = gelu'(x)`
pub fn gelu_and_slope(gpu: &Gpu, x: View, y: ViewMut, slope: ViewMut) -> Result<()> {
    let launch = gpu.launch_each(&SOURCE, "activation_gelu_and_slope", x.len())?;
    let launch = launch.value(x.len() as u32).input(x).output(y).output(slope);
    // SAFETY: arguments match the kernel's signature; x, y and slope have one shape.
    unsafe { launch.go() }
}

/// `saved`: of ReLU the result, of GELU the slope.
pub fn backward(gpu: &Gpu, activation: Activation, saved: View, dy: View, dx: ViewMut) -> Result<()> {
    let kernel = match activation {
        Activation::Relu => "activation_relu_backward",
        Activation::Gelu => "activation_gelu_backward",
    };
    let launch = gpu.launch_each(&SOURCE, kernel, dy.len())?;
    let launch = launch.value(dy.len() as u32).input(saved).input(dy).output(dx);
    // SAFETY: arguments match the kernel's signature; saved, dy and dx have the shape of what was activated.
    unsafe { launch.go() }
}
