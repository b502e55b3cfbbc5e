//! `mirscope data`: what data sets hold and share.

use std::path::Path;
use std::process::ExitCode;

use serde::Serialize;

use crate::data::{Count, Format, Leak, Pair, PairReader, Split, check};
use crate::output::Output;
use crate::{Error, Result, open};

/// Data sets: what they share that they should not
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Check(Check),
}

/// Leaks: what tested rows share with rows that are learned from
///
/// Of two files the first is learned from and the second tested. Of one file the splits train, val and test are compared.
/// Each line is about one thing shared; rows that share several are in several lines. Any format that convert reads.
#[derive(clap::Args)]
struct Check {
    /// What is learned from, or a file with splits; - for stdin
    #[arg(value_name = "A")]
    learned: String,
    /// What is tested on
    #[arg(value_name = "B")]
    tested: Option<String>,
    /// The format of both, or A's and B's with a comma between [default: recognised]
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    format: Vec<Format>,
    /// Also write the results as JSON
    #[arg(long, value_name = "JSON")]
    json: Option<String>,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Command::Check(check) = &args.command;
    let comparisons = check.comparisons()?;
    let mut output = Output::create(open::STANDARD)?;
    for comparison in &comparisons {
        output.put(comparison.table())?;
    }
    output.finish()?;
    if let Some(path) = &check.json {
        let json = serde_json::to_string_pretty(&comparisons)? + "\n";
        Output::write(Path::new(path), json.as_bytes())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Rows of a file, or of one of its splits.
struct Rows {
    name: String,
    pairs: Vec<Pair>,
    /// 1-based. `[pairs]`
    lines: Vec<u64>,
}

impl Check {
    fn comparisons(&self) -> Result<Vec<Comparison>> {
        if self.format.len() > 2 {
            let message = format!("--format: expected one or two, found {}", self.format.len());
            return Err(Error::Setting(message));
        }
        let learned = Rows::read(&self.learned, self.format.first())?;
        if let Some(tested) = &self.tested {
            let tested = Rows::read(tested, self.format.last())?;
            return Ok(vec![Comparison::of(&learned, &tested)]);
        }
        let parts: Vec<Rows> = [Split::Train, Split::Val, Split::Test]
            .into_iter()
            .map(|split| learned.of(split))
            .filter(|part| !part.pairs.is_empty())
            .collect();
        if parts.len() < 2 {
            let message = "expected a second file, or rows of two splits in this one";
            return Err(Error::file(&learned.name, message));
        }
        let later = |at: usize| parts[at + 1..].iter().map(move |tested| (at, tested));
        Ok((0..parts.len()).flat_map(later).map(|(at, tested)| Comparison::of(&parts[at], tested)).collect())
    }
}

impl Rows {
    fn read(path: &str, format: Option<&Format>) -> Result<Rows> {
        let mut reader = PairReader::open(Path::new(path), format.copied())?;
        let mut rows = Rows { name: reader.path().to_owned(), pairs: vec![], lines: vec![] };
        while let Some((line, pair)) = reader.next_pair(None)? {
            rows.pairs.push(pair);
            rows.lines.push(line);
        }
        Ok(rows)
    }

    /// Those of one split.
    fn of(&self, split: Split) -> Rows {
        let rows = self.pairs.iter().zip(&self.lines).filter(|(pair, _)| pair.split == Some(split));
        let (pairs, lines) = rows.map(|(pair, line)| (pair.clone(), *line)).unzip();
        Rows { name: format!("{} {}", self.name, split.name()), pairs, lines }
    }
}

/// What one set shares with another.
#[derive(Serialize)]
struct Comparison {
    learned: String,
    learned_rows: usize,
    tested: String,
    tested_rows: usize,
    leaks: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    leak: Leak,
    /// The lines of the first example, in the tested file and in the other.
    first_lines: Option<(u64, u64)>,
}

/// Which rows of a leak are counted.
type CountOf = fn(&Leak) -> Count;

impl Comparison {
    fn of(learned: &Rows, tested: &Rows) -> Comparison {
        let found = |leak: Leak| Found {
            first_lines: leak.first.map(|(row, with)| (tested.lines[row], learned.lines[with])),
            leak,
        };
        Comparison {
            learned: learned.name.clone(),
            learned_rows: learned.pairs.len(),
            tested: tested.name.clone(),
            tested_rows: tested.pairs.len(),
            leaks: check(&learned.pairs, &tested.pairs).into_iter().map(found).collect(),
        }
    }

    /// Tab-separated; a column for each kind of row that there is.
    fn table(&self) -> String {
        let kinds: [(&str, CountOf); 3] = [
            ("positives", |leak| leak.positives),
            ("negatives", |leak| leak.negatives),
            ("unlabelled", |leak| leak.unlabelled),
        ];
        let there = |of: CountOf| self.leaks.iter().any(|found| of(&found.leak).of > 0);
        let kinds: Vec<_> = kinds.into_iter().filter(|(_, of)| there(*of)).collect();
        let (learned, tested) = (&self.learned, &self.tested);
        let mut table = format!(
            "# learned={learned} ({} rows)\n# tested={tested} ({} rows)\nshared",
            self.learned_rows, self.tested_rows
        );
        kinds.iter().for_each(|(name, _)| table += &format!("\t{name}\tpercent"));
        table += "\tfirst_line\twith_line\n";
        for found in &self.leaks {
            table += found.leak.shared.name();
            for (_, of) in &kinds {
                let count = of(&found.leak);
                let percent = count.percent().map_or("-".into(), |percent| format!("{percent:.1}"));
                table += &format!("\t{} of {}\t{percent}", count.rows, count.of);
            }
            let lines =
                found.first_lines.map_or(("-".into(), "-".into()), |(a, b)| (a.to_string(), b.to_string()));
            table += &format!("\t{}\t{}\n", lines.0, lines.1);
        }
        table
    }
}
