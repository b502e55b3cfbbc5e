//! An output that is kept, up to its last checkpoint, when what writes it is killed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};

use super::temporary::{on_disk, sync_folder};

/// A file under another name until it is complete: `sites.tsv.partial`.
///
/// A gzip output is a member for each stretch between checkpoints, so its bytes do not tell whether it was resumed.
pub(super) struct Partial {
    file: BufWriter<File>,
    /// What was written up to the last checkpoint and, but for gzip, since then, bytes.
    length: u64,
    is_gzip: bool,
    member: Option<GzEncoder<Vec<u8>>>,
    place: PathBuf,
}

/// Where the output at `place` is while it is being written.
pub(super) fn name(place: &Path) -> PathBuf {
    let mut name = place.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

impl Partial {
    /// Goes on after `length` bytes; what may stand after them is dropped. Refused while another program writes it.
    pub(super) fn open(place: PathBuf, length: u64, is_gzip: bool) -> io::Result<Self> {
        let mut file =
            OpenOptions::new().write(true).create(length == 0).truncate(false).open(name(&place))?;
        only_writer(&file)?;
        let found = file.metadata()?.len();
        if found < length {
            let message = format!(
                "expected at least {length} bytes in the partial file, found {found}; begin again, without --resume"
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.set_len(length)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Partial { file: BufWriter::new(file), length, is_gzip, member: None, place })
    }

    /// Completes what was written so far, on the disk, and says how many bytes it is.
    pub(super) fn checkpoint(&mut self) -> io::Result<u64> {
        if let Some(member) = self.member.take() {
            let bytes = member.finish()?;
            self.length += bytes.len() as u64;
            self.file.write_all(&bytes)?;
        }
        self.file.flush()?;
        on_disk(self.file.get_ref())?;
        Ok(self.length)
    }

    /// Gives the file its name.
    pub(super) fn keep(mut self) -> io::Result<()> {
        self.checkpoint()?;
        std::fs::rename(name(&self.place), &self.place)?;
        sync_folder(&self.place);
        Ok(())
    }
}

/// Until the file is closed. File systems without locks are trusted.
fn only_writer(file: &File) -> io::Result<()> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::ResourceBusy,
            "expected to be its only writer, found another at it",
        )),
        _ => Ok(()),
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_gzip {
            let member = || GzEncoder::new(Vec::new(), Compression::default());
            return self.member.get_or_insert_with(member).write(bytes);
        }
        let written = self.file.write(bytes)?;
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// Writes `parts` with a checkpoint after each; stops after `until` and goes on from there, with dirt in between.
    fn file(is_gzip: bool, until: Option<usize>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        let parts = ["one\n", "", "two\n", "three\n"];
        let mut partial = Partial::open(place.clone(), 0, is_gzip).unwrap();
        for (i, part) in parts.iter().enumerate() {
            partial.write_all(part.as_bytes()).unwrap();
            let length = partial.checkpoint().unwrap();
            if until == Some(i) {
                partial.write_all(b"lost").unwrap();
                drop(partial);
                OpenOptions::new().append(true).open(name(&place)).unwrap().write_all(b"dirt").unwrap();
                partial = Partial::open(place.clone(), length, is_gzip).unwrap();
            }
        }
        assert!(!place.exists());
        partial.keep().unwrap();
        assert!(!name(&place).exists());
        std::fs::read(place).unwrap()
    }

    #[test]
    fn a_resumed_file_has_the_bytes_of_an_undisturbed_one() {
        for until in 0..4 {
            assert_eq!(file(false, Some(until)), b"one\ntwo\nthree\n");
            assert_eq!(file(true, Some(until)), file(true, None), "{until}");
        }
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file(true, None)[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_partial_file_has_one_writer() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        let first = Partial::open(place.clone(), 0, false).unwrap();
        let message = Partial::open(place.clone(), 0, false).err().unwrap().to_string();
        assert_eq!(message, "expected to be its only writer, found another at it");
        drop(first);
        assert!(Partial::open(place, 0, false).is_ok());
    }

    #[test]
    fn a_partial_file_that_lost_bytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        std::fs::write(name(&place), "12").unwrap();
        let message = Partial::open(place.clone(), 3, false).err().unwrap().to_string();
        assert_eq!(
            message,
            "expected at least 3 bytes in the partial file, found 2; begin again, without --resume"
        );
        std::fs::remove_file(name(&place)).unwrap();
        assert!(Partial::open(place, 3, false).is_err());
    }
}
