//! Figures as SVG text, and the page they stand on: no network, no script but one of our own, light and dark, printable.
//!
//! Colours are CSS variables that a style sheet defines for both schemes (after Okabe & Ito's palette for colour-blind readers);
//! lines differ in their dashes too. Everything that comes from a file goes through [`escape`].

mod axis;
mod page;
mod svg;

pub use axis::Axis;
pub use page::{Script, live_page, page, table};
pub use svg::drawing;

/// A pair of axes and what is drawn on them, back to front.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it shows, for who cannot see it.
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub marks: Vec<Mark>,
    /// What stands in which style, to the right of the axes.
    pub key: Vec<(Style, String)>,
    /// Text to the right of the axes, at a place of the y axis.
    pub beside: Vec<(f64, String)>,
}

/// Something drawn, in the units of the axes.
#[derive(Clone, Debug)]
pub enum Mark {
    /// Straight lines through points.
    Line { points: Vec<[f64; 2]>, style: Style },
    /// A box from corner to corner.
    Bar { from: [f64; 2], to: [f64; 2], style: Style, title: String },
    /// A point; hollow or full.
    Dot { at: [f64; 2], style: Style, full: bool },
    /// A word at a point, turned to read upwards.
    Name { at: [f64; 2], text: String },
}

/// What kind of thing a mark stands for: a colour, and for lines a dash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// One of several things of equal rank, by number.
    Series(usize),
    /// What others are compared with.
    Reference,
}

/// Colours and dashes there are; further series begin again.
const SERIES: usize = 6;

/// The style sheet of every figure.
const STYLE: &str = include_str!("figure.css");

impl Style {
    fn class(self) -> String {
        match self {
            Style::Series(number) => format!("s{}", number % SERIES),
            Style::Reference => "ref".into(),
        }
    }
}

/// `text` as it must be written between tags and in attributes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            // XML knows no control characters, not even escaped
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_a_file_becomes_markup() {
        let evil = "<script>alert('x')</script>&\"\u{0}";
        assert_eq!(escape(evil), "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot; ");
        let figure = Figure {
            title: evil.into(),
            x: Axis::linear(evil, 0.0, 1.0),
            y: Axis::named([evil.to_owned()]),
            marks: vec![
                Mark::Name { at: [0.5, 0.0], text: evil.into() },
                Mark::Bar { from: [0.0, 0.0], to: [1.0, 1.0], style: Style::Reference, title: evil.into() },
            ],
            key: vec![(Style::Series(0), evil.into())],
            beside: vec![(0.0, evil.into())],
        };
        for text in [figure.file(), page(evil, &(figure.inline() + &table(&[evil], [[evil.to_owned()]])))] {
            assert!(!text.contains("<script") && !text.contains("('x')"), "{text}");
            assert!(text.matches("&lt;script&gt;").count() >= 7, "{text}");
        }
    }
}
