//! Model files.

use super::{complaint, file, read};
use mirscope::{
    device::Device,
    model::{
        Config, GeneConfig, GeneNetwork, GenePredictor, GeneReader, Joins, Network, PairingConfig, Predictor,
        Provenance,
    },
    params::Builder,
    rna::parse,
    workers::Workers,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use std::{collections::HashMap, path::Path};

/// The smallest network with a part of every kind.
fn shape() -> Config {
    let pairing = PairingConfig { channels: vec![2], kernels: vec![2], hidden: 2, joins: Joins::Pooled };
    let (mirna_len, site_len) = (8, 12);
    let (width, heads, feed_forward, layers, conv_width) = (2, 1, 2, 1, 2);
    let sizes =
        Config { mirna_len, site_len, width, heads, feed_forward, layers, conv_width, ..Config::small() };
    Config { pairing: Some(pairing), ..sizes }
}

/// A model file of that shape with untrained weights.
pub fn tiny_model() -> Vec<u8> {
    let config = shape();
    let mut builder = Builder::new(1);
    Network::new(&mut builder, &config);
    let params = builder.on(&Device::cpu()).expect("it is small");
    let provenance = Provenance {
        name: "tiny".into(),
        trained_by: "0".into(),
        threshold: 0.5,
        data: "none".into(),
        seed: 1,
        meaning: Default::default(),
    };
    Predictor::file(&config, &params, &provenance).expect("it can be written")
}

fn workers() -> Workers {
    Workers::new(&Device::cpu(), 1).expect("one thread")
}

/// A file that is taken for a model gives probabilities, and is written and read again the same. Whether it is one.
pub fn model(bytes: &[u8]) -> bool {
    genes(bytes);
    site(bytes)
}

/// As [`model`], for the metadata `card` in a file whose tensors are those of a tiny model, so that a fuzzer need not find
/// out how safetensors counts bytes: of a site-level model where the number of bytes is even, else of a gene-level one.
pub fn model_card(card: &[u8]) {
    thread_local!(static TINY: [Vec<u8>; 2] = [tiny_model(), tiny_genes()]);
    let text = String::from_utf8_lossy(card).into_owned();
    TINY.with(|[tiny_site, tiny_genes]| {
        if card.len().is_multiple_of(2) {
            site(&with_card(tiny_site, "mirscope", text));
        } else {
            genes(&with_card(tiny_genes, "mirscope-genes", text));
        }
    });
}

fn site(bytes: &[u8]) -> bool {
    let read = read(Predictor::from_bytes(bytes, "m.safetensors", workers()), Path::new("m.safetensors"));
    read.inspect(answers).is_some()
}

fn genes(bytes: &[u8]) {
    let path = file("genes.safetensors", bytes);
    if let Some(genes) = read(GenePredictor::load(&path, ""), &path) {
        assert!(genes.config().sites > 0 && !genes.name().contains(char::is_control));
    }
}

/// The tensors of a gene-level model.
fn tiny_genes() -> Vec<u8> {
    let mut builder = Builder::new(1);
    GeneNetwork::new(&mut builder, &GeneConfig { hidden: 2, ..GeneConfig::default() });
    let params = builder.on(&Device::cpu()).expect("it is small");
    params.to_safetensors(HashMap::new()).expect("it can be written")
}

fn with_card(file: &[u8], entry: &str, card: String) -> Vec<u8> {
    let tensors = SafeTensors::deserialize(file).expect("it was written so");
    let view = |name: &str| {
        let view = tensors.tensor(name).expect("it is named");
        (
            name.to_string(),
            TensorView::new(Dtype::F32, view.shape().to_vec(), view.data()).expect("as it was"),
        )
    };
    let views: Vec<_> = tensors.names().into_iter().map(view).collect();
    let card = HashMap::from([(entry.to_string(), card)]);
    safetensors::serialize(views, Some(card)).expect("it can be written")
}

fn answers(predictor: &Predictor) {
    assert!(!predictor.name().contains(char::is_control), "{:?}", predictor.name());
    assert!((0.0..=1.0).contains(&predictor.threshold()), "{}", predictor.threshold());
    let [mut mirna, mut site] =
        ["UGAGGUAGUAGG", "AACUAUACAACCUACUACCUCA"].map(|s| parse(s.as_bytes()).expect("bases"));
    mirna.truncate(predictor.mirna_len());
    site.truncate(predictor.site_len());
    match predictor.probabilities(&[(&mirna, &site), (&mirna, &[])]) {
        Ok(found) => assert!(found.iter().all(|p| (0.0..=1.0).contains(p)), "{found:?}"),
        Err(error) => complaint(&error, Path::new(predictor.name())),
    }
    let file = Predictor::file(predictor.config(), predictor.params(), predictor.provenance());
    let again = Predictor::from_bytes(&file.expect("it can be written"), "again", workers());
    let again = again.expect("what was written can be read");
    assert_eq!((again.config(), again.provenance()), (predictor.config(), predictor.provenance()));
    let bits = |predictor: &Predictor| -> Vec<u32> {
        let values = predictor.params().flat().to_f32().expect("on the CPU");
        values.iter().map(|x| x.to_bits()).collect()
    };
    assert_eq!(bits(&again), bits(predictor));
}
