//! The program, run in a folder of its own.

use std::path::PathBuf;

use assert_cmd::Command;

pub const LET7: &str = ">let-7a words\nUGAGGUAGUAGGUUGUAUAGUU\n";

/// A temporary folder in which commands run.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// Names of the files here, sorted.
    pub fn names(&self) -> Vec<String> {
        self.names_in("")
    }

    /// Names of the files in a folder here, sorted.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub fn mirscope(&self, line: &str) -> Command {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
        command.current_dir(self.0.path()).args(line.split(' '));
        command
    }

    /// Runs, expects `code`, and gives back stdout and stderr.
    pub fn run(&self, code: i32, line: &str) -> (String, String) {
        self.run_with(code, line, "")
    }

    /// As `run`, with something on stdin.
    pub fn run_with(&self, code: i32, line: &str, stdin: impl Into<Vec<u8>>) -> (String, String) {
        let output = self.mirscope(line).write_stdin(stdin).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (out, err) = (text(output.stdout), text(output.stderr));
        assert_eq!(output.status.code(), Some(code), "{line}\n{out}{err}");
        (out, err)
    }
}

/// A training configuration: a network and a data set small enough for a second or two an epoch on one slow core.
#[allow(dead_code)] // for tests that train
pub const PLANTED: &str = r#"
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

/// A transcript of `length` nt that pairs with no let-7a seed, with let-7a's 8mer at index `at`.
pub fn transcript(length: usize, at: usize) -> String {
    let mut text = "GGGACA".repeat(length / 6 + 1)[..length].to_string();
    text.replace_range(at..at + 8, "CUACCUCA");
    text
}

/// The cells of a table without meta lines and header.
pub fn cells(table: &str) -> Vec<Vec<&str>> {
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    rows.map(|row| row.split('\t').collect()).collect()
}
