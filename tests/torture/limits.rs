//! What a program may take: memory, threads, and time in proportion to its input.

use std::process::Command;
use std::time::Instant;

use crate::common::{Folder, LET7, transcript};

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

/// What `mirscope devices` says of the CPU, started by another program.
fn threads(through: &[&str]) -> Option<String> {
    let output = Command::new(through[0])
        .args(&through[1..])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).unwrap().lines().next()?.to_string();
    line.rsplit(", ").next().map(str::to_string)
}

#[test]
fn threads_are_those_that_a_process_may_run_on() {
    let program = assert_cmd::cargo::cargo_bin!("mirscope").display().to_string();
    match threads(&["taskset", "-c", "0", &program, "devices"]) {
        None => println!("skipped: taskset, which is not here"),
        Some(said) => assert_eq!(said, "1 thread"),
    }
}

#[test]
#[ignore = "makes control groups"]
fn threads_are_those_of_the_control_group() {
    let group = "/sys/fs/cgroup/cpu/mirscope-test";
    let made = std::fs::create_dir(group)
        .and_then(|()| std::fs::write(format!("{group}/cpu.cfs_quota_us"), "100000"));
    if let Err(e) = made {
        return println!("skipped: a control group, which this user may not make: {e}");
    }
    let program = assert_cmd::cargo::cargo_bin!("mirscope").display().to_string();
    let said = threads(&["sh", "-c", &format!("echo $$ > {group}/tasks; {program} devices")]);
    std::fs::remove_dir(group).unwrap();
    assert_eq!(said.as_deref(), Some("1 thread"), "a quota of one processor");
    println!("a quota of one processor of two: 1 thread");
}

/// Seconds and table of a scan within `memory`.
pub fn timed(folder: &Folder, more: &str, memory: &str) -> (f64, String) {
    let start = Instant::now();
    let line = format!("scan --mirna m.fa --target t.fa --device cpu --quiet --max-memory {memory}{more}");
    let (table, _) = folder.run(0, &line);
    (start.elapsed().as_secs_f64(), table)
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
