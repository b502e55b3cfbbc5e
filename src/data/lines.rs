//! Lines of a text input, counted.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::{Error, Result, open};

/// A text being read line by line. Empty lines are skipped and counted.
pub(super) struct Lines {
    path: String,
    input: Box<dyn BufRead>,
    /// 1-based number of the line read last.
    line: u64,
    /// The next line, where somebody looked ahead.
    ahead: Option<(u64, String)>,
}

impl Lines {
    /// Opens `path` (gzip by content, `-` is standard input).
    pub fn open(path: &Path) -> Result<Lines> {
        let name =
            if path.as_os_str() == open::STANDARD { "stdin".into() } else { path.display().to_string() };
        Ok(Lines::new(name, open::open(&path.to_string_lossy())?))
    }

    /// Reads `input`; `path` stands for it in messages.
    pub fn new(path: String, input: impl Read + 'static) -> Lines {
        Lines { path, input: Box::new(BufReader::with_capacity(1 << 16, input)), line: 0, ahead: None }
    }

    /// The file's name for messages.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A complaint about line `line`.
    pub fn complaint(&self, line: u64, message: impl Into<String>) -> Error {
        Error::line(&self.path, line, message)
    }

    /// What begins the text: its first line that is no note (`# ...`), which stays to be read.
    pub fn first(&mut self) -> Result<Option<&str>> {
        while self.ahead.is_none() {
            let Some((line, text)) = self.next()? else { return Ok(None) };
            let text = text.trim_start_matches('\u{feff}');
            if !text.starts_with("# ") {
                self.ahead = Some((line, text.to_owned()));
            }
        }
        Ok(self.ahead.as_ref().map(|(_, text)| text.as_str()))
    }

    /// The next line that is not empty, without its line end (LF or CRLF), and its 1-based number.
    pub fn next(&mut self) -> Result<Option<(u64, String)>> {
        if let Some(ahead) = self.ahead.take() {
            return Ok(Some(ahead));
        }
        loop {
            let mut bytes = Vec::new();
            let read = open::read_line(&mut self.input, &mut bytes, open::LONGEST_LINE);
            let read = read.map_err(|e| Error::io(&self.path, e))?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if !text.is_empty() {
                let not_utf8 = |_| self.complaint(self.line, "expected UTF-8 text, found other bytes");
                return std::str::from_utf8(text).map(|s| Some((self.line, s.to_owned()))).map_err(not_utf8);
            }
        }
    }
}
