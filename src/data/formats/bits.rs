//! miRAW's cross-validation sets (Pla et al. 2018, <https://doi.org/10.1371/journal.pcbi.1006185>): label, 30 x 4 bits of
//! the miRNA 5'->3', 40 x 4 bits of the site 3'->5', gene, miRNA name; commas, no header. A base is one bit of four,
//! C, A, G, U in this order; no bit is padding, at an end of the sequence.

use super::fault::{Fault, id, label};
use crate::data::pairs::Pair;
use crate::rna::{Base, text};

const MIRNA: usize = 30;
const SITE: usize = 40;
/// Values of a row.
pub(super) const FIELDS: usize = 1 + 4 * (MIRNA + SITE) + 2;

pub(super) fn pair(line: &str) -> Result<Pair, Fault> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    if fields.len() != FIELDS {
        let message = format!("expected {FIELDS} values between commas, found {}", fields.len());
        return Err(Fault::new("a wrong number of values", message));
    }
    let (mirna, site) = fields[1..FIELDS - 2].split_at(4 * MIRNA);
    let mirna = bases("miRNA", mirna)?;
    let mut site = bases("site", site)?;
    site.reverse();
    Ok(Pair {
        mirna_id: id(fields[FIELDS - 1]).map_or_else(|| text(&mirna), str::to_owned),
        mirna,
        site_id: id(fields[FIELDS - 2]).unwrap_or(".").to_owned(),
        site,
        label: label(fields[0])?,
        split: None,
        cluster: None,
        family: None,
    })
}

/// Bases from their bits, without the padding.
fn bases(what: &'static str, bits: &[&str]) -> Result<Vec<Base>, Fault> {
    let bit = |text: &&str| match *text {
        "0" | "0.0" => Some(false),
        "1" | "1.0" => Some(true),
        _ => None,
    };
    let base = |four: &[&str]| -> Option<Option<Base>> {
        let four: Vec<bool> = four.iter().map(bit).collect::<Option<_>>()?;
        match four[..] {
            [true, false, false, false] => Some(Some(Base::C)),
            [false, true, false, false] => Some(Some(Base::A)),
            [false, false, true, false] => Some(Some(Base::G)),
            [false, false, false, true] => Some(Some(Base::U)),
            [false, false, false, false] => Some(None),
            _ => None,
        }
    };
    let read: Option<Vec<Option<Base>>> = bits.chunks_exact(4).map(base).collect();
    let read = read.ok_or_else(|| {
        let message = format!("expected one bit of four, or none, for each base of the {what}");
        Fault::new("bits that are no base", message)
    })?;
    let from = read.iter().position(Option::is_some);
    let to = read.iter().rposition(Option::is_some);
    let Some((from, to)) = from.zip(to) else {
        let reason = if what == "miRNA" { "no miRNA sequence" } else { "no site sequence" };
        return Err(Fault::new(reason, format!("expected the bits of a {what}, found padding alone")));
    };
    read[from..=to].iter().copied().collect::<Option<_>>().ok_or_else(|| {
        let message = format!("expected padding at the ends of the {what} only, found it inside");
        Fault::new("padding inside a sequence", message)
    })
}
