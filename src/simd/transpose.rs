//! Matrices turned in registers, a square of vectors at a time.

use super::{Isa, Kernel, Simd, extent};

/// [`transpose`], for callers that are not inside a kernel.
pub fn turn(
    isa: Isa,
    from: &[f32],
    from_row: usize,
    (rows, cols): (usize, usize),
    to: &mut [f32],
    to_row: usize,
) {
    struct Turn<'a>(&'a [f32], usize, (usize, usize), &'a mut [f32], usize);
    impl Kernel for Turn<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            transpose(s, self.0, self.1, self.2, self.3, self.4);
        }
    }
    isa.run(Turn(from, from_row, (rows, cols), to, to_row));
}

/// `to[j * to_row + i] = from[i * from_row + j]` for a `rows x cols` matrix `from`.
#[inline(always)]
pub fn transpose<S: Simd>(
    s: S,
    from: &[f32],
    from_row: usize,
    (rows, cols): (usize, usize),
    to: &mut [f32],
    to_row: usize,
) {
    if rows == 0 || cols == 0 {
        return;
    }
    let (here, there) = (extent((rows, from_row), (cols, 1)), extent((cols, to_row), (rows, 1)));
    assert!(here.is_some_and(|n| n <= from.len()), "a matrix lies inside its data");
    assert!(there.is_some_and(|n| n <= to.len()), "a transpose lies inside its data");
    for i in (0..rows).step_by(S::LANES) {
        for j in (0..cols).step_by(S::LANES) {
            let (from, to) = (&from[i * from_row + j..], &mut to[j * to_row + i..]);
            if i + S::LANES <= rows && j + S::LANES <= cols {
                // SAFETY: the square ends at row i + LANES <= rows and column j + LANES <= cols, inside what the
                // assertions above cover on both sides.
                unsafe { s.transpose(from.as_ptr(), from_row, to.as_mut_ptr(), to_row) };
            } else {
                edge(s, from, from_row, (S::LANES.min(rows - i), S::LANES.min(cols - j)), to, to_row);
            }
        }
    }
}

/// A square of which only `rows x cols` are there.
#[inline(always)]
fn edge<S: Simd>(
    s: S,
    from: &[f32],
    from_row: usize,
    (rows, cols): (usize, usize),
    to: &mut [f32],
    to_row: usize,
) {
    let (mut square, mut turned) = ([0.0; 256], [0.0; 256]);
    assert!(S::LANES * S::LANES <= square.len());
    for (line, from) in square.chunks_exact_mut(S::LANES).zip(from.chunks(from_row.max(1))).take(rows) {
        s.store(line, s.load_part(&from[..cols]));
    }
    // SAFETY: both squares hold LANES rows of LANES values, as asserted.
    unsafe { s.transpose(square.as_ptr(), S::LANES, turned.as_mut_ptr(), S::LANES) };
    for (line, to) in turned.chunks_exact(S::LANES).zip(to.chunks_mut(to_row.max(1))).take(cols) {
        s.store_part(&mut to[..rows], s.load(line));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_moves_and_nothing_else_is_written() {
        for isa in Isa::all() {
            for rows in [1, 3, 4, 8, 13, 16, 17, 48] {
                for cols in [1, 4, 5, 8, 16, 31, 32] {
                    let (from_row, to_row) = (cols + 3, rows + 2);
                    let from: Vec<f32> = (0..rows * from_row).map(|i| i as f32).collect();
                    let mut to = vec![-1.0; cols * to_row];
                    turn(isa, &from, from_row, (rows, cols), &mut to, to_row);
                    for (at, &x) in to.iter().enumerate() {
                        let (j, i) = (at / to_row, at % to_row);
                        let want = if i < rows { from[i * from_row + j] } else { -1.0 };
                        assert_eq!(x, want, "{} {rows} x {cols}: ({i}, {j})", isa.name());
                    }
                }
            }
        }
    }
}
