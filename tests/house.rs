//! Rules of the house that a compiler does not hold: where `unsafe` may stand, and that building runs nothing of ours.
//! `cargo test --test house -- --nocapture` prints how much of it each room has.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Files below `folder`, named from the root.
fn files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).expect("a folder of the checkout");
    let paths = entries.map(|entry| entry.expect("an entry of the folder").path());
    let named = |path: &Path| path.strip_prefix(ROOT).expect("it is below the root").to_path_buf();
    paths
        .flat_map(|path| {
            if path.is_dir() { files(named(&path).to_str().expect("UTF-8")) } else { vec![named(&path)] }
        })
        .collect()
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of the checkout")
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().expect("a split has a first part")
}

/// Unsafe functions, implementations and the like in a line, and unsafe blocks.
fn unsafes(line: &str) -> [usize; 2] {
    let count = |what: &str| code(line).matches(&format!("unsafe{what}")).count();
    [[" fn ", " impl", " extern", " trait ", "("].map(count).iter().sum(), count(" {")]
}

/// The room of a file below `src/`, and whether the word may stand there.
fn room(path: &Path) -> (String, bool) {
    let parts: Vec<&str> = path.iter().map(|part| part.to_str().expect("UTF-8")).collect();
    let cuda = parts.iter().any(|&part| part == "cuda" || part == "cuda.rs");
    match parts[1..] {
        ["simd", ..] => ("src/simd".into(), true),
        // An allocator is unsafe by its trait.
        ["memory.rs"] => ("src/memory.rs".into(), true),
        ["cuda", ..] => ("src/cuda".into(), true),
        [room, _, ..] if cuda => (format!("src/{room}/**/cuda"), true),
        [room, ..] => (format!("src/{room}"), false),
        [] => unreachable!("a file below src"),
    }
}

/// By room: lines of code, unsafe functions and implementations, unsafe blocks.
fn counts() -> BTreeMap<String, [usize; 3]> {
    let mut rooms = BTreeMap::<String, [usize; 3]>::new();
    for path in files("src").into_iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        let (name, allowed) = room(&path);
        for (at, line) in read(&path).lines().enumerate() {
            let [items, blocks] = unsafes(line);
            let none = items + blocks == 0;
            assert!(none || allowed, "{}:{}: unsafe lives in simd and cuda", path.display(), at + 1);
            let room = rooms.entry(name.clone()).or_default();
            room[0] += usize::from(!code(line).trim().is_empty());
            room[1] += items;
            room[2] += blocks;
        }
    }
    rooms
}

#[test]
fn unsafe_lives_in_simd_and_cuda_only() {
    let rooms = counts();
    println!(
        "| room | lines of code | unsafe functions and implementations | unsafe blocks |\n|---|---|---|---|"
    );
    let mut others = [0; 3];
    for (room, numbers) in &rooms {
        let [lines, items, blocks] = numbers;
        if items + blocks > 0 {
            println!("| `{room}` | {lines} | {items} | {blocks} |");
        } else {
            others = std::array::from_fn(|i| others[i] + numbers[i]);
        }
    }
    println!("| all others | {} | {} | {} |", others[0], others[1], others[2]);
    assert!(rooms["src/simd"][2] > 10 && rooms["src/cuda"][2] > 10, "it is found where it is: {rooms:?}");
    assert_eq!(others[1..], [0, 0]);
}

/// Lints hold the rest: a block without its argument is an error, in every package.
#[test]
fn every_package_takes_the_lints_of_unsafe_code() {
    let all = read("Cargo.toml");
    for lint in ["unsafe_op_in_unsafe_fn", "undocumented_unsafe_blocks", "missing_safety_doc"] {
        assert!(all.contains(&format!("{lint} = \"deny\"")), "{lint}");
    }
    for package in ["Cargo.toml", "tests/mock-cuda/Cargo.toml", "tests/ptx-interpreter/Cargo.toml"] {
        assert!(read(package).contains("[lints]\nworkspace = true"), "{package}");
    }
}

#[test]
fn building_runs_no_script_of_ours() {
    let scripts: Vec<PathBuf> = ["src", "tests", "benches", "examples"].into_iter().flat_map(files).collect();
    let scripts: Vec<&PathBuf> = scripts.iter().filter(|path| path.ends_with("build.rs")).collect();
    assert!(scripts.is_empty() && !Path::new(ROOT).join("build.rs").exists(), "{scripts:?}");
    for package in ["", "tests/mock-cuda/", "tests/ptx-interpreter/", "fuzz/"] {
        assert!(!read(format!("{package}Cargo.toml")).contains("\nbuild = "), "{package} names a script");
    }
}

/// `.ci/licenses` has been run since the dependencies last changed.
#[test]
fn the_list_of_licences_is_that_of_the_lock() {
    let (list, lock) = (read("packaging/licenses.md"), read("Cargo.lock"));
    let rows: Vec<Vec<&str>> =
        list.lines().skip_while(|line| !line.starts_with("|---")).skip(1).map(cells).collect();
    for row in &rows {
        let [name, version, licence] = row[..] else { panic!("three cells: {row:?}") };
        let locked = format!("name = \"{name}\"\nversion = \"{version}\"\n");
        assert!(lock.contains(&locked), "{name} {version} is not in Cargo.lock");
        assert!(!licence.is_empty(), "{name} has no licence");
    }
    let manifest = read("Cargo.toml");
    let (_, after) = manifest.split_once("\n[dependencies]\n").expect("there are some");
    let direct = after.split("\n\n").next().expect("a split has a first part").lines();
    for name in direct.map(|line| line.split(' ').next().expect("a line begins with a name")) {
        assert!(rows.iter().any(|row| row[0] == name), "{name} is not listed");
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split('|').map(str::trim).collect()
}
