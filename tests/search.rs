//! Searches from outside: a killed one that goes on is the undisturbed one, the better trials are the ones that go on, and
//! mistakes are refused before anything is trained.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;
use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A network and a data set that train in a second or two.
const BASE: &str = r#"
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
channels = [8]
kernels = [5]
hidden = 8

[training]
batch = 32
rate = 5e-3
checkpoint_steps = 5
patience = 9

[data.synthetic]
pairs = 500
mirnas = 12
validation = 0.25
"#;

/// One trial that cannot learn, some that can, and combinations of which some are impossible.
const SEARCH: &str = r#"
base = "base.toml"
seed = 5
trials = 2
rungs = [1, 2, 3]
keep = 0.5

[space]
model.heads = [2, 3, 5, 7]
training.rate = { low = 1e-3, high = 1e-2, log = true }
training.batch = { low = 16, high = 64 }

[[trial]]
name = "asleep"
set.training.rate = 1e-12

[[trial]]
name = "no-map"
unset = ["model.pairing"]
set = { "model.fusion" = "cross", "model.bases" = true }
"#;

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("base.toml", BASE);
    folder.write("search.toml", SEARCH);
    folder
}

/// The rows of a table of trials, by column, without the seconds.
fn table(folder: &Folder, search: &str) -> Vec<Vec<String>> {
    let text = folder.read(&format!("{search}/trials.tsv"));
    let row = |line: &str| line.split('\t').map(str::to_string).collect::<Vec<_>>();
    let mut rows: Vec<Vec<String>> = text.lines().map(row).collect();
    assert_eq!(rows[0].pop().as_deref(), Some("seconds"));
    rows[1..].iter_mut().for_each(|row| drop(row.pop()));
    rows
}

const LINE: &str = "search --config search.toml --threads 2 --resamples 50 --out";

#[test]
fn a_killed_search_goes_on_and_halving_keeps_the_better() {
    let folder = folder();
    let (markdown, said) = folder.run(0, &format!("{LINE} whole"));
    let whole = table(&folder, "whole");

    // heads of 3, 5 and 7 do not divide a width of 16
    let again: usize =
        said.split("drawn again: ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(again > 0, "{said}");

    let names: Vec<&str> = whole[1..].iter().map(|row| &row[0][..]).collect();
    assert_eq!(names, ["base", "asleep", "no-map", "random-1", "random-2"]);
    let epochs: Vec<u64> = whole[1..].iter().map(|row| row[4].parse().unwrap()).collect();
    assert_eq!(epochs[0], 3, "the base is in every rung");
    // of four others two go on to the second rung, and one to the third
    let mut sorted = epochs[1..].to_vec();
    sorted.sort_unstable();
    assert_eq!(sorted, [1, 1, 2, 3], "{whole:?}");
    assert_eq!(epochs[1], 1, "what cannot learn does not go on");
    let first_rung: Vec<f64> = names[1..].iter().map(|name| reached(&folder, name, 1)).collect();
    let (left, went) = (0..4).partition::<Vec<usize>, _>(|&i| epochs[i + 1] == 1);
    let (best_left, worst_went) = (
        left.iter().map(|&i| first_rung[i]).fold(0.0, f64::max),
        went.iter().map(|&i| first_rung[i]).fold(1.0, f64::min),
    );
    assert!(worst_went >= best_left, "{first_rung:?} {epochs:?}");

    // what a run of the trial's own configuration makes of it
    folder.run(0, "train --config whole/base/config.toml --out alone --threads 1");
    let weights = |run: &str| std::fs::read(folder.path(run).join("last.safetensors")).unwrap();
    assert!(weights("whole/base") == weights("alone"), "three rungs are not one run");

    let best = whole[1..]
        .iter()
        .max_by(|a, b| a[6].parse::<f64>().unwrap().total_cmp(&b[6].parse().unwrap()))
        .unwrap();
    let first = markdown.lines().nth(2).unwrap();
    assert!(first.starts_with(&format!("| {} |", best[0])), "{markdown}");
    assert_eq!(markdown.lines().count(), 2 + 5);
    assert!(whole[1][10] == "NA" && whole[2][10].parse::<f64>().unwrap() < 0.0, "{whole:?}");
    let number = |cell: &str| cell.parse::<f64>().unwrap();
    for row in &whole[1..] {
        let [value, low, high] = [6, 7, 8].map(|column| number(&row[column]));
        assert!(low <= value && value <= high, "{row:?}");
    }

    killed_at_every_turn(&folder);
    assert_eq!(table(&folder, "killed"), whole);
    assert!(weights("whole/base") == weights("killed/base"), "a killed and resumed search differs");
    let (again, _) = folder.run(0, &format!("{LINE} killed --svg curves.svg"));
    let svg = folder.read("curves.svg");
    assert_eq!(svg.matches("class='line").count(), 5 + 5, "a line for each trial, and in the key: {svg}");
    assert!(names.iter().all(|name| svg.contains(&format!(">{name}<"))), "{svg}");
    assert_eq!(without_seconds(&again), without_seconds(&markdown), "a finished search is told again");
}

/// Average precision that a trial's metrics say it had reached by `epoch`.
fn reached(folder: &Folder, trial: &str, epoch: usize) -> f64 {
    let metrics = folder.read(&format!("whole/{trial}/metrics.jsonl"));
    let of = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let values = metrics.lines().take(epoch).map(of);
    values.map(|epoch| epoch["validation_average_precision"].as_f64().unwrap()).fold(0.0, f64::max)
}

fn without_seconds(markdown: &str) -> Vec<&str> {
    markdown.lines().map(|line| line.rsplit_once(" | ").map_or(line, |(rest, _)| rest)).collect()
}

/// Kills a search four times, soon after a checkpoint, and lets it end.
fn killed_at_every_turn(folder: &Folder) {
    let trials = ["base", "no-map", "base", "random-1"];
    for trial in trials {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
        let line = format!("{LINE} killed");
        command
            .current_dir(folder.path(""))
            .args(line.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let last = folder.path("killed").join(trial).join("last.safetensors");
        let before = std::fs::read(&last).ok();
        let mut child = command.spawn().unwrap();
        let start = Instant::now();
        let mut over = false;
        while !over && std::fs::read(&last).ok() == before && start.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(2));
            over = child.try_wait().unwrap().is_some();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    folder.run(0, &format!("{LINE} killed"));
}

/// A trial of which training makes no numbers any more ends there, and the search goes on without it.
#[test]
fn a_trial_that_leaves_the_numbers_ends_and_the_others_go_on() {
    let folder = folder();
    let named =
        "[[trial]]\nname = \"wild\"\nset.training = { rate = 1e30, optimizer = \"sgd\", clip = 1e30 }\n";
    let search = format!("base = \"base.toml\"\nrungs = [1, 2]\nkeep = 1.0\n{named}");
    folder.write("search.toml", search);
    for _ in 0..2 {
        let (markdown, said) = folder.run(0, &format!("{LINE} run"));
        assert!(said.contains("trial wild: its loss is no number any more"), "{said}");
        let rows = table(&folder, "run");
        assert_eq!(rows[2][4..], ["0", "NA", "NA", "NA", "NA", "NA", "NA", "NA", "NA"]);
        assert_eq!(rows[1][4], "2");
        assert!(markdown.lines().last().unwrap().starts_with("| wild |"), "{markdown}");
    }
}

#[test]
fn the_example_is_a_search() {
    let search = mirscope::train::Search::read(std::path::Path::new("examples/search.toml"), &[]).unwrap();
    assert_eq!(search.count(), 1 + 5 + 4);
}

#[test]
fn the_seed_decides_the_trials() {
    let folder = folder();
    let plan = |name: &str, seed: &str| {
        folder.write(
            "search.toml",
            SEARCH.replace("rungs = [1, 2, 3]", "rungs = [1]").replace("seed = 5", seed),
        );
        folder.run(0, &format!("{LINE} {name}"));
        folder.read(&format!("{name}/search.toml"))
    };
    let first = plan("one", "seed = 5");
    assert_eq!(first, plan("two", "seed = 5"));
    assert_eq!(table(&folder, "one"), table(&folder, "two"));
    let other = plan("three", "seed = 6");
    let rate = |plan: &str| plan.split("training.rate=").nth(2).unwrap()[..6].to_string(); // of the first random trial
    assert_ne!(rate(&first), rate(&other));
    let run_seeds: Vec<&str> = first.lines().filter(|line| line.starts_with("seed = ")).collect();
    let held_out: Vec<&str> = run_seeds.iter().copied().filter(|line| *line == "seed = 3").collect();
    assert_eq!(
        (run_seeds.len(), held_out.len()),
        (10, 5),
        "seeds of their own, and one for what is held out: {first}"
    );
}

#[test]
fn mistakes_are_refused() {
    let folder = folder();
    let said = |search: &str| {
        folder.write("wrong.toml", search);
        folder.run(1, "search --config wrong.toml --out wrong").1
    };
    let with = |from: &str, to: &str| {
        assert!(SEARCH.contains(from));
        said(&SEARCH.replace(from, to))
    };
    for (from, to, expected) in [
        ("seed = 5", "sede = 5", "unknown field `sede`"),
        ("keep = 0.5", "keep = 0.0", "keep: expected above 0 to 1, got 0"),
        ("[1, 2, 3]", "[1, 3, 2]", "rungs: expected rising epochs"),
        ("model.heads", "model.haeds", "unknown field `haeds`"),
        ("[2, 3, 5, 7]", "[3, 5]", "expected 2 different possible trials, found 0"),
        ("low = 16, high = 64", "low = 64, high = 16", "training.batch: expected low below high"),
        ("low = 16, high = 64", "low = 16, top = 64", "training.batch: expected numbers low and high"),
        ("training.batch", "training.epochs", "training.epochs is the search's own"),
        ("name = \"asleep\"", "name = \"no-map\"", "got \"no-map\""),
        ("name = \"asleep\"", "name = \"base\"", "got \"base\""),
        ("name = \"asleep\"", "name = \"../x\"", "got \"../x\""),
        (
            "\"model.pairing\"",
            "\"model.paring\"",
            "trial no-map: model.paring: there is nothing to take away",
        ),
        (
            "\"model.bases\" = true",
            "\"model.width\" = 15",
            "trial no-map: model.heads: expected a divisor of width 15",
        ),
        ("trials = 2", "trials = 0", "expected [[trial]] tables, or trials and a [space]"),
    ] {
        let error = with(from, to);
        assert!(error.contains("wrong.toml") && error.contains(expected), "{to}: {error}");
    }
    assert!(!folder.path("wrong").exists(), "a refused search makes no folder");

    let quick = SEARCH.replace("rungs = [1, 2, 3]", "rungs = [1]").replace("trials = 2", "trials = 1");
    folder.write("search.toml", &quick);
    folder.run(0, &format!("{LINE} run"));
    folder.write("search.toml", quick.replace("1e-12", "1e-11"));
    let other = folder.run(1, &format!("{LINE} run")).1;
    assert!(other.contains("is of another search, or of this one before it was changed"), "{other}");
    folder.write("search.toml", quick.replace("set.training.rate = 1e-12", "set.data.synthetic.pairs = 400"));
    let rows = folder.run(2, &format!("{LINE} rows")).1;
    assert!(rows.contains("trial asleep: its data hold out other rows"), "{rows}");
}
