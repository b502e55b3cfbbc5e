//! Every reader's promises, on files that were whole and have been damaged: bits flipped, cut, lines doubled or gone, columns
//! exchanged, other line ends, NUL, fields of great length, numbers beyond all others.

mod properties;

use properties::{models, scans, sequences, settings, tables};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::path::Path;

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

/// Runs `property` on what is whole, and then on what is not.
fn holds(reader: &str, property: fn(&[u8])) {
    let seeds = seeds(reader);
    seeds.iter().for_each(|seed| property(seed));
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
    let tiny = models::tiny_model();
    models::model(&tiny);
    for how in 0..2000u16 {
        models::model(&damaged(&tiny, [how, how.wrapping_mul(31), how.wrapping_mul(7)]));
    }
}
