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

use std::path::Path;

use super::lines::Lines;
use crate::{Error, Result};

/// A table being read. Lines before the header that begin with `# ` are notes about the file and are skipped, as are
/// empty lines anywhere.
pub struct Table {
    lines: Lines,
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
        Table::new(Lines::open(path)?)
    }

    /// The table that `lines` are.
    pub(super) fn new(mut lines: Lines) -> Result<Table> {
        lines.first()?;
        match lines.next()? {
            Some((header_line, text)) => Ok(Table { lines, header: fields(&text), header_line }),
            None => Err(Error::file(lines.path(), "expected a header line, found an empty file")),
        }
    }

    /// The file's name for messages.
    pub fn path(&self) -> &str {
        self.lines.path()
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
        self.lines.complaint(self.header_line, format!("{expected}, found columns: {found}"))
    }

    /// The next row, or `None` at the end.
    pub fn next_row(&mut self) -> Result<Option<Row>> {
        let Some((line, text)) = self.lines.next()? else { return Ok(None) };
        let row = Row { line, fields: fields(&text) };
        let (expected, found) = (self.header.len(), row.fields.len());
        if found != expected {
            let message = format!("expected {expected} fields as in the header, found {found}");
            return Err(self.lines.complaint(line, message));
        }
        Ok(Some(row))
    }
}

fn fields(text: &str) -> Vec<String> {
    text.split('\t').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &'static str) -> Result<Table> {
        Table::new(Lines::new("t.tsv".into(), text.as_bytes()))
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
