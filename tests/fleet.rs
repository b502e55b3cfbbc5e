//! Scans in parts: shards and their merging, checkpoints and going on after the worst.

#[allow(dead_code)] // its tables are for scanning
mod common;

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{Folder, LET7, transcript};

const OUTPUTS: [&str; 5] = ["sites.tsv", "genes.tsv", "sites.bed", "sites.gff3", "duplexes.txt"];
const FLAGS: [&str; 5] = ["sites", "genes", "bed", "gff3", "align"];
const LINE: &str =
    "scan --mirna m.fa --target t.fa --candidates all --min-probability 0 --device cpu --quiet";

/// Two miRNAs and `count` transcripts of different lengths, one of them without a base.
fn folder(count: usize) -> Folder {
    let folder = Folder::new();
    folder.write("m.fa", format!("{LET7}>miR-x\nUGGAAUGUAAAGAAGUAUGUAU\n"));
    let one = |i: usize| format!(">t{i}\n{}\n", transcript(60 + 37 * (i * i % 11), 20 + i % 30));
    let records: String = (0..count).map(one).collect();
    folder.write("t.fa", format!(">none\nSequence unavailable\n{records}"));
    folder
        .write("p.tsv", format!("let-7a\tt1\nlet-7a\tlost\nmiR-0\tt{}\nmiR-x\tt0\nlet-7a\tt0\n", count - 1));
    folder
}

/// The flags that write every format beside `prefix`.
fn outputs(prefix: &str) -> String {
    let pairs = FLAGS.iter().zip(OUTPUTS);
    pairs.map(|(flag, name)| format!(" --{flag} {prefix}{name}")).collect()
}

fn shard(folder: &Folder, i: usize, n: usize, more: &str) {
    let out = outputs(&format!("{i}of{n}-"));
    folder.run(0, &format!("{LINE}{out} --shard {i}/{n} --manifest {i}of{n}.json{more}"));
}

fn manifests(n: usize) -> String {
    (1..=n).rev().map(|i| format!(" {i}of{n}.json")).collect()
}

fn same(folder: &Folder, one: &str, other: &str) {
    for name in OUTPUTS {
        assert_eq!(
            folder.read(&format!("{other}{name}")),
            folder.read(&format!("{one}{name}")),
            "{other}{name}"
        );
    }
}

#[test]
fn shards_merged_are_the_whole_byte_for_byte() {
    let folder = folder(5);
    for more in ["", " --pairs p.tsv", " --no-meta --threads 2"] {
        folder.run(0, &format!("{LINE}{}{more}", outputs("whole-")));
        let rows = folder.read("whole-sites.tsv").lines().count();
        assert!(rows > if more.contains("pairs") { 20 } else { 80 }, "{rows}");
        for n in [1, 3, 7, 20] {
            (1..=n).for_each(|i| shard(&folder, i, n, more));
            folder.run(0, &format!("merge{} -o merged{n} --quiet", manifests(n)));
            same(&folder, "whole-", &format!("merged{n}/"));
        }
    }
    folder.run(0, &format!("merge{} -o merged3 --gzip --quiet", manifests(3)));
    let bytes = std::fs::read(folder.path("merged3/sites.tsv.gz")).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
    assert_eq!(text, folder.read("whole-sites.tsv"));
}

#[test]
fn a_manifest_says_what_ran_and_what_came_out() {
    let folder = folder(5);
    shard(&folder, 2, 3, "");
    let manifest: serde_json::Value = serde_json::from_str(&folder.read("2of3.json")).unwrap();
    let (info, _) = folder.run(0, "model info --device cpu");
    let hash = info.lines().find_map(|line| line.strip_prefix("sha256\t")).unwrap();
    assert_eq!(manifest["run"]["model_sha256"], hash);
    assert_eq!(manifest["run"]["candidates"], "all --stride 5");
    let target = mirscope::open::Content::of(folder.path("t.fa").to_str().unwrap()).unwrap().unwrap();
    assert_eq!(manifest["run"]["inputs"]["target"]["sha256"], target.sha256);
    assert_eq!(manifest["done"], true);
    let genes = &manifest["outputs"][1];
    assert_eq!((genes["format"].as_str(), genes["path"].as_str()), (Some("genes"), Some("2of3-genes.tsv")));
    let text = folder.read("2of3-genes.tsv");
    let rows = common::cells(&text);
    assert_eq!(genes["lines"], rows.len());
    assert_eq!(genes["bytes"], text.len());
    let ok = rows.iter().filter(|row| row[8] == "ok").count();
    assert_eq!(manifest["statuses"]["ok"], ok);
    let shard = &manifest["shard"];
    assert_eq!(
        (shard["first"].as_str(), shard["last"].as_str()),
        (Some(rows[0][1]), Some(rows[rows.len() - 1][1]))
    );
    let names = folder.names();
    assert!(names.iter().all(|name| !name.ends_with(".partial") && !name.starts_with('.')), "{names:?}");
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let folder = folder(5);
    (1..=3).for_each(|i| shard(&folder, i, 3, ""));
    (1..=2).for_each(|i| shard(&folder, i, 2, ""));
    let refused = |line: &str, what: &str| {
        let (_, err) = folder.run(1, &format!("merge {line} -o merged"));
        assert!(err.contains(what), "{line}: {err}");
        assert!(!folder.path("merged").exists(), "{line}");
    };
    refused(
        "1of3.json 3of3.json",
        "1of3.json: expected the manifests of all 3 shards with it, found none of shard 2",
    );
    refused("1of3.json", "found none of shards 2 to 3");
    refused("1of3.json 2of3.json 2of3.json 3of3.json", "2of3.json: is shard 2 of 3, and so is 2of3.json");
    refused(
        "1of3.json 2of2.json 3of3.json",
        "is of another scan than 1of3.json; shards: expected 3, found 2",
    );
    refused("t.fa", "t.fa: expected a scan's manifest");
    let manifest = folder.read("2of3.json");
    folder.write("2of3.json", manifest.replace("\"done\": true", "\"done\": false"));
    refused("1of3.json 2of3.json 3of3.json", "2of3.json: expected a finished scan");
    folder.write("2of3.json", &manifest);
    let sites = folder.read("2of3-sites.tsv");
    folder.write("2of3-sites.tsv", sites.replace("8mer", "6mer"));
    refused("1of3.json 2of3.json 3of3.json", "2of3-sites.tsv: expected SHA-256 ");
    folder.write("2of3-sites.tsv", sites);
    folder.run(
        0,
        &format!("{LINE}{} --shard 2/3 --manifest 2of3.json --min-probability 0.1", outputs("2of3-"))
            .replacen("--min-probability 0 ", "", 1),
    );
    refused("1of3.json 2of3.json 3of3.json", "min_probability: expected 0.0, found 0.1");
    let t = folder.read("t.fa");
    folder.write("t.fa", t.replace("GGGACA", "GGGACC"));
    shard(&folder, 2, 3, "");
    refused("1of3.json 2of3.json 3of3.json", "inputs.target.sha256: expected ");
}

#[test]
fn shards_need_files_and_numbers() {
    let folder = folder(2);
    folder.run(2, "scan --mirna m.fa --target t.fa --shard 0/3");
    folder.run(2, "scan --mirna m.fa --target t.fa --resume --genes g.tsv");
    let (_, err) = folder.run(2, "scan --mirna m.fa --target - --shard 1/3 --quiet");
    assert!(err.contains("expected --target to be a file"), "{err}");
    let (_, err) = folder.run(1, "scan --mirna m.fa --target t.fa --manifest m.json --quiet");
    assert!(err.contains("expected a file, to be gone on with"), "{err}");
    assert_eq!(folder.names(), ["m.fa", "p.tsv", "t.fa"]);
}

/// A scan that can be resumed, with many checkpoints, under way.
fn start(folder: &Folder, more: &str) -> Child {
    let line = resumable(more);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("mirscope"));
    command.current_dir(folder.path("")).args(line.split(' ')).stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

fn resumable(more: &str) -> String {
    format!("{LINE} --stride 1 --sites s.tsv.gz --genes g.tsv --bed b.bed --manifest r.json --checkpoint 500{more}").replacen(" --quiet", "", 1)
}

fn results(folder: &Folder) -> Vec<Vec<u8>> {
    ["s.tsv.gz", "g.tsv", "b.bed"].map(|name| std::fs::read(folder.path(name)).unwrap()).into()
}

fn remove_results(folder: &Folder) {
    ["s.tsv.gz", "g.tsv", "b.bed", "r.json"]
        .into_iter()
        .for_each(|name| std::fs::remove_file(folder.path(name)).unwrap());
}

/// The manifest as it is now, if there is one.
fn next_transcript(folder: &Folder) -> u64 {
    let Ok(text) = std::fs::read_to_string(folder.path("r.json")) else { return 0 };
    let manifest: serde_json::Value = serde_json::from_str(&text).expect("a manifest is whole at any time");
    manifest["next_transcript"].as_u64().unwrap()
}

/// Waits until the scan has come to transcript `place`. Whether it is still running.
fn comes_to(folder: &Folder, scan: &mut Child, place: u64) -> bool {
    let start = Instant::now();
    while next_transcript(folder) < place {
        if scan.try_wait().unwrap().is_some() {
            return false;
        }
        assert!(start.elapsed() < Duration::from_secs(300));
        std::thread::sleep(Duration::from_millis(1));
    }
    scan.try_wait().unwrap().is_none()
}

fn signal(scan: &Child, name: &str) {
    let id = scan.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

#[cfg(unix)]
#[test]
fn killed_at_any_moment_and_resumed_is_as_undisturbed() {
    let folder = folder(60);
    folder.run(0, &resumable(""));
    let want = results(&folder);
    let mut killed = 0;
    for places in [&[0][..], &[1], &[20], &[55], &[5, 25, 45]] {
        remove_results(&folder);
        for &place in places {
            let mut scan = start(&folder, " --resume");
            killed += usize::from(comes_to(&folder, &mut scan, place));
            scan.kill().unwrap();
            scan.wait().unwrap();
        }
        let before = next_transcript(&folder);
        let (_, err) = folder.run(0, &resumable(" --resume --threads 2"));
        assert!(
            before == 0 || err.contains(&format!("goes on with transcript {} of 61", before + 1)),
            "{err}"
        );
        assert!(results(&folder) == want, "killed at {places:?}");
    }
    assert!(killed >= 3, "{killed} of 7 were killed before they were done");
    let names = folder.names();
    assert!(names.iter().all(|name| !name.ends_with(".partial")), "{names:?}");
    folder.run(0, &resumable(" --resume")); // done already
    assert!(results(&folder) == want);
    std::fs::remove_file(folder.path("g.tsv")).unwrap();
    let (_, err) = folder.run(0, &resumable(" --resume"));
    assert!(err.contains("from the beginning") && results(&folder) == want, "{err}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_keeps_what_can_be_resumed_and_nothing_else() {
    let folder = folder(60);
    folder.run(0, &resumable(""));
    let want = results(&folder);
    remove_results(&folder);
    for (name, place) in [("-INT", 3), ("-TERM", 30)] {
        let mut scan = start(&folder, " --resume");
        assert!(comes_to(&folder, &mut scan, place), "done before it was interrupted");
        signal(&scan, name);
        let done = scan.wait_with_output().unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(130), "{err}");
        assert!(
            err.ends_with("mirscope: interrupted\n") && err.contains("--resume goes on from r.json"),
            "{err}"
        );
        assert!(!folder.path("g.tsv").exists());
    }
    folder.run(0, &resumable(" --resume"));
    assert!(results(&folder) == want);
}

#[test]
fn a_damaged_manifest_or_output_is_not_gone_on_with() {
    let folder = folder(60);
    let mut scan = start(&folder, "");
    assert!(comes_to(&folder, &mut scan, 3), "done before it was killed");
    scan.kill().unwrap();
    scan.wait().unwrap();
    let manifest = folder.read("r.json");
    let names = folder.names();
    folder.write("r.json", &manifest[..manifest.len() / 2]);
    let (_, err) = folder.run(1, &resumable(" --resume"));
    assert!(err.contains("r.json: expected a scan's manifest") && err.contains("begin again"), "{err}");
    folder.write("r.json", manifest);
    folder.write("b.bed.partial", "");
    let (_, err) = folder.run(1, &resumable(" --resume"));
    assert!(err.contains("b.bed: expected at least") && err.contains("begin again"), "{err}");
    assert_eq!(folder.names(), names, "nothing is named, nothing is taken away");
    folder.run(0, &resumable(""));
}

#[test]
fn killed_after_its_last_byte_a_scan_only_lacks_its_names() {
    let folder = folder(5);
    let line = resumable(" --pairs p.tsv");
    folder.run(0, &line);
    let (want, manifest) = (results(&folder), folder.read("r.json"));
    for unnamed in [&["s.tsv.gz", "g.tsv", "b.bed"][..], &["b.bed"], &[]] {
        for name in unnamed {
            std::fs::rename(folder.path(name), folder.path(&format!("{name}.partial"))).unwrap();
        }
        folder.write("r.json", manifest.replace("\"done\": true", "\"done\": false"));
        let (_, err) = folder.run(0, &format!("{line} --resume"));
        assert!(results(&folder) == want && folder.read("r.json") == manifest, "{unnamed:?}");
        assert!(!err.contains("from the beginning") && err.contains("5 asked: ok 3,"), "{err}");
    }
}

#[test]
fn another_scan_is_not_gone_on_with() {
    let folder = folder(5);
    folder.run(0, &resumable(""));
    let manifest = folder.read("r.json").replace("\"done\": true", "\"done\": false");
    let refused = |line: &str, what: &str| {
        folder.write("r.json", &manifest);
        let (_, err) = folder.run(1, line);
        assert!(
            err.contains("r.json: another scan cannot be gone on with; ") && err.contains(what),
            "{line}: {err}"
        );
        assert_eq!(folder.read("r.json"), manifest);
    };
    let again = resumable(" --resume");
    refused(&format!("{again} --shard 1/2"), "shard: expected 1/1, found 1/2");
    refused(
        &again.replace("--stride 1", "--stride 2"),
        "candidates: expected \"all --stride 1\", found \"all --stride 2\"",
    );
    refused(&format!("{again} --no-meta"), "meta_lines");
    refused(
        &again.replace(" --bed b.bed", ""),
        "outputs: expected sites s.tsv.gz, genes g.tsv, bed b.bed, found ",
    );
    folder.run(0, "model export -o other.safetensors");
    let mut model = std::fs::read(folder.path("other.safetensors")).unwrap();
    *model.last_mut().unwrap() ^= 1; // a weight's sign or exponent
    folder.write("other.safetensors", model);
    refused(&format!("{again} --model other.safetensors"), "model_sha256: expected ");
    refused(&format!("{again} --pairs p.tsv"), "inputs.pairs: expected null, found ");
    folder.write("m.fa", LET7);
    refused(&again, "inputs.mirna.sha256: expected ");
}

#[test]
fn a_plan_counts_what_a_scan_then_does() {
    let folder = folder(5);
    folder.run(0, &format!("{LINE} --pairs p.tsv --sites s.tsv --genes g.tsv"));
    let genes = folder.read("g.tsv");
    let rows = common::cells(&genes);
    let line = LINE.replacen("scan", "plan", 1);
    let (json, _) = folder.run(0, &format!("{line} --pairs p.tsv --shards 3 --json"));
    let plan: serde_json::Value = serde_json::from_str(&json).unwrap();
    let windows: u64 = rows.iter().map(|row| row[7].parse::<u64>().unwrap()).sum();
    assert_eq!((plan["pairs"].as_u64(), plan["windows"].as_u64()), (Some(rows.len() as u64), Some(windows)));
    let shards = plan["shards"].as_array().unwrap();
    assert_eq!(shards.iter().map(|shard| shard["windows"].as_u64().unwrap()).sum::<u64>(), windows);
    shard(&folder, 2, 3, "");
    let manifest: serde_json::Value = serde_json::from_str(&folder.read("2of3.json")).unwrap();
    assert_eq!(shards[1]["transcripts"], manifest["shard"]["transcripts"]);
    assert!(plan["windows_per_second"].as_f64().unwrap() > 0.0);
    let (text, _) = folder.run(0, &format!("{line} --within 1h"));
    assert!(text.contains("\n1/1\t6\t") && text.starts_with("transcripts\t6\n"), "{text}");
    let (text, err) = folder.run(0, &format!("{line} --within 0.000001s").replacen(" --quiet", "", 1));
    assert!(text.contains("\n6/6\t") && err.contains("a single transcript takes longer"), "{text}{err}");
    let (_, err) = folder.run(2, &format!("{line} --within 1d"));
    assert!(err.contains("expected a time such as 90s, 30m or 1h, found '1d'"), "{err}");
}
