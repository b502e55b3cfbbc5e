//! Inputs that change under a program, and inputs of extreme size.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Folder, LET7, cells, transcript};

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
fn memory_has_a_ceiling() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t\n{}\n", transcript(3_000_000, 100)));
    let line = "scan --mirna m.fa --target t.fa --device cpu --quiet --genes g.tsv";
    let (_, said) = folder.run(1, &format!("{line} --max-memory 12M"));
    assert!(
        said.starts_with("mirscope: out of memory: ") && said.contains("--max-memory allows 12582912"),
        "{said}"
    );
    assert_eq!(folder.names(), ["m.fa", "t.fa"]);
    folder.run(0, &format!("{line} --max-memory 200M"));
    assert!(folder.run(2, &format!("{line} --max-memory 2T")).1.contains("expected a number of bytes"));
    assert!(folder.run(2, &format!("{line} --max-memory 10")).1.contains("are taken already"));
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

/// Seconds and table of a scan within `memory`.
fn timed(folder: &Folder, more: &str, memory: &str) -> (f64, String) {
    let start = Instant::now();
    let line = format!("scan --mirna m.fa --target t.fa --device cpu --quiet --max-memory {memory}{more}");
    let (table, _) = folder.run(0, &line);
    (start.elapsed().as_secs_f64(), table)
}

#[test]
#[ignore = "minutes"]
fn extremes_are_answered_in_little_memory() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t\n{}\n", transcript(10_000_000, 9_000_000)));
    let (seconds, table) = timed(&folder, "", "200M");
    assert_eq!(cells(&table)[0][4], "9000001", "where the seed was put");
    println!("a transcript of 10 Mnt, canonical candidates, within 200 MB: {seconds:.1} s");
    let record = |i: usize| format!(">t{i}\n{}\n", &transcript(60, 20)[..i % 60]);
    folder.write("t.fa", (0..100_000).map(record).collect::<String>());
    let (seconds, table) = timed(&folder, "", "200M");
    assert_eq!(cells(&table).len(), 100_000);
    println!("100,000 transcripts of 0 to 59 nt, within 200 MB: {seconds:.1} s");
}

/// Prints seconds at growing sizes; at the end, four times the input takes less than eight times as long.
fn expect_linear(what: &str, sizes: &[usize], seconds: impl Fn(usize) -> f64) {
    let times: Vec<f64> =
        sizes.iter().map(|&size| (0..3).map(|_| seconds(size)).fold(f64::MAX, f64::min)).collect();
    for (size, seconds) in sizes.iter().zip(&times) {
        println!("| {what} | {size} | {seconds:.2} | {:.0} |", seconds * 1e9 / *size as f64);
    }
    let (last, before) = (sizes.len() - 1, sizes.len() - 2);
    let growth = times[last] / times[before] / (sizes[last] as f64 / sizes[before] as f64);
    assert!(growth < 2.0, "{what}: {times:?}");
}

#[test]
#[ignore = "minutes"]
fn time_is_linear_in_the_input() {
    println!("| input | size | s | ns a unit |\n|---|---:|---:|---:|");
    let folder = Folder::new();
    let scanned = |mirnas: String, targets: String, more: &str| {
        folder.write("m.fa", mirnas);
        folder.write("t.fa", targets);
        timed(&folder, more, "2G").0
    };
    let one = |letter: &str, n: usize| format!(">t\n{}\n", letter.repeat(n));
    let sizes = [1_000_000, 4_000_000, 16_000_000];
    expect_linear("one transcript, nt", &sizes, |n| {
        scanned(LET7.into(), format!(">t\n{}\n", transcript(n, 0)), "")
    });
    expect_linear("one base again and again, no match, nt", &sizes, |n| {
        scanned(LET7.into(), one("A", n), "")
    });
    let sizes = [4_000, 16_000, 64_000];
    let poly = format!(">poly\n{}\n", "U".repeat(22));
    for more in ["", " --candidates relaxed", " --candidates all --stride 1", " --candidates targetnet"] {
        let what = format!("every window a candidate{more}, nt");
        expect_linear(&what, &sizes, |n| scanned(poly.clone(), one("A", n), more));
    }
    let sizes = [10_000, 40_000, 160_000];
    let tiny = |n: usize| (0..n).map(|i| format!(">t{i}\nACGU\n")).collect::<String>();
    expect_linear("transcripts of 4 nt", &sizes, |n| scanned(LET7.into(), tiny(n), ""));
    let again = |n: usize| ">t\nACGU\n".repeat(n);
    expect_linear("one transcript again and again", &sizes, |n| scanned(LET7.into(), again(n), ""));
    let sizes = [2_000, 8_000, 32_000];
    let letters = |mut i: usize| -> String {
        let letter = |_| {
            i = (i * 1_103_515_245 + 12_345) % (1 << 31);
            ["A", "C", "G", "U"][(i >> 16) % 4]
        };
        (0..22).map(letter).collect()
    };
    let mirnas = |n: usize| (0..n).map(|i| format!(">m{i}\n{}\n", letters(i))).collect::<String>();
    expect_linear("miRNAs on one 3'UTR", &sizes, |n| {
        scanned(mirnas(n), format!(">t\n{}\n", transcript(2000, 9)), "")
    });
    let listed = |n: usize| {
        folder.write("p.tsv", (0..n).map(|i| format!("let-7a\tt{}\n", i * 7919 % n)).collect::<String>());
        scanned(LET7.into(), tiny(n), " --pairs p.tsv")
    };
    expect_linear("listed pairs", &[10_000, 40_000, 160_000], listed);
    let pairs = |n: usize| {
        let row =
            |i: usize| format!("m\t{}\tt{i}\t{}\t{}\n", letters(i), letters(i * 31 + 7).repeat(2), i % 2);
        let rows: String = (0..n).map(row).collect();
        folder.write("rows.tsv", format!("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n{rows}"));
    };
    for line in [
        "data check rows.tsv rows.tsv",
        "predict --pairs rows.tsv --device cpu --quiet --output p.tsv",
        "convert --from targetnet rows.tsv --output c.tsv --quiet",
    ] {
        expect_linear(
            &format!("rows, {}", line.split(" rows").next().unwrap()),
            &[2_000, 8_000, 32_000],
            |n| {
                pairs(n);
                let start = Instant::now();
                folder.run(0, line);
                start.elapsed().as_secs_f64()
            },
        );
    }
    let gene = |i: usize| {
        format!(
            "c\tx\texon\t{}\t{}\t.\t+\t.\tgene_id \"g{i}\"; transcript_id \"t{i}\";\n",
            i * 10 + 1,
            i * 10 + 4
        )
    };
    let annotated = |n: usize| {
        folder.write("a.gtf", (0..n).map(gene).collect::<String>());
        scanned(LET7.into(), tiny(n), " --annotation a.gtf")
    };
    expect_linear("lines of GTF", &[10_000, 40_000, 160_000], annotated);
}
