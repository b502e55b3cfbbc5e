//! What a program may take: memory, threads, and time in proportion to its input.

use std::process::Command;
use std::time::Instant;

use mirscope::figure::{Axis, Figure, Mark, Style};

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

/// Seconds at growing sizes, and as shares of those of the greatest.
#[derive(Default)]
struct Curves(Vec<(String, Vec<[f64; 2]>)>);

impl Curves {
    /// The least of three times at each size; four times the input takes less than eight times as long.
    fn expect_linear(&mut self, what: &str, sizes: [usize; 3], seconds: impl Fn(usize) -> f64) {
        let times = sizes.map(|size| (0..3).map(|_| seconds(size)).fold(f64::MAX, f64::min));
        for (size, seconds) in sizes.iter().zip(times) {
            println!("| {what} | {size} | {seconds:.2} | {:.2} |", seconds * 1e6 / *size as f64);
        }
        let shares = |at: usize| [sizes[at] as f64 / sizes[2] as f64, times[at] / times[2]];
        self.0.push((what.into(), vec![shares(0), shares(1), shares(2)]));
        let growth = times[2] / times[1] / (sizes[2] as f64 / sizes[1] as f64);
        assert!(growth < 2.0, "{what}: {times:?}");
    }

    /// What lies on the diagonal is linear.
    fn drawn(self) -> Figure {
        let label = |text| Axis::linear(text, 0.0, 1.0);
        let diagonal = Mark::Line { points: vec![[0.0; 2], [1.0; 2]], style: Style::Reference };
        let mut marks = vec![diagonal];
        for (i, (_, points)) in self.0.iter().enumerate() {
            marks.extend(points.iter().map(|&at| Mark::Dot { at, style: Style::Series(i), full: true }));
            marks.push(Mark::Line { points: points.clone(), style: Style::Series(i) });
        }
        let named = self.0.into_iter().enumerate().map(|(i, (what, _))| (Style::Series(i), what));
        Figure {
            title: "Time of growing inputs as a share of the greatest's".into(),
            x: label("size, as a share of the greatest"),
            y: label("time, as a share of the greatest's"),
            marks,
            key: [(Style::Reference, "in proportion".into())].into_iter().chain(named).collect(),
            beside: vec![],
        }
    }
}

/// Writes a scan's inputs and times it.
fn scanned(folder: &Folder, mirnas: &str, targets: String, more: &str) -> f64 {
    folder.write("m.fa", mirnas);
    folder.write("t.fa", targets);
    timed(folder, more, "2G").0
}

fn one(letter: &str, n: usize) -> String {
    format!(">t\n{}\n", letter.repeat(n))
}

fn tiny(n: usize) -> String {
    (0..n).map(|i| format!(">t{i}\nACGU\n")).collect()
}

/// 22 letters for every number.
fn letters(mut i: usize) -> String {
    let letter = |_| {
        i = (i * 1_103_515_245 + 12_345) % (1 << 31);
        ["A", "C", "G", "U"][(i >> 16) % 4]
    };
    (0..22).map(letter).collect()
}

fn scans(folder: &Folder, curves: &mut Curves) {
    let sizes = [1_000_000, 4_000_000, 16_000_000];
    let long = |n| format!(">t\n{}\n", transcript(n, 0));
    curves.expect_linear("one transcript, nt", sizes, |n| scanned(folder, LET7, long(n), ""));
    let what = "one base again and again, without a match, nt";
    curves.expect_linear(what, sizes, |n| scanned(folder, LET7, one("A", n), ""));
    let poly = format!(">poly\n{}\n", "U".repeat(22));
    for more in ["", " --candidates relaxed", " --candidates all --stride 1", " --candidates targetnet"] {
        let what = format!("a match everywhere{more}, nt");
        let sizes = [16_000, 64_000, 256_000];
        curves.expect_linear(&what, sizes, |n| scanned(folder, &poly, one("A", n), more));
    }
    let sizes = [10_000, 40_000, 160_000];
    curves.expect_linear("transcripts of 4 nt", sizes, |n| scanned(folder, LET7, tiny(n), ""));
    let again = |n| ">t\nACGU\n".repeat(n);
    curves.expect_linear("one transcript again and again", sizes, |n| scanned(folder, LET7, again(n), ""));
    let mirnas = |n| (0..n).map(|i| format!(">m{i}\n{}\n", letters(i))).collect::<String>();
    curves.expect_linear("miRNAs on one 3'UTR", [2_000, 8_000, 32_000], |n| {
        scanned(folder, &mirnas(n), format!(">t\n{}\n", transcript(2000, 9)), "")
    });
}

fn tables(folder: &Folder, curves: &mut Curves) {
    let sizes = [10_000, 40_000, 160_000];
    curves.expect_linear("listed pairs", sizes, |n| {
        folder.write("p.tsv", (0..n).map(|i| format!("let-7a\tt{}\n", i * 7919 % n)).collect::<String>());
        scanned(folder, LET7, tiny(n), " --pairs p.tsv")
    });
    let exon = |i| {
        let (start, end) = (i * 10 + 1, i * 10 + 4);
        format!("c\tx\texon\t{start}\t{end}\t.\t+\t.\tgene_id \"g{i}\"; transcript_id \"t{i}\";\n")
    };
    curves.expect_linear("lines of GTF", sizes, |n| {
        folder.write("a.gtf", (0..n).map(exon).collect::<String>());
        scanned(folder, LET7, tiny(n), " --bed b.bed --annotation a.gtf")
    });
    let row = |i| format!("m\t{}\tt{i}\t{}\t{}\n", letters(i), letters(i * 31 + 7).repeat(2), i % 2);
    let of_rows = [
        ("data check", "data check rows.tsv rows.tsv"),
        ("predict", "predict --pairs rows.tsv --device cpu --quiet --output p.tsv"),
        ("convert", "convert --from targetnet rows.tsv --output c.tsv --quiet"),
    ];
    for (what, line) in of_rows {
        curves.expect_linear(&format!("rows of {what}"), [4_000, 16_000, 64_000], |n| {
            let rows: String = (0..n).map(row).collect();
            folder.write("rows.tsv", format!("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n{rows}"));
            let start = Instant::now();
            folder.run(0, line);
            start.elapsed().as_secs_f64()
        });
    }
}

#[test]
#[ignore = "minutes"]
fn time_is_linear_in_the_input() {
    println!("| input | size | s | µs each |\n|---|---:|---:|---:|");
    let (folder, mut curves) = (Folder::new(), Curves::default());
    scans(&folder, &mut curves);
    tables(&folder, &mut curves);
    let drawing = concat!(env!("CARGO_TARGET_TMPDIR"), "/linear.svg");
    std::fs::write(drawing, curves.drawn().file()).unwrap();
    println!("drawn in {drawing}");
}
