//! Declarations of variables and arrays.

use super::{Array, Cursor, Variable};
use crate::fault::PtxError;
use crate::types::Type;

/// What stands between the space and the name: alignment and type. `.attribute`s and the like are passed over.
fn declared(c: &mut Cursor) -> Result<(usize, Type), PtxError> {
    let (mut align, mut ty) = (1, None);
    while c.peek().starts_with('.') {
        match c.next() {
            ".align" => align = c.number()?,
            word => ty = Type::parse(&word[1..]).or(ty),
        }
    }
    let ty = ty.ok_or_else(|| c.error("declaration without a type"))?;
    Ok((align.max(ty.bytes()), ty))
}

/// `[4][5]` as the number of elements, with whether it was empty (`[]`).
fn extent(c: &mut Cursor) -> Result<(usize, bool), PtxError> {
    let (mut n, mut open) = (1, false);
    while c.eat("[") {
        if c.eat("]") {
            open = true;
        } else {
            n *= c.number()?;
            c.expect("]")?;
        }
    }
    Ok((n, open))
}

/// `.shared .align 4 .b8 name[512];`, likewise `.local`.
pub(super) fn array(c: &mut Cursor) -> Result<Array, PtxError> {
    c.at += 1;
    let (align, ty) = declared(c)?;
    let name = c.next().to_string();
    let (n, open) = extent(c)?;
    c.expect(";")?;
    Ok(Array { name, align, bytes: if open { 0 } else { n * ty.bytes() }, open })
}

/// `.const .align 4 .b8 name[8] = {0, 1};` What has no initial value is zero.
pub(super) fn global(c: &mut Cursor) -> Result<Variable, PtxError> {
    c.at += 1;
    let (_, ty) = declared(c)?;
    let name = c.next().to_string();
    let (n, mut open) = extent(c)?;
    let mut data = Vec::new();
    if c.eat("=") {
        let braces = c.eat("{");
        loop {
            data.extend_from_slice(&element(c)?.to_le_bytes()[..ty.bytes()]);
            if !c.eat(",") {
                break;
            }
        }
        if braces {
            c.expect("}")?;
        }
        open = false;
    }
    if open {
        return Err(c.error(format!("{name}: extern variables are not interpreted")));
    }
    data.resize(data.len().max(n * ty.bytes()), 0);
    c.expect(";")?;
    Ok(Variable { name, data })
}

fn element(c: &mut Cursor) -> Result<u64, PtxError> {
    let minus = c.eat("-");
    let text = c.peek();
    let hex = |digits: &str| u64::from_str_radix(digits, 16).ok();
    let value = match text.get(..2) {
        Some("0f" | "0F" | "0d" | "0D" | "0x" | "0X") => hex(text[2..].trim_end_matches('U')),
        _ => text.trim_end_matches('U').parse().ok(),
    };
    let value = value.ok_or_else(|| c.error(format!("expected an initial value, got '{text}'")))?;
    c.at += 1;
    Ok(if minus { value.wrapping_neg() } else { value })
}
