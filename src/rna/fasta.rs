//! FASTA, read one record at a time and tolerantly: sequences over many lines, CRLF, blank lines
//! anywhere, no final newline, a byte order mark, white space inside sequence lines.
//!
//! The id is the header up to its first white space, unless [`Headers`] says otherwise. Lines that say `Sequence unavailable` (BioMart)
//! are no sequence. Memory holds one record, and of earlier ones only the id and a digest.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use super::Base;
use crate::{Error, Result, open};

/// BioMart's way to say that it has no sequence for an id.
const UNAVAILABLE: &[u8] = b"sequence unavailable";

/// The longest sequence, and the longest line, nt: some times the longest human chromosome.
const LONGEST: u64 = 1 << 30;

/// Where in a header the id is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// Up to the first white space: Ensembl, RefSeq, miRBase.
    #[default]
    Plain,
    /// Up to the first `|`: `ENST00000456328.2|ENSG00000290825.1|...`.
    Gencode,
    /// After genome and track: `hg38_knownGene_ENST00000456328.2 range=...`.
    Ucsc,
}

impl FromStr for Headers {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "plain" | "ensembl" | "refseq" | "mirbase" => Ok(Headers::Plain),
            "gencode" => Ok(Headers::Gencode),
            "ucsc" => Ok(Headers::Ucsc),
            _ => {
                let expected = "expected headers of plain, ensembl, gencode, ucsc, refseq or mirbase";
                Err(Error::Setting(format!("{expected}, found '{name}'")))
            }
        }
    }
}

impl fmt::Display for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Headers::Plain => "plain",
            Headers::Gencode => "gencode",
            Headers::Ucsc => "ucsc",
        })
    }
}

/// One FASTA record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The header up to its first white space, without `>`.
    pub id: String,
    /// 5'->3' as written; empty where the file has none.
    pub sequence: Vec<Base>,
    /// Line of the header, 1-based.
    pub line: u64,
}

/// Iterates over the records of a FASTA input.
///
/// A repeated id with another sequence is an error; with the same sequence it is skipped and counted,
/// see [`Reader::warning`]. After an error the iterator ends.
pub struct Reader {
    input: Box<dyn BufRead + Send>,
    path: String,
    headers: Headers,
    line: u64,
    header: Option<(String, u64)>,
    seen: HashMap<String, Seen>,
    repeats: u64,
    first_repeat: Option<(String, u64)>,
    ended: bool,
}

struct Seen {
    line: u64,
    length: usize,
    digest: u64,
}

impl Reader {
    /// Opens a file, or standard input for `-`; see [`crate::open::open`].
    pub fn open(path: &str) -> Result<Self> {
        Ok(Self::new(open::open(path)?, path))
    }

    /// As [`Reader::open`], with the bytes consumed so far kept in `consumed`.
    pub fn open_counting(path: &str, consumed: Arc<AtomicU64>) -> Result<Self> {
        Ok(Self::new(open::open_counting(path, consumed)?, path))
    }

    /// Reads from `input`; `path` is its name in errors.
    fn new(input: Box<dyn BufRead + Send>, path: &str) -> Self {
        let path = if path == open::STANDARD { "stdin" } else { path }.to_string();
        let (line, repeats) = (0, 0);
        let (header, first_repeat, seen) = (None, None, HashMap::new());
        let headers = Headers::default();
        Reader { input, path, headers, line, header, seen, repeats, first_repeat, ended: false }
    }

    /// Finds ids in headers of another kind.
    pub fn with(self, headers: Headers) -> Self {
        Reader { headers, ..self }
    }

    /// One line about repeated records skipped so far, if there were any.
    pub fn warning(&self) -> Option<String> {
        let (id, line) = self.first_repeat.as_ref()?;
        let (path, count) = (&self.path, self.repeats);
        Some(format!(
            "{path}:{line}: '{id}' again with the same sequence, skipped ({count} such records so far)"
        ))
    }

    /// Every record of a small file, which must hold at least one, with the warning there may be.
    pub fn read_all(path: &str) -> Result<(Vec<Record>, Option<String>)> {
        let mut reader = Self::open(path)?;
        let records = reader.by_ref().collect::<Result<Vec<_>>>()?;
        if records.is_empty() {
            return Err(reader.nothing());
        }
        Ok((records, reader.warning()))
    }

    /// The complaint about an input without a single record.
    pub fn nothing(&self) -> Error {
        Error::file(&self.path, "expected at least one FASTA record, found none")
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        let next = self.input.fill_buf().map_err(|e| Error::io(&self.path, e))?.first().copied();
        // What is no FASTA is not read to its first line's end, which may be that of all it has.
        if let Some(other) = next.filter(|byte| self.header.is_none() && !b">\xef \t\r\n\x0c".contains(byte))
        {
            self.line += 1;
            return Err(self.no_header(other));
        }
        let mut text = Vec::new();
        let read = open::read_line(&mut self.input, &mut text, LONGEST);
        if read.map_err(|e| Error::io(&self.path, e))? == 0 {
            return Ok(None);
        }
        self.line += 1;
        if self.line == 1 && text.starts_with(b"\xef\xbb\xbf") {
            text.drain(..3);
        }
        Ok(Some(text.trim_ascii().to_vec()))
    }

    fn id_of(&self, header: &[u8]) -> Result<String> {
        let id = header[1..].split(u8::is_ascii_whitespace).next().unwrap_or_default();
        let id = match self.headers {
            Headers::Plain => Some(id),
            Headers::Gencode => id.split(|&byte| byte == b'|').next(),
            Headers::Ucsc => id.splitn(3, |&byte| byte == b'_').nth(2),
        };
        let Some(id) = id else {
            return Err(self.complaint("expected genome_track_id after '>', as UCSC writes it"));
        };
        if id.is_empty() {
            return Err(self.complaint("expected an id right after '>', found none"));
        }
        let id = String::from_utf8_lossy(id).into_owned();
        match id.contains(char::is_control) {
            true => Err(self.complaint(format!("expected an id without control characters, found {id:?}"))),
            false => Ok(id),
        }
    }

    fn no_header(&self, found: u8) -> Error {
        let found = found.escape_ascii();
        self.complaint(format!("expected a FASTA header starting with '>', found '{found}'"))
    }

    fn complaint(&self, message: impl Into<String>) -> Error {
        Error::line(&self.path, self.line, message)
    }

    /// Appends one sequence line; white space inside it is skipped.
    fn extend(&self, id: &str, sequence: &mut Vec<Base>, text: &[u8]) -> Result<()> {
        for (column, &byte) in text.iter().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()) {
            let base = Base::from_ascii(byte).ok_or_else(|| {
                let found = byte.escape_ascii();
                self.complaint(format!(
                    "expected nucleotide codes (A C G U T N or IUPAC) in '{id}', found '{found}' at column {}",
                    column + 1
                ))
            })?;
            sequence.push(base);
        }
        match sequence.len() as u64 > LONGEST {
            true => Err(self.complaint(format!("expected at most {LONGEST} nt in '{id}', found more"))),
            false => Ok(()),
        }
    }

    /// The next record of the file, repeated or not.
    fn record(&mut self) -> Result<Option<Record>> {
        let mut sequence = Vec::new();
        loop {
            let text = self.next_line()?;
            match (text, self.header.take()) {
                (None, None) => return Ok(None),
                (None, Some((id, line))) => return Ok(Some(Record { id, sequence, line })),
                (Some(text), header) if text.is_empty() => self.header = header,
                (Some(text), header) if text[0] == b'>' => {
                    self.header = Some((self.id_of(&text)?, self.line));
                    if let Some((id, line)) = header {
                        return Ok(Some(Record { id, sequence, line }));
                    }
                }
                (Some(text), Some((id, line))) => {
                    if !text.eq_ignore_ascii_case(UNAVAILABLE) {
                        self.extend(&id, &mut sequence, &text)?;
                    }
                    self.header = Some((id, line));
                }
                (Some(text), None) => return Err(self.no_header(text[0])),
            }
        }
    }

    /// Whether the id is new; an id that names two sequences is an error.
    fn is_new(&mut self, record: &Record) -> Result<bool> {
        let mut hasher = DefaultHasher::new();
        record.sequence.hash(&mut hasher);
        let (line, length, digest) = (record.line, record.sequence.len(), hasher.finish());
        let earlier = match self.seen.entry(record.id.clone()) {
            Entry::Vacant(place) => {
                place.insert(Seen { line, length, digest });
                return Ok(true);
            }
            Entry::Occupied(place) => place.into_mut(),
        };
        if (earlier.length, earlier.digest) != (length, digest) {
            let (id, first) = (&record.id, earlier.line);
            let message = format!(
                "expected one sequence per id, found '{id}' with another sequence than in line {first}"
            );
            return Err(Error::line(&self.path, line, message));
        }
        self.repeats += 1;
        self.first_repeat.get_or_insert((record.id.clone(), line));
        Ok(false)
    }

    fn next_new(&mut self) -> Result<Option<Record>> {
        while let Some(record) = self.record()? {
            if self.is_new(&record)? {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }
}

impl Iterator for Reader {
    type Item = Result<Record>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.next_new().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::text;
    use proptest::prelude::*;
    use std::io::Cursor;

    fn read(bytes: &[u8]) -> Result<Vec<(String, String)>> {
        let reader = Reader::new(Box::new(Cursor::new(bytes.to_vec())), "x.fa");
        reader.map(|r| r.map(|r| (r.id, text(&r.sequence)))).collect()
    }

    fn pairs(records: &[(&str, &str)]) -> Vec<(String, String)> {
        records.iter().map(|(id, s)| (id.to_string(), s.to_string())).collect()
    }

    #[test]
    fn layouts_people_have_all_read_alike() {
        let want = pairs(&[("a", "ACGUACGU"), ("b", "GGN")]);
        assert_eq!(read(b">a one\nACGT\nACGT\n>b\nGGN\n").unwrap(), want);
        assert_eq!(read(b"\r\n\r\n>a\tx\r\nacgu\r\n\r\nacgu\r\n>b\r\nGGR").unwrap(), want);
        assert_eq!(read(b"\xef\xbb\xbf>a\n  ACGT ACGT\n\n>b\nggn\n\n\n").unwrap(), want);
    }

    #[test]
    fn ids_are_found_in_headers_of_many_sources() {
        let id = |header: &str, headers: &str| {
            let bytes = format!(">{header}\nACGU\n").into_bytes();
            let reader = Reader::new(Box::new(Cursor::new(bytes)), "x.fa").with(headers.parse().unwrap());
            reader.map(|record| record.map_or_else(|e| e.to_string(), |record| record.id)).collect::<String>()
        };
        let gencode =
            "ENST00000456328.2|ENSG00000290825.1|-|OTTHUMT00000362751.1|DDX11L2-202|DDX11L2|1657|lncRNA|";
        assert_eq!(id(gencode, "gencode"), "ENST00000456328.2");
        assert_eq!(id("ENST1.1 extra|x", "gencode"), "ENST1.1");
        let ucsc = "hg38_ncbiRefSeqCurated_NM_000014.6 range=chr12:9067708-9116229 5'pad=0 strand=-";
        assert_eq!(id(ucsc, "ucsc"), "NM_000014.6");
        assert_eq!(id("NM", "ucsc"), "x.fa:1: expected genome_track_id after '>', as UCSC writes it");
        assert_eq!(
            id("ENST00000415118.1 cdna chromosome:GRCh38:14:22438547:22438554:1", "ensembl"),
            "ENST00000415118.1"
        );
        assert_eq!(id("NM_000014.6 Homo sapiens alpha-2-macroglobulin (A2M), mRNA", "refseq"), "NM_000014.6");
        assert_eq!(id("hsa-let-7a-5p MIMAT0000062 Homo sapiens let-7a-5p", "mirbase"), "hsa-let-7a-5p");
        assert_eq!(id("a|b c", "ensembl"), "a|b");
        assert_eq!(
            "gene".parse::<Headers>().unwrap_err().to_string(),
            "expected headers of plain, ensembl, gencode, ucsc, refseq or mirbase, found 'gene'"
        );
    }

    #[test]
    fn an_id_without_sequence_is_empty() {
        let want = pairs(&[("a", ""), ("b", ""), ("c", "A")]);
        assert_eq!(read(b">a\nSequence unavailable\n>b\n>c\nA").unwrap(), want);
    }

    #[test]
    fn complaints_say_where() {
        let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
        assert_eq!(
            message(b">a\nACGU\nAC-U\n"),
            "x.fa:3: expected nucleotide codes (A C G U T N or IUPAC) in 'a', found '-' at column 3"
        );
        assert_eq!(message(b"ACGU\n"), "x.fa:1: expected a FASTA header starting with '>', found 'A'");
        assert_eq!(message(b"> a\nACGU\n"), "x.fa:1: expected an id right after '>', found none");
        let twice = message(b">a\nACGU\n>b\nA\n>a\nACGG\n");
        assert_eq!(
            twice,
            "x.fa:5: expected one sequence per id, found 'a' with another sequence than in line 1"
        );
    }

    #[test]
    fn the_same_record_again_is_skipped_with_one_warning() {
        let bytes = b">a\nACGU\n>a\nACGT\n>a\nAC\nGU\n".to_vec();
        let mut reader = Reader::new(Box::new(Cursor::new(bytes)), "x.fa");
        assert_eq!(reader.by_ref().filter_map(|r| r.ok()).count(), 1);
        assert!(reader.warning().unwrap().contains("x.fa:3: 'a'"));
        assert!(reader.warning().unwrap().contains("(2 such"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&bytes);
        }

        #[test]
        fn written_records_read_back(sequences in proptest::collection::vec("[ACGUN]{0,90}", 1..6), width in 1usize..40) {
            let mut file = String::new();
            for (i, sequence) in sequences.iter().enumerate() {
                file += &format!(">id{i} words\n");
                for line in sequence.as_bytes().chunks(width) {
                    file += &format!("{}\n", String::from_utf8_lossy(line));
                }
            }
            let ids = (0..).map(|i| format!("id{i}"));
            prop_assert_eq!(read(file.as_bytes()).unwrap(), ids.zip(sequences).collect::<Vec<_>>());
        }
    }
}
