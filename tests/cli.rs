//! Exit codes, `predict`, `show` and closed pipes.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use common::{Folder, LET7, cells, transcript};

const MIRNA: &str = "TGAGGTAGTAGGTTGTATAGTT";

#[test]
fn usage_is_2_and_missing_files_are_1() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("empty.fa", "");
    folder.run(0, "--version");
    folder.run(2, "scan --mirna m.fa");
    folder.run(2, "scan --mirna m.fa --target m.fa --threads 0");
    for usage in
        ["--min-probability 2", "--min-probability NaN", "--stride 5", "--sites - --genes -", "--genes m.fa"]
    {
        let (_, err) = folder.run(2, &format!("scan --mirna m.fa --target m.fa {usage}"));
        assert!(err.contains("expected"), "{usage}: {err}");
    }
    folder.run(2, "scan --mirna - --target -");
    folder.run(2, "predict --pairs m.fa -o m.fa");
    let (_, err) = folder.run(1, "scan --mirna m.fa --target lost.fa --device cpu");
    assert_eq!(err, "mirscope: lost.fa: No such file or directory (os error 2)\n");
    let (_, err) = folder.run(1, "scan --mirna m.fa --target m.fa --genes lost/g.tsv --device cpu");
    assert_eq!(err, "mirscope: lost/g.tsv: expected a folder to write in, found none\n");
    let (_, err) = folder.run(1, "scan --mirna m.fa --target empty.fa --quiet");
    assert_eq!(err, "mirscope: empty.fa: expected at least one FASTA record, found none\n");
    folder.run(1, "scan --mirna m.fa --target m.fa --model lost.safetensors");
}

#[test]
fn a_machine_without_a_gpu_says_that_it_uses_the_cpu() {
    const LINE: &str = "mirscope: no CUDA driver found; using the CPU\n";
    let folder = Folder::new();
    let has_gpu = mirscope::cuda::Gpu::count().is_ok();
    for (line, said) in [("", !has_gpu), (" --quiet", false), (" --device cpu", false)] {
        assert_eq!(folder.run(0, &format!("model info{line}")).1 == LINE, said, "{line}");
    }
    let (_, err) = folder.run(1, "model info --device cuda:4096");
    assert!(err.starts_with("mirscope: device: ") && err.lines().count() == 1, "{err}");
}

#[test]
fn predict_adds_a_column_and_touches_nothing_else() {
    let folder = Folder::new();
    let site = transcript(50, 30);
    let rows = [
        "# kept",
        "gene\tnoncodingRNA\tlabel",
        &format!("{site}\t{MIRNA}\t1"),
        &format!(" {site} \t\"{MIRNA}\"\t0"),
        &format!("{}\t{MIRNA}\t1", site.replace('G', "N")),
        &format!("{site}\tJJJ\t1"),
        &format!("ACGU\t{MIRNA}\t1"),
        &format!("{site}{site}{site}\t{MIRNA}\t"),
    ];
    folder.write("p.tsv", rows.join("\r\n"));
    let (out, err) = folder.run(0, "predict --pairs p.tsv");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines[..2], ["# kept", "gene\tnoncodingRNA\tlabel\tprobability"]);
    for (line, row) in lines[2..].iter().zip(&rows[2..]) {
        assert_eq!(line.rsplit_once('\t').unwrap().0, *row);
    }
    let last: Vec<&str> = cells(&out).iter().map(|row| row[3]).collect();
    assert_eq!(last[2..], ["NA"; 4]);
    assert_eq!(last[0], last[1]);
    assert!((0.0..=1.0).contains(&last[0].parse::<f32>().unwrap()));
    assert!(err.contains("6 rows: 2 scored, 4 not"), "{err}");
    assert!(err.contains("1 not scored: site too short (first in line 7)"), "{err}");
    assert_eq!(folder.run(3, "predict --pairs p.tsv --strict").0, out);
    assert_eq!(folder.run_with(0, "predict --pairs -", rows.join("\n") + "\n").0, out);
}

#[test]
fn predict_says_which_columns_it_expected() {
    let folder = Folder::new();
    let site = transcript(50, 30);
    folder.write("p.tsv", format!("a\tb\n{MIRNA}\t{site}\n"));
    let (_, err) = folder.run(1, "predict --pairs p.tsv --device cpu");
    assert!(err.starts_with("mirscope: p.tsv:1: expected the columns mirna_seq and mrna_seq, or "), "{err}");
    let (out, _) = folder.run(0, "predict --pairs p.tsv --mirna-col a --target-col b --append-col mine -o -");
    assert!(out.starts_with("a\tb\tmine\n"), "{out}");
    folder.write("q.tsv", format!("miRNA\tgene\n{MIRNA}\t{site}\n{MIRNA}\n"));
    let (_, err) = folder.run(1, "predict --pairs q.tsv -o out.tsv --device cpu");
    assert_eq!(err, "mirscope: q.tsv:3: expected 2 columns as in the header, found 1\n");
    assert_eq!(folder.names(), ["p.tsv", "q.tsv"]);
}

#[test]
fn show_draws_the_duplex_and_the_map() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let target = "GGAACUAUACAACCUACUACCUCAGG";
    let (out, _) = folder.run(0, &format!("show --mirna m.fa --target {target} --min-probability 0"));
    let drawn: Vec<&str> = out.lines().skip_while(|line| !line.starts_with("miRNA")).take(3).collect();
    assert_eq!(drawn[0], "miRNA  3' UUGAUAUGUUGGAUGAUGGAGu 5'   let-7a");
    assert!(drawn[1].starts_with("          |||||||||||||||||||||       8mer  p="), "{out}");
    assert_eq!(drawn[2], "target 5' AACUAUACAACCUACUACCUCA 3'   target 3-24");
    assert!(out.contains(&format!("5' {}8{} 3'", "-".repeat(22), "-".repeat(3))), "{out}");
    let (_, err) = folder.run(1, "show --mirna m.fa --target lost.fa --device cpu");
    assert!(err.starts_with("mirscope: lost.fa: expected a FASTA file or a sequence"), "{err}");
    let (_, err) = folder.run(1, "show --mirna m.fa --mirna-id miR-0 --target m.fa --device cpu");
    assert_eq!(err, "mirscope: m.fa: expected a record 'miR-0', found none\n");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    // More than a pipe holds; the last transcript alone has a site.
    let none = "GGGACA".repeat(5);
    let records: String = (0..20_000).map(|i| format!(">t{i}\n{none}\n")).collect();
    folder.write("t.fa", format!("{records}>last\n{}\n", transcript(60, 40)));
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"))
        .current_dir(folder.path(""))
        .args(
            "scan --mirna m.fa --target t.fa --sites s.tsv --genes - --min-probability 0 --quiet".split(' '),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::with_capacity(64, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(first, format!("# mirscope={}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
    assert_eq!(cells(&folder.read("s.tsv")).len(), 1, "the other table is complete");
}
