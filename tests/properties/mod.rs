//! What must hold of every reader, whatever it is fed. Each function takes bytes, reads them as its name says, and panics
//! where a promise is broken: no panic of the reader's own, errors of one line that name the file, nothing lost without being
//! counted, sequences of the letters that are documented, and what is written again reads the same.
//!
//! `tests/readers.rs` feeds them files that were damaged on purpose, `fuzz/` whatever a fuzzer comes up with.

pub mod models;
pub mod scans;
pub mod sequences;
pub mod settings;
pub mod tables;

use mirscope::{Error, Result};
use std::path::{Path, PathBuf};

/// The longest error that a reader can be expected to show, characters beside the file's name.
const LONGEST: usize = 900;

thread_local! {
    /// In memory where there is such a place: a fuzzer writes a file for each input.
    static FOLDER: tempfile::TempDir = {
        let memory = Path::new("/dev/shm");
        let place = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
        tempfile::tempdir_in(place).expect("a temporary folder can be made")
    };
}

/// The place of a file called `name`.
fn place(name: &str) -> PathBuf {
    FOLDER.with(|folder| folder.path().join(name))
}

/// A file of these bytes.
fn file(name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = place(name);
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    path
}

/// `path` as text.
fn shown(path: &Path) -> &str {
    path.to_str().expect("temporary names are text")
}

/// What was read, if it was; an error must be one line that begins with the file's name.
fn read<T>(result: Result<T>, path: &Path) -> Option<T> {
    result.inspect_err(|error| complaint(error, path)).ok()
}

fn complaint(error: &Error, path: &Path) {
    let text = error.to_string();
    let said = text.strip_prefix(shown(path));
    let said = said.unwrap_or_else(|| panic!("an error names its file: {text:?}"));
    assert!(said.starts_with(':'), "what follows a file's name: {text:?}");
    assert!(!said.contains(char::is_control), "an error is one line: {text:?}");
    assert!(said.chars().count() <= LONGEST, "an error can be read: {} characters", said.len());
}
