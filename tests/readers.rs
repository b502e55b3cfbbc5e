//! Every reader's promises, on files that were whole and have been damaged: bits flipped, cut, lines doubled or gone, columns
//! exchanged, other line ends, NUL, fields of great length, numbers beyond all others.

mod properties;

use mirscope::{
    Result,
    data::{Experiment, Format, Layout, LeftOut, PairReader, Treatment, read_pairs},
    rna::{Annotation, Reader, parse},
    scan::{Listed, Manifest},
    train::{RunConfig, Search},
};
use properties::{models, scans, sequences, settings, tables};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::{io::Read, path::Path};

/// What a fuzzer begins with: small files that are whole.
const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds");

fn seeds(reader: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(SEEDS).join(reader);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("skipped: {} is not there", folder.display());
        return vec![];
    };
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| std::fs::read(path).unwrap()).collect()
}

/// What fuzzers found: the fewest inputs that reach all that any of theirs reached.
const FOUND: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/found");

fn found(reader: &str) -> Vec<Vec<u8>> {
    let path = Path::new(FOUND).join(format!("{reader}.tar.gz"));
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap()));
    let entries = archive.entries().unwrap().map(Result::unwrap);
    let read = |mut file: tar::Entry<_>| {
        let mut bytes = vec![];
        file.read_to_end(&mut bytes).unwrap();
        bytes
    };
    let found: Vec<_> = entries.filter(|entry| entry.header().entry_type().is_file()).map(read).collect();
    println!("{reader}: {} found by a fuzzer", found.len());
    found
}

/// Numbers and words that are easily not thought of.
const WORDS: [&str; 12] = [
    "18446744073709551615",
    "9223372036854775807",
    "-1",
    "1e999",
    "1e39",
    "nan",
    "NA",
    "\u{feff}",
    "# ",
    "\"",
    "\u{1b}[2J",
    "",
];

/// `at` and `with` choose where and what.
fn damaged(bytes: &[u8], [kind, at, with]: [u16; 3]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if bytes.is_empty() {
        return WORDS[with as usize % WORDS.len()].into();
    }
    let place = at as usize % bytes.len();
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    let line = at as usize % lines.len();
    match kind % 10 {
        0 => bytes[place] ^= 1 << (with % 8),
        1 => bytes.truncate(place),
        2 => lines.insert(with as usize % (lines.len() + 1), lines[line].clone()),
        3 => drop(lines.remove(line)),
        4 => bytes.insert(place, [0, 0xff, b'\t', b'\r', b'\n', 0xc2][with as usize % 6]),
        5 => bytes.splice(place..place, [b"A", b"[", b"\n"][with as usize % 3].repeat(20_000)).for_each(drop),
        6 => return String::from_utf8_lossy(&bytes).replace('\n', "\r\n").into(),
        7 => {
            let mut fields: Vec<&[u8]> = lines[line].split(|&byte| byte == b'\t').collect();
            let (a, b) = (at as usize % fields.len(), with as usize % fields.len());
            fields.swap(a, b);
            lines[line] = fields.join(&b'\t');
        }
        8 => {
            let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b".-+".contains(byte);
            let start = bytes[..place].iter().rposition(|byte| !is_word(byte)).map_or(0, |before| before + 1);
            let end =
                bytes[place..].iter().position(|byte| !is_word(byte)).map_or(bytes.len(), |n| place + n);
            bytes.splice(start..end.max(start), WORDS[with as usize % WORDS.len()].bytes()).for_each(drop);
        }
        _ => drop(bytes.drain(place..bytes.len().min(place + 1 + with as usize % 20))),
    }
    if matches!(kind % 10, 2 | 3 | 7) { lines.concat() } else { bytes }
}

/// Runs `property` on what fuzzers found, on what is whole, and then on what is not.
fn holds(reader: &str, property: fn(&[u8])) {
    let seeds = seeds(reader);
    found(reader).iter().chain(&seeds).for_each(|bytes| property(bytes));
    if seeds.is_empty() {
        return;
    }
    let config = Config { cases: 300, failure_persistence: None, ..Config::default() };
    let damages = (any::<prop::sample::Index>(), vec(any::<[u16; 3]>(), 1..5));
    let run = TestRunner::new(config).run(&damages, |(which, damages)| {
        property(&damages.into_iter().fold(which.get(&seeds).clone(), |bytes, how| damaged(&bytes, how)));
        Ok(())
    });
    run.unwrap_or_else(|failure| panic!("{reader}: {failure}"));
}

#[test]
fn sequences() {
    holds("fasta", sequences::fasta);
    holds("compressed", sequences::compressed);
    holds("annotation", sequences::annotation);
}

#[test]
fn tables() {
    holds("pairs", tables::pairs);
    holds("scores", tables::scores);
    holds("experiments", tables::experiments);
    holds("listed", scans::listed);
    holds("predict", scans::predict);
}

#[test]
fn settings_and_manifests() {
    holds("config", settings::config);
    holds("search", settings::search);
    holds("manifest", scans::manifest);
}

#[test]
fn models() {
    holds("model_card", models::model_card);
    for bytes in found("model") {
        models::model(&bytes);
    }
    let tiny = models::tiny_model();
    models::model(&tiny);
    for how in 0..2000u16 {
        models::model(&damaged(&tiny, [how, how.wrapping_mul(31), how.wrapping_mul(7)]));
    }
}

/// What `read` says of a file of this text, without the file's name.
fn said<T>(text: impl AsRef<[u8]>, read: impl Fn(&Path) -> Result<T>) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    let Err(error) = read(file.path()) else { return "nothing".into() };
    let error = error.to_string();
    error.strip_prefix(&format!("{}:", file.path().display())).unwrap_or(&error).to_owned()
}

fn name(path: &Path) -> &str {
    path.to_str().unwrap()
}

// What was broken before fuzzers and these damages came, each by what it was.

#[test]
fn blocks_of_bed12_beyond_all_numbers_were_taken_for_others() {
    let bed = "c\t1\t9\tt\t0\t+\t0\t0\t0\t1\t18446744073709551615\t5\n";
    let expected = "1: expected blocks up to 9, found one up to 18446744073709551615";
    assert_eq!(said(bed, |path| Annotation::open(name(path))), expected);
}

#[test]
fn a_name_with_a_tab_between_commas_became_two_columns() {
    let seed = seeds("pairs").into_iter().find(|seed| seed.starts_with(b"1,0,0,0,1,"));
    let Some(bits) = seed.and_then(|bits| String::from_utf8(bits).ok()) else { return };
    let bits = bits.replace("ENSG1", "EN\tSG1");
    let message = "1: expected names without control characters, found \"EN\\tSG1\"";
    assert_eq!(said(&bits, |path| read_pairs(path, Some(Format::MirawBits))), message);
    said(bits, |path| {
        let mut reader = PairReader::open(path, Some(Format::MirawBits))?;
        let mut left_out = LeftOut::new();
        while let Some((_, pair)) = reader.next_pair(Some(&mut left_out))? {
            assert_eq!(Layout::TargetNet.row(&pair).matches('\t').count(), 5);
        }
        assert_eq!(left_out["a name with control characters"], (1, 1));
        Ok(())
    });
}

#[test]
fn the_bases_n_and_a_were_written_as_what_is_absent() {
    let message = "1: expected a sequence, found one that is written as NA";
    for pair in [">ACGU\t>dA\n", ">AN\t>ACGU\n"] {
        assert_eq!(said(pair, |path| read_pairs(path, None)), message);
    }
    assert_eq!(said(">ACGU\t>AN\n", |path| read_pairs(path, None)), "nothing");
}

#[test]
fn a_gene_twice_in_an_experiment_made_a_table_that_could_not_be_read() {
    let read = |path: &Path| {
        let (id, mirna_id, mirna) = ("E".into(), "m".into(), parse(b"ACGU").unwrap());
        let treatment = Treatment::Knockout;
        Experiment { id, mirna_id, mirna, treatment, table: path.into() }.fold_changes()
    };
    let table = "logFC\tFDR\nG1\t1\t0\nG1\t2\t0\n";
    assert_eq!(said(table, read), "3: expected one row a gene, found 'G1' again");
}

#[test]
fn control_characters_in_ids_went_into_tables_and_onto_terminals() {
    let fasta = |path: &Path| Reader::read_all(name(path));
    assert_eq!(said(">a\0b\nACGU\n", fasta), "1: expected an id without control characters, found \"a\\0b\"");
    let expected = "2: expected ids without control characters, found \"t\\u{1b}[2J\"";
    assert_eq!(said("a\tt\na\tt\u{1b}[2J\n", |path| Listed::open(name(path))), expected);
}

#[test]
fn what_a_file_held_broke_an_error_into_lines() {
    let error = said("{\"a\\nmirscope: done\": 1}", |path| Manifest::read(name(path)));
    assert!(error.contains("unknown field `a\\nmirscope: done`") && !error.contains('\n'), "{error}");
}

#[test]
fn numbers_that_no_run_can_have_overflowed_or_never_ended() {
    let run = |settings: &str| {
        let toml = settings::BASE.replace("[data", &format!("{settings}\n[data"));
        said(toml, |path| RunConfig::read(path, &[]))
    };
    let most = i64::MAX;
    let epochs = format!(" training.epochs: expected 1 to 1000000, got {most}");
    assert_eq!(run(&format!("[training]\nepochs = {most}")), epochs);
    let batch = format!(" training.batch: expected 1 to 1048576, got {most}");
    assert_eq!(run(&format!("[training]\nbatch = {most}")), batch);
    assert_eq!(run("[training]\nepochs = 1"), "nothing");
    let base = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(base.path(), settings::BASE).unwrap();
    let search =
        |text: &str| said(format!("base = {:?}\n{text}", name(base.path())), |path| Search::read(path, &[]));
    let space = "[space]\ntraining.crop = { low = 0, high = 9223372036854775807 }\n";
    assert_eq!(search(&format!("trials = 3\n{space}")), "nothing", "draws are different numbers");
    let trials = format!(" trials: expected at most 10000, got {most}");
    assert_eq!(search(&format!("trials = {most}\n{space}")), trials);
    assert!(
        search(&format!("trials = 1\nrungs = [1, {most}]\n{space}"))
            .contains("rungs: expected rising epochs")
    );
}

#[test]
fn a_description_of_two_lines_was_trained_into_a_model_that_broke_tables() {
    let toml = settings::BASE.replace("\"d\"", "\"d\\ne\"");
    let expected = " description: expected a text of one line, got \"d\\ne\"";
    assert_eq!(said(toml, |path| RunConfig::read(path, &[])), expected);
}

#[test]
fn manifests_with_numbers_that_no_scan_has_were_taken() {
    let Some(whole) = seeds("manifest").pop().and_then(|text| String::from_utf8(text).ok()) else { return };
    let read = |text: &str| said(text, |path| Manifest::read(name(path)));
    assert_eq!(read(&whole), "nothing");
    let wrong = |from: &str, to: &str| {
        assert!(whole.contains(from), "{from}");
        read(&whole.replace(from, to))
    };
    let least = wrong("\"min_probability\": 0.5", "\"min_probability\": 1.5");
    assert_eq!(least, " expected a scan's manifest: min_probability from 0 to 1, found 1.5");
    assert_eq!(wrong("\"index\": 1", "\"index\": 0"), " expected a scan's manifest: shard 1 to 1, found 0");
    let order = wrong("\"start\": 0", "\"start\": 9");
    assert_eq!(order, " expected a scan's manifest: transcripts in order, found 9..3");
}

#[test]
fn counts_of_manifests_overflowed_when_added() {
    let Some(whole) = seeds("manifest").pop().and_then(|text| String::from_utf8(text).ok()) else { return };
    let most = u64::MAX.to_string();
    let full = whole
        .replace("\"ok\": 1", &format!("\"ok\": {most}"))
        .replace("\"short\": 2", &format!("\"short\": {most}"));
    said(full, |path| {
        let tally = Manifest::read(name(path))?.statuses;
        assert!(tally.to_string().starts_with(&format!("{most} asked")) && tally.unscored() == u64::MAX);
        Ok(())
    });
}
