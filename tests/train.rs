//! Training from outside: the same bits for any number of threads and after a kill; a model that has learned something.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A network and a data set small enough for a second or two an epoch on one slow core.
const CONFIG: &str = r#"
name = "planted"
description = "generated"
seed = 3

[model]
site_len = 24
mirna_len = 22
width = 16
heads = 2
feed_forward = 32
layers = 1

[model.pairing]
channels = [8, 8]
kernels = [5, 3]
hidden = 8

[training]
epochs = 3
batch = 32
micro_batch = 4
rate = 5e-3
checkpoint_steps = 7
crop = 2

[data.synthetic]
pairs = 800
mirnas = 10
validation = 0.2
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("train.toml", CONFIG);
    folder
}

fn weights(folder: &Folder, run: &str) -> [Vec<u8>; 2] {
    ["last.safetensors", "best.safetensors"].map(|name| std::fs::read(folder.path(run).join(name)).unwrap())
}

#[test]
fn threads_and_kills_do_not_change_a_bit() {
    let folder = folder();
    folder.run(0, "train --config train.toml --out one --threads 1");
    folder.run(0, "train --config train.toml --out two --threads 2");
    assert!(weights(&folder, "one") == weights(&folder, "two"), "1 and 2 threads differ");

    let last = folder.path("killed").join("last.safetensors");
    for line in ["train --config train.toml --out killed", "train --config train.toml --out killed --resume"]
    {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
        command.current_dir(folder.path("")).args(line.split(' ')).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let before = std::fs::read(&last).ok();
        let start = Instant::now();
        while std::fs::read(&last).ok() == before && start.elapsed() < Duration::from_secs(120) {
            std::thread::sleep(Duration::from_millis(2));
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "the run was over before it could be killed");
    }
    folder.run(0, "train --config train.toml --out killed --threads 1 --resume");
    assert!(weights(&folder, "one") == weights(&folder, "killed"), "a killed and resumed run differs");
    assert_eq!(folder.read("killed/metrics.jsonl").lines().count(), 3);
}

#[test]
fn a_generated_set_is_learned_and_the_model_works_everywhere() {
    let folder = folder();
    folder.run(
        0,
        "train --config train.toml --out run --set training.epochs=10 --set data.synthetic.pairs=2400",
    );
    let metrics = folder.read("run/metrics.jsonl");
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let reached = last["validation_average_precision"].as_f64().unwrap();
    assert!(reached > 0.8, "average precision {reached}, 0.5 is chance");
    let resolved = folder.read("run/config.toml");
    assert!(resolved.contains("epochs = 10") && resolved.contains("weight_decay"), "{resolved}");

    let rows = "mirna_seq\tmrna_seq\tmirna_id\tmrna_id\tlabel\n\
                UGAGGUAGUAGGUUGUAUAGUU\tAACUAUACAACCUACUACCUCAUU\ta\tx\t1\n\
                UGAGGUAGUAGGUUGUAUAGUU\tGGAUUUUUUCCCCCAAAAAAGGGG\ta\ty\t0\n";
    folder.write("pairs.tsv", rows);
    let (text, _) = folder.run(0, "predict --model run/best.safetensors --pairs pairs.tsv");
    let p: Vec<f32> = text.lines().skip(1).map(|l| l.rsplit('\t').next().unwrap().parse().unwrap()).collect();
    assert!(p[0] > p[1], "{text}");
    let evaluate =
        "evaluate --model run/best.safetensors --data pairs.tsv --shortcuts-from pairs.tsv --resamples 20";
    let (report, _) = folder.run(0, evaluate);
    for row in ["planted", "miRNA only", "site only", "seed rule"] {
        assert!(report.contains(row), "{report}");
    }
}

#[test]
fn mistakes_are_told_and_nothing_is_overwritten() {
    let folder = folder();
    let said = |code, line: &str| folder.run(code, line).1;
    let unknown = said(1, "train --config train.toml --out run --set training.epoch=1");
    assert!(unknown.contains("unknown field `epoch`"), "{unknown}");
    assert_eq!(folder.names(), ["train.toml"], "a refused configuration makes no folder");
    let short = "train --config train.toml --out run --set training.epochs=1";
    said(0, short);
    assert!(said(1, short).contains("holds a run already"));
    assert!(said(1, "train --config train.toml --out run --resume").contains("another configuration"));
    let whole = std::fs::read(folder.path("run/last.safetensors")).unwrap();
    folder.write("run/last.safetensors", &whole[..whole.len() / 2]);
    let broken = said(1, &format!("{short} --resume"));
    assert!(broken.contains("last.safetensors: is no checkpoint"), "{broken}");
    folder.write("m.fa", common::LET7);
    let model = said(1, "scan --mirna m.fa --target m.fa --model run/last.safetensors");
    assert!(model.contains("has no mirscope metadata; is it one of our models?"), "{model}");
}
