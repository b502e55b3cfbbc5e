//! Training steps on a driver without a GPU: they take the same memory again, have the same bits in whatever order blocks
//! run, make do with less memory by halving micro-batches, and say so where that is not enough. One test, because the
//! driver counts for the whole program.

#[allow(dead_code)] // its other parts are for other tests
mod tiny;

use mirscope::{
    Error,
    device::Device,
    model::{Config, PositionKind},
    ops::{Add, Ahead, LayerNorm, Linear, Op},
    optim::{AdamW, clip_norm},
    tensor::Tensor,
    train::{Accumulator, Course, RunConfig, StepId, run},
    workers::Workers,
};
use mock_cuda::Mock;
use std::sync::atomic::AtomicBool;

const MIB: usize = 1 << 20;
/// Values of a tensor of a mebibyte.
const VALUES: usize = MIB / size_of::<f32>();

#[test]
fn steps_are_alike() {
    let driver = mock_cuda::load();
    let device = Device::cuda(0).unwrap();
    a_step_allocates_nothing(driver, &device);
    a_layer_makes_the_norm_that_follows(driver, &device);
    the_order_of_blocks_is_not_seen(driver, &device);
    free_blocks_make_room(driver, &device);
    a_batch_is_halved_until_it_fits(driver);
    predictions_are_halved_too(driver);
    a_step_without_a_number_is_named_and_not_kept();
    a_driver_older_than_the_kernels_is_told(driver);
}

fn config() -> Config {
    tiny::config(true, PositionKind::Learned, 0.2)
}

/// Rounds over batches of three sizes, the last of them often enough for its uploads to come where they came before.
fn a_step_allocates_nothing(driver: &Mock, device: &Device) {
    let sequences = tiny::sequences(&config(), 9, 61);
    let examples = tiny::examples(&sequences);
    let (network, mut params) = tiny::network(&config(), device, 62);
    let workers = Workers::new(device, 1).unwrap();
    let (mut accumulator, mut adamw) = (Accumulator::new(9), AdamW::new(&params, 0.1).unwrap());
    let mut round = |step: u32| {
        let before = driver.counts().waits;
        let numbers = [9, 4, 1, 1, 1].map(|size| {
            let id = StepId { seed: 1, step };
            let (loss, grads) =
                accumulator.gradients(&network, &params, &examples[..size], id, &workers).unwrap();
            let norm = clip_norm(grads, 0.5).unwrap();
            adamw.step(&mut params, grads, 1e-3).unwrap();
            [loss, norm]
        });
        assert_eq!(driver.counts().waits, before, "a step waits for the GPU");
        for number in numbers.into_iter().flatten() {
            let number = number.value().unwrap();
            assert!(number.is_finite() && number > 0.0, "{number}");
        }
        driver.counts()
    };
    let [launched, captured, second, third] = [0, 1, 2, 3].map(&mut round);
    assert_eq!(second.allocations, captured.allocations, "a step like one before it allocates");
    assert_eq!(third.allocations, captured.allocations, "a step like one before it allocates");
    assert_eq!(third.launches - second.launches, second.launches - captured.launches);
    assert!(
        captured.allocations - launched.allocations <= 9,
        "a capture makes room for its uploads alone, thrice"
    );
    assert_eq!(third.graph_launches - second.graph_launches, 5);
}

fn a_driver_older_than_the_kernels_is_told(driver: &Mock) {
    driver.is_of_release(12040);
    let device = Device::cuda(0).unwrap();
    let error = Tensor::full(&device, &[3], 1.0).and_then(|x| Ok(Add.forward([&x, &x])?.0)).unwrap_err();
    let expected = "device: kernels: expected a driver for CUDA 13.0 (release 580) or newer, or NVRTC of the driver's own version, \
                    got a driver for CUDA 12.4";
    assert_eq!(error.to_string(), expected);
    driver.is_of_release(13000);
}

/// In one kernel with its product where a block holds its rows; and only what was made of the same operands is taken.
fn a_layer_makes_the_norm_that_follows(driver: &Mock, device: &Device) {
    let launches = |columns: usize, of_itself: bool, same_eps: bool| {
        let full = |shape: &[usize]| Tensor::full(device, shape, 0.5).unwrap();
        let (x, w, b) = (full(&[3, 5]), full(&[5, columns]), full(&[columns]));
        let ahead = Some(Ahead::new(0.1, &b, &b));
        let layer = Linear { norm: ahead.clone(), ..Linear::default() };
        let before = driver.counts().launches;
        let y = layer.forward([&x, &w, &b]).unwrap().0;
        let other = full(&[3, columns]);
        let norm = LayerNorm { eps: if same_eps { 0.1 } else { 0.2 }, ahead };
        let normed = norm.forward([if of_itself { &y } else { &other }, &b, &b]).unwrap().0;
        assert!(normed.to_f32().unwrap().iter().all(|&y| y == 0.5), "rows of one value have no deviation");
        driver.counts().launches - before
    };
    assert_eq!([1, 64, 65, 128].map(|columns| launches(columns, true, true)), [1; 4]);
    assert_eq!([launches(129, true, true), launches(64, false, true), launches(64, true, false)], [2; 3]);
}

fn the_order_of_blocks_is_not_seen(driver: &Mock, device: &Device) {
    let sequences = tiny::sequences(&config(), 7, 63);
    let examples = tiny::examples(&sequences);
    let (network, params) = tiny::network(&config(), device, 64);
    let gradient = || tiny::loss(&network, &params, &examples, 7);
    let forwards = gradient();
    driver.reverse(true);
    assert!(gradient() == forwards, "blocks from the last to the first give other bits");
    driver.reverse(false);
    assert!(gradient() == forwards, "the same twice gives other bits");
}

fn free_blocks_make_room(driver: &Mock, device: &Device) {
    let full = |mib: usize| Tensor::full(device, &[mib * VALUES], 1.0);
    driver.limit_memory(driver.counts().used as usize + 48 * MIB);
    drop(full(32).unwrap());
    let before = driver.counts().allocations;
    drop(full(32).unwrap());
    assert_eq!(driver.counts().allocations, before, "the same block serves again");
    let kept = full(40).expect("the free block goes back to the driver");
    match full(40) {
        Err(Error::OutOfMemory { asked, free, total }) => {
            assert!(asked >= 40 * MIB && free < asked && total > free, "{asked} {free} {total}");
        }
        other => panic!("expected that memory runs out, got {other:?}"),
    }
    assert_eq!(kept.to_f32().unwrap()[40 * VALUES - 1], 1.0, "what is held is left alone");
    drop(kept);
    full(40).expect("the device works on");
}

/// With room for a part of what the whole batch takes, the loss is that of the whole batch. Each time on a device with no
/// memory from before.
fn a_batch_is_halved_until_it_fits(driver: &Mock) {
    let sequences = tiny::sequences(&config(), 32, 65);
    let examples = tiny::examples(&sequences);
    let before = driver.counts().used as usize;
    let loss_within = |room: usize| {
        let device = Device::cuda(0).unwrap();
        let (network, params) = tiny::network(&config(), &device, 66);
        let start = driver.counts();
        driver.limit_memory(start.used as usize + room);
        let loss = tiny::step(&network, &params, &examples, 32).map(|(loss, _)| loss);
        let end = driver.counts();
        driver.limit_memory(before + 256 * MIB);
        (loss, (end.used - start.used) as usize, end.launches - start.launches)
    };
    let (whole, taken, launches) = loss_within(256 * MIB);
    let (parts, _, more) = loss_within(taken / 3);
    assert!(more > launches, "the whole batch has room in a third of the memory it takes");
    let (whole, parts) = (whole.unwrap(), parts.unwrap());
    assert!((parts - whole).abs() < 1e-6 * whole, "{parts} is not {whole}");
    let error = loss_within(taken / 50).0.unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
    assert_eq!(driver.counts().used as usize, before, "a device that goes leaves nothing behind");
}

fn predictions_are_halved_too(driver: &Mock) {
    let sequences = tiny::sequences(&config(), 32, 67);
    let examples = tiny::examples(&sequences);
    let pairs: Vec<_> = examples.iter().map(|e| e.pair).collect();
    let within = |room: usize| {
        let device = Device::cuda(0).unwrap();
        let (network, params) = tiny::network(&config(), &device, 68);
        let workers = Workers::new(&device, 1).unwrap();
        let start = driver.counts().used;
        driver.limit_memory(start as usize + room);
        let logits = network.logits(&params, &pairs, &workers);
        let taken = (driver.counts().used - start) as usize;
        driver.limit_memory(start as usize + 256 * MIB);
        (logits.unwrap(), workers.room(), taken)
    };
    let (whole, room, taken) = within(256 * MIB);
    assert_eq!(room, usize::MAX, "nothing is said where there is room");
    let (parts, room, _) = within(taken / 3);
    assert!((4..=16).contains(&room), "{room} of 32 pairs together in a third of the memory");
    assert!(parts == whole, "the same logits, in whatever micro-batches");
}

/// The first step leaves parameters with which no loss is a number.
const DIVERGING: &str = r#"
name = "diverging"
description = "generated"

[model]
site_len = 24
mirna_len = 22
width = 8
heads = 2
feed_forward = 8
layers = 1

[training]
epochs = 1
batch = 4
rate = 1e30
warmup = 0

[data.synthetic]
pairs = 32
mirnas = 4
validation = 0.5
"#;

/// By the time that a GPU's loss is looked at it is at the next step, and yet the run ends as on a CPU.
fn a_step_without_a_number_is_named_and_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("diverging.toml");
    std::fs::write(&file, DIVERGING).unwrap();
    // A checkpoint is due right after the step, or none is before the run ends.
    for checkpoint in [2, 100] {
        let config = RunConfig::read(&file, &[format!("training.checkpoint_steps={checkpoint}")]).unwrap();
        for (name, device) in [("cpu", Device::cpu()), ("cuda", Device::cuda(0).unwrap())] {
            let out = folder.path().join(format!("{name}{checkpoint}"));
            let workers = Workers::new(&device, 1).unwrap();
            let course = Course { workers: &workers, stop: &AtomicBool::new(false), checks_numbers: false };
            let said = run(&config, &out, false, course, &mut |_| ()).unwrap_err().to_string();
            assert!(said.starts_with("step 1: loss NaN"), "{name}: {said}");
            assert!(!out.join("last.safetensors").exists(), "{name}: a checkpoint of a bad step");
        }
    }
}
