//! `convert`: every format to pairs and back, what is left out, and what is said of it.

#[allow(dead_code)] // its tables and transcripts are for scanning
mod common;

use common::Folder;

const LET7: &str = "UGAGGUAGUAGGUUGUAUAGUU";
const SITE: &str = "UCGAUACCUCUGGCAAGAGGAUGAUUAUCUACCUCACUGA";
const HEADER: &str = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n";

#[test]
fn pairs_go_round_unchanged() {
    let folder = Folder::new();
    let pairs = format!(
        "{HEADER}hsa-let-7a-5p\t{LET7}\t13:11-50:-\t{SITE}\t1\t.\n{LET7}\t{LET7}\t.\t{SITE}\t0\t.\nm\tACGU\t.\tN\t.\t.\n"
    );
    folder.write("p.tsv", &pairs);
    assert_eq!(folder.run(0, "convert p.tsv").0, pairs);
    let (_, err) = folder.run(0, "convert p.tsv --to mirbench -o m.tsv.gz");
    assert_eq!(err, "mirscope: p.tsv (targetnet): 3 pairs written\nmirscope: 1 pairs have both labels\n");
    assert_eq!(std::fs::read(folder.path("m.tsv.gz")).unwrap()[..2], [0x1f, 0x8b], "gzip by name");
    let (out, err) = folder.run(0, "convert m.tsv.gz");
    assert_eq!(out, pairs);
    assert!(err.starts_with("mirscope: m.tsv.gz (mirbench): 3 pairs written\n"), "{err}");
    let (out, _) = folder.run_with(0, "convert - --quiet", std::fs::read(folder.path("m.tsv.gz")).unwrap());
    assert_eq!(out, pairs);
}

#[test]
fn what_a_table_has_no_column_for_is_told() {
    let folder = Folder::new();
    folder.write("p.tsv", format!("{HEADER}m\t{LET7}\tENSG1\t{SITE}\t1\ttrain\n"));
    let (out, err) = folder.run(0, "convert p.tsv --to mirbench");
    assert!(out.ends_with("\tTGAGGTAGTAGGTTGTATAGTT\tm\t.\t.\t1\t.\t.\t.\t.\t.\n"), "{out}");
    assert!(
        err.contains("1 pairs lost their split, or an id that is no place, for which mirbench has no column")
    );
    folder.write("b.tsv", "gene\tnoncodingRNA\tnoncodingRNA_fam\nACGT\tACGT\tlet-7\n");
    let (_, err) = folder.run(0, "convert b.tsv");
    assert!(
        err.contains("1 pairs lost the file's own cluster or family, for which targetnet has no column"),
        "{err}"
    );
}

#[test]
fn several_files_one_split_and_repeats() {
    let folder = Folder::new();
    folder
        .write("t.txt", format!(">UUGAUAUGUUGGAUGAUGGAGU\t>{SITE}\t1\n>UUGAUAUGUUGGAUGAUGGAGU\t>ACGU\t0\n"));
    folder.write("c.tsv", format!("miRNA\tgene\tlabel\n{LET7}\t{SITE}\t1\n{LET7}\tACGT\t1\n"));
    let (out, err) = folder.run(0, "convert t.txt c.tsv --split val");
    assert_eq!(out.lines().count(), 5);
    assert!(out.lines().skip(1).all(|line| line.ends_with("\tval")), "{out}");
    assert_eq!(
        err,
        "mirscope: t.txt (tec-mitarget): 2 pairs written\nmirscope: c.tsv (clash): 2 pairs written\n\
         mirscope: 1 kept: they repeat miRNA, site and label of an earlier row\nmirscope: 1 pairs have both labels\n"
    );
    let (out, err) = folder.run(0, "convert t.txt c.tsv --distinct");
    assert_eq!(out.lines().count(), 4);
    assert!(err.contains("1 left out: they repeat"), "{err}");
}

#[test]
fn rows_that_cannot_be_used_end_it_or_are_counted() {
    let folder = Folder::new();
    let rows = [
        "miRNA\tgene_name\tEnsemblId\tPositive_Negative\tMature_mirna_transcript\t3UTR_transcript".to_owned(),
        format!("m\tA\tENSG1\t1\t{LET7}\tSequence unavailable"),
        format!("m\tA\tENSG2\t0.0\t{LET7}\tACGTACGT"),
        "m\tA\tENSG3\t0\tNaN\tACGTACGT".into(),
        format!("m\tA\tENSG4\t0\t{LET7}\tACGTJ"),
        format!("m\tA\tENSG5\t1\t{LET7}\tNaN"),
    ];
    folder.write("g.csv", rows.join("\n"));
    let (_, err) = folder.run(1, "convert g.csv -o p.tsv");
    assert_eq!(
        err,
        "mirscope: g.csv:2: expected the sequence of site 'ENSG1', found 'Sequence unavailable'\n"
    );
    assert_eq!(folder.names(), ["g.csv"], "no half-written table");
    let (out, err) = folder.run(0, "convert g.csv --lenient");
    assert_eq!(out, format!("{HEADER}m\t{LET7}\tENSG2\tACGUACGU\t0\t.\n"));
    assert_eq!(
        err,
        "mirscope: g.csv (miraw-genes): 1 pairs written\n\
         mirscope: 1 left out: a sequence with letters that are no bases (first in line 5)\n\
         mirscope: 1 left out: no miRNA sequence (first in line 4)\n\
         mirscope: 2 left out: no site sequence (first in line 2)\n"
    );
}

#[test]
fn predictions_become_funmirbenchs() {
    let folder = Folder::new();
    folder.write("g.tsv", "# mirscope=0\nmirna_id\ttarget_id\tprobability\nm\tENSG1\t0.25\nm\tENSG2\tNA\n");
    let (out, err) = folder.run(0, "convert g.tsv --to funmirbench");
    assert_eq!(out, "Ensembl_ID\tGene_Name\tmiRNA_ID\tmiRNA_Name\tScore\nENSG1\t\t\tm\t0.25\n");
    assert_eq!(err, "mirscope: g.tsv: 1 predictions written\nmirscope: 1 left out: no score\n");
}

#[test]
fn experiments_become_fold_changes() {
    let folder = Folder::new();
    folder.write("m.fa", ">hsa-miR-1-3p\nUGGAAUGUAAAGAAGUAUGUAU\n>hsa-miR-124-3p\nUAAGGCACGCGGUGAAUGCC\n");
    folder.write("oe.tsv", "logFC\tlogCPM\tF\tPValue\tFDR\nENSG1\t-3.5\t7.9\t1\t0\t0.25\n");
    folder.write("ko.tsv", "\tlog2FoldChange\tpadj\nENSG1\t1.5\tNA\nENSG2\tNA\tNA\n");
    folder.write(
        "r.tsv",
        "id\tmirna_name\torganism\texperiment_type\tde_table_path\n\
         A\thsa-miR-1-3p\tHomo sapiens\tOverexpression\toe.tsv\nB\thsa-miR-124-3p\tHomo sapiens\tKnockout\tko.tsv\n",
    );
    let (out, err) = folder.run(0, "convert r.tsv --to fold-changes --mirna m.fa");
    assert_eq!(
        out,
        "experiment\tmirna_id\tmirna_seq\ttreatment\tmrna_id\tlog2_fold_change\tfdr\n\
         A\thsa-miR-1-3p\tUGGAAUGUAAAGAAGUAUGUAU\toverexpression\tENSG1\t-3.5\t0.25\n\
         B\thsa-miR-124-3p\tUAAGGCACGCGGUGAAUGCC\tknockout\tENSG1\t1.5\tNA\n"
    );
    assert_eq!(
        err,
        "mirscope: A: 1 genes written\nmirscope: B: 1 genes written\n\
         mirscope: 1 left out: no fold change (first in line 3)\n"
    );
    folder.write("fc.tsv", &out);
    let rows = mirscope::data::read_fold_changes(&folder.path("fc.tsv")).unwrap();
    assert_eq!(rows.iter().map(|row| row.effect()).collect::<Vec<_>>(), [-3.5, -1.5]);
    folder.write(
        "lost.tsv",
        "id\tmirna_name\texperiment_type\tde_table_path\nA\thsa-miR-1-3p\tKnockout\tno.tsv\n",
    );
    let (_, err) = folder.run(1, "convert lost.tsv --to fold-changes --mirna m.fa -o out.tsv");
    assert_eq!(
        err,
        "mirscope: lost.tsv:2: expected a file from this folder or the one above, found no 'no.tsv'\n"
    );
    assert!(!folder.names().contains(&"out.tsv".to_owned()));
}

#[test]
fn wrong_usage_is_told() {
    let folder = Folder::new();
    folder.write("p.tsv", HEADER);
    for usage in [
        "convert",
        "convert p.tsv --from nothing",
        "convert p.tsv --to clash",
        "convert p.tsv --split other",
        "convert p.tsv -o p.tsv",
        "convert p.tsv --to funmirbench --distinct",
        "convert p.tsv --to fold-changes",
        "convert p.tsv --mirna p.tsv",
    ] {
        let (_, err) = folder.run(2, usage);
        assert!(!err.is_empty(), "{usage}");
    }
}
