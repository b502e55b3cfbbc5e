//! A file that has no name until it is complete, so that a killed program leaves nothing behind.
//!
//! On Linux the file is in no folder at all (`O_TMPFILE`, open(2)) where the file system can do that; elsewhere it has a hidden
//! name. Its bytes are on the disk before it gets the name it was made for.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

pub(super) struct Temporary {
    file: Unfinished,
    /// What it will be called.
    place: PathBuf,
}

enum Unfinished {
    #[cfg(target_os = "linux")]
    Unnamed(File),
    Hidden(NamedTempFile),
}

impl Temporary {
    /// In the folder of `place`, with the rights a new file gets.
    pub(super) fn beside(place: &Path) -> io::Result<Self> {
        let folder = folder(place);
        if !folder.is_dir() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "expected a folder to write in, found none"));
        }
        let file = match unnamed(folder) {
            Some(file) => file,
            // Its own message names the temporary file, which nobody asked for.
            None => Unfinished::Hidden(hidden().tempfile_in(folder).map_err(|e| e.kind())?),
        };
        Ok(Temporary { file, place: place.to_path_buf() })
    }

    /// Gives the file its name. A file that had the name is replaced in one step.
    pub(super) fn keep(self) -> io::Result<()> {
        self.keep_after(|| Ok(()))
    }

    /// As [`Temporary::keep`], with something done once its bytes are on the disk.
    pub(super) fn keep_after(self, first: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let Temporary { file, place } = self;
        let named = match file {
            #[cfg(target_os = "linux")]
            Unfinished::Unnamed(file) => {
                on_disk(&file)?;
                linked(file, folder(&place))?
            }
            Unfinished::Hidden(named) => {
                on_disk(named.as_file())?;
                named.into_temp_path()
            }
        };
        first()?;
        named.persist(&place).map_err(|e| e.error)?;
        sync_folder(&place);
        Ok(())
    }

    fn file(&mut self) -> &mut File {
        match &mut self.file {
            #[cfg(target_os = "linux")]
            Unfinished::Unnamed(file) => file,
            Unfinished::Hidden(named) => named.as_file_mut(),
        }
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file().flush()
    }
}

/// Sees to it that a folder knows its file's new name even if the power goes. Where folders cannot be asked for that, it is as
/// good as it gets.
pub(super) fn sync_folder(place: &Path) {
    let _ = File::open(folder(place)).and_then(|folder| folder.sync_all());
}

/// Sees to it that a file's bytes are on the disk, where the file system can be asked for that.
pub(super) fn on_disk(file: &File) -> io::Result<()> {
    match file.sync_all() {
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

fn folder(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Names that tell where a file comes from that somebody finds.
fn hidden() -> Builder<'static, 'static> {
    let mut builder = Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".mirscope-");
    builder
}

#[cfg(not(target_os = "linux"))]
fn unnamed(_: &Path) -> Option<Unfinished> {
    None
}

/// `None` where the file system has no such files, or they could not be named: for errors there is the other way.
#[cfg(target_os = "linux")]
fn unnamed(folder: &Path) -> Option<Unfinished> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.read(true).write(true).mode(0o666).custom_flags(rustix::fs::OFlags::TMPFILE.bits() as i32);
    let file = options.open(folder).ok()?;
    Path::new(&descriptor(&file)).exists().then_some(Unfinished::Unnamed(file))
}

#[cfg(target_os = "linux")]
fn descriptor(file: &File) -> String {
    use std::os::fd::AsRawFd;
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// A hidden name for a file without one; for its copy, where a file system has such files but does not name them.
#[cfg(target_os = "linux")]
fn linked(mut file: File, folder: &Path) -> io::Result<tempfile::TempPath> {
    use rustix::fs::{AtFlags, CWD, linkat};
    use std::io::Seek;
    let link = |path: &Path| Ok(linkat(CWD, descriptor(&file), CWD, path, AtFlags::SYMLINK_FOLLOW)?);
    if let Ok(named) = hidden().make_in(folder, link) {
        return Ok(named.into_temp_path());
    }
    let mut copy = hidden().tempfile_in(folder)?;
    file.rewind()?;
    io::copy(&mut file, &mut copy)?;
    on_disk(copy.as_file())?;
    Ok(copy.into_temp_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_is_in_no_folder_until_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("x");
        let mut file = Temporary::beside(&place).unwrap();
        file.write_all(b"new").unwrap();
        if cfg!(target_os = "linux") && unnamed(folder.path()).is_some() {
            assert!(names(folder.path()).is_empty());
        }
        drop(file);
        assert!(names(folder.path()).is_empty());
        for text in ["one", "another"] {
            let mut file = Temporary::beside(&place).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.keep().unwrap();
            assert_eq!(std::fs::read_to_string(&place).unwrap(), text);
            assert_eq!(names(folder.path()), ["x"]);
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_file_that_cannot_be_named_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        // One that is not of a folder's file system cannot get a name in it.
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"bytes").unwrap();
        let place = folder.path().join("x");
        linked(file, folder.path()).unwrap().persist(&place).unwrap();
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "bytes");
        assert_eq!(names(folder.path()), ["x"]);
    }
}
