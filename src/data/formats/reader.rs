//! Pairs row by row, whatever the format.

use std::path::Path;

use super::columns::{Columns, label_name};
use super::fault::{Fault, LeftOut};
use super::{Format, bits, fault, headless};
use crate::data::lines::Lines;
use crate::data::pairs::Pair;
use crate::data::table::Table;
use crate::{Error, Result};

/// A file of pairs being read.
pub struct PairReader {
    format: Format,
    source: Source,
}

enum Source {
    Table(Table, Columns),
    Lines(Lines, fn(&str) -> Result<Pair, Fault>),
}

impl PairReader {
    /// Opens `path` (gzip by content, `-` is standard input). `None` recognises the format.
    pub fn open(path: &Path, format: Option<Format>) -> Result<PairReader> {
        let mut lines = Lines::open(path)?;
        let format = match format {
            None => lines.first()?.and_then(Format::of_line),
            given => given,
        };
        let parse: fn(&str) -> Result<Pair, Fault> = match format {
            Some(Format::MirawBits) => bits::pair,
            Some(Format::MiTar) => headless::mitar,
            Some(Format::TecMiTarget) => headless::tec_mitarget,
            _ => return Self::table(Table::new(lines)?, format),
        };
        let format = format.expect("it was matched");
        lines.first()?;
        Ok(PairReader { format, source: Source::Lines(lines, parse) })
    }

    fn table(table: Table, format: Option<Format>) -> Result<PairReader> {
        let format = format.map_or_else(|| Format::of(&table), Ok)?;
        let columns = Columns::find(&table, format)?;
        Ok(PairReader { format, source: Source::Table(table, columns) })
    }

    /// The format given or recognised.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The file's name for messages.
    pub fn path(&self) -> &str {
        match &self.source {
            Source::Table(table, _) => table.path(),
            Source::Lines(lines, _) => lines.path(),
        }
    }

    /// The next row's 1-based line and what is in it, or `None` at the end.
    fn next_row(&mut self) -> Result<Option<(u64, Result<Pair, Fault>)>> {
        let row = match &mut self.source {
            Source::Table(table, columns) => table.next_row()?.map(|row| (row.line, columns.pair(&row))),
            Source::Lines(lines, parse) => lines.next()?.map(|(line, text)| (line, parse(&text))),
        };
        Ok(row.map(|(line, pair)| (line, pair.and_then(fault::told_in_a_field))))
    }

    /// The next row that can be used, its line with it. Others are counted in `left_out`, or an error where that is `None`.
    pub fn next_pair(&mut self, left_out: Option<&mut LeftOut>) -> Result<Option<(u64, Pair)>> {
        let mut left_out = left_out;
        while let Some((line, row)) = self.next_row()? {
            match (row, &mut left_out) {
                (Ok(pair), _) => return Ok(Some((line, pair))),
                (Err(fault), Some(left_out)) => fault.count(line, left_out),
                (Err(fault), None) => return Err(Error::line(self.path(), line, fault)),
            }
        }
        Ok(None)
    }

    /// An error where the header names no column of labels.
    fn must_be_labelled(&self) -> Result<()> {
        match &self.source {
            Source::Table(table, _) => table.column(label_name(self.format)).map(drop),
            Source::Lines(..) => Ok(()),
        }
    }
}

/// Every row of `path` (gzip by content, `-` is standard input). `None` recognises the format.
/// The first row that cannot be read is an error: no row is dropped.
pub fn read_pairs(path: &Path, format: Option<Format>) -> Result<Vec<Pair>> {
    let mut reader = PairReader::open(path, format)?;
    let mut pairs = Vec::new();
    while let Some((_, pair)) = reader.next_pair(None)? {
        pairs.push(pair);
    }
    Ok(pairs)
}

/// As [`read_pairs`], for training and testing: every row must have a label.
pub fn read_labelled(path: &Path, format: Option<Format>) -> Result<Vec<Pair>> {
    let mut reader = PairReader::open(path, format)?;
    reader.must_be_labelled()?;
    let mut pairs = Vec::new();
    while let Some((line, pair)) = reader.next_pair(None)? {
        if pair.label.is_none() {
            return Err(Error::line(reader.path(), line, "expected label 0 or 1, found none"));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}
