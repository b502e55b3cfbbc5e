//! Where results go: a file that appears only when it is complete, or standard output.

mod partial;
mod temporary;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};

use crate::{Error, Result, open};
use partial::Partial;
use temporary::Temporary;

/// An output being written. Dropped without [`Output::finish`], a file is not created; of one that can be resumed, what was
/// written up to the last checkpoint stays under another name.
pub struct Output {
    path: String,
    sink: Sink,
}

enum Sink {
    Standard(BufWriter<Stdout>),
    /// A pipe or device that is there already and cannot be renamed over.
    Direct(BufWriter<File>),
    Plain(BufWriter<Temporary>),
    Gzip(GzEncoder<BufWriter<Temporary>>),
    Partial(Partial),
}

impl Output {
    /// Opens `path` for writing, `-` for standard output; gzip if the name ends in `.gz`.
    pub fn create(path: &str) -> Result<Self> {
        let sink = Self::sink(path).map_err(|e| Error::io(path, e))?;
        Ok(Output { path: if path == open::STANDARD { "stdout" } else { path }.to_string(), sink })
    }

    fn sink(path: &str) -> io::Result<Sink> {
        if path == open::STANDARD {
            return Ok(Sink::Standard(BufWriter::new(io::stdout())));
        }
        // A link stays a link: what it points to is replaced.
        let place = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
        if place.exists() && !place.is_file() {
            return Ok(Sink::Direct(BufWriter::new(OpenOptions::new().write(true).open(place)?)));
        }
        let temporary = BufWriter::new(Temporary::beside(&place)?);
        Ok(match path.ends_with(".gz") {
            true => Sink::Gzip(GzEncoder::new(temporary, Compression::default())),
            false => Sink::Plain(temporary),
        })
    }

    /// Opens a file that can be gone on with after [`Output::checkpoint`], and goes on after `length` bytes.
    pub fn resume(path: &str, length: u64) -> Result<Self> {
        let open = || {
            let place = std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path));
            if path == open::STANDARD || (place.exists() && !place.is_file()) {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidInput,
                    "expected a file, to be gone on with",
                ));
            }
            Partial::open(place, length, path.ends_with(".gz"))
        };
        let sink = Sink::Partial(open().map_err(|e| Error::io(path, e))?);
        Ok(Output { path: path.to_string(), sink })
    }

    /// Where a file that can be resumed is until it is finished.
    pub fn partial(path: &str) -> PathBuf {
        partial::name(&std::fs::canonicalize(path).unwrap_or_else(|_| PathBuf::from(path)))
    }

    /// Sees to it that what was written is not lost; the bytes to [`Output::resume`] after.
    pub fn checkpoint(&mut self) -> Result<u64> {
        match &mut self.sink {
            Sink::Partial(partial) => partial.checkpoint().map_err(|e| Error::io(&self.path, e)),
            _ => unreachable!("only resumed outputs have checkpoints"),
        }
    }

    /// Writes a whole file at once: it is there with all of `bytes`, or as it was before.
    pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
        let write = || -> io::Result<()> {
            let mut file = Temporary::beside(path)?;
            file.write_all(bytes)?;
            file.keep()
        };
        write().map_err(|e| Error::io(path, e))
    }

    /// As [`Output::write`], and what was at `path` goes by the name of `before` from then on.
    pub fn write_keeping(path: &Path, bytes: &[u8], before: &Path) -> Result<()> {
        let write = || -> io::Result<()> {
            let mut file = Temporary::beside(path)?;
            file.write_all(bytes)?;
            file.keep_after(|| match std::fs::rename(path, before) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
                _ => Ok(()),
            })
        };
        write().map_err(|e| Error::io(path, e))
    }

    /// Writes `text`.
    pub fn put(&mut self, text: impl AsRef<[u8]>) -> Result<()> {
        let writer: &mut dyn Write = match &mut self.sink {
            Sink::Standard(writer) => writer,
            Sink::Direct(writer) => writer,
            Sink::Plain(writer) => writer,
            Sink::Gzip(writer) => writer,
            Sink::Partial(partial) => partial,
        };
        writer.write_all(text.as_ref()).map_err(|e| Error::io(&self.path, e))
    }

    /// Completes the output and gives a file its name.
    pub fn finish(self) -> Result<()> {
        let keep = |writer: BufWriter<Temporary>| writer.into_inner().map_err(|e| e.into_error())?.keep();
        let done = match self.sink {
            Sink::Standard(mut writer) => writer.flush(),
            Sink::Direct(mut writer) => writer.flush(),
            Sink::Plain(writer) => keep(writer),
            Sink::Gzip(writer) => writer.finish().and_then(keep),
            Sink::Partial(partial) => partial.keep(),
        };
        done.map_err(|e| Error::io(self.path, e))
    }
}

/// A line of the program's own on stderr. Where nobody reads there any more, that is no reason to stop.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "mirscope: {line}");
}

/// Whether the reader of a pipe went away, as `| head` does: no error for who runs the program.
pub fn is_closed_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}
