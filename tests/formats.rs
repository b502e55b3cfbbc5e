//! The formats of the public data sets, each read back to what it says 5'->3'.
//!
//! One pair stands in all of them: let-7a-5p and a site of ENSG00000090857, as miRAW has it and as miTAR and TEC-miTarget
//! took it over. Rows are as in the published files.

use std::path::PathBuf;

use mirscope::data::{Format, Pair, read_labelled, read_pairs};
use mirscope::rna::{SeedType, text};
use tempfile::TempDir;

const LET7: &str = "UGAGGUAGUAGGUUGUAUAGUU";
const SITE: &str = "UCGAUACCUCUGGCAAGAGGAUGAUUAUCUACCUCACUGA";
const GENE: &str = "ENSG00000090857";

/// miRAW's bits of a sequence, filled up to `length` bases.
fn bits(sequence: &str, length: usize) -> String {
    let of = |base| match base {
        'C' => "1,0,0,0",
        'A' => "0,1,0,0",
        'G' => "0,0,1,0",
        'U' => "0,0,0,1",
        _ => "0,0,0,0",
    };
    format!("{sequence:-<length$}").chars().map(of).collect::<Vec<_>>().join(",")
}

fn bits_row(label: &str, mirna: &str, site: &str, ids: &str) -> String {
    let backwards: String = site.chars().rev().collect();
    format!("{label},{},{},{ids}\n", bits(mirna, 30), bits(&backwards, 40))
}

/// A file of this text, in a folder that lives as long as the first value.
fn file(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn read(text: &str, format: Option<Format>) -> Vec<Pair> {
    let (_folder, path) = file(text);
    read_labelled(&path, format).unwrap()
}

fn complaint(text: &str, format: Option<Format>) -> String {
    let (_folder, path) = file(text);
    let error = read_pairs(&path, format).unwrap_err().to_string();
    error.strip_prefix(&format!("{}:", path.display())).expect("it names the file").to_owned()
}

/// Ids, sequences and label.
fn told(pair: &Pair) -> (String, String, String, String, Option<f32>) {
    (pair.mirna_id.clone(), text(&pair.mirna), pair.site_id.clone(), text(&pair.site), pair.label)
}

fn expected(mirna_id: &str, gene: &str) -> (String, String, String, String, Option<f32>) {
    (mirna_id.into(), LET7.into(), gene.into(), SITE.into(), Some(1.0))
}

#[test]
fn every_format_says_the_same_pair() {
    let dna = SITE.replace('U', "T");
    let name = "hsa-let-7a-5p";
    let files = [
        (Format::MirawBits, bits_row("1", LET7, SITE, &format!("{GENE},{name}")), name, GENE),
        (Format::MirawBits, bits_row("1.0", LET7, SITE, "NaN,NaN"), LET7, "."),
        (
            Format::MirawSites,
            format!(
                "validation\tx\tmRNA_Site_Transcript\tEnsemblId\tmiRNA\tmature_miRNA_Transcript\n\
                 1\t7\t{dna}LLL\t{GENE}\t{name}\t{LET7}\n"
            ),
            name,
            GENE,
        ),
        (
            Format::MirawGenes,
            format!(
                "3UTR_transcript\tPositive_Negative\tEnsemblId\tgene_name\tmiRNA\tMature_mirna_transcript\tmore\n\
                 {}\t1.0\t{GENE}\tG\t{name}\tugagguaguagguuguauaguu\t\n",
                dna.to_lowercase()
            ),
            name,
            GENE,
        ),
        (Format::MiTar, format!("{name}\tUUGAUAUGUUGGAUGAUGGAGU\t{GENE}\t{dna}\t1\n"), name, GENE),
        (Format::TecMiTarget, format!(">UUGAUAUGUUGGAUGAUGGAGU\t>{dna}\t1\n"), LET7, &dna),
        (
            Format::TargetNet,
            format!(
                "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n{name}\t{LET7}\tnan\t{dna}\t1\t.\n"
            ),
            name,
            ".",
        ),
    ];
    for (format, file, mirna_id, gene) in files {
        let pairs = read(&file, Some(format));
        assert_eq!(pairs.len(), 1, "{format:?}");
        assert_eq!(told(&pairs[0]), expected(mirna_id, gene), "{format:?}");
        let seed = SeedType::at(&pairs[0].mirna, &pairs[0].site, 34);
        assert_eq!(seed, SeedType::EightMer, "{format:?}: they pair antiparallel");
        assert_eq!(pairs[0].split, None);
        if format != Format::MiTar {
            assert_eq!(read(&file, None), pairs, "{format:?} is recognised");
        }
    }
}

#[test]
fn the_real_site_is_the_same() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data/miraw/sites.tsv");
    if !std::path::Path::new(path).exists() {
        eprintln!("skipped: miraw/sites.tsv is not here");
        return;
    }
    let pairs = read_pairs(path.as_ref(), None).unwrap();
    let of = expected("hsa-let-7a-5p", GENE);
    assert_eq!(pairs.iter().filter(|pair| told(pair) == of).count(), 1);
}

#[test]
fn mitar_is_only_read_by_name() {
    let row = format!("hsa-let-7a-5p\tUUGAUAUGUUGGAUGAUGGAGU\t{GENE}\t{SITE}\t1\n");
    let said = complaint(&row, None);
    assert!(
        said.contains("or a format without a header given by name (mitar), found columns: hsa-let-7a-5p"),
        "{said}"
    );
    let fasta = complaint(">hsa-let-7a-5p\nUGAGG\n", None);
    assert!(fasta.contains("found columns: >hsa-let-7a-5p"), "FASTA is no TEC-miTarget: {fasta}");
    assert_eq!("mitar".parse::<Format>().unwrap(), Format::MiTar);
}

/// `NA` and `NaN` are made of letters that are bases.
#[test]
fn an_absent_sequence_is_none() {
    let header = "miRNA\tEnsemblId\tMature_mirna_transcript\t3UTR_transcript\tPositive_Negative\n";
    for absent in ["NaN", "nan", "NA", "", ".", "Sequence unavailable", "sequence unavailable"] {
        let found = if absent.is_empty() { "nothing".into() } else { format!("'{absent}'") };
        let said = complaint(&format!("{header}m\tG\t{LET7}\t{absent}\t0\n"), None);
        assert_eq!(said, format!("2: expected the sequence of site 'G', found {found}"));
        let said = complaint(&format!("{header}m\tG\t{absent}\tACGU\t0\n"), None);
        assert_eq!(said, format!("2: expected the sequence of miRNA 'm', found {found}"));
    }
}

#[test]
fn bits_that_are_no_bases_are_told() {
    let row = |mirna: &str, site: &str| bits_row("0", mirna, site, "NaN,m");
    let said = complaint(&row("ACG-UU", SITE), None);
    assert_eq!(said, "1: expected padding at the ends of the miRNA only, found it inside");
    assert_eq!(complaint(&row(LET7, ""), None), "1: expected the bits of a site, found padding alone");
    let two = row(LET7, SITE).replacen("0,0,0,1", "0,0,1,1", 1);
    assert_eq!(complaint(&two, None), "1: expected one bit of four, or none, for each base of the miRNA");
    let short = row(LET7, SITE).replacen("0,", "", 1);
    assert_eq!(
        complaint(&short, Some(Format::MirawBits)),
        "1: expected 283 values between commas, found 282"
    );
    let short_site = read(&row("UGAGGUAG", "CUACCUCA"), None);
    assert_eq!(text(&short_site[0].site), "CUACCUCA");
}

#[test]
fn rows_without_a_header_are_checked() {
    let said = complaint(&format!("m\t{LET7}\tG\t{SITE}\n"), Some(Format::MiTar));
    assert_eq!(said, "1: expected 5 fields (miRNA id, miRNA 3'->5', gene, site, label), found 4");
    let said = complaint(&format!(">{LET7}\t>{SITE}\t1\n>{LET7}\t{SITE}\t1\n"), None);
    assert!(
        said.starts_with("2: expected '>miRNA 3'->5'', '>site' and a label between TABs, found '>UGAG"),
        "{said}"
    );
    let (_folder, path) = file(&format!(">{LET7}\t>{SITE}\n"));
    assert_eq!(read_pairs(&path, None).unwrap()[0].label, None);
    let said = read_labelled(&path, None).unwrap_err().to_string();
    assert!(said.ends_with(":1: expected label 0 or 1, found none"), "{said}");
}
