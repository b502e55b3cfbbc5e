//! Commands that can be stopped at any moment and gone on with, and what may then lie in their folders.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Folder, LET7, PLANTED, transcript};

/// A command that does the same again when it is given again, and goes on where it was stopped.
pub struct Job {
    pub name: &'static str,
    pub line: &'static str,
    /// What it comes to.
    pub results: &'static [&'static str],
    /// Of these, files that are written more than once.
    rewritten: &'static [&'static str],
    write_inputs: fn(&Folder),
}

pub const TRAIN: Job = Job {
    name: "train",
    line: "train --config train.toml --out run --device cpu --quiet --resume --set training.checkpoint_steps=3 --set data.synthetic.pairs=320",
    results: &[
        "run/last.safetensors",
        "run/best.safetensors",
        "run/validation.tsv",
        "run/data.json",
        "run/config.toml",
        "run/metrics.jsonl",
    ],
    rewritten: &["run/last.safetensors", "run/best.safetensors", "run/metrics.jsonl"],
    write_inputs: |folder| folder.write("train.toml", PLANTED),
};

pub const SCAN: Job = Job {
    name: "scan",
    line: "scan --mirna m.fa --target t.fa --candidates all --stride 2 --min-probability 0 --device cpu --quiet --sites s.tsv.gz --genes g.tsv --bed b.bed --manifest r.json --checkpoint 400 --resume",
    results: &["s.tsv.gz", "g.tsv", "b.bed", "r.json"],
    rewritten: &["r.json"],
    write_inputs: |folder| {
        folder.write("m.fa", format!("{LET7}>miR-x\nUGGAAUGUAAAGAAGUAUGUAU\n"));
        let one = |i: usize| format!(">t{i}\n{}\n", transcript(60 + 37 * (i * i % 11), 20 + i % 30));
        folder.write("t.fa", (0..20).map(one).collect::<String>());
    },
};

pub const JOBS: [&Job; 2] = [&TRAIN, &SCAN];

impl Job {
    /// A folder with its inputs.
    pub fn folder(&self) -> Folder {
        let folder = Folder::new();
        self.inputs(&folder);
        folder
    }

    pub fn inputs(&self, folder: &Folder) {
        (self.write_inputs)(folder);
    }

    pub fn start(&self, folder: &Path) -> Child {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
        command.current_dir(folder).args(self.line.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The results in `folder`; of metrics, all but how long they took.
    pub fn read(&self, folder: &Folder) -> Vec<Vec<u8>> {
        self.results.iter().map(|name| timeless(name, std::fs::read(folder.path(name)).unwrap())).collect()
    }

    /// What an undisturbed run comes to.
    pub fn undisturbed(&self) -> Vec<Vec<u8>> {
        let folder = self.folder();
        folder.run(0, self.line);
        self.read(&folder)
    }

    /// That nothing wrong has a result's name: what is written once is there whole or not at all, what is written again is a
    /// whole one of its kind.
    pub fn expect_nothing_wrong(&self, folder: &Folder, want: &[Vec<u8>]) {
        for (name, want) in self.results.iter().zip(want) {
            let Ok(found) = std::fs::read(folder.path(name)) else { continue };
            if !self.rewritten.contains(name) {
                assert!(timeless(name, found) == *want, "{name} is there, and is not what it should be");
            } else if name.ends_with(".safetensors") {
                safetensors::SafeTensors::deserialize(&found).unwrap_or_else(|e| panic!("{name}: {e}"));
            } else {
                let text = String::from_utf8(found).unwrap();
                let values = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
                values.for_each(|value| drop(value.unwrap_or_else(|e| panic!("{name}: {e}"))));
            }
        }
    }

    /// Goes on to the end, where it comes to the same bits as `want`.
    pub fn expect_to_finish(&self, folder: &Folder, want: &[Vec<u8>], after: &str) {
        folder.run(0, self.line);
        for ((name, found), want) in self.results.iter().zip(self.read(folder)).zip(want) {
            assert!(found == *want, "{}: {name} differs after {after}", self.name);
        }
        let mut names = folder.names();
        names.extend(if self.name == "train" { folder.names_in("run") } else { vec![] });
        assert!(names.iter().all(|name| !name.ends_with(".partial")), "{names:?} after {after}");
    }
}

fn timeless(name: &str, bytes: Vec<u8>) -> Vec<u8> {
    if !name.ends_with("metrics.jsonl") {
        return bytes;
    }
    let text = String::from_utf8(bytes).unwrap();
    let line = |line: &str| line.split("\"seconds\"").next().unwrap().to_string();
    text.lines().map(line).collect::<Vec<_>>().join("\n").into_bytes()
}
