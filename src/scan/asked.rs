//! Which pairs are asked about: every miRNA on every transcript, or those on a list.
//!
//! A list is TAB-separated. If its first row names the columns `mirna_id` and `target_id` they are found by name
//! (so a genes table is a list), otherwise the first two columns are meant. Blank lines and lines starting
//! with `#` are skipped; a pair listed again is asked about once.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::sync::Arc;

use super::Mirnas;
use super::mirnas::Mirna;
use crate::rna::Record;
use crate::{Error, Result, open};

const MIRNA: &str = "mirna_id";
const TARGET: &str = "target_id";

/// The pairs of a scan.
pub enum Asked {
    /// Every miRNA on every transcript.
    All,
    /// Only these.
    Listed(Listed),
}

/// Pairs by transcript.
#[derive(Default)]
pub struct Listed {
    targets: Vec<Listing>,
    by_id: HashMap<String, usize>,
    repeats: u64,
}

struct Listing {
    target: String,
    mirnas: Vec<String>,
    met: bool,
}

impl Listed {
    /// Reads a list; see the module's description.
    pub fn open(path: &str) -> Result<Self> {
        let name = if path == open::STANDARD { "stdin" } else { path };
        Self::read(open::open(path)?, name)
    }

    fn read(mut input: Box<dyn BufRead + Send>, path: &str) -> Result<Self> {
        let mut listed = Listed::default();
        let mut pairs = HashSet::new();
        let mut columns = None;
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            let read = open::read_line(&mut input, &mut bytes, open::LONGEST_LINE);
            if read.map_err(|e| Error::io(path, e))? == 0 {
                break;
            }
            let text = std::str::from_utf8(&bytes)
                .map_err(|_| Error::line(path, line, "expected UTF-8 text, found other bytes"))?;
            let row = text.trim_end_matches(['\n', '\r']);
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = row.split('\t').map(str::trim).collect();
            let at = *columns.get_or_insert_with(|| named(&fields).unwrap_or((0, 1)));
            let (Some(&mirna), Some(&target)) = (fields.get(at.0), fields.get(at.1)) else {
                let message = format!("expected TAB-separated columns {MIRNA} and {TARGET}, found '{row}'");
                return Err(Error::line(path, line, message));
            };
            if let Some(odd) = [mirna, target].into_iter().find(|id| id.contains(char::is_control)) {
                let message = format!("expected ids without control characters, found {odd:?}");
                return Err(Error::line(path, line, message));
            }
            if (mirna, target) != (MIRNA, TARGET) {
                listed.add(mirna, target, &mut pairs);
            }
        }
        Ok(listed)
    }

    fn add(&mut self, mirna: &str, target: &str, pairs: &mut HashSet<(usize, String)>) {
        let place = *self.by_id.entry(target.to_string()).or_insert_with(|| {
            self.targets.push(Listing { target: target.to_string(), mirnas: Vec::new(), met: false });
            self.targets.len() - 1
        });
        match pairs.insert((place, mirna.to_string())) {
            true => self.targets[place].mirnas.push(mirna.to_string()),
            false => self.repeats += 1,
        }
    }

    /// Distinct pairs on the list.
    pub fn pairs(&self) -> u64 {
        self.targets.iter().map(|listing| listing.mirnas.len() as u64).sum()
    }

    /// One line about pairs listed more than once, if there are any.
    pub fn warning(&self) -> Option<String> {
        let count = self.repeats;
        (count > 0).then(|| format!("{count} rows repeat a listed pair; each pair is asked about once"))
    }
}

impl Asked {
    /// The miRNAs asked about on `target`, in the order of their file and then, unknown ones, of the list.
    pub(super) fn on<'a>(&mut self, target: &str, mirnas: &'a Mirnas) -> Cow<'a, [Mirna]> {
        match self {
            Asked::All => Cow::Borrowed(mirnas.all()),
            Asked::Listed(listed) => match listed.by_id.get(target) {
                None => Cow::default(),
                Some(&place) => {
                    listed.targets[place].met = true;
                    Cow::Owned(known_first(&listed.targets[place].mirnas, mirnas))
                }
            },
        }
    }

    /// Another shard's business, but its transcript is there.
    pub(super) fn meet(&mut self, target: &str) {
        if let Asked::Listed(listed) = self
            && let Some(&place) = listed.by_id.get(target)
        {
            listed.targets[place].met = true;
        }
    }

    /// After the last transcript: the listed transcripts that were not met, with their miRNAs, in the list's order.
    pub(super) fn unmet(&self, mirnas: &Mirnas) -> Vec<(Arc<Record>, Arc<Record>)> {
        let Asked::Listed(listed) = self else { return Vec::new() };
        let unmet = listed.targets.iter().filter(|listing| !listing.met);
        let pairs = |listing: &Listing| {
            let target = Mirna::unknown(&listing.target).record;
            let asked = known_first(&listing.mirnas, mirnas);
            asked.into_iter().map(move |mirna| (mirna.record, target.clone()))
        };
        unmet.flat_map(pairs).collect()
    }
}

/// The places of the two columns, if `fields` is a header.
fn named(fields: &[&str]) -> Option<(usize, usize)> {
    let place = |name| fields.iter().position(|&field| field == name);
    Some((place(MIRNA)?, place(TARGET)?))
}

fn known_first(ids: &[String], mirnas: &Mirnas) -> Vec<Mirna> {
    let mut places: Vec<(usize, &String)> =
        ids.iter().map(|id| (mirnas.place(id).unwrap_or(usize::MAX), id)).collect();
    places.sort_by_key(|&(place, _)| place);
    let mirna = |(place, id): (usize, &String)| match mirnas.all().get(place) {
        Some(mirna) => mirna.clone(),
        None => Mirna::unknown(id),
    };
    places.into_iter().map(mirna).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &str) -> Result<Vec<(String, Vec<String>)>> {
        let listed = Listed::read(Box::new(Cursor::new(text.to_string())), "p.tsv")?;
        Ok(listed.targets.into_iter().map(|listing| (listing.target, listing.mirnas)).collect())
    }

    #[test]
    fn columns_by_name_or_the_first_two() {
        let want =
            [("t1".to_string(), vec!["a".to_string(), "b".to_string()]), ("t2".into(), vec!["a".into()])];
        assert_eq!(read("a\tt1\nb\tt1\r\n\na\tt2").unwrap(), want);
        assert_eq!(
            read("# x=1\ntarget_id\tn\tmirna_id\nt1\t0\ta\nt1\t0\tb\nt2\t0\ta\nt2\t1\ta\n").unwrap(),
            want
        );
    }

    #[test]
    fn a_row_with_one_column_is_an_error() {
        let message = read("a\tt1\nb t1\n").unwrap_err().to_string();
        assert_eq!(message, "p.tsv:2: expected TAB-separated columns mirna_id and target_id, found 'b t1'");
    }
}
