//! PTX text to words and punctuation, each with its line.

use crate::fault::PtxError;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// From 1.
    pub line: u32,
}

/// Dots, `%` and `$` belong to words (`ld.global.f32`, `%tid.x`, `$L__BB0_2`).
fn in_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, b'_' | b'$' | b'%' | b'.')
}

/// The tokens of a module, comments removed.
pub fn tokens(text: &str) -> Result<Vec<Token<'_>>, PtxError> {
    let bytes = text.as_bytes();
    let (mut out, mut at, mut line) = (Vec::new(), 0, 1u32);
    while at < bytes.len() {
        let rest = &text[at..];
        let length = match bytes[at] {
            b'\n' => {
                line += 1;
                at += 1;
                continue;
            }
            c if c.is_ascii_whitespace() || c == 0 => {
                at += 1;
                continue;
            }
            b'/' if rest.starts_with("//") => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            b'/' if rest.starts_with("/*") => {
                let end = rest.find("*/").ok_or_else(|| PtxError::new(line, "comment without end"))? + 2;
                line += rest[..end].matches('\n').count() as u32;
                at += end;
                continue;
            }
            b'"' => rest[1..].find('"').ok_or_else(|| PtxError::new(line, "string without end"))? + 2,
            c if in_word(c) => word_length(&bytes[at..]),
            c if c.is_ascii() => 1,
            _ => return Err(PtxError::new(line, "expected ASCII")),
        };
        out.push(Token { text: &text[at..at + length], line });
        at += length;
    }
    Ok(out)
}

/// Two colons in a row belong to the word (`ld.global.L1::no_allocate`), a single one ends a label.
fn word_length(bytes: &[u8]) -> usize {
    let mut n = 0;
    while n < bytes.len() {
        if in_word(bytes[n]) {
            n += 1;
        } else if bytes[n..].starts_with(b"::") {
            n += 2;
        } else {
            break;
        }
    }
    n
}
