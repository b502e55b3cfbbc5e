//! Where transcripts lie on a genome, from GTF or BED12.
//!
//! A target of a scan is found by its id: a transcript's or a gene's in GTF, the name in BED12; a version (`.5`) is ignored
//! where the id as it stands is not there. Of what the id names, the part is taken that is as long as the target: the 3'UTR
//! first, then the whole transcript. If parts of that length lie in different places (transcripts of one gene), none is taken.

mod bed12;
mod gtf;
mod spliced;

use std::collections::HashMap;
use std::fmt;

pub use spliced::{Spliced, Strand};

use crate::{Error, Result, open};

/// Columns of GTF and of BED12.
const GTF: usize = 9;
const BED12: usize = 12;

/// Transcripts on a genome, by id.
#[derive(Debug, Default)]
pub struct Annotation {
    parts: Vec<Part>,
    /// Places in `parts`.
    by_id: HashMap<String, Vec<usize>>,
}

/// Something a target's sequence may be.
#[derive(Debug)]
struct Part {
    spliced: Spliced,
    is_utr3: bool,
}

/// Why a target has no place on the genome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unplaced {
    UnknownId,
    OtherLength,
    SeveralPlaces,
}

impl fmt::Display for Unplaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unplaced::UnknownId => "id not in the annotation",
            Unplaced::OtherLength => "as long as no 3'UTR or transcript of its id",
            Unplaced::SeveralPlaces => "as long as several transcripts' 3'UTRs in different places",
        })
    }
}

impl Annotation {
    /// Reads a file, gzip or not, of either format, which the number of columns tells.
    pub fn open(path: &str) -> Result<Self> {
        let name = if path == open::STANDARD { "stdin" } else { path };
        let mut lines = Lines { input: open::open(path)?, path: name, line: 0, text: String::new() };
        let mut annotation = Annotation::default();
        match lines.columns()? {
            None => return Err(Error::file(name, "expected lines of GTF or BED12, found none")),
            Some(GTF) => gtf::read(&mut lines, &mut annotation)?,
            Some(BED12) => bed12::read(&mut lines, &mut annotation)?,
            Some(other) => {
                let expected = format!("expected {GTF} TAB-separated columns (GTF) or {BED12} (BED12)");
                return Err(lines.complaint(format!("{expected}, found {other}")));
            }
        }
        Ok(annotation)
    }

    /// Where a target of `length` nt lies.
    pub fn place(&self, id: &str, length: usize) -> Result<&Spliced, Unplaced> {
        let named = self.by_id.get(id).or_else(|| self.by_id.get(bare(id))).ok_or(Unplaced::UnknownId)?;
        let fitting = |utr3: bool| {
            let parts = named.iter().map(|&part| &self.parts[part]);
            parts.filter(move |part| part.is_utr3 == utr3 && part.spliced.length() == length)
        };
        let mut found = fitting(true).chain(fitting(false)).peekable();
        let first = found.peek().copied().ok_or(Unplaced::OtherLength)?;
        match found.all(|part| part.is_utr3 != first.is_utr3 || part.spliced == first.spliced) {
            true => Ok(&first.spliced),
            false => Err(Unplaced::SeveralPlaces),
        }
    }

    /// Makes `spliced` known under `ids` and under these without their versions.
    fn add(&mut self, ids: &[&str], spliced: Spliced, is_utr3: bool) {
        let number = self.parts.len();
        self.parts.push(Part { spliced, is_utr3 });
        for id in ids {
            let names = [*id, bare(id)];
            for name in &names[..if names[0] == names[1] { 1 } else { 2 }] {
                self.by_id.entry(name.to_string()).or_default().push(number);
            }
        }
    }
}

/// An id without a version, `.` and digits at its end.
fn bare(id: &str) -> &str {
    match id.rsplit_once('.') {
        Some((stem, version))
            if !stem.is_empty() && !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit()) =>
        {
            stem
        }
        _ => id,
    }
}

/// The lines of a file that say something, and where in it they stand.
struct Lines<'a> {
    input: Box<dyn std::io::BufRead + Send>,
    path: &'a str,
    line: u64,
    text: String,
}

impl Lines<'_> {
    /// Goes to the next line that is not blank, no comment and no browser's instruction.
    fn advance(&mut self) -> Result<bool> {
        loop {
            self.text.clear();
            let mut bytes = std::mem::take(&mut self.text).into_bytes();
            let read = open::read_line(&mut self.input, &mut bytes, open::LONGEST_LINE);
            if read.map_err(|e| Error::io(self.path, e))? == 0 {
                return Ok(false);
            }
            self.line += 1;
            self.text = String::from_utf8(bytes)
                .map_err(|_| self.complaint("expected UTF-8 text, found other bytes"))?;
            let says = |word: &str| self.text.starts_with(word);
            if !self.text.trim().is_empty() && !["#", "track", "browser"].into_iter().any(says) {
                return Ok(true);
            }
        }
    }

    /// Goes to the first line and counts its columns.
    fn columns(&mut self) -> Result<Option<usize>> {
        Ok(self.advance()?.then(|| self.text.trim_end().split('\t').count()))
    }

    /// The columns of the line it stands on.
    fn fields<const N: usize>(&self) -> Result<[&str; N]> {
        let fields: Vec<&str> = self.text.trim_end_matches(['\n', '\r']).split('\t').collect();
        let found = fields.len();
        fields.try_into().map_err(|_| self.complaint(format!("expected {N} columns, found {found}")))
    }

    /// A position, or a number of bases.
    fn number(&self, what: &str, text: &str) -> Result<usize> {
        text.parse().map_err(|_| self.complaint(format!("expected a number as {what}, found '{text}'")))
    }

    fn complaint(&self, message: impl Into<String>) -> Error {
        Error::line(self.path, self.line, message)
    }
}

#[cfg(test)]
mod tests;
