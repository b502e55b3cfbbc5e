use mirscope::{device::Device, model::*, params::Builder};
fn main() {
    let pairing = PairingConfig { channels: vec![32, 32, 64], kernels: vec![5, 5, 3], hidden: 64 };
    let config = Config { site_len: 50, pairing: Some(pairing), ..Config::small() };
    let mut b = Builder::new(1);
    Network::new(&mut b, &config);
    let params = b.on(&Device::cpu()).unwrap();
    let p = Provenance {
        name: "untrained".into(),
        trained_by: "0".into(),
        threshold: 0.5,
        data: "none".into(),
        seed: 1,
    };
    std::fs::write("models/default.safetensors", Predictor::file(&config, &params, &p).unwrap()).unwrap();
    println!("{} params {} MFLOP", params.flat().len(), config.forward_flops() / 1e6);
}
