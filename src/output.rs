//! Where results go: a file that appears only when it is complete, or standard output.

mod partial;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Stdout, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};
use tempfile::NamedTempFile;

use crate::{Error, Result, open};
use partial::Partial;

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
    Plain(BufWriter<NamedTempFile>, PathBuf),
    Gzip(GzEncoder<BufWriter<NamedTempFile>>, PathBuf),
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
        let temporary = BufWriter::new(temporary_beside(&place)?);
        Ok(match path.ends_with(".gz") {
            true => Sink::Gzip(GzEncoder::new(temporary, Compression::default()), place),
            false => Sink::Plain(temporary, place),
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
            let mut file = temporary_beside(path)?;
            file.write_all(bytes)?;
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        };
        write().map_err(|e| Error::io(path, e))
    }

    /// Writes `text`.
    pub fn put(&mut self, text: impl AsRef<[u8]>) -> Result<()> {
        let writer: &mut dyn Write = match &mut self.sink {
            Sink::Standard(writer) => writer,
            Sink::Direct(writer) => writer,
            Sink::Plain(writer, _) => writer,
            Sink::Gzip(writer, _) => writer,
            Sink::Partial(partial) => partial,
        };
        writer.write_all(text.as_ref()).map_err(|e| Error::io(&self.path, e))
    }

    /// Completes the output and gives a file its name.
    pub fn finish(self) -> Result<()> {
        let keep = |writer: BufWriter<NamedTempFile>, place: PathBuf| -> io::Result<()> {
            let file = writer.into_inner().map_err(|e| e.into_error())?;
            file.persist(place).map_err(|e| e.error)?;
            Ok(())
        };
        let done = match self.sink {
            Sink::Standard(mut writer) => writer.flush(),
            Sink::Direct(mut writer) => writer.flush(),
            Sink::Plain(writer, place) => keep(writer, place),
            Sink::Gzip(writer, place) => writer.finish().and_then(|writer| keep(writer, place)),
            Sink::Partial(partial) => partial.keep(),
        };
        done.map_err(|e| Error::io(self.path, e))
    }
}

/// A temporary file in `place`'s directory, with the rights a new file gets.
fn temporary_beside(place: &Path) -> io::Result<NamedTempFile> {
    let directory = place.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "expected a folder to write in, found none"));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    // Its own message names the temporary file, which nobody asked for.
    builder.prefix(".mirscope-").tempfile_in(directory).map_err(|e| e.kind().into())
}

/// Whether the reader of a pipe went away, as `| head` does: no error for who runs the program.
pub fn is_closed_pipe(error: &Error) -> bool {
    matches!(error, Error::Io { source, .. } if source.kind() == io::ErrorKind::BrokenPipe)
}
