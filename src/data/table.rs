//! Tab-separated tables with a header, row by row, their fields as they stand in the file.
//!
//! ```
//! # let file = tempfile::NamedTempFile::new().unwrap();
//! # std::fs::write(file.path(), "gene\tlabel\nACGU\t1\n").unwrap();
//! use mirscope::data::Table;
//! let mut table = Table::open(file.path())?;
//! let gene = table.column("gene")?;
//! while let Some(row) = table.next_row()? {
//!     println!("{}\t{}", row.fields.join("\t"), row.fields[gene].len());
//! }
//! # Ok::<(), mirscope::Error>(())
//! ```

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::{Error, Result};

/// A table being read. Lines before the header that begin with `# ` are notes about the file and are skipped, as are
/// empty lines anywhere.
pub struct Table {
    path: String,
    lines: Box<dyn BufRead>,
    /// 1-based number of the line read last.
    line: u64,
    header: Vec<String>,
    header_line: u64,
}

/// One row: as many fields as the header has, unchanged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// 1-based line in the file.
    pub line: u64,
    pub fields: Vec<String>,
}

impl Table {
    /// Opens `path` (gzip by content, `-` is standard input) and reads its header.
    pub fn open(path: &Path) -> Result<Table> {
        let name = if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() };
        Table::from_reader(name, crate::open::open(&path.to_string_lossy())?)
    }

    /// Reads a table from `input`; `name` stands for it in messages.
    pub fn from_reader(name: String, input: Box<dyn Read>) -> Result<Table> {
        let lines = Box::new(BufReader::with_capacity(1 << 16, input));
        let mut table = Table { path: name, lines, line: 0, header: Vec::new(), header_line: 0 };
        while let Some(text) = table.next_line()? {
            let text = text.trim_start_matches('\u{feff}');
            if !text.starts_with("# ") {
                table.header = fields(text);
                table.header_line = table.line;
                return Ok(table);
            }
        }
        Err(Error::file(table.path, "expected a header line, found an empty file"))
    }

    /// The file's name for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Column names as written.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// 0-based place of the column called exactly `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// 0-based place of the one column called `name`; an error if it is missing or there are two.
    pub fn column(&self, name: &str) -> Result<usize> {
        match self.header.iter().filter(|column| *column == name).count() {
            1 => Ok(self.find(name).expect("it was counted")),
            0 => Err(self.header_error(format!("expected a column '{name}'"))),
            _ => Err(self.header_error(format!("expected one column '{name}'"))),
        }
    }

    /// A complaint about the header: `expected ..., found columns ...`.
    pub(super) fn header_error(&self, expected: String) -> Error {
        let found = self.header.join(" ");
        Error::line(&self.path, self.header_line, format!("{expected}, found columns: {found}"))
    }

    /// The next row, or `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let Some(text) = self.next_line()? else { return Ok(None) };
        let row = Row { line: self.line, fields: fields(&text) };
        let (expected, found) = (self.header.len(), row.fields.len());
        if found != expected {
            let message = format!("expected {expected} fields as in the header, found {found}");
            return Err(Error::line(&self.path, self.line, message));
        }
        Ok(Some(row))
    }

    /// The next line that is not empty, without its line end (LF or CRLF).
    fn next_line(&mut self) -> Result<Option<String>> {
        loop {
            let mut bytes = Vec::new();
            let read = self.lines.read_until(b'\n', &mut bytes).map_err(|e| Error::io(&self.path, e))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if !text.is_empty() {
                let not_utf8 =
                    |_| Error::line(&self.path, self.line, "expected UTF-8 text, found other bytes");
                return std::str::from_utf8(text).map(|s| Some(s.to_owned())).map_err(not_utf8);
            }
        }
    }
}

fn fields(text: &str) -> Vec<String> {
    text.split('\t').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &'static str) -> Result<Table> {
        Table::from_reader("t.tsv".into(), Box::new(text.as_bytes()))
    }

    #[test]
    fn notes_and_empty_lines_are_skipped_and_lines_still_counted() {
        let mut t = table("# made by hand\n\u{feff}a\tb\r\n\r\n1\t\r\n#2\t3").unwrap();
        assert_eq!(t.header(), ["a", "b"]);
        assert_eq!(t.next_row().unwrap(), Some(Row { line: 4, fields: vec!["1".into(), "".into()] }));
        assert_eq!(t.next_row().unwrap(), Some(Row { line: 5, fields: vec!["#2".into(), "3".into()] }));
        assert_eq!(t.next_row().unwrap(), None);
    }

    #[test]
    fn complaints_name_the_line() {
        let t = table("a\ta\tb\n").unwrap();
        assert_eq!(
            t.column("c").unwrap_err().to_string(),
            "t.tsv:1: expected a column 'c', found columns: a a b"
        );
        assert_eq!(
            t.column("a").unwrap_err().to_string(),
            "t.tsv:1: expected one column 'a', found columns: a a b"
        );
        let mut t = table("a\tb\n1\t2\n3\n").unwrap();
        t.next_row().unwrap();
        let error = t.next_row().unwrap_err().to_string();
        assert_eq!(error, "t.tsv:3: expected 2 fields as in the header, found 1");
        let error = table("").err().expect("no header").to_string();
        assert_eq!(error, "t.tsv: expected a header line, found an empty file");
    }
}
