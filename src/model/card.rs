//! Model files: safetensors with one metadata entry that says everything but the weights, as JSON.
//!
//! A file may come from anywhere, so it is read from its front, and no further than it makes sense: a header of a bounded
//! length, the entry, the shapes that the entry asks for against those of the header, and only then the weights. What is taken
//! of memory is then what the file holds.
//!
//! The entry's last key is `sha256`, of the entry without that key and the tensors' bytes after it: a bit that has changed on
//! a disk is seen. Files of before it was written have none.

use crate::{
    device::Device,
    error::{Error, Result},
    params::{Builder, Outline, Params},
};
use safetensors::tensor::Metadata;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, IgnoredAny, MapAccess, Visitor},
};
use sha2::{Digest, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    io::{self, Read},
};

/// Bytes of the number that a file begins with, its header's length.
const LENGTH: usize = 8;
/// The longest header, bytes: many times that of the largest network.
const LONGEST: u64 = 1 << 22;
/// The last key of an entry, up to its 64 digits, and what closes the entry.
const SEAL: [&str; 2] = [",\"sha256\":\"", "\"}"];

/// A model file whose header has been read, and its tensors not yet.
pub struct Unread<'a, R> {
    path: &'a str,
    /// The file's bytes up to the first tensor's.
    front: Vec<u8>,
    header: Metadata,
    rest: R,
    /// The entry without its checksum, and that.
    sealed: Option<(String, String)>,
}

/// What a file holds.
pub struct Filled<T> {
    pub made: T,
    pub params: Params,
    /// SHA-256 of the whole file, in hex.
    pub hash: String,
    /// The one that the file has of itself, if it has one; it has been found to be right.
    pub checksum: Option<String>,
}

impl<'a, R: Read> Unread<'a, R> {
    /// Reads the header; `path` is for messages.
    pub fn new(mut file: R, path: &'a str) -> Result<Self> {
        let bad = |what: String| Error::file(path, format!("is no safetensors file: {what}"));
        let front = up_to(&mut file, LENGTH as u64).map_err(|e| Error::io(path, e))?;
        let Ok(length) = front[..].try_into().map(u64::from_le_bytes) else {
            return Err(bad(format!("expected at least {LENGTH} bytes, found {}", front.len())));
        };
        if length > LONGEST {
            return Err(bad(format!("expected a header of at most {LONGEST} bytes, found one of {length}")));
        }
        let text = up_to(&mut file, length).map_err(|e| Error::io(path, e))?;
        if (text.len() as u64) < length {
            return Err(bad(format!("expected a header of {length} bytes, found {}", text.len())));
        }
        let wrong = |e| bad(format!("its header: {e}"));
        let Once = serde_json::from_slice(&text).map_err(wrong)?;
        let header = serde_json::from_slice(&text).map_err(wrong)?;
        Ok(Self { path, front: [front, text].concat(), header, rest: file, sealed: None })
    }

    /// What the entry `name` says.
    pub fn card<T: Serialize + DeserializeOwned>(&mut self, name: &str) -> Result<T> {
        let bad = |what: String| Error::file(self.path, what);
        let entry = self.header.metadata().as_ref().and_then(|entries| entries.get(name));
        let entry = entry.ok_or_else(|| bad(format!("has no {name} metadata; is it one of our models?")))?;
        let sealed = unsealed(entry);
        let card = sealed.as_ref().map_or(entry, |(card, _)| card);
        let wrong = |e: serde_json::Error| bad(format!("metadata: {e}"));
        let card: T = serde_json::from_str(card).map_err(wrong)?;
        if !is_of_one_line_texts(&json(&card)) {
            return Err(bad("metadata: expected texts of one line, found others".into()));
        }
        self.sealed = sealed;
        Ok(card)
    }

    /// What `register` registers, on `device` with the file's values.
    pub fn fill<T>(mut self, device: &Device, register: impl Fn(&mut Builder) -> T) -> Result<Filled<T>> {
        let (path, header) = (self.path, &self.header);
        let outline = Outline::of(&register);
        outline.check(header, path)?;
        let length = header.data_len();
        let data = up_to(&mut self.rest, length as u64 + 1).map_err(|e| Error::io(path, e))?;
        if data.len() != length {
            let found = if data.len() > length { "more".into() } else { data.len().to_string() };
            return Err(Error::file(path, format!("expected {length} bytes of tensors, found {found}")));
        }
        let checksum = self.sealed.map(|(card, digits)| (hex(&[card.as_bytes(), &data]), digits));
        if let Some((found, expected)) = checksum.as_ref().filter(|(found, expected)| found != expected) {
            let message = format!("is damaged: expected contents of SHA-256 {expected}, found {found}");
            return Err(Error::file(path, message));
        }
        let mut builder = outline.filled(header, &data, path)?;
        let (made, hash) = (register(&mut builder), hex(&[&self.front, &data]));
        let checksum = checksum.map(|(found, _)| found);
        Ok(Filled { made, params: builder.on(device)?, hash, checksum })
    }
}

/// The next `most` bytes, or as many as there are.
fn up_to(file: &mut impl Read, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An entry without its checksum, and that, if it has one.
fn unsealed(entry: &str) -> Option<(String, String)> {
    let [before, after] = SEAL;
    let (card, digits) = entry.strip_suffix(after)?.rsplit_once(before)?;
    let is_hex = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| (format!("{card}}}"), digits.to_string()))
}

/// Whether no text has what would break the lines of tables in which it is told. Quotes and backslashes are all else that is
/// written as an escape.
fn is_of_one_line_texts(json: &str) -> bool {
    let plain = json.replace("\\\\", "").replace("\\\"", "");
    !plain.contains(|c: char| c == '\\' || c.is_control())
}

fn json(card: &impl Serialize) -> String {
    serde_json::to_string(card).expect("plain fields serialise")
}

/// Keys of a JSON object, each of which is there once: of two tensors of one name, one reader would take the first and another
/// the second.
struct Once;

impl<'de> Deserialize<'de> for Once {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some((name, IgnoredAny)) = map.next_entry::<String, _>()? {
            if let Some(again) = seen.replace(name) {
                return Err(de::Error::custom(format!("expected each tensor once, found {again} again")));
            }
        }
        Ok(self)
    }
}

/// The file of `params` with the entry `name`: one, because the file's bytes must not depend on the order of a map.
pub fn write(params: &Params, name: &str, card: &impl Serialize) -> Result<Vec<u8>> {
    let plain = params.to_safetensors(HashMap::new())?;
    let length = u64::from_le_bytes(plain[..LENGTH].try_into().expect("a file begins with a number"));
    let data = &plain[LENGTH + length as usize..];
    let card = json(card);
    let digits = hex(&[card.as_bytes(), data]);
    let card = card.strip_suffix('}').expect("a card is an object");
    params.to_safetensors(HashMap::from([(name.into(), [card, SEAL[0], &digits, SEAL[1]].concat())]))
}
