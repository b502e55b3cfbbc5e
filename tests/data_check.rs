//! `data check`: what test rows share with training rows, on files made here and on the public ones.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use std::path::Path;

use common::Folder;
use mirscope::data::{Pair, Shared, Split, check, read_labelled};

const HEADER: &str = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n";
const LONG: &str = "UCGAUACCUCUGGCAAGAGGAUGAUUAUCUACCUCACUGA";

#[test]
fn two_files_of_any_format() {
    let folder = Folder::new();
    folder.write("a.txt", format!("hsa-miR-15a-5p\tGUGUUUGGUAAUACACGACGAU\tENSG1\t{LONG}\t1\n"));
    let near = &LONG[..30];
    folder.write(
        "b.tsv",
        format!(
            "{HEADER}hsa-miR-15a-5p\tUAGCAGCACAUAAUGGUUUGUG\tENSG2\t{near}\t0\t.\nm\tUGAGGUAG\tENSG1\tACGU\t1\t.\n"
        ),
    );
    let (out, err) = folder.run(0, "data check a.txt b.tsv --format mitar,targetnet --json c.json");
    assert_eq!(err, "");
    let expected = "# learned=a.txt (1 rows)\n# tested=b.tsv (2 rows)\n\
        shared\tpositives\tpercent\tnegatives\tpercent\tfirst_line\twith_line\n\
        same pair\t0 of 1\t0.0\t0 of 1\t0.0\t-\t-\n\
        same pair, other label\t0 of 1\t0.0\t0 of 1\t0.0\t-\t-\n\
        same pair by ids\t0 of 1\t0.0\t0 of 1\t0.0\t-\t-\n\
        same site\t0 of 1\t0.0\t0 of 1\t0.0\t-\t-\n\
        site shares a 20-mer, same miRNA\t0 of 1\t0.0\t1 of 1\t100.0\t2\t1\n\
        site shares a 20-mer\t0 of 1\t0.0\t1 of 1\t100.0\t2\t1\n\
        same gene or site id\t1 of 1\t100.0\t0 of 1\t0.0\t3\t1\n\
        same miRNA\t0 of 1\t0.0\t1 of 1\t100.0\t2\t1\n\
        same family by seed 2-8\t0 of 1\t0.0\t1 of 1\t100.0\t2\t1\n\
        same family by name\t0 of 1\t0.0\t1 of 1\t100.0\t2\t1\n";
    assert_eq!(out, expected);
    let json: serde_json::Value = serde_json::from_str(&folder.read("c.json")).unwrap();
    assert_eq!(json[0]["leaks"][4]["shared"], "site_kmer_and_mirna");
    assert_eq!(json[0]["leaks"][4]["negatives"], serde_json::json!({"rows": 1, "of": 1}));
    assert_eq!(json[0]["leaks"][4]["first_lines"], serde_json::json!([2, 1]));
}

#[test]
fn one_file_between_its_splits() {
    let folder = Folder::new();
    let row = |site: &str, split: &str| format!("m\tUGAGGUAG\t.\t{site}\t1\t{split}\n");
    folder.write(
        "s.tsv",
        format!("{HEADER}{}{}{}", row("ACGU", "test"), row("ACGU", "train"), row("ACGG", "val")),
    );
    let (out, _) = folder.run(0, "data check s.tsv");
    let heads: Vec<&str> = out.lines().filter(|line| line.starts_with('#')).collect();
    let pairs: Vec<_> = heads.chunks(2).map(|two| (two[0], two[1])).collect();
    let expected = [
        ("# learned=s.tsv train (1 rows)", "# tested=s.tsv val (1 rows)"),
        ("# learned=s.tsv train (1 rows)", "# tested=s.tsv test (1 rows)"),
        ("# learned=s.tsv val (1 rows)", "# tested=s.tsv test (1 rows)"),
    ];
    assert_eq!(pairs, expected);
    let same: Vec<&str> = out.lines().filter(|line| line.starts_with("same pair\t")).collect();
    assert_eq!(same[1], "same pair\t1 of 1\t100.0\t2\t3", "the lines are the file's");
    folder.run(2, "data check s.tsv s.tsv --format mitar,clash,mitar");
    folder.write("one.tsv", format!("{HEADER}{}", row("ACGU", "train")));
    let (_, err) = folder.run(1, "data check one.tsv");
    assert_eq!(err, "mirscope: one.tsv: expected a second file, or rows of two splits in this one\n");
}

/// Expected counts are those of an independent script over the same file.
#[test]
fn leaks_between_the_splits_of_the_real_sites() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/miraw/sites.tsv"));
    if !path.exists() {
        eprintln!("skipped: miraw/sites.tsv is not here");
        return;
    }
    let rows = read_labelled(path, None).unwrap();
    let of =
        |split: Split| -> Vec<Pair> { rows.iter().filter(|row| row.split == Some(split)).cloned().collect() };
    let leaks = check(&of(Split::Train), &of(Split::Test));
    let counts = |shared: Shared| {
        let leak = leaks.iter().find(|leak| leak.shared == shared).unwrap();
        (leak.positives.rows, leak.positives.of, leak.negatives.rows, leak.negatives.of)
    };
    assert_eq!(counts(Shared::Site), (2_150, 5_927, 266, 5_673));
    assert_eq!(counts(Shared::SiteKmer), (3_051, 5_927, 3_399, 5_673));
    assert_eq!(counts(Shared::SiteKmerAndMirna), (99, 5_927, 2_603, 5_673));
    assert_eq!(counts(Shared::Pair), (0, 5_927, 0, 5_673), "the file's pairs are distinct");
}
