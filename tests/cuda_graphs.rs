//! Steps and batches that are captured as CUDA graphs, on a driver without a GPU: they give what they give one launch at a
//! time. One test, because the driver counts for the whole program.

#[allow(dead_code)] // its other parts are for other tests
mod tiny;

use mirscope::{
    autograd::Grads,
    device::Device,
    model::Network,
    params::Params,
    train::{Accumulator, Example, StepId},
    workers::Workers,
};

#[test]
fn graphs_give_what_launches_give() {
    let driver = mock_cuda::load();
    for (name, config) in tiny::configs().into_iter().filter(|(name, _)| name.contains("dropout")) {
        let sequences = tiny::sequences(&config, 5, 31);
        let examples = tiny::examples(&sequences);
        // Labels, weights and pairs of a step are others than the step's before, and so are its masks.
        let batch = |step: usize| [&examples[step % 2..][..3], &examples[..2]].concat();
        let apart = (0..5).map(|step| {
            let (workers, network, params) = fresh(&config, 21);
            gradient(&network, &params, &mut Accumulator::new(9), &batch(step), step, &workers)
        });
        let apart: Vec<_> = apart.collect();
        let (workers, network, params) = fresh(&config, 21);
        let mut accumulator = Accumulator::new(9);
        let before = driver.counts();
        for (step, apart) in apart.iter().enumerate() {
            let got = gradient(&network, &params, &mut accumulator, &batch(step), step, &workers);
            assert!(&got == apart, "{name}: step {step} is another");
        }
        let after = driver.counts();
        assert_eq!(after.graph_launches - before.graph_launches, 4, "{name}: all steps but the first");

        // Another network's work has other addresses.
        let (other, others) = tiny::network(&config, workers.device(), 22);
        let [alone, among] = [&mut Accumulator::new(9), &mut accumulator]
            .map(|accumulator| gradient(&other, &others, accumulator, &batch(0), 0, &workers));
        assert!(alone == among, "{name}: another network's step is another");
        for (step, apart) in apart.iter().enumerate() {
            let got = gradient(&network, &params, &mut accumulator, &batch(step), step, &workers);
            assert!(&got == apart, "{name}: step {step} is another after another network's");
        }

        let logits = |first: usize| {
            let pairs: Vec<_> = examples[first..first + 3].iter().map(|e| e.pair).collect();
            network.logits(&params, &pairs, &workers).unwrap()
        };
        let before = driver.counts().graph_launches;
        let rounds: [Vec<f32>; 5] = [0, 1, 2, 0, 1].map(logits);
        assert_eq!((&rounds[3], &rounds[4]), (&rounds[0], &rounds[1]), "{name}");
        assert_ne!(rounds[0], rounds[1], "{name}: other pairs have other logits");
        assert_eq!(driver.counts().graph_launches - before, 4, "{name}: batches");
    }
}

/// A GPU that knows no pass, and a network on it.
fn fresh(config: &mirscope::model::Config, seed: u64) -> (Workers, Network, Params) {
    let device = Device::cuda(0).unwrap();
    let (network, params) = tiny::network(config, &device, seed);
    (Workers::new(&device, 2).unwrap(), network, params)
}

/// A step's loss and gradient.
fn gradient(
    network: &Network,
    params: &Params,
    accumulator: &mut Accumulator,
    examples: &[Example],
    step: usize,
    workers: &Workers,
) -> (f64, Vec<f64>) {
    let id = StepId { seed: 3, step: step as u32 };
    let (loss, grads): (_, &mut Grads) =
        accumulator.gradients(network, params, examples, id, workers).unwrap();
    (loss.value().unwrap(), grads.flat().to_f64().unwrap())
}
