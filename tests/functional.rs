//! The public fold changes, judged by what needs no model. Expected figures are those of an independent script over the
//! same files with scipy and scikit-learn.

#[allow(dead_code)] // its tables and miRNAs are for scanning
mod common;

use std::path::{Path, PathBuf};

use common::{Folder, transcript};
use mirscope::data::{FoldChange, read_fold_changes};
use mirscope::eval::{Functional, Utrs, seed_efficacies, utr_lengths};
use mirscope::rna::Reader;

fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/data")).join(name);
    if !path.exists() {
        eprintln!("skipped: {name} is not here");
        return None;
    }
    Some(path)
}

fn real() -> Option<(Vec<FoldChange>, Utrs)> {
    let rows = read_fold_changes(&shared("functional/fold_changes.tsv")?).unwrap();
    let (utrs, _) = Reader::read_all(shared("transcripts/utr3.fa")?.to_str().unwrap()).unwrap();
    Some((rows, utrs.into_iter().map(|record| (record.id, record.sequence)).collect()))
}

fn close(got: Option<f64>, expected: f64) {
    let got = got.expect("it is defined");
    assert!((got - expected).abs() < 1e-9, "{got} is not {expected}");
}

#[test]
fn seed_sites_and_length_order_real_fold_changes_as_known() {
    let Some((rows, utrs)) = real() else { return };
    assert_eq!(rows.len(), 103_833);
    let seeds = Functional::new(&rows, &seed_efficacies(&rows, &utrs), 1000, 0).unwrap();
    let lengths = Functional::new(&rows, &utr_lengths(&rows, &utrs), 1000, 0).unwrap();
    assert_eq!((seeds.experiments.len(), seeds.unscored, lengths.unscored), (28, 0, 0));
    close(seeds.spearman.value, 0.117276867465215);
    close(seeds.auroc.value, 0.6404698260258642);
    close(lengths.spearman.value, 0.04692195014685795);
    close(lengths.auroc.value, 0.5605550608252613);
    let judged = |test: &Functional| test.experiments.iter().filter(|one| one.auroc.is_some()).count();
    assert_eq!((judged(&seeds), judged(&lengths)), (25, 25), "three have fewer than ten repressed genes");
    for (one, other) in [(seeds.spearman, 0.1172), (seeds.auroc, 0.6404)] {
        let interval = one.interval.unwrap();
        assert!(interval.low < other && other < interval.high, "{interval:?}");
    }
    println!("{seeds}{lengths}");
}

/// Genes of which no 3'UTR is known are no zero.
#[test]
fn a_gene_without_a_3_utr_has_no_score() {
    let Some((rows, mut utrs)) = real() else { return };
    let gene = rows[0].gene.clone();
    let of_gene = rows.iter().filter(|row| row.gene == gene).count();
    utrs.insert(gene, vec![]);
    let test = Functional::new(&rows, &seed_efficacies(&rows, &utrs), 10, 0).unwrap();
    assert_eq!(test.unscored, of_gene);
    assert!(of_gene > 1);
}

#[test]
fn the_command_shows_anybodys_predictions_beside() {
    let folder = Folder::new();
    let row = |gene: &str, change: f64| {
        format!("E\thsa-let-7a-5p\tUGAGGUAGUAGGUUGUAUAGUU\toverexpression\t{gene}\t{change}\t0.01\n")
    };
    let genes = ["G1", "G2", "G3", "G4"];
    let changes: String =
        genes.into_iter().zip([-2.0, -1.0, 0.0, 1.0]).map(|(gene, of)| row(gene, of)).collect();
    folder.write("f.tsv", format!("{}{changes}", FoldChange::HEADER));
    let utr = |gene: &str| format!(">{gene}\n{}\n", transcript(60, 30));
    folder.write("u.fa", genes.map(utr).concat());
    folder.write(
        "p.tsv",
        "mirna\tgene_id\tscore\nhsa-let-7a-5p\tG1\t3\nhsa-let-7a-5p\tG2\t1\nhsa-let-7a-5p\tG3\t2\n",
    );
    let (out, _) =
        folder.run(0, "functional --data f.tsv --target u.fa --predictions p.tsv --device cpu --quiet");
    let (_, of_table) = out.split_once("\np.tsv\n").expect("it is named by its file");
    let expected =
        "4 miRNA-gene rows of 1 experiments, 1 without a score\nSpearman, score and repression\t0.500 [";
    assert!(of_table.starts_with(expected), "{out}");
}
