//! The documentation's files are written, its commands run in order, and each must print what stands below it. Commands in
//! `sh` blocks must do what they do without complaint.
//! docs/output.md: its command is run, and outputs must be what the page shows.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use std::path::Path;

use assert_cmd::Command;
use common::Folder;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The fenced blocks of a page: what stands after the fence, and the text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    let parts: Vec<&str> = page.split("```").collect();
    assert_eq!(parts.len() % 2, 1, "every fence is closed");
    parts.iter().skip(1).step_by(2).filter_map(|block| block.split_once('\n')).collect()
}

/// Runs a command line of the page; files of the public data are named from the checkout.
fn run(folder: &Folder, line: &str) -> String {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("mirscope"));
    let place = if line.contains("../shared/data") { ROOT.into() } else { folder.path("") };
    let done = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"))
        .current_dir(place)
        .args(words)
        .output()
        .unwrap();
    String::from_utf8([done.stdout, done.stderr].concat()).unwrap()
}

/// Goes through a page: how many files it has, and how many commands.
fn go_through(page: &str) -> (usize, usize) {
    let folder = Folder::new();
    let page = std::fs::read_to_string(Path::new(ROOT).join(page)).unwrap();
    let (mut written, mut commands) = (0, 0);
    for (kind, text) in blocks(&page) {
        if let Some(name) = kind.strip_prefix("text file=") {
            folder.write(name, text);
            written += 1;
            continue;
        }
        if kind == "sh" {
            for line in text.lines() {
                folder.run(0, line.strip_prefix("mirscope ").expect("a command of ours"));
                commands += 1;
            }
            continue;
        }
        for one in text.split("$ ").skip(1) {
            let (line, expected) = one.split_once('\n').unwrap();
            let missing =
                |word: &&str| word.starts_with("../shared/data") && !Path::new(ROOT).join(word).exists();
            if let Some(name) = line.split_whitespace().find(missing) {
                eprintln!("skipped: {name} is not here");
                continue;
            }
            let printed = run(&folder, line);
            assert!(same(&printed, expected), "{line} prints\n{printed}\nshown is\n{expected}");
            commands += 1;
        }
    }
    (written, commands)
}

#[test]
fn every_command_prints_what_the_data_page_says() {
    let (written, commands) = go_through("docs/data.md");
    assert!(written >= 10 && commands >= 8, "{written} files, {commands} commands");
}

#[test]
fn every_command_of_the_guide_runs() {
    let (written, commands) = go_through("docs/guide.md");
    assert!(written >= 4 && commands >= 16, "{written} files, {commands} commands");
}

/// Whether two lines say the same; numbers may differ as instruction sets do.
fn alike(found: &str, shown: &str) -> bool {
    let cells =
        |line: &str| line.split(['\t', ' ', ',', ':', '=', '{', '}']).map(str::to_string).collect::<Vec<_>>();
    let (found, shown) = (cells(found), cells(shown));
    let equal = |(a, b): (&String, &String)| match (a.contains('.'), a.parse::<f64>(), b.parse::<f64>()) {
        (true, Ok(a), Ok(b)) => (a - b).abs() < 5e-3 * b.abs().max(1.0),
        _ => a == b,
    };
    found.len() == shown.len() && found.iter().zip(&shown).all(equal)
}

/// Whether all lines are.
fn same(found: &str, shown: &str) -> bool {
    let alike = |(found, shown): (&str, &str)| alike(found, shown);
    found.lines().count() == shown.lines().count() && found.lines().zip(shown.lines()).all(alike)
}

#[test]
fn a_scan_writes_what_the_page_shows() {
    let folder = Folder::new();
    let page = std::fs::read_to_string(Path::new(ROOT).join("docs/output.md")).unwrap();
    let mut compared = 0;
    for (kind, text) in blocks(&page) {
        if let Some(name) = kind.strip_prefix("text file=") {
            folder.write(name, text);
        } else if kind == "text run" {
            assert_eq!(run(&folder, text.trim()), "");
        } else if let Some(name) = kind.strip_prefix("text shows=") {
            let written = folder.read(name);
            assert!(same(&written, text), "{name} is\n{written}\nshown is\n{text}");
            compared += 1;
        }
    }
    assert_eq!(compared, 8);
    assert!(folder.read("report.html").contains("hsa-let-7a-5p"));
}
