//! Sequences as people have them. Every oddity that is promised to be read, or refused, has a test:
//!
//! | oddity | test |
//! |---|---|
//! | many lines, CRLF, blank lines, no final newline, lower case, `T`, each plain, gzip and from stdin | `scan::one_input_in_every_layout_gives_one_table` |
//! | a byte order mark, white space in lines, TAB after the id, for miRNAs and transcripts | `odd_text_reads_as_plain_text` |
//! | gzip of many members | `scan::one_input_in_every_layout_gives_one_table`, `open` |
//! | bgzip, with its extra field and its empty last block | `bgzip_is_read_to_its_end` |
//! | gzip that is cut off, bgzip between two blocks too | `scan::cut_off_gzip_is_an_error`, `open` |
//! | headers of Ensembl, GENCODE, UCSC, RefSeq, miRBase | `rna::fasta`, `docs::every_command_of_the_guide_runs`, `headers_decide_what_a_list_of_pairs_names` |
//! | `N` and every IUPAC code | `every_iupac_code_masks_its_windows`, `scan::every_asked_pair_has_a_row_and_a_status` |
//! | other letters | `scan::a_bad_base_is_told_exactly_and_leaves_no_output` |
//! | `Sequence unavailable`, no sequence at all | `scan::every_asked_pair_has_a_row_and_a_status` |
//! | an id twice, with the same sequence and with another | `scan::a_repeated_record_is_one_warning_and_a_changed_one_an_error` |
//! | without an end, or compressed to next to nothing | `inputs_without_an_end_are_refused_in_little_memory` |
//! | no record, no header, no id, a binary file | `what_is_no_fasta_is_said_to_be_none` |

#[allow(dead_code)] // lists no files
mod common;

use std::io::Write;

use common::{Folder, LET7, cells, transcript};
use flate2::{Compression, GzBuilder};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t1 x\n{}\n>t2\n{}\n", transcript(300, 100), transcript(200, 190)));
    folder
}

const SCAN: &str = "scan --mirna m.fa --target u.fa --no-meta --quiet --device cpu";

fn plain(folder: &Folder) -> String {
    let (want, _) = folder.run(0, &SCAN.replace("u.fa", "t.fa"));
    assert_eq!(cells(&want).iter().map(|row| row[8]).collect::<Vec<_>>(), ["ok", "ok"]);
    want
}

#[test]
fn odd_text_reads_as_plain_text() {
    let folder = folder();
    let (want, t) = (plain(&folder), folder.read("t.fa"));
    for odd in [
        format!("\u{feff}{t}"),
        format!("\u{feff}\r\n{}", t.replace('\n', "\r\n")),
        t.replace("t1 x", "t1\tx y"),
        t.replace("GACAGG", "GACA GG").replace("\nGGG", "\n \tGGG"),
        t.replace('\n', " \n"),
    ] {
        folder.write("u.fa", &odd);
        assert_eq!(folder.run(0, SCAN).0, want, "{odd:?}");
    }
    folder.write("u.fa", t);
    for odd in
        ["\u{feff}>let-7a\r\nTGAGGTAGTAGG\r\nttgtatagtt", ">let-7a\twords\n\nUGAGGUAG UAGG\n\nUUGUAUAGUU\n\n"]
    {
        folder.write("m.fa", odd);
        assert_eq!(folder.run(0, SCAN).0, want, "{odd:?}");
    }
}

/// A block of bgzip: a gzip member whose extra field is its size less one, little-endian
/// (<https://samtools.github.io/hts-specs/SAMv1.pdf>, section 4.1).
fn block(bytes: &[u8]) -> Vec<u8> {
    let with_size = |size: u16| {
        let field = [b"BC\x02\x00".as_slice(), &size.to_le_bytes()].concat();
        let mut encoder = GzBuilder::new().extra(field).write(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    with_size(with_size(0).len() as u16 - 1)
}

#[test]
fn bgzip_is_read_to_its_end() {
    let folder = folder();
    let (want, t) = (plain(&folder), folder.read("t.fa"));
    let mut blocks: Vec<Vec<u8>> = t.as_bytes().chunks(100).map(block).collect();
    assert!(blocks.len() > 3);
    blocks.push(block(b""));
    folder.write("u.fa", blocks.concat());
    assert_eq!(folder.run(0, SCAN).0, want);
}

#[test]
fn every_iupac_code_masks_its_windows() {
    let folder = folder();
    let site = transcript(60, 30);
    let records = "RYSWKMBDHVNryswkmbdhvn".chars().enumerate();
    let text: String =
        records.map(|(i, code)| format!(">t{i}\n{}{code}{}\n", &site[..28], &site[29..])).collect();
    folder.write("u.fa", text);
    let (out, _) = folder.run(0, SCAN);
    let statuses: Vec<&str> = cells(&out).iter().map(|row| row[8]).collect();
    assert_eq!(statuses, ["masked"; 22]);
}

#[test]
fn headers_decide_what_a_list_of_pairs_names() {
    let folder = folder();
    folder.write("u.fa", format!(">ENST1.2|ENSG1.1|GENE|\n{}\n", transcript(300, 100)));
    folder.write("p.tsv", "let-7a\tENST1.2\n");
    let status = |flags: &str| {
        let (out, _) = folder.run(0, &format!("{SCAN} --pairs p.tsv{flags}"));
        cells(&out)[0][8].to_string()
    };
    assert_eq!(status(""), "unknown_id");
    assert_eq!(status(" --target-headers gencode"), "ok");
    folder.run(1, &format!("{SCAN} --target-headers ucsc"));
    folder.run(2, &format!("{SCAN} --target-headers gene"));
    let (out, _) = folder.run(0, &format!("{SCAN} --target-headers gencode").replace(" --no-meta", ""));
    assert!(out.contains("--target u.fa --target-headers gencode --candidates"), "{out}");
}

#[test]
fn what_is_no_fasta_is_said_to_be_none() {
    let folder = folder();
    for (text, want) in [
        ("", "u.fa: expected at least one FASTA record, found none"),
        ("\n\n", "u.fa: expected at least one FASTA record, found none"),
        ("ACGU\n", "u.fa:1: expected a FASTA header starting with '>', found 'A'"),
        (">\nACGU\n", "u.fa:1: expected an id right after '>', found none"),
        ("PK\u{3}\u{4}", "u.fa:1: expected a FASTA header starting with '>', found 'P'"),
    ] {
        folder.write("u.fa", text);
        assert_eq!(folder.run(1, SCAN).1, format!("mirscope: {want}\n"), "{text:?}");
    }
}

/// Standard output, standard error and exit code of a run that may take so many kilobytes of memory.
fn in_memory_of(kilobytes: u32, folder: &Folder, line: &str) -> (Option<i32>, String) {
    let program = folder.mirscope(line).get_program().to_owned();
    let limited = format!("ulimit -v {kilobytes}; exec \"$0\" {line}");
    let mut shell = std::process::Command::new("sh");
    let output = shell.current_dir(folder.path("")).arg("-c").arg(limited).arg(program).output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn inputs_without_an_end_are_refused_in_little_memory() {
    if !std::path::Path::new("/dev/zero").exists() {
        return eprintln!("skipped: no /dev/zero");
    }
    let folder = folder();
    let zeros = vec![0; 80 << 20];
    let mut packed = GzBuilder::new().write(Vec::new(), Compression::best());
    packed.write_all(&zeros).unwrap();
    folder.write("zeros.gz", packed.finish().unwrap());
    for path in ["/dev/zero", "zeros.gz"] {
        for (line, said) in [
            ("scan --mirna m.fa --target PATH --threads 1 --device cpu", "starting with '>', found"),
            ("scan --mirna PATH --target t.fa --threads 1 --device cpu", "starting with '>', found"),
            ("scan --mirna m.fa --target t.fa --pairs PATH --threads 1 --device cpu", "found a longer one"),
            (
                "scan --mirna m.fa --target t.fa --annotation PATH --bed x.bed --threads 1 --device cpu",
                "found a longer one",
            ),
            ("predict --pairs PATH --threads 1 --device cpu", "found a longer one"),
            ("convert PATH", "found a longer one"),
            ("data check PATH", "found a longer one"),
            ("convert --to funmirbench PATH", "found a longer one"),
        ] {
            let line = line.replace("PATH", path);
            let (code, err) = in_memory_of(700_000, &folder, &line);
            assert_eq!((code, err.lines().count()), (Some(1), 1), "{line}: {err}");
            assert!(err.contains(path) && err.contains(said), "{line}: {err}");
        }
    }
    for line in [
        "train --config /dev/zero --out run",
        "search --config /dev/zero --out run",
        "merge /dev/zero -o merged",
        "model info --model /dev/zero --device cpu",
    ] {
        let (code, err) = in_memory_of(1_000_000, &folder, line);
        assert!(code == Some(1) && err.lines().count() == 1 && err.contains("/dev/zero"), "{line}: {err}");
    }
}
