//! Every op, the optimizers and the network on a GPU, where there is one.

#[allow(dead_code)] // its other parts are for the CPU's tests
mod cases;
#[allow(dead_code)] // its other parts are for the driver without a GPU
mod gpu;
mod parity;
#[allow(dead_code)] // its other parts are for the CPU's tests
mod tiny;

use mirscope::cuda::Gpu;

/// Whether there is a GPU. Where there is none, says so, or fails if one is required.
fn found() -> bool {
    let absent = match Gpu::count() {
        Ok(1..) => return true,
        Ok(0) => "no CUDA device found".into(),
        Err(e) => e.to_string(),
    };
    assert_ne!(std::env::var("REQUIRE").as_deref(), Ok("cuda"), "{absent}");
    eprintln!("skipped: cuda ({absent})");
    false
}

#[test]
fn every_op_matches_the_reference() {
    if found() {
        gpu::cases("");
    }
}

#[test]
fn masks_are_the_cpus() {
    if found() {
        gpu::masks();
    }
}

#[test]
fn of_equal_maxima_the_first_counts_and_losses_stay_finite() {
    if found() {
        gpu::ties_and_extremes();
    }
}

#[test]
fn optimizers_match_the_reference() {
    if found() {
        gpu::optimizers();
    }
}

#[test]
fn the_network_matches_the_reference() {
    if found() {
        gpu::network();
    }
}

#[test]
fn gradients_go_through_maxima() {
    if found() {
        gpu::gradients_through_maxima();
    }
}
