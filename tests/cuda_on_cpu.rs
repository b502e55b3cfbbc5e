//! Every op, the optimizers and the network through the CUDA code, with a driver in place of NVIDIA's that interprets the
//! kernels' PTX on the CPU and checks every access: `tests/mock-cuda`. No GPU is needed, and no compiler of NVIDIA's: the
//! PTX is what is committed.

mod cases;
mod gpu;
mod parity;
#[allow(dead_code)] // its other parts are for the CPU's tests
mod tiny;

use std::collections::BTreeSet;

/// Every case of an op, on the driver without a GPU.
fn cases_of(op: &str) {
    mock_cuda::load();
    gpu::cases(op);
}

#[test]
fn add() {
    cases_of("add");
}

#[test]
fn activate() {
    cases_of("activate");
}

#[test]
fn dropout() {
    cases_of("dropout");
}

#[test]
fn linear() {
    cases_of("linear");
}

#[test]
fn feed_forward() {
    cases_of("feed_forward");
}

#[test]
fn conv1d() {
    cases_of("conv1d");
}

#[test]
fn conv2d() {
    cases_of("conv2d");
}

#[test]
fn attention() {
    cases_of("attention");
}

#[test]
fn embedding() {
    cases_of("embedding");
}

#[test]
fn layer_norm() {
    cases_of("layer_norm");
}

#[test]
fn reshape() {
    cases_of("reshape");
}

#[test]
fn masked_mean() {
    cases_of("masked_mean");
}

#[test]
fn masked_max() {
    cases_of("masked_max");
}

#[test]
fn max_pool2d() {
    cases_of("max_pool2d");
}

#[test]
fn bce() {
    cases_of("bce");
}

#[test]
fn cross_entropy() {
    cases_of("cross_entropy");
}

#[test]
fn every_op_is_among_these() {
    let asked = [
        "add",
        "activate",
        "dropout",
        "linear",
        "feed_forward",
        "conv1d",
        "conv2d",
        "attention",
        "embedding",
        "layer_norm",
        "reshape",
        "masked_mean",
        "masked_max",
        "max_pool2d",
        "bce",
        "cross_entropy",
    ];
    let listed = cases::all();
    let listed: BTreeSet<&str> = listed.iter().map(gpu::op).collect();
    assert_eq!(listed, BTreeSet::from(asked));
}

#[test]
fn masks_are_the_cpus() {
    mock_cuda::load();
    gpu::masks();
}

#[test]
fn of_equal_maxima_the_first_counts_and_losses_stay_finite() {
    mock_cuda::load();
    gpu::ties_and_extremes();
}

#[test]
fn optimizers_match_the_reference() {
    mock_cuda::load();
    gpu::optimizers();
}

#[test]
fn the_network_matches_the_reference() {
    mock_cuda::load();
    gpu::network();
}
