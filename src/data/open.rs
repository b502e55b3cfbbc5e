//! Opening an input: a file or `-` for standard input, gzip recognised by its first two bytes.

use std::fs::File;
use std::io::{Cursor, Read, stdin};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use crate::{Error, Result};

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The bytes of `path`, unpacked if they are gzip (every member: bgzip files have many). `-` is standard input.
pub fn open(path: &Path) -> Result<Box<dyn Read>> {
    let mut raw: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(stdin()),
        false => Box::new(File::open(path).map_err(|e| Error::io(path, e))?),
    };
    let mut head = Vec::with_capacity(GZIP_MAGIC.len());
    let wanted = GZIP_MAGIC.len() as u64;
    raw.by_ref().take(wanted).read_to_end(&mut head).map_err(|e| Error::io(path, e))?;
    let packed = head == GZIP_MAGIC;
    let whole = Cursor::new(head).chain(raw);
    Ok(if packed { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}
