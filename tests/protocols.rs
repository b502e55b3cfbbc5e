//! The protocols by which models are judged, from outside: folds, whole 3'UTRs, fold changes.

#[allow(dead_code)] // its list of names is for other tests
mod common;

use common::{Folder, cells, transcript};

/// Small enough for seconds, large enough to learn what is planted.
const CONFIG: &str = r#"
name = "planted"
description = "generated"
seed = 3

[model]
site_len = 24
mirna_len = 22
width = 16
heads = 2
feed_forward = 32
layers = 1

[model.pairing]
channels = [8, 8]
kernels = [5, 3]
hidden = 8

[training]
epochs = 10
patience = 10
batch = 32
rate = 5e-3

[data.synthetic]
pairs = 2400
mirnas = 10
validation = 0.0
"#;

/// The first figures of the report's line that begins with `name`: AUROC, within a miRNA and within a gene.
fn aurocs(report: &str, name: &str) -> [f64; 3] {
    let line = report.lines().skip_while(|line| !line.contains("within miRNA"));
    let line = line.skip(1).find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("{name}: {report}"));
    let figures = line.split("  ").filter(|cell| cell.contains('[')).map(|cell| cell.trim());
    let figures: Vec<f64> = figures.map(|cell| cell.split(' ').next().unwrap().parse().unwrap()).collect();
    [figures[1], figures[2], figures[3]]
}

#[test]
fn folds_are_tested_by_networks_that_did_not_see_them_and_a_stopped_run_goes_on() {
    let folder = Folder::new();
    folder.write("cv.toml", CONFIG);
    let line = "crossval --config cv.toml --folds 2 --split site --out runs --resamples 20";
    let (report, said) = folder.run(0, line);
    assert!(said.contains("seed 3, both sequences, fold 2 of 2"), "{said}");
    assert!(aurocs(&report, "planted, both sequences")[0] > 0.75, "what is planted is learned: {report}");
    assert_eq!(aurocs(&report, "seed rule"), [1.0; 3]);

    std::fs::remove_dir_all(folder.path("runs/seed-3/both/fold-2")).unwrap();
    let (again, said) = folder.run(0, line);
    assert!(again == report, "the fold that was lost is the same again");
    assert!(said.contains("both sequences, fold 2") && !said.contains("fold 1"), "{said}");
    let other = folder.run(1, &format!("{line} --set training.epochs=1")).1;
    assert!(other.contains("tested.tsv: is of another configuration or other data"), "{other}");
}

/// Each site stands once with its miRNA and once with another, on one side of every split.
#[test]
fn a_network_shown_one_half_cannot_tell_rows_that_share_it() {
    let folder = Folder::new();
    folder.write("cv.toml", CONFIG);
    let line =
        "crossval --config cv.toml --folds 2 --split site --masked --seeds 2 --out runs --resamples 20";
    let (report, _) = folder.run(0, &format!("{line} --set training.epochs=1"));
    let of_seeds: Vec<&str> = report.split("# config").skip(1).collect();
    assert_eq!(of_seeds.len(), 2, "{report}");
    for report in of_seeds {
        assert_eq!(aurocs(report, "planted, the miRNA only")[1], 0.5, "{report}");
        assert_eq!(aurocs(report, "planted, the site only")[2], 0.5, "{report}");
        assert_ne!(aurocs(report, "planted, both sequences")[1], 0.5, "{report}");
        assert_eq!(aurocs(report, "miRNA only")[1], 0.5, "{report}");
    }
}

/// Two files that share a pair, with sites of let-7a.
fn genes(folder: &Folder) {
    let header = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n";
    let row = |id: &str, length: usize, at: usize, label: u8| {
        format!("let-7a\tUGAGGUAGUAGGUUGUAUAGUU\t{id}\t{}\t{label}\n", transcript(length, at))
    };
    let shared = row("g1", 300, 120, 1);
    folder.write("a.tsv", format!("{header}{shared}{}", row("g2", 200, 90, 0)));
    folder.write("b.tsv", format!("{header}{shared}{}", row("g3", 12, 1, 0)));
}

#[test]
fn a_genes_score_is_that_of_its_best_windows() {
    let folder = Folder::new();
    genes(&folder);
    let utr = transcript(300, 120);
    let rows: String =
        (0..=250).map(|at| format!("UGAGGUAGUAGGUUGUAUAGUU\t{}\n", &utr[at..at + 50])).collect();
    folder.write("windows.tsv", format!("miRNA\tgene\n{rows}"));
    let (table, _) = folder.run(0, "predict --pairs windows.tsv");
    let mut windows: Vec<(f32, usize)> =
        cells(&table).iter().enumerate().map(|(at, row)| (row[2].parse().unwrap(), at)).collect();
    windows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut sites: Vec<(f32, usize)> = vec![];
    for (p, at) in windows {
        if sites.iter().all(|(_, other)| at.abs_diff(*other) >= 25) {
            sites.push((p, at));
        }
    }
    let score = |flags: &str| -> Vec<f32> {
        folder.run(
            0,
            &format!("evaluate --level gene --data a.tsv b.tsv --predictions p.tsv --resamples 5 {flags}"),
        );
        cells(&format!("#\n{}", folder.read("p.tsv"))).iter().map(|row| row[3].parse().unwrap()).collect()
    };
    let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-4, "{a} is not {b}");
    let best = score("--candidates all --stride 1");
    assert_eq!(best.len(), 3, "a pair of both files counts once");
    close(best[0], sites[0].0);
    close(score("--candidates all --stride 1 --sites 3")[0], sites[2].0);
    assert_eq!(best[2], 0.0, "a transcript too short for a site has no score above 0");
    assert!(score("--candidates targetnet")[0] <= best[0] + 1e-6);
}

#[test]
fn each_file_and_all_pairs_are_reported_beside_shortcuts_and_probes() {
    let folder = Folder::new();
    genes(&folder);
    let line = "evaluate --level gene --data a.tsv b.tsv --probes --shortcuts-from a.tsv --resamples 5";
    let (report, said) = folder.run(0, line);
    assert!(report.contains("# level=gene candidates=canonical sites=1"), "{report}");
    assert!(report.contains("each file by itself") && report.contains("3 rows, 1 positive"), "{report}");
    for name in ["default, sites shuffled", "default, miRNAs exchanged", "miRNA only: accuracy", "seed rule"]
    {
        assert!(report.contains(name), "{name}: {report}");
    }
    assert!(said.contains("3 pairs kept their miRNA") && said.contains("of the calls stay"), "{said}");
    assert!(said.contains("3 asked: ok 2, no_candidate 0, short 1"), "{said}");
}

#[test]
fn fold_changes_judge_gene_scores() {
    let folder = Folder::new();
    let mut utrs = String::new();
    let mut rows =
        String::from("experiment\tmirna_id\tmirna_seq\ttreatment\tmrna_id\tlog2_fold_change\tlog_cpm\tfdr\n");
    for gene in 0..40 {
        let targeted = gene % 3 == 0;
        let utr = if targeted { transcript(200, 100) } else { "GGGACA".repeat(30 + gene) };
        utrs += &format!(">g{gene}\n{utr}\n");
        let change = if targeted { -1.0 } else { 0.1 } + gene as f64 / 1000.0;
        rows += &format!("e\tlet-7a\tUGAGGUAGUAGGUUGUAUAGUU\toverexpression\tg{gene}\t{change}\t5\t0.001\n");
    }
    rows += "e\tlet-7a\tUGAGGUAGUAGGUUGUAUAGUU\toverexpression\tunknown\t0.5\t5\t0.001\n";
    folder.write("utr.fa", utrs);
    folder.write("changes.tsv", rows);
    let (report, _) =
        folder.run(0, "functional --data changes.tsv --target utr.fa --resamples 5 --json f.json");
    assert!(report.contains("41 miRNA-gene rows of 1 experiments, 1 without a score"), "{report}");
    let json: serde_json::Value = serde_json::from_str(&folder.read("f.json")).unwrap();
    let auroc = |at: usize| json[at]["result"]["auroc"]["value"].as_f64().unwrap();
    assert_eq!((auroc(0), auroc(2)), (1.0, 1.0), "only targeted genes have sites");
    assert!(auroc(3) < 0.5, "and they are not the longer ones: {report}");

    let mut pairs = String::from("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n");
    for row in 0..40 {
        let site = transcript(50 + row, 20 + row % 3);
        pairs += &format!("let-7a\tUGAGGUAGUAGGUUGUAUAGUU\tx{row}\t{site}\t{}\n", row % 2);
    }
    folder.write("pairs.tsv", pairs);
    let line = "audit --data pairs.tsv --level gene --functional f.json --html a.html --resamples 5";
    let (text, _) = folder.run(0, line);
    assert!(text.contains("FOLD CHANGES") && text.contains("seed sites by type"), "{text}");
    let page = folder.read("a.html");
    assert!(page.contains("log2 fold change, negative is repression"), "the curves are drawn");
    folder.write("f.json", "[{}]");
    let (_, said) = folder.run(1, line);
    assert!(said.contains("f.json: expected what functional --json writes"), "{said}");
}
