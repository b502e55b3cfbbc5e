//! What a scan reads beside sequences: lists of pairs, manifests, tables to predict.

use super::{file, models::tiny_model, place, read, shown};
use mirscope::{
    device::Device,
    model::Predictor,
    output::Output,
    scan::{self, Columns, Journal, Listed, Manifest, Shards},
    workers::Workers,
};

/// A pair of a list is a line of it.
pub fn listed(bytes: &[u8]) {
    let path = file("list.tsv", bytes);
    if let Some(listed) = read(Listed::open(shown(&path)), &path) {
        assert!(listed.pairs() <= bytes.split(|&byte| byte == b'\n').count() as u64);
    }
}

/// A manifest is written and read again the same; merging and going on refuse it or take it for what it is.
pub fn manifest(bytes: &[u8]) {
    let path = file("scan.json", bytes);
    let Some(manifest) = read(Manifest::read(shown(&path)), &path) else { return };
    let json = serde_json::to_string(&manifest).expect("plain fields serialise");
    let again = Manifest::read(shown(&file("again.json", json))).expect("what was written can be read");
    assert_eq!(again, manifest);
    if let Ok(shards) = Shards::read(&[shown(&path).to_string()]) {
        let (counted, _) = (shards.statuses().to_string(), shards.devices());
        assert!(manifest.done && counted == manifest.statuses.to_string());
    }
    let ours = (manifest.run.clone(), manifest.shard.clone(), manifest.device.clone());
    if let Some(journal) = read(Journal::resume(shown(&path), ours, &[]), &path) {
        assert!(journal.manifest().outputs.is_empty());
    }
}

/// Every row of a table comes back as it was, with one more column.
pub fn predict(bytes: &[u8]) {
    thread_local!(static TINY: Predictor = {
        let workers = Workers::new(&Device::cpu(), 1).expect("one thread");
        Predictor::from_bytes(&tiny_model(), "tiny", workers).expect("it was written so")
    });
    let (path, out) = (file("rows.tsv", bytes), place("out.tsv"));
    let columns = Columns { mirna: None, target: None, append: "p".into(), fdr: None };
    let output = Output::create(shown(&out)).expect("a temporary file can be made");
    let done = TINY.with(|tiny| scan::predict(tiny, (shown(&path), &columns), output, &mut |_| {}));
    let Some(done) = read(done, &path) else { return };
    let unscored: u64 = done.unscored.values().map(|(rows, _)| rows).sum();
    let text = std::fs::read(&out).expect("it was written");
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    let lines = lines.skip_while(|line| line.starts_with(b"#")).skip(1);
    let scores: Vec<&[u8]> = lines.filter_map(|line| line.rsplit(|&byte| byte == b'\t').next()).collect();
    let missing = scores.iter().filter(|score| **score == b"NA").count() as u64;
    assert!(scores.len() as u64 == done.rows && missing == unscored, "{done:?}");
}
