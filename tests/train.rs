//! Training from outside: the same bits for any number of threads and after a kill; a model that has learned something.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;
use mirscope::{
    data::{Pair, seed_match_start},
    train::{Data, RunConfig},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::{
    collections::HashSet,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("train.toml", common::PLANTED);
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
    assert!(
        folder.read("run/config.toml").contains("epochs = 1"),
        "a refused run leaves the folder as it was"
    );
    folder.write("m.fa", common::LET7);
    let model = said(1, "scan --mirna m.fa --target m.fa --model run/last.safetensors");
    assert!(model.contains("last.safetensors: has no mirscope metadata"), "{model}");
}

#[test]
fn a_damaged_checkpoint_gives_way_to_the_one_before() {
    let folder = folder();
    folder.run(0, "train --config train.toml --out whole");
    let whole = weights(&folder, "whole");
    let turn_a_bit = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let damages = [
        ("is damaged: expected content of SHA-256", turn_a_bit as fn(&mut Vec<u8>)),
        ("is no checkpoint", |bytes| bytes.truncate(bytes.len() / 2)),
        ("is no checkpoint", Vec::clear),
        ("is no checkpoint: expected at most ", |bytes| bytes.resize(1 << 25, 0)),
    ];
    for (i, (expected, damage)) in damages.into_iter().enumerate() {
        let short = format!("train --config train.toml --out run{i}");
        stopped_in_the_middle(&folder, &short, &format!("run{i}"));
        let last = folder.path(&format!("run{i}/last.safetensors"));
        let mut bytes = std::fs::read(&last).unwrap();
        damage(&mut bytes);
        std::fs::write(&last, bytes).unwrap();
        let (_, said) = folder.run(0, &format!("{short} --resume"));
        let line = said.lines().find(|line| line.contains("last.safetensors")).expect("it says so");
        assert!(line.contains(expected) && line.contains("goes on from the checkpoint of step"), "{line}");
        assert!(weights(&folder, &format!("run{i}")) == whole, "{expected}: the weights differ");
        assert!(folder.path(&format!("run{i}/last.damaged")).exists());
    }
}

#[test]
fn where_every_checkpoint_is_damaged_nothing_is_touched() {
    let folder = folder();
    folder.run(0, "train --config train.toml --out run");
    let names = ["last.safetensors", "previous.safetensors"];
    for name in names {
        folder.write(&format!("run/{name}"), "dust");
    }
    let before = folder.names_in("run");
    let (_, said) = folder.run(1, "train --config train.toml --out run --resume");
    assert!(names.iter().all(|name| said.contains(&format!("{name}: is no checkpoint"))), "{said}");
    assert!(said.contains("train again"), "{said}");
    assert_eq!(folder.names_in("run"), before);
}

/// Starts a run and sends it `signal` once it has a second checkpoint; its exit code.
fn signalled(folder: &Folder, line: &str, out: &str, signal: &str) -> Option<i32> {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
    command.current_dir(folder.path("")).args(line.split(' ')).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let start = Instant::now();
    while !folder.path(out).join("previous.safetensors").exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "no checkpoint");
        std::thread::sleep(Duration::from_millis(2));
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    child.wait().unwrap().code()
}

/// A run that was asked to stop, and did.
fn stopped_in_the_middle(folder: &Folder, line: &str, out: &str) {
    assert_eq!(signalled(folder, line, out, "-TERM"), Some(130));
}

#[test]
fn a_run_that_is_asked_to_stop_keeps_its_last_step() {
    let folder = folder();
    folder.run(0, "train --config train.toml --out whole");
    for (out, signal) in [("int", "-INT"), ("term", "-TERM")] {
        let line = format!("train --config train.toml --out {out}");
        assert_eq!(signalled(&folder, &line, out, signal), Some(130));
        assert!(folder.names_in(out).iter().all(|name| !name.starts_with('.')), "{:?}", folder.names_in(out));
        folder.run(0, &format!("{line} --resume"));
        assert!(weights(&folder, out) == weights(&folder, "whole"), "{signal}: the weights differ");
    }
}

#[test]
fn a_folder_has_one_run_at_a_time() {
    let folder = folder();
    let line = "train --config train.toml --out run";
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
    let mut first =
        command.current_dir(folder.path("")).args(line.split(' ')).stderr(Stdio::null()).spawn().unwrap();
    while !folder.path("run/last.safetensors").exists() {
        std::thread::sleep(Duration::from_millis(2));
    }
    let (_, said) = folder.run(1, &format!("{line} --resume"));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(said.contains("another program trains in this folder"), "{said}");
    folder.run(0, &format!("{line} --resume"));
}

#[test]
fn a_step_without_numbers_names_its_op_and_keeps_the_checkpoint_before() {
    let folder = folder();
    let wild = "train --config train.toml --out run --set training.rate=1e30 --set training.warmup=0";
    for flag in ["", " --check-numerics"] {
        let (_, said) = folder.run(1, &format!("{wild}{flag} --set training.checkpoint_steps=1"));
        let line = said.lines().last().unwrap();
        // whatever op is the first, its name and a tensor's are there
        let named = line.split_once("step 1: ").expect("the step is named").1;
        assert!(named.contains(" holds ") && named.contains(": "), "{line}");
        assert_eq!(flag.is_empty(), named.starts_with("loss NaN"), "{line}");
        assert!(line.contains("the last checkpoint is from before it"), "{line}");
        // the checkpoint of the step before is whole, and its numbers lead to the same end
        let (_, again) = folder.run(1, &format!("{wild}{flag} --set training.checkpoint_steps=1 --resume"));
        assert_eq!(again.lines().last().unwrap(), line);
        std::fs::remove_dir_all(folder.path("run")).unwrap();
    }
}

#[test]
fn parameters_that_are_no_numbers_are_not_kept() {
    let folder = folder();
    let wild = "--set training.optimizer=sgd --set training.rate=1e39 --set training.warmup=0";
    let line = format!("train --config train.toml --out run {wild} --set training.checkpoint_steps=1");
    let (_, said) = folder.run(1, &line);
    assert!(said.contains("step 1: sgd: ") && said.contains(", as it comes from there, holds "), "{said}");
    assert!(!folder.path("run/last.safetensors").exists());
}

#[test]
fn a_run_without_its_best_model_is_not_gone_on_with() {
    let folder = folder();
    let line = "train --config train.toml --out run";
    folder.run(0, line);
    std::fs::remove_file(folder.path("run/best.safetensors")).unwrap();
    let (_, said) = folder.run(1, &format!("{line} --resume"));
    assert!(said.contains("run/best.safetensors: expected the best model so far"), "{said}");
}

/// Sites of 30 nt with a seed match of their miRNA among random letters, and transcripts with others.
fn bound_sites(folder: &Folder) {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut letters = |count: usize| -> String {
        (0..count).map(|_| ['A', 'C', 'G', 'U'][random.random_range(0..4)]).collect()
    };
    let mirnas = [
        ("UGAGGUAGUAGGUUGUAUAGUU", "CUACCUCA"),
        ("UAAAGUGCUUAUAGUGCAGGUAG", "GCACUUUA"),
        ("UUAAUGCUAAUCGUGAUAGGGGU", "AGCAUUAA"),
    ];
    let mut sites = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n".to_string();
    let mut transcripts = String::new();
    for i in 0..240 {
        let (mirna, seed) = mirnas[i % 3];
        sites += &format!("m{}\t{mirna}\tS{i}\t{}{seed}{}\t1\n", i % 3, letters(15), letters(7));
        transcripts += &format!(">T{i}\n{}{seed}{}\n", letters(80), letters(60));
    }
    folder.write("sites.tsv", sites);
    folder.write("t.fa", transcripts);
    let text = common::PLANTED.split("[data.synthetic]").next().unwrap().to_string();
    let source = "[[data.train]]\npath = \"sites.tsv\"\nnegatives = \"repaired\"\nvalidation = 0.2\n";
    let text = text.replace("site_len = 24", "site_len = 30").replace("mirna_len = 22", "mirna_len = 23");
    folder.write("own.toml", format!("{text}{source}"));
}

#[test]
fn shares_of_the_data_lie_in_each_other_and_windows_stand_for_negatives() {
    let folder = Folder::new();
    bound_sites(&folder);
    let here = |name: &str| folder.path(name).display().to_string();
    let text = folder.read("own.toml").replace("sites.tsv", &here("sites.tsv"));
    folder.write("own.toml", text);
    let epoch = |overrides: &[String]| {
        let config = RunConfig::read(&folder.path("own.toml"), overrides).unwrap();
        let data = Data::read(&config).unwrap();
        (data.epoch(config.seed, 0, 0), data.validation)
    };
    let positives = |pairs: &[Pair]| -> HashSet<String> {
        pairs.iter().filter(|pair| pair.is_positive()).map(|pair| pair.site_id.clone()).collect()
    };
    let (all, held) = epoch(&[]);
    let [half, quarter] = [0.5, 0.25].map(|share| epoch(&[format!("data.share={share}")]));
    assert!(half.1 == held && quarter.1 == held, "what is held out stays");
    let [all_of, half, quarter] = [&all, &half.0, &quarter.0].map(|pairs| positives(pairs));
    assert!(quarter.is_subset(&half) && half.is_subset(&all_of));
    assert!((20..75).contains(&quarter.len()) && quarter.len() + 15 < half.len(), "{}", quarter.len());

    let hard = |share: f64| {
        epoch(&[format!("data.windows.target={:?}", here("t.fa")), format!("data.windows.share={share}")])
    };
    let (some, held_beside) = hard(0.5);
    assert!(held_beside == held && positives(&some) == all_of, "only negatives are exchanged");
    let per_mirna = |pairs: &[Pair]| {
        let mut counts = std::collections::BTreeMap::new();
        for pair in pairs {
            *counts.entry((pair.mirna_id.clone(), pair.is_positive())).or_insert(0) += 1;
        }
        counts
    };
    assert_eq!(per_mirna(&some), per_mirna(&all), "every miRNA is negative as often");
    let windows: Vec<&Pair> = some.iter().filter(|pair| pair.site_id.starts_with('T')).collect();
    let negatives = some.iter().filter(|pair| pair.is_negative()).count();
    assert!((negatives / 3..negatives * 2 / 3).contains(&windows.len()), "{} of {negatives}", windows.len());
    for window in &windows {
        assert!(window.is_negative() && window.site.len() == 30);
        assert!(seed_match_start(&window.mirna, &window.site).is_some_and(|start| start <= 16), "{window:?}");
    }
    let said = |overrides: &str| {
        RunConfig::read(&folder.path("own.toml"), &[overrides.to_string()]).unwrap_err().to_string()
    };
    assert!(said("data.share=0").ends_with("data.share: expected above 0 to 1, got 0"));
    assert!(
        said("data.windows={target=\"t.fa\",share=1.5}").contains("data.windows.share: expected above 0")
    );
}

#[test]
fn sites_longer_than_the_network_are_refused_or_read_in_the_middle() {
    let folder = Folder::new();
    bound_sites(&folder);
    let line = "train --config own.toml --out run --set training.epochs=2 --set model.site_len=20";
    let (_, said) = folder.run(1, line);
    let expected =
        "sites.tsv: expected sites of at most 20 nt (model.site_len), or training.cut_sites, found one of 30";
    assert!(said.contains(expected), "{said}");
    folder.run(0, &format!("{line} --set training.cut_sites=true"));
    assert_eq!(folder.read("run/metrics.jsonl").lines().count(), 2);
}
