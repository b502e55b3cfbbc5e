//! Pairs in all formats, and tables of scores and fold changes.

use super::{complaint, file, place, read, shown};
use mirscope::{
    Result,
    data::{
        Experiment, FUNMIRBENCH_HEADER, FoldChange, Format, Layout, LeftOut, Pair, PairReader, Treatment,
        check, read_experiments, read_fold_changes, read_labelled, read_pairs, read_predictions, read_scores,
    },
    rna::{parse, text},
};
use std::{collections::HashMap, path::Path};

/// The first recognises the format.
pub const FORMATS: [&str; 9] = [
    "",
    "targetnet",
    "mirbench",
    "clash",
    "miraw-sites",
    "miraw-genes",
    "miraw-bits",
    "mitar",
    "tec-mitarget",
];

/// Every row is kept or counted, and pairs that are converted read the same.
pub fn pairs(bytes: &[u8]) {
    let format: Option<Format> = FORMATS[bytes.len() % FORMATS.len()].parse().ok();
    let path = file("pairs.tsv", bytes);
    let Some((format, kept, left_out)) = read(lenient(&path, format), &path) else { return };
    let out: u64 = left_out.values().map(|(rows, _)| rows).sum();
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        assert_eq!(kept.len() as u64 + out, rows(bytes, format), "rows are kept or counted");
    }
    match read_pairs(&path, Some(format)) {
        Ok(all) => assert!(out == 0 && all == kept, "without a fault both ways of reading agree"),
        Err(error) => {
            let first = left_out.values().map(|(_, line)| line).min().expect("a fault was counted");
            assert!(error.to_string().starts_with(&format!("{}:{first}: ", shown(&path))), "{error}");
            complaint(&error, &path);
        }
    }
    kept.iter().for_each(of_bases);
    for layout in [Layout::TargetNet, Layout::MirBench] {
        written_again(layout, &kept);
    }
    let (learned, tested) = kept.split_at(kept.len() / 2);
    for leak in check(learned, tested) {
        let counts = [leak.positives, leak.negatives, leak.unlabelled];
        assert!(counts.iter().all(|count| count.rows <= count.of), "{leak:?}");
        assert_eq!(counts.iter().map(|count| count.of).sum::<usize>(), tested.len());
    }
}

fn lenient(path: &Path, format: Option<Format>) -> Result<(Format, Vec<Pair>, LeftOut)> {
    let mut reader = PairReader::open(path, format)?;
    let (mut kept, mut left_out) = (vec![], LeftOut::new());
    while let Some((_, pair)) = reader.next_pair(Some(&mut left_out))? {
        kept.push(pair);
    }
    Ok((reader.format(), kept, left_out))
}

/// Lines that are not empty, without notes before the first row and without a header.
fn rows(bytes: &[u8], format: Format) -> u64 {
    let lines = bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let lines = lines.filter(|line| !line.is_empty());
    let unmarked = |line: &&[u8]| {
        let text = std::str::from_utf8(line).expect("it was read");
        text.trim_start_matches('\u{feff}').starts_with("# ")
    };
    let headless = matches!(format, Format::MirawBits | Format::MiTar | Format::TecMiTarget);
    lines.skip_while(unmarked).count() as u64 - u64::from(!headless)
}

fn of_bases(pair: &Pair) {
    for sequence in [text(&pair.mirna), text(&pair.site)] {
        assert!(!sequence.is_empty() && sequence.chars().all(|base| "ACGUN".contains(base)), "{sequence}");
    }
    assert!(matches!(pair.label, None | Some(0.0 | 1.0)), "{:?}", pair.label);
}

/// All but what the layout says it loses.
fn written_again(layout: Layout, pairs: &[Pair]) {
    let mut table = layout.header().to_string();
    pairs.iter().for_each(|pair| table += &layout.row(pair));
    let again = read_pairs(&file("again.tsv", table), None).expect("what was written can be read");
    assert_eq!(again.len(), pairs.len());
    for (before, mut after) in pairs.iter().zip(again) {
        if layout == Layout::TargetNet {
            (after.cluster, after.family) = (before.cluster.clone(), before.family.clone());
        } else if layout.loses(before) {
            (after.split, after.site_id) = (before.split, before.site_id.clone());
        }
        assert_eq!(*before, after);
    }
}

/// Fold changes, predictions, and a column of scores beside two pairs: whichever the bytes are.
pub fn scores(bytes: &[u8]) {
    let path = file("scores.tsv", bytes);
    if let Some(rows) = read(read_fold_changes(&path), &path) {
        fold_changes_again(&rows);
    }
    if let Some(predictions) = read(read_predictions(&path), &path) {
        let rows: Vec<String> = predictions.iter().filter_map(|one| one.funmirbench_row()).collect();
        let again = file("again.tsv", FUNMIRBENCH_HEADER.to_string() + &rows.concat());
        let again = read_predictions(&again).expect("what was written can be read");
        assert!(again.iter().eq(predictions.iter().filter(|one| one.score.is_some())));
    }
    let table = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\na\tAAAA\tg1\tACGU\t1\nb\tCCCC\tg1\tGGGG\t0\n";
    let pairs = read_labelled(&file("two.tsv", table), None).expect("it is a table of pairs");
    if let Some(joined) = read(read_scores(&path, "p", &pairs, Some(0.0)), &path) {
        assert!(joined.scores.len() == pairs.len() && joined.scores.iter().all(|score| !score.is_nan()));
        assert!(joined.missing <= pairs.len());
    }
}

fn fold_changes_again(rows: &[FoldChange]) {
    let mut table = FoldChange::HEADER.to_string();
    rows.iter().for_each(|row| table += &row.row());
    let again = read_fold_changes(&file("again.tsv", table)).expect("what was written can be read");
    assert_eq!(rows, again);
}

/// A registry and an experiment's table, a NUL between them; without one, a table.
pub fn experiments(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |&byte| byte == 0);
    let (registry, table) = match (parts.next(), parts.next()) {
        (Some(registry), Some(table)) => (Some(registry), table),
        _ => (None, bytes),
    };
    let table = file("table.tsv", table);
    let mirna = parse(b"UGAGGUAG").expect("bases");
    if let Some(registry) = registry {
        let mirnas = HashMap::from([("m".to_string(), mirna.clone())]);
        let path = file("registry.tsv", registry);
        for experiment in read(read_experiments(&path, &mirnas), &path).unwrap_or_default() {
            assert!(experiment.table.is_file() && mirnas.contains_key(&experiment.mirna_id));
        }
    }
    let (id, mirna_id) = ("E".to_string(), "m".to_string());
    let treatment = Treatment::Knockout;
    let experiment = Experiment { id, mirna_id, mirna, treatment, table: place("table.tsv") };
    if let Some(done) = read(experiment.fold_changes(), &table) {
        fold_changes_again(&done.rows);
    }
}
