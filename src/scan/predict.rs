//! A table of pairs, each row a miRNA and a site, with a column of probabilities put after its own.
//!
//! TAB-separated with a header; rows come out as they went in, whatever else they hold. Lines before the header
//! that start with `#` are kept, blank lines are dropped. A site longer than the model's window is scored by
//! its centre, and not at all if longer than two windows: that is no site but a transcript to scan. A second column may tell
//! how likely chance does as well, adjusted for the number of rows.

use std::collections::BTreeMap;
use std::io::BufRead;

use super::{BATCH, Status, mirna_status, target_status};
use crate::eval::benjamini_hochberg;
use crate::model::{Predictor, Steps};
use crate::output::Output;
use crate::rna::{Base, Gate, parse};
use crate::{Error, Result, open};

/// Headers recognised by name, miRNA sequence and site sequence: TargetNet, miRBench, miRBind.
const KNOWN: [(&str, &str); 3] = [("mirna_seq", "mrna_seq"), ("noncodingRNA", "gene"), ("miRNA", "gene")];

/// Which columns are read, and the names of those that are added.
pub struct Columns {
    /// The miRNA's sequence; `None` to recognise it.
    pub mirna: Option<String>,
    /// The site's sequence; `None` to recognise it.
    pub target: Option<String>,
    /// The new column.
    pub append: String,
    /// A column of adjusted p-values after it, of the chance that a shuffled window scores as high; `None` for none. The table
    /// is held in memory for it.
    pub fdr: Option<String>,
}

/// What became of the rows.
#[derive(Debug, Default)]
pub struct Predicted {
    /// Rows read.
    pub rows: u64,
    /// Rows whose site was longer than a window.
    pub centred: u64,
    /// For each reason why rows have no probability: how many, and the first one's line.
    pub unscored: BTreeMap<&'static str, (u64, u64)>,
}

struct Table<'a> {
    input: Box<dyn BufRead + Send>,
    path: &'a str,
    line: u64,
    output: Output,
    /// Where p-values are to be adjusted: the chance of a probability by chance, and rows that wait for all others.
    survival: Option<Steps>,
    held: Vec<(Vec<u8>, Option<f64>)>,
}

/// What a header says.
#[derive(Clone, Copy)]
struct Layout {
    mirna: usize,
    target: usize,
    width: usize,
}

/// A miRNA and a site.
type Pair = (Vec<Base>, Vec<Base>);

/// A row and, where it can be scored, its miRNA and site.
struct Row {
    text: Vec<u8>,
    pair: Option<Pair>,
}

/// Reads the table `path` and writes it to `output`. `observe` is told the rows done, now and then.
pub fn predict(
    predictor: &Predictor,
    (path, columns): (&str, &Columns),
    output: Output,
    observe: &mut dyn FnMut(u64),
) -> Result<Predicted> {
    let name = if path == open::STANDARD { "stdin" } else { path };
    let survival = columns.fdr.as_ref().map(|_| survival(predictor)).transpose()?;
    let mut table = Table { input: open::open(path)?, path: name, line: 0, output, survival, held: vec![] };
    let layout = table.header(columns)?;
    let mut done = Predicted::default();
    let mut rows = Vec::new();
    while let Some(text) = table.next_line()? {
        done.rows += 1;
        let pair = table.pair(&text, layout)?;
        let pair = pair.and_then(|pair| fitted(pair, predictor, &mut done.centred));
        let pair = pair.inspect_err(|reason| {
            done.unscored.entry(reason).or_insert((0, table.line)).0 += 1;
        });
        rows.push(Row { text, pair: pair.ok() });
        if rows.len() == BATCH {
            table.write(&mut rows, predictor)?;
            observe(done.rows);
        }
    }
    table.write(&mut rows, predictor)?;
    table.adjust()?;
    table.output.finish()?;
    Ok(done)
}

fn survival(predictor: &Predictor) -> Result<Steps> {
    predictor.survival(Gate::TILED).ok_or_else(|| {
        let expected = "--fdr: expected a model that was held against chance (mirscope model null)";
        Error::Setting(format!("{expected}, found none in {}", predictor.name()))
    })
}

impl Table<'_> {
    /// The next line that is not blank, without its end.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            let mut text = Vec::new();
            let read = open::read_line(&mut self.input, &mut text, open::LONGEST_LINE);
            if read.map_err(|e| Error::io(self.path, e))? == 0 {
                return Ok(None);
            }
            self.line += 1;
            while text.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                text.pop();
            }
            if !text.trim_ascii().is_empty() {
                return Ok(Some(text));
            }
        }
    }

    /// Copies the header with the new column's name.
    fn header(&mut self, columns: &Columns) -> Result<Layout> {
        let mut text = match self.next_line()? {
            Some(text) => text,
            None => return Err(Error::file(self.path, "expected a header and rows, found nothing")),
        };
        while text.starts_with(b"#") {
            text.push(b'\n');
            self.output.put(&text)?;
            text = self
                .next_line()?
                .ok_or_else(|| Error::file(self.path, "expected a header, found only comments"))?;
        }
        let start = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let names: Vec<String> = text[start..]
            .split(|&b| b == b'\t')
            .map(|name| String::from_utf8_lossy(bare(name)).into_owned())
            .collect();
        let layout = layout(&names, columns).map_err(|message| Error::line(self.path, self.line, message))?;
        text.push(b'\t');
        text.extend_from_slice(columns.append.as_bytes());
        if let Some(fdr) = &columns.fdr {
            text.push(b'\t');
            text.extend_from_slice(fdr.as_bytes());
        }
        text.push(b'\n');
        self.output.put(&text)?;
        Ok(layout)
    }

    /// The row's sequences, or why it has none.
    fn pair(&self, text: &[u8], layout: Layout) -> Result<Result<Pair, &'static str>> {
        let fields: Vec<&[u8]> = text.split(|&b| b == b'\t').collect();
        if fields.len() != layout.width {
            let message =
                format!("expected {} columns as in the header, found {}", layout.width, fields.len());
            return Err(Error::line(self.path, self.line, message));
        }
        let sequence = |place: usize, reason| parse(bare(fields[place])).map_err(|_| reason);
        let mirna = sequence(layout.mirna, "miRNA with a letter that is no nucleotide code");
        let target = sequence(layout.target, "site with a letter that is no nucleotide code");
        Ok(mirna.and_then(|mirna| Ok((mirna, target?))))
    }

    fn write(&mut self, rows: &mut Vec<Row>, predictor: &Predictor) -> Result<()> {
        let pairs: Vec<(&[Base], &[Base])> = rows
            .iter()
            .filter_map(|row| row.pair.as_ref())
            .map(|(mirna, site)| (&mirna[..], &site[..]))
            .collect();
        let mut probabilities = predictor.probabilities(&pairs)?.into_iter();
        for Row { mut text, pair } in rows.drain(..) {
            let probability = pair.and_then(|_| probabilities.next());
            text.extend_from_slice(probability.map_or("\tNA".into(), |p| format!("\t{p:.6}")).as_bytes());
            match &self.survival {
                Some(survival) => self.held.push((text, probability.map(|p| survival.at(p).into()))),
                None => {
                    text.push(b'\n');
                    self.output.put(&text)?;
                }
            }
        }
        Ok(())
    }

    /// Writes the rows that are held, each with its adjusted p-value.
    fn adjust(&mut self) -> Result<()> {
        let p_values: Vec<f64> = self.held.iter().filter_map(|(_, p)| *p).collect();
        let mut adjusted = benjamini_hochberg(&p_values).into_iter();
        for (mut text, p) in self.held.drain(..) {
            let adjusted = p.and_then(|_| adjusted.next());
            text.extend_from_slice(adjusted.map_or("\tNA\n".into(), |p| format!("\t{p:.6}\n")).as_bytes());
            self.output.put(&text)?;
        }
        Ok(())
    }
}

/// Checks a pair against what is scored, and cuts a long site down to its centre.
fn fitted((mirna, mut site): Pair, predictor: &Predictor, centred: &mut u64) -> Result<Pair, &'static str> {
    let length = predictor.site_len();
    match mirna_status(&mirna, predictor.mirna_len()) {
        Status::Ok => {}
        Status::Masked => return Err("miRNA with unknown bases"),
        _ => return Err("miRNA too short or too long"),
    }
    match target_status(&site) {
        _ if site.len() > 2 * length => return Err("site longer than two windows (use scan)"),
        Status::Invalid => return Err("no site"),
        Status::Short => return Err("site too short"),
        _ => {}
    }
    if site.len() > length {
        *centred += 1;
        site.drain(..(site.len() - length) / 2);
        site.truncate(length);
    }
    match site.contains(&Base::N) {
        true => Err("site with unknown bases"),
        false => Ok((mirna, site)),
    }
}

/// A field without the quotes that some writers put around every one.
fn bare(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    field.strip_prefix(b"\"").and_then(|field| field.strip_suffix(b"\"")).unwrap_or(field)
}

fn layout(names: &[String], columns: &Columns) -> Result<Layout, String> {
    let place = |name: &str| names.iter().position(|found| found == name);
    let named = |name: &Option<String>, known: Option<usize>, flag: &str| match name {
        Some(name) => {
            place(name).ok_or(format!("expected the column '{name}' of {flag}, found {}", names.join(", ")))
        }
        None => known.ok_or_else(|| {
            let headers = KNOWN.map(|(mirna, target)| format!("{mirna} and {target}")).join(", or ");
            format!("expected the columns {headers} (or name yours with {flag}), found {}", names.join(", "))
        }),
    };
    let known = KNOWN.iter().find_map(|(mirna, target)| Some((place(mirna)?, place(target)?)));
    let mirna = named(&columns.mirna, known.map(|(mirna, _)| mirna), "--mirna-col")?;
    let target = named(&columns.target, known.map(|(_, target)| target), "--target-col")?;
    let there = |name: &&String| place(name).is_some();
    let twice = columns.fdr.as_ref().filter(|fdr| **fdr == columns.append);
    if let Some(name) = [&columns.append].into_iter().chain(&columns.fdr).find(there).or(twice) {
        return Err(format!(
            "expected a new name for the added column, found that '{name}' is there already"
        ));
    }
    Ok(Layout { mirna, target, width: names.len() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{device::Device, workers::Workers};

    fn places(header: &str, mirna: Option<&str>) -> Result<(usize, usize), String> {
        let names: Vec<String> = header.split(' ').map(str::to_string).collect();
        let columns =
            Columns { mirna: mirna.map(str::to_string), target: None, append: "p".into(), fdr: None };
        layout(&names, &columns).map(|layout| (layout.mirna, layout.target))
    }

    #[test]
    fn published_headers_are_recognised() {
        assert_eq!(places("mirna_id mirna_seq mrna_id mrna_seq label", None), Ok((1, 3)));
        assert_eq!(places("gene noncodingRNA noncodingRNA_name label", None), Ok((1, 0)));
        assert_eq!(places("miRNA gene label", None), Ok((0, 1)));
        assert_eq!(places("x miRNA gene label", Some("x")), Ok((0, 2)));
    }

    #[test]
    fn a_header_that_does_not_fit_is_told() {
        assert!(places("a b", None).unwrap_err().ends_with("(or name yours with --mirna-col), found a, b"));
        assert!(places("miRNA gene p", None).unwrap_err().contains("'p' is there already"));
    }

    #[test]
    fn a_long_site_is_cut_to_its_centre() {
        let predictor = Predictor::embedded(Workers::new(&Device::cpu(), 1).unwrap()).unwrap();
        let length = predictor.site_len();
        let mirna = parse(b"UGAGGUAGUAGGUUGUAUAGUU").unwrap();
        let site = [vec![Base::A; 3], vec![Base::C; length], vec![Base::A; 4]].concat();
        let mut centred = 0;
        let (_, cut) = fitted((mirna.clone(), site), &predictor, &mut centred).unwrap();
        assert_eq!((cut, centred), (vec![Base::C; length], 1));
        assert!(fitted((mirna, vec![Base::C; 2 * length + 1]), &predictor, &mut centred).is_err());
    }
}
