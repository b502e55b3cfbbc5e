//! FASTA, compressed text, annotation.

use super::{file, read, shown};
use flate2::{Compression, GzBuilder};
use mirscope::{
    open::open,
    rna::{Annotation, Headers, Reader, Record, text},
};
use std::{
    collections::HashSet,
    io::{Read, Write},
};

/// Ids are there once and hold no white space, sequences are of A, C, G, U and N, and records written plainly read the same.
pub fn fasta(bytes: &[u8]) {
    let headers = [Headers::Plain, Headers::Gencode, Headers::Ucsc][bytes.len() % 3];
    let path = file("records.fa", bytes);
    let opened = Reader::open(shown(&path)).expect("a gzip header is read with the first line");
    let mut reader = opened.with(headers);
    let mut records: Vec<Record> = vec![];
    while let Some(record) = reader.next() {
        let Some(record) = read(record, &path) else {
            assert!(reader.next().is_none(), "after an error the reader has ended");
            return;
        };
        assert!(records.last().is_none_or(|before| before.line < record.line), "headers stand in order");
        records.push(record);
    }
    let mut ids = HashSet::new();
    let mut written = String::new();
    for record in &records {
        let (id, sequence) = (&record.id, text(&record.sequence));
        assert!(
            !id.is_empty() && !id.contains(|c: char| c.is_ascii_whitespace() || c.is_control()),
            "{id:?}"
        );
        assert!(ids.insert(id), "'{id}' is there once");
        assert!(sequence.chars().all(|base| "ACGUN".contains(base)), "{sequence}");
        written += &format!(">{id}\n{sequence}\n");
    }
    let again = Reader::open(shown(&file("again.fa", written))).expect("it was written");
    let again: Vec<Record> = again.map(|record| record.expect("what was read can be read again")).collect();
    let told = |records: &[Record]| -> Vec<_> {
        records.iter().map(|record| (record.id.clone(), record.sequence.clone())).collect()
    };
    assert_eq!(told(&records), told(&again));
}

/// A text that is compressed in several members reads back the same. Cut, it gives an error or whole members, and an error where
/// they are bgzip's; with a byte changed it gives an error, or the text where the byte says nothing of it; but for headers.
pub fn compressed(bytes: &[u8]) {
    let Some((&[members, level, damage, high, low], plain)) = bytes.split_first_chunk() else { return };
    let mut packed = vec![];
    let mut whole = vec![(0, 0)]; // lengths of members in a row, packed and plain
    let bgzip = members & 4 != 0;
    let parts = plain.chunks(plain.len() / usize::from(1 + members % 4) + 1);
    for part in parts.chain(bgzip.then_some(&b""[..])) {
        let begun = if bgzip { GzBuilder::new().extra(&b"BC\x02\0\0\0"[..]) } else { GzBuilder::new() };
        // bgzip's last block is packed, though it is of nothing
        let level = if part.is_empty() { 6 } else { u32::from(level % 10) };
        let mut encoder = begun.write(packed, Compression::new(level));
        encoder.write_all(part).expect("memory can be written");
        packed = encoder.finish().expect("memory can be written");
        whole.push((packed.len(), whole.last().expect("there is a first").1 + part.len()));
    }
    if packed.is_empty() {
        return;
    }
    let at = usize::from(u16::from_be_bytes([high, low])) % packed.len();
    match damage % 4 {
        0 => {}
        1 => packed.truncate(at),
        _ => packed[at] ^= 1 << (damage >> 2 & 7),
    }
    // A header has no checksum of its own: changed, it may say that the member begins where the next one does.
    let header = if bgzip { 18 } else { 10 };
    let in_header = whole.iter().any(|&(start, _)| (start..start + header).contains(&at));
    let path = file("text.gz", &packed);
    let mut found = vec![];
    let read = open(shown(&path)).expect("it is there").read_to_end(&mut found);
    match (damage % 4, read) {
        (0, read) => assert!(read.is_ok() && found == plain, "a whole file reads back"),
        (1, Ok(_)) => {
            let whole = whole.contains(&(at, found.len()));
            assert!(at < 2 || (whole && !bgzip && plain.starts_with(&found)), "what is cut is seen to be");
        }
        (_, Ok(_)) => assert!(in_header || found == plain, "what is changed is seen to be"),
        (_, Err(_)) => {}
    }
}

/// What an id names has a place on the chromosome base by base.
pub fn annotation(bytes: &[u8]) {
    let path = file("genes.gtf", bytes);
    let Some(annotation) = read(Annotation::open(shown(&path)), &path) else { return };
    let text = String::from_utf8_lossy(bytes);
    let words =
        text.split(|c: char| c.is_ascii_whitespace() || ";\"".contains(c)).filter(|id| !id.is_empty());
    for id in words.take(50) {
        for length in [1, 10, 21, 100] {
            let Ok(spliced) = annotation.place(id, length) else { continue };
            assert_eq!(spliced.length(), length);
            let blocks = spliced.locate(0..length);
            assert_eq!(blocks.iter().map(|block| block.end - block.start).sum::<usize>(), length);
            assert!(blocks.windows(2).all(|two| two[0].end < two[1].start), "{blocks:?}");
            let ends = [spliced.locate(0..1), spliced.locate(length - 1..length)].concat();
            assert!(ends.iter().all(|base| base.end == base.start + 1), "{ends:?}");
        }
    }
}
