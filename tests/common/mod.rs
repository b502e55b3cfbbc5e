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
        let entries = std::fs::read_dir(self.0.path()).unwrap();
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
