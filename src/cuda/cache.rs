//! Compiled kernels on disk, in the user's cache folder: compiling takes tenths of a second a file, for every run.
//!
//! A file is named by a hash of all that the image depends on, and begins with a hash of the image. A folder that cannot be
//! written and a file that is not what it should be are no errors: the kernel is compiled again.

use sha2::{Digest, Sha256};
use std::{env, fs, io::Write, path::PathBuf};

const HASH: usize = 32;

/// Where one image is kept; nowhere, where the user has no cache folder.
pub(super) struct Place(Option<PathBuf>);

impl Place {
    /// Of what is made of `parts`.
    pub fn of(parts: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let name: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Self(folder().map(|folder| folder.join(name)))
    }

    pub fn read(&self) -> Option<Vec<u8>> {
        let file = fs::read(self.0.as_ref()?).ok()?;
        let (hash, image) = file.split_at_checked(HASH)?;
        (Sha256::digest(image)[..] == *hash).then(|| image.to_vec())
    }

    pub fn write(&self, image: &[u8]) {
        if let Some(path) = &self.0 {
            // No cache, no loss.
            let _ = write(path, image);
        }
    }
}

/// Whole or not at all: a reader never sees half of a file.
fn write(path: &PathBuf, image: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().expect("a place is in a folder");
    fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&Sha256::digest(image))?;
    file.write_all(image)?;
    file.persist(path)?;
    Ok(())
}

fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("mirscope/kernels"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_anything_else_is_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a/b");
        let place = Place(Some(path.clone()));
        assert_eq!(place.read(), None);
        place.write(b"image");
        assert_eq!(place.read().as_deref(), Some(&b"image"[..]));
        let whole = fs::read(&path).expect("it was written");
        for wrong in [&whole[..HASH + 2], &whole[..3], &[&whole[..], b"!"].concat(), b""] {
            fs::write(&path, wrong).expect("the folder is ours");
            assert_eq!(place.read(), None);
        }
        // A file stands where the folder should.
        let nowhere = Place(Some(path.join("c")));
        nowhere.write(b"image");
        assert_eq!(nowhere.read(), None);
        assert_ne!(Place::of(&["ab", "c"]).0, Place::of(&["a", "bc"]).0);
    }
}
