//! `mirscope scan`: what comes out, whatever the shape of what goes in.

mod common;

use std::io::Write;

use common::{Folder, LET7, cells, transcript};
use flate2::{Compression, write::GzEncoder};

/// `text` as gzip members, one for each 7 bytes, and an empty one as bgzip ends.
fn gzip(text: &str) -> Vec<u8> {
    let member = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    text.as_bytes().chunks(7).chain([&[][..]]).flat_map(member).collect()
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t1 x\n{}\n>t2\n{}\n", transcript(300, 100), transcript(200, 190)));
    folder
}

#[test]
fn sites_lie_where_they_were_put() {
    let folder = folder();
    folder.run(0, "scan --mirna m.fa --target t.fa --sites s.tsv --genes g.tsv --min-probability 0 --quiet");
    let sites = folder.read("s.tsv");
    let header = sites.lines().find(|line| !line.starts_with('#')).unwrap();
    assert_eq!(
        header,
        "mirna_id\ttarget_id\tstart\tend\tsite_type\tprobability\tscore\tn_wc\tn_gu\tn_mismatch\tpairing\tfdr"
    );
    let rows = cells(&sites);
    let column = |c: usize| rows.iter().map(|row| row[c]).collect::<Vec<_>>();
    assert_eq!(column(0), ["let-7a", "let-7a"]);
    assert_eq!(column(1), ["t1", "t2"]);
    assert_eq!(column(3), ["108", "198"], "the base opposite nucleotide 1, 1-based");
    assert_eq!(column(4), ["8mer", "8mer"]);
    for row in &rows {
        let (site, mirna) = row[10].split_once('&').unwrap();
        let (start, end): (usize, usize) = (row[2].parse().unwrap(), row[3].parse().unwrap());
        assert_eq!((site.len(), mirna.len()), (end - start + 1, 22));
        assert!(site.ends_with("(((((((.") && mirna.starts_with(".)))))))"));
        let pairs = row[7].parse::<usize>().unwrap() + row[8].parse::<usize>().unwrap();
        assert_eq!(site.matches('(').count(), pairs);
    }
    let genes = folder.read("g.tsv");
    let meta = "# coordinates=1-based inclusive, 5'->3' on the target\n";
    assert!(genes.contains(meta) && sites.contains(meta));
    assert!(genes.contains("# target_sha256=") && genes.contains("# model_sha256="));
    let rows = cells(&genes);
    assert_eq!(
        (rows[0][2], rows[0][4..].join(" ")),
        (cells(&sites)[0][5], format!("{} 108 8mer 1 ok", cells(&sites)[0][2]))
    );
}

#[test]
fn one_input_in_every_layout_gives_one_table() {
    let folder = folder();
    let (want, _) = folder.run(0, "scan --mirna m.fa --target t.fa --no-meta");
    assert_eq!(cells(&want).len(), 2);
    let plain = folder.read("t.fa");
    let upper_dna = plain.replace('U', "T");
    let broken: String = plain
        .lines()
        .map(|l| if l.starts_with('>') { l.into() } else { l.replace("GACA", "GA\nCA") } + "\n")
        .collect();
    let layouts = [
        plain.replace('\n', "\r\n"),
        plain.trim_end().to_string(),
        format!("\n\n{}", plain.replace('\n', "\n\n")),
        upper_dna.to_lowercase(),
        broken,
    ];
    for layout in &layouts {
        folder.write("u.fa", layout);
        assert_eq!(folder.run(0, "scan --mirna m.fa --target u.fa --no-meta").0, want, "{layout:?}");
        assert_eq!(folder.run_with(0, "scan --mirna m.fa --target - --no-meta", layout.as_str()).0, want);
        folder.write("plain_name.fa", gzip(layout));
        assert_eq!(folder.run(0, "scan --mirna m.fa --target plain_name.fa --no-meta").0, want, "gzip");
        assert_eq!(
            folder.run_with(0, "scan --mirna m.fa --target - --no-meta", gzip(layout)).0,
            want,
            "gzip on stdin"
        );
    }
}

#[test]
fn every_asked_pair_has_a_row_and_a_status() {
    let folder = Folder::new();
    let mirnas =
        [LET7, ">tiny\nACGUACGU\n", ">long\n", &"ACGU".repeat(18), "\n>vague\nUGAGGUNGUAGGUUGUAUAGUU\n"];
    folder.write("m.fa", mirnas.concat());
    let mut hidden = transcript(300, 100);
    hidden.replace_range(90..92, "NR");
    let (site, none, n) = (transcript(300, 100), "GGGACA".repeat(20), "N".repeat(50));
    let targets = format!(
        ">site\n{site}\n>none\n{none}\n>short\nCUACCUCA\n>gone\nSequence unavailable\n>hidden\n{hidden}\n>n\n{n}\n"
    );
    folder.write("t.fa", targets);
    let (out, err) = folder.run(0, "scan --mirna m.fa --target t.fa --no-meta");
    let rows = cells(&out);
    let status = |mirna: &str| -> Vec<String> {
        rows.iter().filter(|row| row[0] == mirna).map(|row| format!("{} {}", row[1], row[8])).collect()
    };
    let let7 = ["site ok", "none no_candidate", "short short", "gone invalid", "hidden masked", "n masked"];
    assert_eq!(status("let-7a"), let7);
    assert!(status("tiny").iter().all(|s| s.ends_with(" invalid")));
    assert!(status("long").iter().all(|s| s.ends_with(" invalid")));
    assert!(status("vague").iter().all(|s| s.ends_with(" masked")));
    assert!(rows.iter().filter(|row| row[8] != "ok").all(|row| row[2] == "NA" && row[4] == "NA"));
    assert!(
        err.contains("24 asked: ok 1, no_candidate 1, short 1, masked 8, invalid 13, unknown_id 0"),
        "{err}"
    );
    assert!(err.contains("miRNA 'tiny': expected 15 to "), "{err}");
    folder.run(3, "scan --mirna m.fa --target t.fa --strict");
    folder.write("one.fa", LET7);
    folder.write("two.fa", format!(">site\n{site}\n>none\n{none}\n"));
    folder.run(0, "scan --mirna one.fa --target two.fa --strict");
}

#[test]
fn listed_pairs_are_all_there_and_no_others() {
    let folder = folder();
    folder.write(
        "p.tsv",
        "target_id\tmirna_id\r\nt2\tlet-7a\r\nlost\tlet-7a\nt2\tmiR-0\nt2\tlet-7a\n\nlost\tmiR-0",
    );
    let (out, err) = folder.run(0, "scan --mirna m.fa --target t.fa --pairs p.tsv --no-meta");
    let got: Vec<String> =
        cells(&out).iter().map(|row| format!("{} {} {}", row[0], row[1], row[8])).collect();
    assert_eq!(
        got,
        ["let-7a t2 ok", "miR-0 t2 unknown_id", "let-7a lost unknown_id", "miR-0 lost unknown_id"]
    );
    assert!(err.contains("4 asked: ok 1,") && err.contains("unknown_id 3"), "{err}");
    assert!(err.contains("1 rows repeat"), "{err}");
    folder.write("g.tsv", folder.run(0, "scan --mirna m.fa --target t.fa").0);
    let (again, _) = folder.run(0, "scan --mirna m.fa --target t.fa --pairs g.tsv --no-meta");
    assert_eq!(cells(&again).len(), 2, "a genes table is a list");
    folder.write("two.fa", format!("{LET7}>other\n{}\n", "ACGUU".repeat(4)));
    folder.write("turned.tsv", "nobody\tt1\nother\tt1\nlet-7a\tt1\n");
    let (out, _) = folder.run(0, "scan --mirna two.fa --target t.fa --pairs turned.tsv --no-meta");
    let order: Vec<&str> = cells(&out).iter().map(|row| row[0]).collect();
    assert_eq!(order, ["let-7a", "other", "nobody"], "the miRNA file's order, unknown ids last");
}

#[test]
fn threads_do_not_change_a_byte() {
    let folder = folder();
    let line = "scan --mirna m.fa --target t.fa --candidates all --stride 3 --min-probability 0";
    folder.run(0, &format!("{line} --threads 1 --sites s1.tsv --genes g1.tsv"));
    folder.run(0, &format!("{line} --threads 2 --sites s2.tsv --genes g2.tsv"));
    assert_eq!(folder.read("s1.tsv"), folder.read("s2.tsv"));
    assert_eq!(folder.read("g1.tsv"), folder.read("g2.tsv"));
}

#[test]
fn looser_gates_find_more() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let wobble = transcript(300, 100).replace("CUACCUCA", "CUAUCUCG");
    folder.write("t.fa", format!(">t\n{wobble}\n"));
    let status = |gate: &str| {
        let (out, _) =
            folder.run(0, &format!("scan --mirna m.fa --target t.fa --no-meta --candidates {gate}"));
        let row: Vec<String> = cells(&out)[0].iter().map(|cell| cell.to_string()).collect();
        (row[6].clone(), row[7].clone(), row[8].clone())
    };
    assert_eq!(status("canonical").2, "no_candidate");
    assert_eq!(status("relaxed"), ("non-canonical".into(), "1".into(), "ok".into()));
    let (info, _) = folder.run(0, "model info");
    let window: usize =
        info.lines().find_map(|line| line.strip_prefix("window_nt\t")).unwrap().parse().unwrap();
    let windows = (300 - window).div_ceil(5) + 1;
    assert_eq!(status("all").1, windows.to_string(), "every fifth and the last");
}

#[test]
fn windows_at_a_stride_that_show_one_site_are_one_row() {
    let folder = folder();
    folder.run(
        0,
        "scan --mirna m.fa --target t.fa --candidates all --min-probability 0 --sites s.tsv --genes g.tsv",
    );
    let (sites, genes) = (folder.read("s.tsv"), folder.read("g.tsv"));
    let rows = cells(&sites);
    assert_eq!(rows.iter().filter(|row| row[1] == "t1" && row[4] == "8mer").count(), 1);
    for gene in cells(&genes) {
        assert_eq!(gene[3], rows.iter().filter(|row| row[1] == gene[1]).count().to_string());
        assert!(gene[7].parse::<usize>().unwrap() > gene[3].parse().unwrap());
    }
}

#[test]
fn tables_named_gz_are_gzip_and_complete() {
    let folder = folder();
    let (want, _) = folder.run(0, "scan --mirna m.fa --target t.fa");
    folder.run(0, "scan --mirna m.fa --target t.fa --genes g.tsv.gz");
    let bytes = std::fs::read(folder.path("g.tsv.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
    assert_eq!(text, want);
    assert_eq!(folder.names(), ["g.tsv.gz", "m.fa", "t.fa"], "no temporary file is left");
}

#[test]
fn a_bad_base_is_told_exactly_and_leaves_no_output() {
    let folder = folder();
    folder.write("bad.fa", format!(">t1\n{}\n>t2\nACGU\nAC-GU\n", transcript(300, 100)));
    folder.write("g.tsv", "kept\n");
    let (out, err) = folder.run(1, "scan --mirna m.fa --target bad.fa --sites s.tsv --genes g.tsv --quiet");
    let want = "mirscope: bad.fa:5: expected nucleotide codes (A C G U T N or IUPAC) in 't2', found '-' at column 3\n";
    assert_eq!((out.as_str(), err.as_str()), ("", want));
    assert_eq!(folder.read("g.tsv"), "kept\n");
    assert_eq!(folder.names(), ["bad.fa", "g.tsv", "m.fa", "t.fa"]);
}

#[test]
fn a_repeated_record_is_one_warning_and_a_changed_one_an_error() {
    let folder = folder();
    let t = folder.read("t.fa");
    folder.write("same.fa", format!("{t}{t}"));
    let (out, err) = folder.run(0, "scan --mirna m.fa --target same.fa");
    assert_eq!(cells(&out).len(), 2);
    assert_eq!(err.matches("again with the same sequence").count(), 1, "{err}");
    folder.write("changed.fa", format!("{t}>t1\nACGU\n"));
    let (_, err) = folder.run(1, "scan --mirna m.fa --target changed.fa");
    assert!(err.contains("changed.fa:5: expected one sequence per id, found 't1'"), "{err}");
}

#[test]
fn cut_off_gzip_is_an_error() {
    let folder = folder();
    let whole = gzip(&folder.read("t.fa"));
    folder.write("cut.fa.gz", &whole[..whole.len() / 2 + 3]);
    let (_, err) = folder.run(1, "scan --mirna m.fa --target cut.fa.gz");
    assert!(err.contains("mirscope: cut.fa.gz: "), "{err}");
}

#[test]
fn the_examples_hold_what_their_headers_say() {
    let folder = Folder::new();
    let examples = concat!(env!("CARGO_MANIFEST_DIR"), "/examples");
    folder.write("m.fa", std::fs::read(format!("{examples}/mirna.fa")).unwrap());
    let targets = std::fs::read_to_string(format!("{examples}/utr3.fa")).unwrap();
    folder.write("t.fa", &targets);
    folder.run(0, "scan --mirna m.fa --target t.fa --candidates relaxed --min-probability 0 --sites s.tsv");
    let sites = folder.read("s.tsv");
    let rows = cells(&sites);
    let mut planted = 0;
    for header in targets.lines().filter_map(|line| line.strip_prefix('>')) {
        let (id, rest) = header.split_once(" made-up; ").unwrap();
        for words in rest.split("; ").map(|site| site.split(' ').collect::<Vec<_>>()).filter(|w| w.len() > 3)
        {
            let (mirna, kind, end) = (words[0], words[1].trim_end_matches("+3p"), words[words.len() - 1]);
            let kind = if kind == "mismatch" { "non-canonical" } else { kind };
            let found =
                rows.iter().any(|row| row[0] == mirna && row[1] == id && row[3] == end && row[4] == kind);
            assert!(found, "{mirna} {kind} {id} {end}");
            planted += 1;
        }
    }
    assert_eq!(planted, 15);
}

#[test]
fn bed_gff3_and_drawings_say_what_the_table_says() {
    let folder = folder();
    let flags = "--sites s.tsv --bed b.bed --gff3 g.gff3 --align a.txt --min-probability 0 --no-meta --quiet";
    folder.run(0, &format!("scan --mirna m.fa --target t.fa {flags}"));
    let sites = folder.read("s.tsv");
    let (bed, gff3, align) = (folder.read("b.bed"), folder.read("g.gff3"), folder.read("a.txt"));
    let feature = gff3.strip_prefix("##gff-version 3\n").unwrap();
    for (i, row) in cells(&sites).iter().enumerate() {
        let start: usize = row[2].parse().unwrap();
        let line = |text: &str, n: usize| text.lines().nth(n).unwrap().to_string();
        assert!(
            line(&bed, i).starts_with(&format!("{}\t{}\t{}\tlet-7a\t", row[1], start - 1, row[3])),
            "{bed}"
        );
        let want = format!(
            "{}\tmirscope\tmiRNA_target_site\t{start}\t{}\t{}\t+\t.\tName=let-7a;site_type={};fdr={}",
            row[1], row[3], row[5], row[4], row[11]
        );
        assert_eq!(line(feature, i), want);
        assert!(
            line(&align, 4 * i + 2).ends_with(&format!(" 3'   {} {start}-{}", row[1], row[3])),
            "{align}"
        );
    }
    assert_eq!((bed.lines().count(), feature.lines().count(), align.lines().count()), (2, 2, 8));
}
