//! Inputs that change under a program, and inputs of extreme size.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Folder, LET7, cells, transcript};
use crate::limits::timed;

/// Starts a scan that can be resumed, lets `change` happen to its transcripts once it has a checkpoint, and gives what it says.
fn changed(change: impl Fn(&Folder)) -> (Folder, Option<i32>, String) {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let record = |i: usize| format!(">t{i}\n{}\n", transcript(3000, 100));
    folder.write("t.fa", (0..200).map(record).collect::<String>());
    let line = "scan --mirna m.fa --target t.fa --candidates all --device cpu --quiet --genes g.tsv --manifest r.json --checkpoint 2000";
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
    let child = command.current_dir(folder.path("")).args(line.split(' ')).stderr(Stdio::piped()).spawn();
    let start = Instant::now();
    while !folder.path("r.json").exists() {
        assert!(start.elapsed() < Duration::from_secs(60), "no checkpoint");
        std::thread::sleep(Duration::from_millis(1));
    }
    change(&folder);
    let output = child.unwrap().wait_with_output().unwrap();
    (folder, output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn transcripts_that_change_under_a_scan_are_noticed() {
    let append = |folder: &Folder| {
        let mut file = std::fs::OpenOptions::new().append(true).open(folder.path("t.fa")).unwrap();
        std::io::Write::write_all(&mut file, b">late\nACGU\n").unwrap();
    };
    let cut = |folder: &Folder| {
        let file = std::fs::OpenOptions::new().write(true).open(folder.path("t.fa")).unwrap();
        file.set_len(250_000).unwrap();
    };
    let replace = |folder: &Folder| {
        folder.write("other.fa", ">t0\nACGU\n");
        std::fs::rename(folder.path("other.fa"), folder.path("t.fa")).unwrap();
    };
    let vanish = |folder: &Folder| std::fs::remove_file(folder.path("t.fa")).unwrap();
    let changes =
        [("appended", &append as &dyn Fn(&Folder)), ("cut", &cut), ("replaced", &replace), ("gone", &vanish)];
    for (what, change) in changes {
        let (folder, code, said) = changed(change);
        assert_eq!(code, Some(1), "{what}: {said}");
        let expected =
            if what == "gone" { "t.fa: No such file" } else { "t.fa: was changed while it was read" };
        assert!(said.contains(expected), "{what}: {said}");
        assert!(!folder.path("g.tsv").exists(), "{what}");
    }
    let touch = |folder: &Folder| folder.write("t.fa", folder.read("t.fa"));
    let (folder, code, said) = changed(touch);
    assert_eq!(code, Some(0), "the same bytes, written again: {said}");
    assert_eq!(cells(&folder.read("g.tsv")).len(), 200);
}

#[test]
fn the_shortest_and_the_longest_mirnas_are_answered() {
    let folder = Folder::new();
    let long = "UGAGGUAGUAGGUUGUAUAGUUACGUACGUACGU";
    let records: String = (1..=34).map(|n| format!(">nt{n}\n{}\n", &long[..n])).collect();
    folder.write("m.fa", records);
    folder.write("t.fa", format!(">t\n{}\n>tiny\nA\n", transcript(300, 100)));
    let (table, _) = folder.run(0, "scan --mirna m.fa --target t.fa --device cpu --quiet");
    let rows = cells(&table);
    assert_eq!(rows.len(), 68, "every pair is answered");
    for row in rows.iter().filter(|row| row[1] == "t") {
        let length: usize = row[0][2..].parse().unwrap();
        let expected = if (15..=30).contains(&length) { "ok" } else { row[8] };
        assert_eq!(row[8], expected, "{row:?}");
    }
}

#[test]
#[ignore = "minutes"]
fn extremes_are_answered_in_little_memory() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t\n{}\n", transcript(10_000_000, 9_000_000)));
    let (seconds, table) = timed(&folder, "", "300M");
    assert_eq!(cells(&table)[0][5], "9000008", "where the seed was put");
    println!("a transcript of 10 Mnt, canonical candidates, within 300 MB: {seconds:.1} s");
    let record = |i: usize| format!(">t{i}\n{}\n", &transcript(60, 20)[..i % 60]);
    folder.write("t.fa", (0..100_000).map(record).collect::<String>());
    let (seconds, table) = timed(&folder, "", "200M");
    assert_eq!(cells(&table).len(), 100_000);
    println!("100,000 transcripts of 0 to 59 nt, within 200 MB: {seconds:.1} s");
}
