//! In-silico mutagenesis as two heat maps, the site's over the miRNA's.

use super::{MARGIN, Picture, Question, SEED, Site, WIDTH};
use crate::model::Mutations;
use crate::rna::{Base, Duplex};

/// Room for the letters of the rows, px.
const LETTERS: f64 = 70.0;
/// Widest cell, and the height of one, px.
const CELL: f64 = 13.0;
/// Marks of the scale on either side of 0.
const STEPS: i32 = 5;

/// A strand of a heat map: one column a base.
struct Strand<'a> {
    bases: &'a [Base],
    changes: &'a [[f32; 4]],
    /// Column of base `n`, and the number it goes by.
    column: &'a dyn Fn(usize) -> usize,
    number: &'a dyn Fn(usize) -> usize,
}

/// Columns, px.
#[derive(Clone, Copy)]
struct Grid {
    left: f64,
    cell: f64,
}

impl Grid {
    fn x(self, column: usize) -> f64 {
        self.left + self.cell * column as f64
    }
}

impl Picture {
    /// What each replaced base of the site's window and of the miRNA changes. Bases that face each other in the seed stand one
    /// over the other.
    pub fn mutations(&mut self, question: &Question, site: &Site, found: &Mutations) {
        let (mirna, target) = (&question.mirna.sequence, &question.target.sequence);
        let window = site.candidate.window.clone();
        let Some(duplex) = site.duplex(mirna, target) else { return };
        // nucleotide 2, index 1, faces the locus
        let [over, under] =
            shifts(locus(site, &duplex) as isize - window.start as isize + 2 - mirna.len() as isize);
        let columns = (over + window.len()).max(under + mirna.len());
        let grid = Grid {
            left: MARGIN + LETTERS,
            cell: CELL.min((WIDTH - 2.0 * MARGIN - LETTERS) / columns as f64),
        };
        let (of_site, of_mirna) = (|n| over + n, |n| under + mirna.len() - 1 - n);
        let (on_target, from_five) = (|n| window.start + n + 1, |n| n + 1);
        let upper = Strand {
            bases: &target[window.clone()],
            changes: &found.site,
            column: &of_site,
            number: &on_target,
        };
        let lower = Strand { bases: mirna, changes: &found.mirna, column: &of_mirna, number: &from_five };
        let all = found.site.iter().chain(&found.mirna).flatten();
        let most = all.fold(f32::MIN_POSITIVE, |most, change| most.max(change.abs()));

        let top = self.height + 40.0;
        let place = format!("{}-{}", window.start + 1, window.end);
        let words = format!(
            "{place} of {}, every base replaced: change of log-odds from {:.2}",
            question.target.id, found.log_odds
        );
        self.text(MARGIN, top, "title", &words);
        let y = top + 30.0;
        self.heat(&upper, grid, y, most);
        self.numbers(&upper, grid, y - 5.0, |number| number % 10 == 0);
        let letters = y + 4.0 * CELL + 16.0;
        self.seed_of(&lower, grid, letters - 12.0);
        self.letters(&upper, grid, letters, ["site 5'", "3'"]);
        self.letters(&lower, grid, letters + 16.0, ["miRNA 3'", "5'"]);
        let y = letters + 24.0;
        self.heat(&lower, grid, y, most);
        let (bottom, last) = (y + 4.0 * CELL, mirna.len());
        self.numbers(&lower, grid, bottom + 13.0, |n| n == 1 || n == last || (n % 5 == 0 && n + 1 < last));
        self.scale(bottom + 34.0, most);
        self.height = bottom + 40.0;
    }

    /// A box for two lines of letters, behind the miRNA's seed.
    fn seed_of(&mut self, mirna: &Strand, grid: Grid, top: f64) {
        let columns =
            SEED.filter(|nucleotide| *nucleotide <= mirna.bases.len()).map(|n| (mirna.column)(n - 1));
        let (Some(first), Some(last)) = (columns.clone().min(), columns.max()) else { return };
        let width = grid.cell * (last + 1 - first) as f64;
        self.put(format_args!(
            "<rect class='seed' x='{:.1}' y='{top:.1}' width='{width:.1}' height='32' rx='3'/>",
            grid.x(first)
        ));
    }

    fn heat(&mut self, strand: &Strand, grid: Grid, top: f64, most: f32) {
        for (row, base) in Base::KNOWN.into_iter().enumerate() {
            let y = top + CELL * row as f64;
            self.tick([grid.left - 8.0, y + 10.0], "end", base.letter().encode_utf8(&mut [0; 4]));
            for (n, (&had, changes)) in strand.bases.iter().zip(strand.changes).enumerate() {
                let (x, change) = (grid.x((strand.column)(n)), changes[row]);
                if base == had {
                    self.put(format_args!(
                        "<circle class='dot' cx='{:.1}' cy='{:.1}' r='2'/>",
                        x + grid.cell / 2.0,
                        y + CELL / 2.0
                    ));
                    continue;
                }
                let class = if change < 0.0 { "less" } else { "more" };
                let title = format!("{}{}{} {change:+.2}", had.letter(), (strand.number)(n), base.letter());
                self.cell(class, [x, y], [grid.cell, CELL], change.abs() / most, &title);
            }
        }
        let columns = (0..strand.bases.len()).map(strand.column);
        let first = columns.min().unwrap_or(0);
        let width = grid.cell * strand.bases.len() as f64;
        self.frame([grid.x(first), top], [width, 4.0 * CELL]);
    }

    /// The numbers of bases that are `worth` it.
    fn numbers(&mut self, strand: &Strand, grid: Grid, y: f64, worth: impl Fn(usize) -> bool) {
        for n in 0..strand.bases.len() {
            let number = (strand.number)(n);
            if worth(number) {
                let x = grid.x((strand.column)(n)) + grid.cell / 2.0;
                self.tick([x, y], "middle", &number.to_string());
            }
        }
    }

    fn letters(&mut self, strand: &Strand, grid: Grid, y: f64, ends: [&str; 2]) {
        let mut right: f64 = 0.0;
        let mut left = f64::INFINITY;
        for (n, base) in strand.bases.iter().enumerate() {
            let x = grid.x((strand.column)(n)) + grid.cell / 2.0;
            (left, right) = (left.min(x), right.max(x));
            self.text(x, y, "letter", base.letter().encode_utf8(&mut [0; 4]));
        }
        self.tick([left - grid.cell / 2.0 - 4.0, y], "end", ends[0]);
        self.tick([right + grid.cell / 2.0 + 4.0, y], "start", ends[1]);
    }

    /// What colours mean.
    fn scale(&mut self, y: f64, most: f32) {
        let left = MARGIN + LETTERS + 40.0;
        self.tick([left - 6.0, y], "end", &format!("{:.1}", -most));
        for step in -STEPS..=STEPS {
            let class = if step < 0 { "less" } else { "more" };
            let x = left + 2.0 * CELL * f64::from(step + STEPS);
            let share = step.abs() as f32 / STEPS as f32;
            self.cell(
                class,
                [x, y - 11.0],
                [2.0 * CELL, CELL],
                share,
                &format!("{:+.2}", step as f32 / STEPS as f32 * most),
            );
        }
        let width = 2.0 * CELL * f64::from(2 * STEPS + 1);
        self.frame([left, y - 11.0], [width, CELL]);
        let after = left + width + 6.0;
        self.tick([after, y], "start", &format!("{most:+.1}"));
        self.put(format_args!("<circle class='dot' cx='{:.1}' cy='{:.1}' r='2'/>", after + 60.0, y - 4.5));
        self.tick([after + 68.0, y], "start", "the base that is there; grey: the seed");
    }
}

/// The transcript's base opposite nucleotide 2.
fn locus(site: &Site, duplex: &Duplex) -> usize {
    site.candidate.locus.unwrap_or(duplex.span.end.saturating_sub(2))
}

/// Columns to leave free before the site and before the miRNA, when the miRNA's 3' end comes `offset` columns after the site's 5' end.
fn shifts(offset: isize) -> [usize; 2] {
    [(-offset).max(0) as usize, offset.max(0) as usize]
}
