//! Columns of plain text.

use std::fmt::{self, Write};

/// Writes the header and the lines with every cell padded to its column, two blanks between columns.
pub fn write<const N: usize>(
    f: &mut impl Write,
    header: &[&str; N],
    lines: impl IntoIterator<Item = [String; N]>,
) -> fmt::Result {
    let mut all = vec![header.map(str::to_owned)];
    all.extend(lines);
    let width = |column: usize| all.iter().map(|cells| cells[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for cells in &all {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
