//! Completions, the manual, and the models that are listed, exported and verified.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;

/// The commands that `--help` names after `before`.
fn commands(folder: &Folder, before: &str) -> Vec<String> {
    let (help, _) = folder.run(0, format!("{before} --help").trim());
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let first =
        listed.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    first.filter(|name| *name != "help").map(String::from).collect()
}

#[test]
fn every_command_has_a_page_and_completes() {
    let folder = Folder::new();
    let mut want = vec!["mirscope.1".to_string()];
    let mut names = commands(&folder, "");
    assert!(names.len() > 10, "{names:?}");
    want.extend(names.iter().map(|name| format!("mirscope-{name}.1")));
    for outer in ["model", "data"] {
        want.extend(commands(&folder, outer).iter().map(|name| format!("mirscope-{outer}-{name}.1")));
    }
    want.sort();
    folder.run(0, "man --dir pages");
    let mut found: Vec<String> = std::fs::read_dir(folder.path("pages"))
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    assert_eq!(found, want);
    let scan = folder.read("pages/mirscope-scan.1");
    assert!(scan.contains(".TH mirscope-scan 1") && scan.contains("\\-\\-min\\-probability"), "{scan}");
    assert_eq!(folder.run(0, "man").0, folder.read("pages/mirscope.1"));
    names.push("--min-probability".into());
    for shell in ["bash", "zsh", "fish"] {
        let (script, _) = folder.run(0, &format!("completions {shell}"));
        let bare = |name: &String| name.trim_start_matches('-').to_string();
        assert!(names.iter().map(bare).all(|name| script.contains(&name)), "{shell}");
    }
    folder.run(2, "completions ksh");
}

#[test]
fn an_exported_model_is_the_embedded_one() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("models")).unwrap();
    folder.run(0, "model export -o models/copy.safetensors");
    folder.write(
        "models/cut.safetensors",
        &std::fs::read(folder.path("models/copy.safetensors")).unwrap()[..999],
    );
    folder.write("models/notes.txt", "not a model");
    let (list, err) = folder.run(0, "model list models");
    let rows: Vec<Vec<&str>> = list.lines().skip(1).map(|row| row.split('\t').collect()).collect();
    assert_eq!(rows.len(), 2, "{list}");
    assert_eq!(rows[0][..5], rows[1][..5]);
    assert_eq!((rows[0][5], rows[1][5]), ("default", "models/copy.safetensors"));
    assert!(err.contains("left out: models/cut.safetensors: is no safetensors file"), "{err}");
    let (info, _) = folder.run(0, "model info --model models/copy.safetensors --device cpu");
    assert!(info.contains(&format!("sha256\t{}\n", rows[0][1])), "{info}");
    let hash = rows[0][1].to_uppercase();
    folder.run(0, &format!("model verify --model models/copy.safetensors --device cpu --sha256 {hash}"));
    let (_, err) = folder.run(1, "model verify --sha256 00 --device cpu");
    let want = format!("mirscope: default: expected a model file of SHA-256 00, found {}\n", rows[0][1]);
    assert_eq!(err, want);
}

/// Of the embedded model, by the textbook formulas in double precision. Another model has other answers: write them down
/// here when it is embedded.
const KNOWN: [f32; 2] = [0.993230, 0.252733];

#[test]
fn the_embedded_model_gives_its_known_answers() {
    let folder = Folder::new();
    let (out, _) = folder.run(0, "model verify --device cpu");
    let answers: Vec<[f32; 2]> = out
        .lines()
        .skip(3)
        .map(|row| row.split('\t').collect::<Vec<_>>())
        .map(|cells| [cells[1], cells[2]].map(|cell| cell.parse().unwrap()))
        .collect();
    assert_eq!(answers.len(), 2, "{out}");
    for ([here, reference], known) in answers.iter().zip(KNOWN) {
        assert!((reference - known).abs() < 2e-6 && (here - known).abs() < 1e-4, "{out}");
    }
}
