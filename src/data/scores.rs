//! A column of anybody's scores, joined to labelled pairs.
//!
//! | what the table has | how rows find each other |
//! |---|---|
//! | the sequences of both partners, in a known format | by order; each row's sequences must be the pair's |
//! | miRNA and target ids (`mirna_id`, `mrna_id` or `target_id`, and other tools' names) | by both ids; other rows are left aside |
//! | neither | by order alone |

use std::collections::HashMap;
use std::path::Path;

use super::formats::read_pairs;
use super::pairs::Pair;
use super::table::Table;
use crate::{Error, Result};

/// Columns that may hold a miRNA's id.
const MIRNA_IDS: [&str; 4] = ["mirna_id", "noncodingRNA_name", "miRNA_Name", "miRNA_ID"];
/// Columns that may hold a target's id.
const TARGET_IDS: [&str; 4] = ["mrna_id", "target_id", "gene_id", "Ensembl_ID"];

/// What a table of scores said of some pairs.
#[derive(Clone, Debug, PartialEq)]
pub struct Joined {
    /// One for each pair. `[pairs]`
    pub scores: Vec<f64>,
    /// How rows found each other, in words.
    pub how: &'static str,
    /// Pairs whose score was `NA` or empty.
    pub missing: usize,
    /// Rows of the table that belong to no pair.
    pub aside: usize,
}

/// Reads the scores in `column` of `path` for `pairs`. A score that is `NA` or empty is `missing`; without that, an error.
pub fn read_scores(path: &Path, column: &str, pairs: &[Pair], missing: Option<f64>) -> Result<Joined> {
    let cells = Cells::read(path, column)?;
    let places = cells.places(path, pairs)?;
    let mut joined = Joined { scores: vec![], how: places.1, missing: 0, aside: 0 };
    for &place in &places.0 {
        let (line, text) = &cells.scores[place];
        joined.scores.push(match (text.as_str(), missing) {
            ("NA" | "", Some(score)) => {
                joined.missing += 1;
                score
            }
            _ => text.parse::<f64>().ok().filter(|score| !score.is_nan()).ok_or_else(|| {
                let message = format!("expected a number in column '{column}', found '{text}'");
                Error::line(&cells.name, *line, message)
            })?,
        });
    }
    let used: std::collections::HashSet<usize> = places.0.into_iter().collect();
    joined.aside = cells.scores.len() - used.len();
    Ok(joined)
}

/// The table's scores as they are written, and its ids.
struct Cells {
    name: String,
    /// Line and text of each row's score.
    scores: Vec<(u64, String)>,
    ids: Option<Vec<(String, String)>>,
    has_sequences: bool,
}

impl Cells {
    fn read(path: &Path, column: &str) -> Result<Cells> {
        let mut table = Table::open(path)?;
        let score = table.column(column)?;
        let find = |names: [&str; 4]| names.into_iter().find_map(|name| table.find(name));
        let id_columns = find(MIRNA_IDS).zip(find(TARGET_IDS));
        let has_sequences = super::Format::of(&table).is_ok();
        let (mut scores, mut ids) = (vec![], vec![]);
        while let Some(row) = table.next_row()? {
            let field = |at: usize| row.fields[at].trim().to_owned();
            scores.push((row.line, field(score)));
            ids.extend(id_columns.map(|(mirna, target)| (field(mirna), field(target))));
        }
        let ids = id_columns.map(|_| ids);
        Ok(Cells { name: table.path().to_owned(), scores, ids, has_sequences })
    }

    /// The table's row for each pair, and how it was found.
    fn places(&self, path: &Path, pairs: &[Pair]) -> Result<(Vec<usize>, &'static str)> {
        if self.has_sequences {
            self.same_number(pairs)?;
            for ((row, pair), (line, _)) in read_pairs(path, None)?.iter().zip(pairs).zip(&self.scores) {
                if row.mirna != pair.mirna || row.site != pair.site {
                    return Err(Error::line(&self.name, *line, unlike(row, pair)));
                }
            }
            return Ok(((0..pairs.len()).collect(), "by order, sequences compared"));
        }
        let Some(ids) = &self.ids else {
            self.same_number(pairs)?;
            return Ok(((0..pairs.len()).collect(), "by order alone: no column names the rows"));
        };
        let mut rows: HashMap<(&str, &str), usize> = HashMap::new();
        for (row, (mirna, target)) in ids.iter().enumerate() {
            let first = *rows.entry((mirna, target)).or_insert(row);
            let (line, text) = &self.scores[row];
            if self.scores[first].1 != *text {
                let message = format!(
                    "expected the score of line {} for {mirna} and {target} again, found '{text}'",
                    self.scores[first].0
                );
                return Err(Error::line(&self.name, *line, message));
            }
        }
        let place = |pair: &Pair| {
            let (mirna, target) = (pair.mirna_id.as_str(), pair.site_id.as_str());
            let missing =
                || Error::file(&self.name, format!("expected a row for {mirna} and {target}, found none"));
            rows.get(&(mirna, target)).copied().ok_or_else(missing)
        };
        Ok((pairs.iter().map(place).collect::<Result<_>>()?, "by miRNA and target ids"))
    }

    fn same_number(&self, pairs: &[Pair]) -> Result<()> {
        let (expected, found) = (pairs.len(), self.scores.len());
        let message = || format!("expected {expected} rows, one for each labelled pair, found {found}");
        if expected == found { Ok(()) } else { Err(Error::file(&self.name, message())) }
    }
}

/// Which partner differs.
fn unlike(row: &Pair, pair: &Pair) -> String {
    let (what, expected, found) = match row.mirna != pair.mirna {
        true => ("miRNA", &pair.mirna_id, &row.mirna_id),
        false => ("site", &pair.site_id, &row.site_id),
    };
    format!("expected the {what} of the labelled pair in this place ({expected}), found another ({found})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read_labelled;

    const PAIRS: &str = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n\
        a\tAAAAAAAA\tg1\tACGU\t1\nb\tCCCCCCCC\tg1\tACGU\t0\na\tAAAAAAAA\tg2\tGGGG\t0\n";

    fn joined(table: &str, missing: Option<f64>) -> Result<Joined, String> {
        let folder = tempfile::tempdir().unwrap();
        let (pairs, scores) = (folder.path().join("pairs.tsv"), folder.path().join("s.tsv"));
        std::fs::write(&pairs, PAIRS).unwrap();
        std::fs::write(&scores, table).unwrap();
        let place = folder.path().display().to_string() + "/";
        read_scores(&scores, "p", &read_labelled(&pairs, None).unwrap(), missing)
            .map_err(|e| e.to_string().replace(&place, ""))
    }

    #[test]
    fn sequences_are_compared_row_by_row() {
        let table = "miRNA\tgene\tp\nAAAAAAAA\tACGT\t.5\nCCCCCCCC\tACGU\t1e-3\nAAAAAAAA\tGGGG\t-2\n";
        let found = joined(table, None).unwrap();
        assert_eq!((found.scores, found.how), (vec![0.5, 1e-3, -2.0], "by order, sequences compared"));
        let message = joined(&table.replace("GGGG", "GGGA"), None).unwrap_err();
        assert_eq!(
            message,
            "s.tsv:4: expected the site of the labelled pair in this place (g2), found another (GGGA)"
        );
        let short = table.rsplit_once("AAAAAAAA").unwrap().0;
        let message = joined(short, None).unwrap_err();
        assert_eq!(message, "s.tsv: expected 3 rows, one for each labelled pair, found 2");
    }

    #[test]
    fn ids_find_rows_in_any_order_and_rows_of_nobody_are_counted() {
        let table = "target_id\tp\tmirna_id\ng2\t3\ta\ng1\t2\tb\ng9\t7\ta\ng1\t1\ta\ng1\t1\ta\n";
        let found = joined(table, None).unwrap();
        assert_eq!(found.scores, [1.0, 2.0, 3.0]);
        assert_eq!((found.how, found.aside), ("by miRNA and target ids", 2));
        let message = joined(&table.replace("g2", "g3"), None).unwrap_err();
        assert_eq!(message, "s.tsv: expected a row for a and g2, found none");
        let message = joined(&(table.to_owned() + "g1\t5\ta\n"), None).unwrap_err();
        assert_eq!(message, "s.tsv:7: expected the score of line 5 for a and g1 again, found '5'");
    }

    #[test]
    fn what_is_not_there_is_asked_for_or_counted() {
        let message = joined("p\n1\nNA\n2\n", None).unwrap_err();
        assert_eq!(message, "s.tsv:3: expected a number in column 'p', found 'NA'");
        let found = joined("p\n1\nNA\n2\n", Some(0.0)).unwrap();
        assert_eq!((found.scores, found.missing), (vec![1.0, 0.0, 2.0], 1));
        assert!(joined("p\n1\nNaN\n2\n", Some(0.0)).unwrap_err().contains("found 'NaN'"));
        assert!(joined("q\n1\n", None).unwrap_err().contains("expected a column 'p'"));
    }
}
