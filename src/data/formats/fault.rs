//! Why a row cannot be used, and fields that every format has.

use std::collections::BTreeMap;

use crate::data::{Pair, Split};
use crate::rna::{self, Base};

/// What BioMart writes where it has no sequence.
const UNAVAILABLE: &str = "sequence unavailable";

/// Why a row cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::data) struct Fault {
    /// A kind of fault, the same words for each row that has it.
    pub reason: &'static str,
    /// What was expected and what was found.
    pub message: String,
}

/// Rows left out by reason: how many, and the 1-based line of the first.
pub type LeftOut = BTreeMap<&'static str, (u64, u64)>;

impl Fault {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Fault {
        Fault { reason, message: message.into() }
    }

    /// Adds this fault of line `line` to those left out.
    pub(super) fn count(&self, line: u64, left_out: &mut LeftOut) {
        left_out.entry(self.reason).or_insert((0, line)).0 += 1;
    }
}

impl From<Fault> for String {
    fn from(fault: Fault) -> String {
        fault.message
    }
}

/// Whether a field holds nothing. `NA` and `NaN` would read as bases.
pub(super) fn is_absent(text: &str) -> bool {
    matches!(text, "" | ".") || ["na", "nan"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The pair, if its names can stand in a field of a table: a TAB between commas, or a stray line end, would make two of one.
pub(super) fn told_in_a_field(pair: Pair) -> Result<Pair, Fault> {
    let names = [Some(&pair.mirna_id), Some(&pair.site_id), pair.cluster.as_ref(), pair.family.as_ref()];
    if let Some(name) = names.into_iter().flatten().find(|name| name.contains(char::is_control)) {
        let message = format!("expected names without control characters, found {name:?}");
        return Err(Fault::new("a name with control characters", message));
    }
    Ok(pair)
}

/// An id, if there is one.
pub(super) fn id(text: &str) -> Option<&str> {
    Some(text).filter(|text| !is_absent(text))
}

/// The sequence of a miRNA or site called `id`, in the order in which it is written.
pub(in crate::data) fn sequence(what: &'static str, id: &str, text: &str) -> Result<Vec<Base>, Fault> {
    if is_absent(text) || text.eq_ignore_ascii_case(UNAVAILABLE) {
        let reason = if what == "miRNA" { "no miRNA sequence" } else { "no site sequence" };
        let found = if text.is_empty() { "nothing".into() } else { format!("'{text}'") };
        return Err(Fault::new(reason, format!("expected the sequence of {what} '{id}', found {found}")));
    }
    rna::parse(text.as_bytes()).map_err(|e| {
        let (at, found) = (e.at + 1, char::from(e.byte).escape_default());
        let message = format!("expected a base at position {at} of {what} '{id}', found '{found}'");
        Fault::new("a sequence with letters that are no bases", message)
    })
}

/// 0 or 1, also written `1.0`; `.` is unknown.
pub(super) fn label(text: &str) -> Result<Option<f32>, Fault> {
    match text.parse::<f32>() {
        _ if text == "." => Ok(None),
        Ok(value) if value == 0.0 || value == 1.0 => Ok(Some(value.abs())),
        _ => Err(Fault::new("a label that is not 0 or 1", format!("expected label 0 or 1, found '{text}'"))),
    }
}

/// A split's name; `.` is none.
pub(super) fn split(text: &str) -> Result<Option<Split>, Fault> {
    let unknown = || {
        let message = format!("expected split train, val or test, found '{text}'");
        Fault::new("a split that is not train, val or test", message)
    };
    if text == "." { Ok(None) } else { Split::from_name(text).map(Some).ok_or_else(unknown) }
}
