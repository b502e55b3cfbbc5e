//! The program on a GPU, by a driver that interprets the kernels on the CPU: what it learns, measures, predicts and finds there is
//! what it does on a CPU, to rounding.

#[allow(dead_code)] // its other parts are for other tests
mod common;

use common::{Folder, LET7, PLANTED};

/// What a driver that interprets gets done.
const SMALL: &str =
    "--set training.epochs=2 --set training.batch=8 --set data.synthetic.pairs=24 --set model.width=8";

const TRANSCRIPT: &str = ">t\nACGUACUACCUCAUUGCAUGGCAUUACCUACCUCAACGAUUUCAGGAUCUACCUCGGAAUUACUACCUCAGG\n";

/// Rows of one miRNA and of sites that it binds more and less.
fn pairs() -> String {
    let rows = [
        "AACUAUACAACCUACUACCUCA",
        "AACUAUACAACCUACUAGGUCA",
        "CCAUACAACGUACUACCUCAGG",
        "GGGGUUUUCCCCAAAAGGGG",
    ];
    let row = |(i, site): (usize, &&str)| format!("m\tUGAGGUAGUAGGUUGUAUAGUU\tt{i}\t{site}\t{}\n", 1 - i % 2);
    let rows: String = rows.iter().enumerate().map(row).collect();
    format!("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n{rows}")
}

/// Runs `line` with the stand-in driver where the program looks for one.
fn run(folder: &Folder, line: &str) -> (String, String) {
    let output = folder.mirscope(line).env("LD_LIBRARY_PATH", folder.path("driver")).output().unwrap();
    let [out, err] = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    assert!(output.status.success(), "{line}\n{out}{err}");
    (out, err)
}

/// The same words, and numbers that differ by no more than rounding leads to.
fn assert_alike(what: &str, a: &str, b: &str) {
    let words = |text: &str| -> Vec<String> {
        let letters = |c: char| c.is_whitespace() || "{}[]:,=".contains(c);
        // A hash of a model's contents has 64 digits.
        text.split(letters).filter(|word| !word.is_empty() && word.len() < 64).map(Into::into).collect()
    };
    let (a, b) = (words(a), words(b));
    assert_eq!(a.len(), b.len(), "{what}");
    for (a, b) in a.iter().zip(&b) {
        let same = match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= 2e-3 * (1.0 + a.abs()),
            _ => a == b,
        };
        assert!(same, "{what}: {a} and {b}");
    }
}

#[test]
fn what_it_says_on_a_gpu_is_what_it_says_on_a_cpu() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("driver")).unwrap();
    std::os::unix::fs::symlink(mock_cuda::library(), folder.path("driver/libcuda.so")).unwrap();
    for (name, text) in [("run.toml", PLANTED), ("m.fa", LET7), ("t.fa", TRANSCRIPT), ("p.tsv", &pairs())] {
        folder.write(name, text);
    }
    let [cpu, gpu] = [("cpu", "cpu"), ("gpu", "cuda:0")].map(|(name, device)| {
        let on = |line: &str| run(&folder, &format!("{line} --device {device}"));
        on(&format!("train --config run.toml --out {name} {SMALL}"));
        let said = on(&format!("evaluate --data p.tsv --model {name}/best.safetensors")).0;
        on(&format!("predict --pairs p.tsv --model {name}/best.safetensors --output {name}-p.tsv"));
        on(&format!("scan --mirna m.fa --target t.fa --min-probability 0 --sites {name}-s.tsv"));
        let losses: String = folder
            .read(&format!("{name}/metrics.jsonl"))
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| format!("{} {}\n", line["loss"], line["validation_loss"]))
            .collect();
        let [predicted, sites] = ["p", "s"].map(|what| folder.read(&format!("{name}-{what}.tsv")));
        [("losses", losses), ("evaluate", said), ("predict", predicted), ("scan", sites)]
    });
    for ((what, cpu), (_, gpu)) in cpu.iter().zip(&gpu) {
        assert!(cpu.len() > 20, "{what}: {cpu}");
        assert_alike(what, cpu, &gpu.replace("gpu", "cpu"));
    }
    for device in ["auto", "cpu"] {
        run(&folder, &format!("predict --pairs p.tsv --output {device}.tsv --device {device}"));
    }
    assert_alike("auto", &folder.read("auto.tsv"), &folder.read("cpu.tsv"));
}
