//! Every op, the optimizers and the network through the CUDA code, with a driver in place of NVIDIA's that interprets the
//! kernels' PTX on the CPU and checks every access: `tests/mock-cuda`. No GPU is needed, and no compiler of NVIDIA's: the
//! PTX is what is committed.

mod cases;
mod gpu;
mod parity;
#[allow(dead_code)] // its other parts are for the CPU's tests
mod tiny;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Mutex, PoisonError},
};

/// A test for each op, of all its cases; and `OPS`, their names.
macro_rules! ops {
    ($($op:ident)*) => {
        const OPS: &[&str] = &[$(stringify!($op)),*];
        $(
            #[test]
            fn $op() {
                checked(stringify!($op), || gpu::cases(stringify!($op)));
            }
        )*
    };
}

ops! {
    add activate dropout linear feed_forward conv1d conv2d attention embedding layer_norm reshape masked_mean masked_max
    max_pool2d noisy_or bce cross_entropy
}

const OTHERS: &[&str] = &["masks", "ties and extremes", "optimizers", "network", "maxima"];

#[test]
fn every_op_is_among_these() {
    let listed = cases::all();
    let listed: BTreeSet<&str> = listed.iter().map(gpu::op).collect();
    assert_eq!(listed, OPS.iter().copied().collect());
}

#[test]
fn masks_are_the_cpus() {
    checked(OTHERS[0], gpu::masks);
}

#[test]
fn of_equal_maxima_the_first_counts_and_losses_stay_finite() {
    checked(OTHERS[1], gpu::ties_and_extremes);
}

#[test]
fn optimizers_match_the_reference() {
    checked(OTHERS[2], gpu::optimizers);
}

#[test]
fn the_network_matches_the_reference() {
    checked(OTHERS[3], gpu::network);
}

#[test]
fn gradients_go_through_maxima() {
    checked(OTHERS[4], gpu::gradients_through_maxima);
}

/// A part of what is checked here, on the driver without a GPU. The last one to pass sees whether any kernel is left that
/// none of them has launched.
fn checked(part: &'static str, check: impl FnOnce()) {
    static PASSED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let driver = mock_cuda::load();
    check();
    let mut passed = PASSED.lock().unwrap_or_else(PoisonError::into_inner);
    passed.insert(part);
    if passed.len() < OPS.len() + OTHERS.len() {
        return;
    }
    let (launched, all) = (driver.launched(), entries());
    if !all.iter().any(|(_, entry)| launched.contains(entry)) {
        println!("skipped: which kernels were launched, since they were compiled here");
        return;
    }
    let never: Vec<&str> =
        all.iter().filter(|(_, entry)| !launched.contains(entry)).map(|(name, _)| &name[..]).collect();
    assert!(never.is_empty(), "no case launches {}", never.join(", "));
}

/// Every kernel that is committed: as a message calls it, and as the driver does.
fn entries() -> BTreeSet<(String, (String, String))> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("kernels/ptx");
    let mut all = BTreeSet::new();
    for file in std::fs::read_dir(folder).expect("the PTX is committed") {
        let path = file.expect("the folder can be read").path();
        let text = std::fs::read_to_string(&path).expect("PTX is text");
        let (file, first) = (path.file_stem().expect("a file has a name").display(), text.lines().next());
        let first = first.expect("PTX begins with its source's hash");
        for kernel in text.split(".entry ").skip(1).filter_map(|rest| rest.split('(').next()) {
            all.insert((format!("{file}: {kernel}"), (first.into(), kernel.into())));
        }
    }
    all
}
