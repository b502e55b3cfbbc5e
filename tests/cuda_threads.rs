//! Threads that share a GPU get what each would get alone: what one asks for is no part of a pass that another has under way,
//! on a driver without a GPU.

#[allow(dead_code)] // its other parts are for other tests
mod tiny;

use mirscope::{device::Device, workers::Workers};

#[test]
fn threads_that_share_a_gpu_do_not_meet() {
    mock_cuda::load();
    let (_, config) = tiny::configs().into_iter().next().expect("there are some");
    let device = Device::cuda(0).expect("the mock is there");
    let (network, params) = tiny::network(&config, &device, 21);
    let workers = Workers::new(&device, 1).expect("one worker");
    let sequences = tiny::sequences(&config, 6, 31);
    let examples = tiny::examples(&sequences);
    let logits = |first: usize, count: usize| {
        let pairs: Vec<_> = examples[first..first + count].iter().map(|e| e.pair).collect();
        network.logits(&params, &pairs, &workers).expect("logits")
    };
    // Of the same size, which is the same pass, and of others.
    let asked = [(0, 3), (1, 3), (2, 2), (0, 1)];
    let alone = asked.map(|(first, count)| {
        let device = Device::cuda(0).expect("the mock is there");
        let (network, params) = tiny::network(&config, &device, 21);
        let pairs: Vec<_> = examples[first..first + count].iter().map(|e| e.pair).collect();
        network.logits(&params, &pairs, &Workers::new(&device, 1).expect("one worker")).expect("logits")
    });
    let logits = &logits;
    std::thread::scope(|scope| {
        for (asked, alone) in asked.iter().zip(&alone) {
            scope.spawn(move || {
                for round in 0..8 {
                    assert_eq!(&logits(asked.0, asked.1), alone, "{asked:?}, round {round}");
                }
            });
        }
    });
}
