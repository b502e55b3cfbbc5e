//! What needs no network, fitted to the files that the user names.

use super::Args;
use crate::Result;
use crate::cli::rows::{labels, read};
use crate::data::Pair;
use crate::eval::{Scored, Scores, Shortcuts, seed_margin};

/// A line for each shortcut; without files to learn from, for the seed rule alone.
pub(super) fn lines(args: &Args, rows: &[Pair]) -> Result<Vec<Scored>> {
    let mut teachers = vec![];
    for path in &args.shortcuts_from {
        teachers.extend(read(path, args.shortcuts_split)?);
    }
    let [mirna, site, seed] = Shortcuts::NAMES;
    if teachers.is_empty() {
        args.common
            .say(format_args!("{mirna} and {site}: skipped, --shortcuts-from names no files to learn from"));
        return Ok(vec![line(seed, rows, rows.iter().map(seed_margin).collect())?]);
    }
    let shortcuts = Shortcuts::fit(&teachers)?;
    let margins: Vec<[f64; 3]> = rows.iter().map(|pair| shortcuts.margins(pair)).collect();
    let names = Shortcuts::NAMES.into_iter().enumerate();
    names.map(|(i, name)| line(name, rows, margins.iter().map(|all| all[i]).collect())).collect()
}

fn line(name: &str, rows: &[Pair], margins: Vec<f64>) -> Result<Scored> {
    Ok(Scored {
        name: name.into(),
        scores: Scores::new(labels(rows), margins)?,
        threshold: Some(0.0),
        probabilities: false,
    })
}
