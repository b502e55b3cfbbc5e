//! Opening text inputs: a path, `-` for standard input, gzip and bgzip recognised by content.

use std::collections::VecDeque;
use std::fs::{File, Metadata};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// The name of standard input and standard output on the command line.
pub const STANDARD: &str = "-";

/// Bytes a read asks for.
const BUFFER: usize = 1 << 16;

/// The longest line of a table, bytes: a thousand times what the longest 3'UTR takes.
pub const LONGEST_LINE: u64 = 1 << 26;

/// The longest text that is read at once, bytes: settings, manifests and reports, which are far shorter.
const LONGEST_TEXT: u64 = 1 << 28;

/// First two bytes of every gzip member, RFC 1952, <https://www.rfc-editor.org/rfc/rfc1952>.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Opens `path` for reading, decompressed where its content is gzip or bgzip (every member).
pub fn open(path: &str) -> Result<Box<dyn BufRead + Send>> {
    open_counting(path, Arc::default())
}

/// As [`open`], and keeps in `consumed` how many bytes of the file, as it lies on disk, were read.
pub fn open_counting(path: &str, consumed: Arc<AtomicU64>) -> Result<Box<dyn BufRead + Send>> {
    let raw: Box<dyn Read + Send> = match path {
        STANDARD => Box::new(io::stdin()),
        _ => Box::new(File::open(path).map_err(|e| Error::io(path, e))?),
    };
    let mut raw = Counting { raw, consumed };
    let mut head = Vec::new();
    (&mut raw).take(GZIP.len() as u64).read_to_end(&mut head).map_err(|e| Error::io(path, e))?;
    let compressed = head == GZIP;
    let whole = BufReader::with_capacity(BUFFER, Cursor::new(head).chain(raw));
    Ok(match compressed {
        true => {
            let ends = Ends { raw: whole, first: Vec::new(), last: VecDeque::new() };
            Box::new(BufReader::with_capacity(BUFFER, Unpacked(MultiGzDecoder::new(ends))))
        }
        false => Box::new(whole),
    })
}

/// Appends the next line with its end to `line`, and tells its bytes; 0 at the end. A line of more than `most` bytes is an error
/// before it is read any further: what has no line ends, or is compressed to nothing, must not fill the memory.
pub fn read_line(input: &mut (impl BufRead + ?Sized), line: &mut Vec<u8>, most: u64) -> io::Result<usize> {
    let before = line.len();
    let read = input.take(most + 1).read_until(b'\n', line)?;
    match read as u64 > most {
        true => {
            line.truncate(before);
            let message = format!("expected lines of at most {most} bytes, found a longer one");
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        }
        false => Ok(read),
    }
}

/// All of a short text.
pub fn read_text(path: &Path) -> Result<String> {
    let fail = |e| Error::io(path, e);
    let mut text = String::new();
    File::open(path).map_err(fail)?.take(LONGEST_TEXT + 1).read_to_string(&mut text).map_err(fail)?;
    match text.len() as u64 > LONGEST_TEXT {
        true => Err(Error::file(
            path.display().to_string(),
            format!("expected at most {LONGEST_TEXT} bytes, found more"),
        )),
        false => Ok(text),
    }
}

/// A regular file as it lies on disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    path: String,
    /// Of its bytes, in hex.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// When it was changed, and which file it is: what tells cheaply that it is the same.
    stamp: (Option<SystemTime>, u64),
}

impl Content {
    /// `None` for standard input and pipes, which can be read only once.
    pub fn of(path: &str) -> Result<Option<Self>> {
        let fail = |e| Error::io(path, e);
        if path == STANDARD || !std::fs::metadata(path).map_err(fail)?.is_file() {
            return Ok(None);
        }
        let mut file = File::open(path).map_err(fail)?;
        let stamp = stamp(&file.metadata().map_err(fail)?);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; BUFFER];
        let mut bytes = 0;
        loop {
            let read = file.read(&mut buffer).map_err(fail)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            bytes += read as u64;
        }
        let sha256 = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(Content { path: path.to_string(), sha256, bytes, stamp }))
    }

    /// An error where the file no longer is what it was: what was read in between may be neither.
    pub fn expect_unchanged(&self) -> Result<()> {
        let now = std::fs::metadata(&self.path).map_err(|e| Error::io(&self.path, e))?;
        if (stamp(&now), now.len()) == (self.stamp, self.bytes) {
            return Ok(());
        }
        match Self::of(&self.path)? {
            Some(now) if (&now.sha256, now.bytes) == (&self.sha256, self.bytes) => Ok(()),
            _ => {
                let message = "was changed while it was read; run again";
                Err(Error::file(&self.path, message))
            }
        }
    }
}

fn stamp(metadata: &Metadata) -> (Option<SystemTime>, u64) {
    #[cfg(unix)]
    let file = std::os::unix::fs::MetadataExt::ino(metadata);
    #[cfg(not(unix))]
    let file = 0;
    (metadata.modified().ok(), file)
}

/// Bytes of a bgzip file's beginning that tell it from other gzip: an extra field that begins with `BC`.
const BGZIP: usize = 14;
/// What a block of nothing ends with, as a bgzip file does: no bits, their checksum and their length. SAM specification 4.1.2,
/// <https://samtools.github.io/hts-specs/SAMv1.pdf>.
const NOTHING: [u8; 10] = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Text from gzip. A bgzip file that was cut between two of its blocks is no whole one, though each block is.
struct Unpacked<R>(MultiGzDecoder<Ends<R>>);

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        match read == 0 && !buffer.is_empty() && self.0.get_ref().is_cut() {
            true => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "expected the empty block that ends a bgzip file, found none: it was cut off",
            )),
            false => Ok(read),
        }
    }
}

/// A file's first and last bytes, as far as they have been read.
struct Ends<R> {
    raw: R,
    first: Vec<u8>,
    last: VecDeque<u8>,
}

impl<R> Ends<R> {
    fn is_cut(&self) -> bool {
        self.first.len() == BGZIP
            && self.first[3] & 4 != 0
            && self.first.ends_with(b"BC")
            && self.last != NOTHING
    }
}

impl<R: Read> Read for Ends<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        let new = &buffer[..read];
        self.first.extend(new.iter().take(BGZIP - self.first.len()));
        self.last.extend(&new[read.saturating_sub(NOTHING.len())..]);
        self.last.drain(..self.last.len().saturating_sub(NOTHING.len()));
        Ok(read)
    }
}

struct Counting {
    raw: Box<dyn Read + Send>,
    consumed: Arc<AtomicU64>,
}

impl Read for Counting {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.raw.read(buffer)?;
        self.consumed.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn member(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read_back(bytes: &[u8]) -> String {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let mut text = String::new();
        open(file.path().to_str().unwrap()).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn every_gzip_member_is_read_whatever_the_name() {
        let bgzip_like = [member(b">a\n"), member(b"ACGU\n"), member(b"")].concat();
        assert_eq!(read_back(&bgzip_like), ">a\nACGU\n");
    }

    #[test]
    fn a_bgzip_file_cut_between_blocks_is_not_whole() {
        let block = |text: &[u8]| {
            let extra = b"BC\x02\0\0\0".to_vec();
            let mut encoder = flate2::GzBuilder::new().extra(extra).write(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let [a, b, end] = [&b">a\n"[..], b"ACGU\n", b""].map(block);
        assert_eq!(read_back(&[&a[..], &b, &end].concat()), ">a\nACGU\n");
        for cut in [&[&a[..], &b].concat(), &a] {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), cut).unwrap();
            let mut text = String::new();
            let error = open(file.path().to_str().unwrap()).unwrap().read_to_string(&mut text).unwrap_err();
            assert!(error.to_string().contains("the empty block that ends a bgzip file"), "{error}");
        }
    }

    #[test]
    fn files_shorter_than_the_magic_are_plain_text() {
        assert_eq!(read_back(b""), "");
        assert_eq!(read_back(b">"), ">");
    }

    #[test]
    fn content_is_of_the_bytes_on_disk() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let content = Content::of(file.path().to_str().unwrap()).unwrap().unwrap();
        assert_eq!(content.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(content.bytes, 3);
        assert_eq!(Content::of("-").unwrap(), None);
    }

    #[test]
    fn changes_are_seen_and_others_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        let write = |text: &str| std::fs::write(&path, text).unwrap();
        write("abc");
        let content = Content::of(path.to_str().unwrap()).unwrap().unwrap();
        content.expect_unchanged().unwrap();
        write("abc"); // of another time
        content.expect_unchanged().unwrap();
        for other in ["ab", "abcd", "abd"] {
            write(other);
            let said = content.expect_unchanged().unwrap_err().to_string();
            assert!(said.contains("was changed while it was read"), "{other}: {said}");
        }
        std::fs::write(folder.path().join("y"), "abx").unwrap();
        std::fs::rename(folder.path().join("y"), &path).unwrap();
        assert!(content.expect_unchanged().is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(content.expect_unchanged().is_err());
    }
}
