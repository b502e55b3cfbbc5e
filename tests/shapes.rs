//! Whatever shape a configuration's check lets pass, a network of it can be made, answers, and is written and read again.

#[allow(dead_code)] // the other readers
mod properties;

use mirscope::{
    device::Device,
    model::{
        Config, Fusion, Joins, Network, PairingConfig, Pooling, PositionKind, Predictor, Provenance, Reads,
    },
    params::Builder,
};
use properties::models;
use proptest::{collection::vec, option, prelude::*, sample::select};

fn pairing() -> impl Strategy<Value = PairingConfig> {
    let layers = vec((1..4usize, 1..=15usize), 1..=4);
    let joins = select(vec![Joins::Pooled, Joins::Tokens, Joins::Both]);
    (layers, 1..5usize, joins).prop_map(|(layers, hidden, joins)| {
        let (channels, kernels) = layers.into_iter().unzip();
        PairingConfig { channels, kernels, hidden, joins }
    })
}

/// Small ones, and among them the oddest: of one nucleotide, of one channel, without a layer.
fn shape() -> impl Strategy<Value = Config> {
    let sizes = (1..12usize, 1..20usize, 1..13usize, 1..5usize, 1..9usize, 0..3usize, 1..12usize, 0..3usize);
    let positions = select(vec![PositionKind::Sinusoidal, PositionKind::Learned, PositionKind::Relative]);
    let fusion = select(vec![Fusion::Joint, Fusion::Cross]);
    let pooling = select(vec![Pooling::Mean, Pooling::Max, Pooling::Attention]);
    let reads = select(vec![Reads::Both, Reads::Mirna, Reads::Site]);
    let kinds = (positions, fusion, pooling, reads, any::<[bool; 2]>(), option::of(pairing()));
    (sizes, kinds).prop_map(|(sizes, (positions, fusion, pooling, reads, [segments, bases], pairing))| {
        let (mirna_len, site_len, width, heads, feed_forward, layers, conv_width, conv_layers) = sizes;
        let sizes = Config { mirna_len, site_len, width, heads, feed_forward, layers, ..Config::small() };
        let kinds = Config { positions, fusion, pooling, reads, segments, bases, pairing, ..sizes };
        Config { conv_width, conv_layers, ..kinds }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_network_of_any_shape_that_is_accepted_answers(config in shape().prop_filter("a network can be so", |c| c.check().is_ok())) {
        let mut builder = Builder::new(1);
        Network::new(&mut builder, &config);
        let params = builder.on(&Device::cpu()).unwrap();
        let (name, trained_by, data) = ("any".into(), "0".into(), "none".into());
        let provenance = Provenance { name, trained_by, threshold: 0.5, data, seed: 1, meaning: Default::default() };
        let file = Predictor::file(&config, &params, &provenance).unwrap();
        prop_assert!(models::model(&file), "what was written can be read");
    }
}
