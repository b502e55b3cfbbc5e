//! What people write in TOML.

use super::{file, place, read};
use mirscope::train::{GeneRunConfig, RunConfig, Search};
use std::path::Path;

/// The shortest configuration of a run.
pub const BASE: &str =
    "name = \"t\"\ndescription = \"d\"\n[data.synthetic]\npairs = 8\nmirnas = 2\nvalidation = 0.5\n";

/// Lines that begin with `--set ` are settings from the command line, the others the file. A configuration that is accepted
/// is written and read again the same.
pub fn config(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let set = |line: &&str| line.starts_with("--set ");
    let overrides: Vec<String> = text.lines().filter(set).map(|line| line[6..].to_string()).collect();
    let lines: Vec<&str> = text.lines().filter(|line| !set(line)).collect();
    let path = match overrides.is_empty() {
        true => file("run.toml", bytes),
        false => file("run.toml", lines.join("\n")),
    };
    if let Some(config) = taken(RunConfig::read(&path, &overrides), &path, &overrides) {
        let again = RunConfig::read(&file("again.toml", config.to_toml()), &[]);
        assert_eq!(again.expect("what was written can be read"), config);
    }
    if let Some(config) = taken(GeneRunConfig::read(&path, &overrides), &path, &overrides) {
        let again = GeneRunConfig::read(&file("again.toml", config.to_toml()), &[]);
        assert_eq!(again.expect("what was written can be read"), config);
    }
}

/// As [`read`]; what is wrong with a setting from the command line is said of that.
fn taken<T>(result: mirscope::Result<T>, path: &Path, overrides: &[String]) -> Option<T> {
    match result {
        Err(error @ mirscope::Error::Setting(_)) if !overrides.is_empty() => {
            assert!(!error.to_string().contains(char::is_control), "an error is one line: {error}");
            None
        }
        result => read(result, path),
    }
}

/// A search over [`BASE`]; one that is accepted has trials.
pub fn search(bytes: &[u8]) {
    let base = place("base.toml");
    if !base.exists() {
        file("base.toml", BASE);
    }
    let head = format!("base = {:?}\n", base.display().to_string());
    let path = file("search.toml", [head.as_bytes(), bytes].concat());
    if let Some(search) = read(Search::read(&path, &[]), &path) {
        assert!(search.count() > 1, "the base and a trial at least");
    }
}
