//! What needs no network, fitted to the files that the user names.

use super::Args;
use crate::Result;
use crate::cli::rows::{labels, read};
use crate::data::{Pair, folds_of};
use crate::eval::{Scored, Scores, Shortcuts, seed_margin};

/// Folds that shortcuts are learned out of where no files are named.
const FOLDS: usize = 10;

/// A line for each shortcut.
pub(super) fn lines(args: &Args, rows: &[Pair]) -> Result<Vec<Scored>> {
    let mut teachers = vec![];
    for path in &args.shortcuts_from {
        teachers.extend(read(path, args.shortcuts_split)?);
    }
    let margins = match teachers.is_empty() {
        true => untaught(args, rows)?,
        false => {
            let shortcuts = Shortcuts::fit(&teachers)?;
            Some(rows.iter().map(|pair| shortcuts.margins(pair)).collect())
        }
    };
    let Some(margins) = margins else {
        let [.., seed] = Shortcuts::NAMES;
        return Ok(vec![line(seed, rows, rows.iter().map(seed_margin).collect())?]);
    };
    let names = Shortcuts::NAMES.into_iter().enumerate();
    names.map(|(i, name)| line(name, rows, margins.iter().map(|all| all[i]).collect())).collect()
}

/// Learned out of folds of the tested rows themselves; `None`, and the user told, if they are too few or of one label.
fn untaught(args: &Args, rows: &[Pair]) -> Result<Option<Vec<[f64; 3]>>> {
    let [mirna, site, _] = Shortcuts::NAMES;
    let genes = args.level.genes(rows);
    let learned = folds_of(&genes, FOLDS, args.seed).and_then(|folds| Shortcuts::out_of_fold(rows, &folds));
    let said = match &learned {
        Ok(_) => format!("{mirna}, {site}: learned out of {FOLDS} folds of the data, genes kept together"),
        Err(why) => format!("{mirna}, {site}: skipped, the data is too small to learn them from: {why}"),
    };
    args.common.say(format_args!("{said}; --shortcuts-from names other rows to learn from"));
    Ok(learned.ok())
}

fn line(name: &str, rows: &[Pair], margins: Vec<f64>) -> Result<Scored> {
    Ok(Scored {
        name: name.into(),
        scores: Scores::new(labels(rows), margins)?,
        threshold: Some(0.0),
        probabilities: false,
    })
}
