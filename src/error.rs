//! What can go wrong, said with what was expected, what was found and where.

use std::{
    fmt::{self, Write},
    path::PathBuf,
};

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything the library reports. One line each; no variant is a bug of ours (those are `expect`s).
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An op was given operands that do not fit together.
    #[error("{op}: expected {expected}, got {got}")]
    Shape { op: &'static str, expected: String, got: String },
    /// A device is absent, or operands live on different ones.
    #[error("device: {0}")]
    Device(String),
    /// A GPU has no room for what was asked, bytes; a smaller batch may fit.
    #[error("device: out of memory: {asked} bytes asked for, {free} of {total} free")]
    OutOfMemory { asked: usize, free: usize, total: usize },
    /// A text input is malformed: `file:line: message`. The message says what was expected and found.
    #[error("{path}:{line}: {}", OneLine(message))]
    Line { path: String, line: u64, message: String },
    /// A file as a whole is not what it should be.
    #[error("{path}: {}", OneLine(message))]
    File { path: String, message: String },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Io { path: String, source: std::io::Error },
    /// An op was given, or made, an infinity or what is no number.
    #[error("{op}: {tensor} holds {value} at {place:?}")]
    NotFinite { op: &'static str, tensor: String, place: Vec<usize>, value: f64 },
    /// Training has left the numbers; steps are counted from 0.
    #[error("step {step}: {found}; the last checkpoint is from before it")]
    Diverged { step: u64, found: String },
    /// Asked to stop, by a signal.
    #[error("interrupted")]
    Interrupted,
    /// A setting that cannot be used, or asked-for work that makes no sense.
    #[error("{}", OneLine(.0))]
    Setting(String),
}

/// The longest message, characters. What was found in a file may be as long as the file.
const LONGEST: usize = 800;

/// A message on a line of its own: what was found in a file may hold line ends and what steers terminals.
struct OneLine<'a>(&'a str);

impl fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.chars().flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            plain.into_iter().chain(escaped.into_iter().flatten())
        });
        shown.by_ref().take(LONGEST).try_for_each(|c| f.write_char(c))?;
        f.write_str(if shown.next().is_some() { "..." } else { "" })
    }
}

impl Error {
    /// A shape complaint from `op`.
    pub fn shape(op: &'static str, expected: impl Into<String>, got: impl std::fmt::Debug) -> Self {
        Error::Shape { op, expected: expected.into(), got: format!("{got:?}") }
    }
    /// A complaint about one line (1-based) of a text input.
    pub fn line(path: impl Into<String>, line: u64, message: impl Into<String>) -> Self {
        Error::Line { path: path.into(), line, message: message.into() }
    }
    /// A complaint about a whole file.
    pub fn file(path: impl Into<String>, message: impl Into<String>) -> Self {
        Error::File { path: path.into(), message: message.into() }
    }
    /// An input or output failure on `path`.
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Error::Io { path: path.into().display().to_string(), source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_holds_does_not_break_a_message_out_of_its_line() {
        let error = Error::line("p.tsv", 3, "found 'a\nmirscope: all is well\u{1b}[2J'");
        assert_eq!(error.to_string(), "p.tsv:3: found 'a\\nmirscope: all is well\\u{1b}[2J'");
        assert!(Error::file("m", "x".repeat(1 << 20)).to_string().len() < 1000);
        assert_eq!(Error::Setting("\u{e9}\u{1}".into()).to_string(), "\u{e9}\\u{1}");
    }
}
