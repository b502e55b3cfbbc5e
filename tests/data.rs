//! Reading pairs: every format as it is found in the wild, and what is said when it is wrong.

use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use mirscope::data::{
    Format, Grouping, KmerSet, Pair, PairingOptions, Split, Table, drop_leaks, drop_pairs, groups, hold_out,
    negatives, read_labelled, read_pairs, seed_match_start,
};
use mirscope::rna::text;
use tempfile::TempDir;

const TARGETNET: &str = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n\
    hsa-let-7a-5p\tUGAGGUAGUAGGUUGUAUAGUU\tENSG1\tCTACCTCA\t1\ttrain\n\
    hsa-miR-1-3p\tUGGAAUGUAAAGAAGUAUGUAU\t.\tacauucca\t0\ttest\n";

/// A file of these bytes, in a folder that lives as long as the first value.
fn file(bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn read(bytes: &[u8]) -> Vec<Pair> {
    let (_folder, path) = file(bytes);
    read_pairs(&path, None).unwrap()
}

/// What is said of these bytes, from the line number on.
fn complaint(bytes: &[u8], format: Option<Format>) -> String {
    let (_folder, path) = file(bytes);
    let message = read_labelled(&path, format).unwrap_err().to_string();
    message.strip_prefix(&format!("{}:", path.display())).expect("it names the file").to_owned()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

#[test]
fn targetnet() {
    let pairs = read(TARGETNET.as_bytes());
    assert_eq!(pairs.len(), 2);
    assert_eq!((pairs[0].mirna_id.as_str(), pairs[0].site_id.as_str()), ("hsa-let-7a-5p", "ENSG1"));
    assert_eq!(text(&pairs[0].mirna), "UGAGGUAGUAGGUUGUAUAGUU");
    assert_eq!((text(&pairs[0].site), text(&pairs[1].site)), ("CUACCUCA".into(), "ACAUUCCA".into()));
    assert_eq!((pairs[0].label, pairs[1].label), (Some(1.0), Some(0.0)));
    assert_eq!((pairs[0].split, pairs[1].split), (Some(Split::Train), Some(Split::Test)));
    assert!(pairs[0].is_positive() && pairs[1].is_negative());
}

#[test]
fn mirbench_in_any_order_with_columns_of_its_own() {
    let pairs = read(
        b"end\tlabel\tfeature\tnoncodingRNA_fam\tgene\tchr\tstrand\tstart\tnoncodingRNA\tgene_cluster_ID\n\
          60\t1\texon\tlet-7\tCTACCTCA\t13\t-\t11\tTGAGGTAG\t355\n\
          60\t0\t\t0\tCTACCTCA\t13\t-\t11\tTGGAATGT\t\n",
    );
    assert_eq!(pairs[0].site_id, "13:11-60:-");
    assert_eq!(pairs[0].mirna_id, "TGAGGTAG");
    assert_eq!(text(&pairs[0].mirna), "UGAGGUAG");
    assert_eq!((pairs[0].family.as_deref(), pairs[0].cluster.as_deref()), (Some("let-7"), Some("355")));
    assert_eq!((&pairs[1].family, &pairs[1].cluster, pairs[1].label), (&None, &None, Some(0.0)));
}

#[test]
fn clash_without_labels() {
    let pairs = read(b"gene\tmiRNA\nCTACCTCA\tTGAGGTAG\n");
    assert_eq!((pairs[0].label, pairs[0].split), (None, None));
    assert_eq!((text(&pairs[0].mirna), text(&pairs[0].site)), ("UGAGGUAG".into(), "CUACCUCA".into()));
}

#[test]
fn packed_in_two_members_with_crlf_and_no_final_line_end() {
    let crlf = TARGETNET.trim_end().replace('\n', "\r\n");
    let (first, second) = crlf.as_bytes().split_at(90);
    let packed = [gzip(first), gzip(second)].concat();
    assert_eq!(read(&packed), read(TARGETNET.as_bytes()));
    let (_folder, path) = file(&packed[..packed.len() - 12]);
    assert!(read_pairs(&path, None).is_err(), "a file cut short is no data");
}

#[test]
fn complaints_say_where_what_was_expected_and_what_was_found() {
    let of = |text: &str| complaint(text.as_bytes(), None);
    assert_eq!(
        of("a\tb\tlabel\n1\t2\t3\n"),
        "1: expected the columns 'mirna_id mirna_seq mrna_id mrna_seq' (targetnet) or 'noncodingRNA gene' (mirbench) \
         or 'miRNA gene' (clash) or 'miRNA EnsemblId mature_miRNA_Transcript mRNA_Site_Transcript' (miraw-sites) or \
         'miRNA EnsemblId Mature_mirna_transcript 3UTR_transcript' (miraw-genes), or a format without a header given \
         by name (mitar), found columns: a b label"
    );
    let named = complaint(b"miRNA\tgene\tlabel\n", Some(Format::MirBench));
    assert_eq!(named, "1: expected a column 'noncodingRNA', found columns: miRNA gene label");
    assert_eq!(of("miRNA\tgene\nA\tC\n"), "1: expected a column 'label', found columns: miRNA gene");
    let rows = |row: &str| of(&format!("miRNA\tgene\tlabel\nACGU\tACGU\t1\n{row}\n"));
    assert_eq!(rows("ACJU\tACGU\t1"), "3: expected a base at position 3 of miRNA 'ACJU', found 'J'");
    assert_eq!(rows("ACGU\tACG-\t1"), "3: expected a base at position 4 of site 'ACG-', found '-'");
    assert_eq!(rows("ACGU\t\t1"), "3: expected the sequence of site '', found nothing");
    assert_eq!(rows("ACGU\tACGU\t2"), "3: expected label 0 or 1, found '2'");
    assert_eq!(rows("ACGU\tACGU\t"), "3: expected label 0 or 1, found ''");
    assert_eq!(rows("ACGU\tACGU"), "3: expected 3 fields as in the header, found 2");
    let split = TARGETNET.replace("\ttest", "\tTest");
    assert_eq!(of(&split), "3: expected split train, val or test, found 'Test'");
    let message = read_pairs(Path::new("no/such.tsv"), None).unwrap_err().to_string();
    assert!(message.starts_with("no/such.tsv: "), "{message}");
    assert!("mirbnch".parse::<Format>().is_err());
}

/// What `predict` does: the input's columns as they stand, and one more.
#[test]
fn a_table_echoes_its_fields() {
    let input = "x\tgene\tnote\n1\tacgT\t \"a\" \n2\tACGU\t\n";
    let (_folder, path) = file(input.as_bytes());
    let mut table = Table::open(&path).unwrap();
    let gene = table.column("gene").unwrap();
    let mut echo = table.header().join("\t") + "\tlength\n";
    while let Some(row) = table.next_row().unwrap() {
        echo += &format!("{}\t{}\n", row.fields.join("\t"), row.fields[gene].len());
    }
    assert_eq!(echo, "x\tgene\tnote\tlength\n1\tacgT\t \"a\" \t4\n2\tACGU\t\t4\n");
}

/// The public data beside the checkout, if it is there.
fn real(name: &str) -> Option<Vec<Pair>> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not here");
        return None;
    }
    Some(read_labelled(&path, None).unwrap())
}

#[test]
fn real_files_have_the_rows_their_authors_count() {
    for (name, rows, positives) in [
        ("miraw/sites.tsv", 59_990, 30_742),
        ("mirbench/AGO2_CLASH_Hejret2023_train.tsv", 8_193, 4_084),
        ("mirbench/AGO2_CLASH_Hejret2023_test.tsv", 965, 495),
        ("clash/train_set_1_1_CLASH2013_paper.tsv", 30_784, 15_392),
        ("clash/test_set_1_10_CLASH2013_paper.tsv", 22_000, 2_000),
        ("miraw/gene_test0.tsv", 1_096, 548),
    ] {
        let Some(pairs) = real(name) else { continue };
        assert_eq!(pairs.len(), rows, "{name}");
        assert_eq!(pairs.iter().filter(|pair| pair.is_positive()).count(), positives, "{name}");
    }
}

/// Every site of a file that is only for testing.
fn test_sites() -> Option<KmerSet> {
    let mut sites = real("miraw/sites.tsv")?;
    sites.retain(|pair| pair.split == Some(Split::Test));
    for name in [
        "mirbench/AGO2_CLASH_Hejret2023_test.tsv",
        "clash/test_set_1_1_CLASH2013_paper.tsv",
        "clash/test_set_1_10_CLASH2013_paper.tsv",
    ] {
        sites.extend(real(name)?);
    }
    Some(KmerSet::of_sites(&sites))
}

/// The counts were made by an independent script over the same files.
#[test]
fn rows_that_share_a_20_mer_with_a_test_site_are_dropped() {
    let Some(test) = test_sites() else { return };
    for (name, split, kept, positives) in [
        ("mirbench/AGO2_CLASH_Hejret2023_train.tsv", None, 6_859, 3_401),
        ("clash/train_set_1_1_CLASH2013_paper.tsv", None, 6_691, 3_546),
        ("miraw/sites.tsv", Some(Split::Train), 25_986, 12_672),
    ] {
        let Some(mut pairs) = real(name) else { return };
        pairs.retain(|pair| pair.split == split);
        let before = pairs.len();
        let (left, dropped) = drop_leaks(pairs, &test);
        assert_eq!((left.len(), dropped), (kept, before - kept), "{name}");
        assert_eq!(left.iter().filter(|pair| pair.is_positive()).count(), positives, "{name}");
    }
}

#[test]
fn gene_level_test_pairs_are_dropped_by_their_ids() {
    let (Some(mut pairs), Some(genes)) = (real("miraw/sites.tsv"), real("miraw/gene_test0.tsv")) else {
        return;
    };
    pairs.retain(|pair| pair.split == Some(Split::Train));
    let (left, dropped) = drop_pairs(pairs.clone(), &genes);
    assert!((1..40).contains(&dropped), "about ten a file, {dropped} were found");
    assert_eq!(left.len() + dropped, pairs.len());
    assert_eq!(drop_pairs(left, &genes).1, 0);
    assert_eq!(drop_pairs(pairs.clone(), &[]).1, 0);
    pairs.retain(|pair| pair.site_id == ".");
    assert!(!pairs.is_empty());
    assert_eq!(drop_pairs(pairs.clone(), &pairs).1, 0, "an unknown gene is not one gene");
}

/// On a real set with hubs and families, every positive's miRNA and site get their negative.
#[test]
fn real_positives_are_all_re_paired() {
    let Some(mut positives) = real("mirbench/AGO2_CLASH_Hejret2023_train.tsv") else { return };
    positives.retain(Pair::is_positive);
    let made = negatives(&positives, &[], PairingOptions::default());
    assert_eq!((made.pairs.len(), made.unplaced.len()), (4_084, 0));
    for key in [|pair: &Pair| text(&pair.mirna), |pair: &Pair| text(&pair.site)] {
        let sorted = |pairs: &[Pair]| -> Vec<String> {
            let mut keys: Vec<String> = pairs.iter().map(key).collect();
            keys.sort();
            keys
        };
        assert!(sorted(&made.pairs) == sorted(&positives), "the counts changed");
    }
    let seeded = made.pairs.iter().filter(|pair| seed_match_start(&pair.mirna, &pair.site).is_some()).count();
    assert!(seeded > 20, "by chance alone 45 windows of 50 nt hold a 6-mer in 1%, {seeded} were found");
}

#[test]
fn real_rows_are_held_out_in_whole_clusters() {
    let Some(pairs) = real("mirbench/AGO2_CLASH_Hejret2023_train.tsv") else { return };
    let (train, validation) = hold_out(pairs, Grouping::Sites, 0.1, 1).unwrap();
    assert_eq!((train.len(), validation.len()), (7_374, 819));
    assert_eq!(drop_leaks(validation, &KmerSet::of_sites(&train)).1, 0);
    let folds = groups(&train, Grouping::Families);
    assert!(folds.into_iter().max().is_some_and(|last| last > 100));
}
