//! What a model's answers mean, from outside: calibrated where it was trained and anew, in another world, against chance, and
//! told on its card.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;
use mirscope::data::Synthetic;
use mirscope::rna::text;

/// Learns a planted rule in seconds.
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
epochs = 4
batch = 32
micro_batch = 4
rate = 5e-3
crop = 2

[data.synthetic]
pairs = 1200
mirnas = 10
validation = 0.25
"#;

/// A trained model, rows it has not seen in which one row in three is positive, and what a scan needs.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("train.toml", CONFIG);
    folder.run(0, "train --config train.toml --out run --quiet");
    let rows = Synthetic { pairs: 900, site_length: 24, mirnas: 10, seed: 99 }.generate().unwrap();
    let mut table = String::from("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n");
    for (number, row) in rows.iter().enumerate() {
        if row.is_positive() && number % 2 == 0 {
            continue;
        }
        let (label, split) = (u8::from(row.is_positive()), if number % 9 == 0 { "test" } else { "val" });
        let (mirna, site) = (text(&row.mirna), text(&row.site));
        table += &format!("{}\t{mirna}\t{number}\t{site}\t{label}\t{split}\n", row.mirna_id);
    }
    folder.write("v.tsv", table);
    folder.write("m.fa", ">let-7a\nUGAGGUAGUAGGUUGUAUAGUU\n>miR-1\nUGGAAUGUAAAGAAGUAUGUAU\n>short\nACGU\n");
    let utr = |n: usize| format!(">t{n}\n{}\n", "GACUACCUCAAGCUUGGACAUUCCAGGAUUC".repeat(5 + n % 3));
    folder.write("t.fa", (0..40).map(utr).collect::<String>());
    folder
}

const MODEL: &str = "--model run/best.safetensors --device cpu --quiet";

fn probabilities(folder: &Folder, flags: &str) -> Vec<f64> {
    let (table, _) = folder.run(0, &format!("predict --pairs v.tsv {flags}"));
    table.lines().skip(1).map(|row| row.split('\t').nth(6).unwrap().parse().unwrap()).collect()
}

fn labels(folder: &Folder) -> Vec<bool> {
    folder.read("v.tsv").lines().skip(1).map(|row| row.split('\t').nth(4) == Some("1")).collect()
}

fn log_loss(p: &[f64], labels: &[bool]) -> f64 {
    let loss = |(&p, &y): (&f64, &bool)| -(if y { p } else { 1.0 - p }).clamp(1e-6, 1.0).ln();
    p.iter().zip(labels).map(loss).sum::<f64>() / p.len() as f64
}

/// A line of `model info`.
fn info(folder: &Folder, model: &str, key: &str) -> String {
    let (text, _) = folder.run(0, &format!("model info --model {model} --device cpu --quiet"));
    let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('\t'));
    line.unwrap_or_else(|| panic!("{key} in\n{text}")).to_string()
}

#[test]
fn a_trained_model_is_calibrated_and_can_be_anew() {
    let folder = folder();
    assert_ne!(info(&folder, "run/best.safetensors", "calibration"), "none");
    assert_eq!(info(&folder, "run/best.safetensors", "calibration_rows"), "300");
    let again = "model calibrate --data v.tsv --split val -o c.safetensors";
    folder.run(0, &format!("{again} {MODEL}"));
    let rows = folder.read("v.tsv").lines().filter(|row| row.ends_with("val")).count();
    assert_eq!(info(&folder, "c.safetensors", "calibration_rows"), rows.to_string());
    let prevalence: f64 = info(&folder, "c.safetensors", "prevalence").parse().unwrap();
    assert!((prevalence - 1.0 / 3.0).abs() < 0.05, "{prevalence}");
    let labels = labels(&folder);
    let (before, after) =
        (probabilities(&folder, MODEL), probabilities(&folder, "--model c.safetensors --device cpu --quiet"));
    assert!(log_loss(&after, &labels) < log_loss(&before, &labels) - 0.01, "fewer rows are positive here");
    let called = |p: &[f64], model: &str| -> Vec<bool> {
        let threshold: f64 = info(&folder, model, "threshold").parse().unwrap();
        p.iter().map(|p| *p >= threshold - 5e-7).collect() // tables have six digits
    };
    assert_eq!(called(&before, "run/best.safetensors"), called(&after, "c.safetensors"));
    let (report, _) = folder.run(
        0,
        "evaluate --model c.safetensors --data v.tsv --split test --resamples 5 --device cpu --quiet",
    );
    let brier = |name: &str| -> f64 {
        let row = report.lines().rfind(|line| line.starts_with(name)).expect("its calls");
        row.split_whitespace().rev().nth(1).unwrap().parse().unwrap()
    };
    assert!(brier("planted  ") < brier("planted, uncalibrated"), "{report}");
    folder.write("few.tsv", folder.read("v.tsv").lines().take(3).collect::<Vec<_>>().join("\n"));
    let (_, err) = folder.run(1, &format!("model calibrate --data few.tsv -o x.safetensors {MODEL}"));
    assert!(err.contains("few.tsv: expected rows of both classes in five folds or more, found 2"), "{err}");
    assert!(!folder.path("x.safetensors").exists());
}

#[test]
fn a_prior_changes_probabilities_and_no_call() {
    let folder = folder();
    let scan = format!("scan --mirna m.fa --target t.fa --candidates all {MODEL}");
    folder.run(0, &format!("{scan} --sites a.tsv --no-meta"));
    folder.run(0, &format!("{scan} --sites b.tsv --no-meta --prior 0.01"));
    let (own, rare) = (folder.read("a.tsv"), folder.read("b.tsv"));
    let cell = |row: &str, column: usize| row.split('\t').nth(column).unwrap().to_string();
    assert!(own.lines().count() > 20, "{own}");
    assert_eq!(own.lines().count(), rare.lines().count());
    let prevalence: f64 = info(&folder, "run/best.safetensors", "prevalence").parse().unwrap();
    let shift = (0.01f64 / 0.99).ln() - (prevalence / (1.0 - prevalence)).ln();
    for (one, other) in own.lines().zip(rare.lines()).skip(1) {
        assert_eq!(
            one.split('\t').take(5).collect::<Vec<_>>(),
            other.split('\t').take(5).collect::<Vec<_>>()
        );
        let [before, after]: [f64; 2] = [one, other].map(|row| cell(row, 6).parse().unwrap());
        assert!((after - before - shift).abs() < 2e-2 || before > 10.0, "{one}\n{other}");
    }
    // what is asked for is in the world that is asked for
    folder.run(0, &format!("{scan} --sites c.tsv --prior 0.01 --min-probability 0.2"));
    let asked = folder.read("c.tsv");
    assert!(
        asked.contains("\n# prior=0.01\n") && asked.contains(" --prior 0.01 --min-probability 0.2"),
        "{asked}"
    );
    let likely = common::cells(&asked).iter().map(|row| row[5].parse::<f64>().unwrap()).fold(1.0, f64::min);
    let most = rare.lines().skip(1).filter(|row| cell(row, 5).parse::<f64>().unwrap() >= 0.2).count();
    assert!(likely >= 0.2 && common::cells(&asked).len() == most);
    let (_, err) = folder.run(2, &format!("{scan} --prior 1"));
    assert!(err.contains("--prior: expected a share between 0 and 1, found 1"), "{err}");
    // shards of two worlds are not put together
    for (shard, prior) in [(1, "0.01"), (2, "0.02")] {
        let line =
            format!("{scan} --prior {prior} --shard {shard}/2 --manifest {shard}.json --genes g{shard}.tsv");
        folder.run(0, &line);
    }
    let (_, err) = folder.run(1, "merge 1.json 2.json -o whole");
    assert!(err.contains("prior: expected \"0.01\", found \"0.02\""), "{err}");
}

#[test]
fn chance_is_in_the_model_and_in_tables() {
    let folder = folder();
    let (out, err) = folder.run(2, &format!("predict --pairs v.tsv --fdr q {MODEL}"));
    assert!(out.is_empty() && err.contains("expected a model that was held against chance"), "{err}");
    let line = format!("model null --mirna m.fa --target t.fa --transcripts 30 {MODEL}");
    folder.run(0, &format!("{line} -o n.safetensors"));
    folder.run(0, &format!("{line} -o again.safetensors --threads 1"));
    let [null, again] =
        ["n", "again"].map(|n| std::fs::read(folder.path(&format!("{n}.safetensors"))).unwrap());
    assert!(null == again, "a seed is a seed");
    assert!(info(&folder, "n.safetensors", "null canonical").contains(" sites in "));
    assert_eq!(
        info(&folder, "n.safetensors", "threshold"),
        info(&folder, "run/best.safetensors", "threshold")
    );
    let flags = "--mirna m.fa --target t.fa --min-probability 0 --no-meta --device cpu --quiet";
    let outputs = "--sites s.tsv --jsonl s.jsonl --gff3 s.gff3 --html s.html";
    folder.run(0, &format!("scan --model n.safetensors {flags} {outputs}"));
    let sites = folder.read("s.tsv");
    let mut rates: Vec<(f64, f64)> =
        common::cells(&sites).iter().map(|row| (row[5].parse().unwrap(), row[11].parse().unwrap())).collect();
    assert!(rates.iter().all(|(_, fdr)| (0.0..=1.0).contains(fdr)), "{sites}");
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(rates.windows(2).all(|two| two[0].1 >= two[1].1), "more probable, less false: {rates:?}");
    let first = common::cells(&sites)[0][11].parse::<f64>().unwrap();
    let object: serde_json::Value =
        serde_json::from_str(folder.read("s.jsonl").lines().next().unwrap()).unwrap();
    assert_eq!(object["fdr"].as_f64(), Some(first));
    assert!(folder.read("s.gff3").contains(&format!(";fdr={first:.6}\n")));
    assert!(folder.read("s.html").contains(&format!("\"{first:.6}\"]")));
    // a stride of its own was not held against chance, nor was the model before
    for other in ["--model n.safetensors --candidates all --stride 7", "--model run/best.safetensors"] {
        folder.run(0, &format!("scan {flags} {other} --sites o.tsv"));
        assert!(common::cells(&folder.read("o.tsv")).iter().all(|row| row[11] == "NA"));
    }
    let (table, _) =
        folder.run(0, "predict --model n.safetensors --pairs v.tsv --fdr q --device cpu --quiet");
    assert!(table.lines().next().unwrap().ends_with("\tlabel\tsplit\tprobability\tq"), "{table}");
    let plain = probabilities(&folder, "--model n.safetensors --device cpu --quiet");
    let mut rows: Vec<(f64, f64)> = vec![];
    for (row, plain) in table.lines().skip(1).zip(&plain) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells[6].parse::<f64>().unwrap(), *plain);
        rows.push((cells[6].parse().unwrap(), cells[7].parse().unwrap()));
    }
    assert_eq!(rows.len(), plain.len());
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    assert!(rows.windows(2).all(|two| two[0].1 >= two[1].1) && rows[0].1 <= 1.0, "{rows:?}");
}

#[test]
fn a_card_says_what_a_model_is() {
    let folder = folder();
    folder.run(0, "evaluate --data v.tsv --resamples 20 --json r.json --model run/best.safetensors --device cpu --quiet");
    folder.run(0, &format!("model null --mirna m.fa --target t.fa --transcripts 5 -o n.safetensors {MODEL}"));
    let line = "model card --model n.safetensors --run run --report planted_test=r.json --device cpu --quiet";
    let (card, _) = folder.run(0, &format!("{line} -o card.md"));
    assert!(card.is_empty());
    let card = folder.read("card.md");
    let sections: Vec<&str> = card.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let expected = ["Network", "Training", "Calibration", "Against chance", "Tests", "Known limits"];
    assert_eq!(sections, expected, "{card}");
    let file = std::fs::read(folder.path("n.safetensors")).unwrap();
    let size = file.len();
    // the length of the header, the header, and four bytes a parameter
    let header = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    let parameters = (size - 8 - header) / 4;
    let report: serde_json::Value = serde_json::from_str(&folder.read("r.json")).unwrap();
    let precision = &report["results"][0]["average_precision"];
    let number = |value: &serde_json::Value| format!("{:.3}", value.as_f64().unwrap());
    let shown = [
        "# Model planted".to_string(),
        "Pairing map: convolutions 5x5x8, 3x3x8, 8 hidden channels.".into(),
        format!("| SHA-256 | `{}` |", info(&folder, "n.safetensors", "sha256")),
        format!("| parameters | {parameters} |\n| size | {size} bytes |"),
        "4 epochs in ".into(),
        "| 900 | 300 | 0 | 0 | 0 | 0 |".into(),
        "fitted to 300 rows".into(),
        "| canonical | ".into(),
        format!(
            "| planted | {} [{}, {}] |",
            number(&precision["value"]),
            number(&precision["interval"]["low"]),
            number(&precision["interval"]["high"])
        ),
        "| seed rule | ".into(),
        "Binding is not repression".into(),
    ];
    for text in shown {
        assert!(card.contains(&text), "{text} in\n{card}");
    }
    let (bare, _) = folder.run(0, "model card --model default --device cpu --quiet");
    assert!(
        bare.contains("No report was given.") && bare.contains("The run's record was not given."),
        "{bare}"
    );
    let (_, err) = folder.run(2, "model card --report r.json");
    assert!(err.contains("expected NAME=JSON, found 'r.json'"), "{err}");
    let (_, err) = folder.run(1, "model card --report x=v.tsv --device cpu --quiet");
    assert!(err.contains("v.tsv: expected a report of evaluate --json"), "{err}");
}
