//! A figure's SVG.

use std::fmt::Write;

use super::{Figure, Mark, STYLE, Style, escape};

/// Size of the area between the axes, px.
const AREA: [f64; 2] = [380.0, 260.0];
/// Height of one name, where the y axis has names, px.
const NAME_HEIGHT: f64 = 26.0;
/// About the width of a character, px; what is wider than text in fact leaves only white space.
const CHARACTER: f64 = 6.6;
const TOP: f64 = 10.0;
/// Room for the ticks and the label of the x axis, px.
const BOTTOM: f64 = 44.0;
/// Distance of the key's lines, px.
const KEY_LINE: f64 = 18.0;
const SWATCH: f64 = 22.0;
/// Bars from this size on are set off from their neighbours, px.
const EDGED: f64 = 5.0;

/// Where things stand, px.
struct Layout {
    left: f64,
    area: [f64; 2],
    width: f64,
    height: f64,
}

impl Figure {
    /// As an element of a page that has the style sheet.
    pub fn inline(&self) -> String {
        let (size, inside) = self.drawn();
        frame(&self.title, size, "", &inside)
    }

    /// As a file of its own.
    pub fn file(&self) -> String {
        let (size, inside) = self.drawn();
        drawing(&self.title, size, &inside)
    }

    /// Width and height, px, and the elements.
    fn drawn(&self) -> ([f64; 2], String) {
        let layout = Layout::of(self);
        let mut out = String::new();
        layout.axes(self, &mut out);
        self.marks.iter().for_each(|mark| out += &layout.mark(self, mark));
        layout.margin(self, &mut out);
        ([layout.width, layout.height], out)
    }
}

/// SVG elements as a file of its own, with the style sheet of every figure.
pub fn drawing(title: &str, size: [f64; 2], inside: &str) -> String {
    let style = format!("<style>\n{STYLE}</style>\n<rect width='100%' height='100%' fill='var(--paper)'/>\n");
    frame(title, size, &style, inside)
}

fn frame(title: &str, [width, height]: [f64; 2], style: &str, inside: &str) -> String {
    let title = escape(title);
    format!(
        "<svg class='figure' xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:.0} {height:.0}' \
         width='{width:.0}' height='{height:.0}' role='img' aria-label='{title}'>\n<title>{title}</title>\n{style}{inside}</svg>\n"
    )
}

impl Layout {
    fn of(figure: &Figure) -> Layout {
        let widest = |texts: &mut dyn Iterator<Item = &String>| {
            texts.map(|text| text.chars().count()).max().unwrap_or(0) as f64 * CHARACTER
        };
        let ticks = widest(&mut figure.y.ticks.iter().map(|(_, text)| text));
        let left = ticks + if figure.y.label.is_empty() { 16.0 } else { 36.0 };
        let key = widest(&mut figure.key.iter().map(|(_, text)| text)) + SWATCH + 8.0;
        let beside = widest(&mut figure.beside.iter().map(|(_, text)| text));
        let key = if figure.key.is_empty() { 0.0 } else { key };
        let named = figure.y.low > figure.y.high;
        let names = figure.y.ticks.len() as f64 * NAME_HEIGHT;
        let area = [AREA[0], if named { names } else { AREA[1] }];
        // beside names, the key stands under the figure
        let right = 16.0 + if named { beside } else { key.max(beside) };
        let below = if named { KEY_LINE * figure.key.len() as f64 } else { 0.0 };
        Layout { left, area, width: left + area[0] + right, height: TOP + area[1] + BOTTOM + below }
    }

    fn x(&self, figure: &Figure, value: f64) -> f64 {
        self.left + self.area[0] * figure.x.share(value)
    }

    fn y(&self, figure: &Figure, value: f64) -> f64 {
        TOP + self.area[1] * (1.0 - figure.y.share(value))
    }

    fn axes(&self, figure: &Figure, out: &mut String) {
        let (left, right) = (self.left, self.left + self.area[0]);
        let (top, bottom) = (TOP, TOP + self.area[1]);
        let mut put = |text: String| *out += &text;
        for (at, text) in &figure.y.ticks {
            let (y, text) = (self.y(figure, *at), escape(text));
            put(format!("<path class='grid' d='M{left:.1} {y:.1}H{right:.1}'/>\n"));
            put(format!(
                "<text class='tick' x='{:.1}' y='{:.1}' text-anchor='end'>{text}</text>\n",
                left - 6.0,
                y + 4.0
            ));
        }
        for (at, text) in &figure.x.ticks {
            let (x, text) = (self.x(figure, *at), escape(text));
            put(format!("<path class='grid' d='M{x:.1} {top:.1}V{bottom:.1}'/>\n"));
            put(format!(
                "<text class='tick' x='{x:.1}' y='{:.1}' text-anchor='middle'>{text}</text>\n",
                bottom + 15.0
            ));
        }
        put(format!("<path class='axis' fill='none' d='M{left:.1} {top:.1}V{bottom:.1}H{right:.1}'/>\n"));
        let (middle, label) = ((left + right) / 2.0, escape(&figure.x.label));
        put(format!("<text x='{middle:.1}' y='{:.1}' text-anchor='middle'>{label}</text>\n", bottom + 34.0));
        let (middle, label) = ((top + bottom) / 2.0, escape(&figure.y.label));
        if !label.is_empty() {
            put(format!(
                "<text transform='translate(14 {middle:.1}) rotate(-90)' text-anchor='middle'>{label}</text>\n"
            ));
        }
    }

    fn mark(&self, figure: &Figure, mark: &Mark) -> String {
        let place = |[x, y]: [f64; 2]| (self.x(figure, x), self.y(figure, y));
        match mark {
            Mark::Line { points, style } => {
                let mut path = String::new();
                for (number, &point) in points.iter().enumerate() {
                    let (x, y) = place(point);
                    let command = if number == 0 { 'M' } else { 'L' };
                    write!(path, "{command}{x:.1} {y:.1}").expect("a String takes everything");
                }
                format!("<path class='line {}' d='{path}'/>\n", style.class())
            }
            Mark::Bar { from, to, style, title } => {
                let ((x0, y0), (x1, y1)) = (place(*from), place(*to));
                let (x, y, width, height) = (x0.min(x1), y0.min(y1), (x1 - x0).abs(), (y1 - y0).abs());
                let title = match title.is_empty() {
                    true => String::new(),
                    false => format!("<title>{}</title>", escape(title)),
                };
                format!(
                    "<rect class='bar {}{}' x='{x:.2}' y='{y:.1}' width='{width:.2}' height='{height:.1}'>{title}</rect>\n",
                    style.class(),
                    if width.min(height) >= EDGED { " edged" } else { "" }
                )
            }
            Mark::Dot { at, style, full } => {
                let (x, y) = place(*at);
                let kind = if *full { "full" } else { "hollow" };
                format!("<circle class='{kind} {}' cx='{x:.1}' cy='{y:.1}' r='4'/>\n", style.class())
            }
            Mark::Name { at, text } => {
                let ((x, y), text) = (place(*at), escape(text));
                format!("<text class='name' transform='translate({x:.1} {y:.1}) rotate(-90)'>{text}</text>\n")
            }
        }
    }

    /// The key, and the words beside the area.
    fn margin(&self, figure: &Figure, out: &mut String) {
        let right = self.left + self.area[0] + 10.0;
        for (at, text) in &figure.beside {
            let (y, text) = (self.y(figure, *at) + 4.0, escape(text));
            *out += &format!("<text class='tick' x='{right:.1}' y='{y:.1}'>{text}</text>\n");
        }
        let named = figure.y.low > figure.y.high;
        let (x, top) = if named { (self.left, TOP + self.area[1] + BOTTOM) } else { (right, TOP + 8.0) };
        for (number, (style, text)) in figure.key.iter().enumerate() {
            let (y, text) = (top + number as f64 * KEY_LINE, escape(text));
            let end = x + SWATCH;
            *out += &match swatch_of(figure, *style) {
                Swatch::Line => {
                    format!("<path class='line {}' d='M{x:.1} {y:.1}H{end:.1}'/>\n", style.class())
                }
                Swatch::Bar => format!(
                    "<rect class='bar {}' x='{x:.1}' y='{:.1}' width='{SWATCH}' height='10'/>\n",
                    style.class(),
                    y - 5.0
                ),
                Swatch::Dot(full) => {
                    let (middle, kind) = (x + SWATCH / 2.0, if full { "full" } else { "hollow" });
                    format!("<circle class='{kind} {}' cx='{middle:.1}' cy='{y:.1}' r='4'/>\n", style.class())
                }
            };
            *out += &format!("<text x='{:.1}' y='{:.1}'>{text}</text>\n", end + 6.0, y + 4.0);
        }
    }
}

enum Swatch {
    Line,
    Bar,
    Dot(bool),
}

/// A dot where the style has dots, else a bar where it has bars.
fn swatch_of(figure: &Figure, wanted: Style) -> Swatch {
    let dot = |mark: &Mark| match mark {
        Mark::Dot { style, full, .. } if *style == wanted => Some(Swatch::Dot(*full)),
        _ => None,
    };
    let is_bar = |mark: &Mark| matches!(mark, Mark::Bar { style, .. } if *style == wanted);
    let bar = || figure.marks.iter().any(is_bar).then_some(Swatch::Bar);
    figure.marks.iter().find_map(dot).or_else(bar).unwrap_or(Swatch::Line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Axis;

    fn figure() -> Figure {
        Figure {
            title: "a figure".into(),
            x: Axis::linear("x", 0.0, 1.0),
            y: Axis::linear("y", 0.0, 2.0),
            marks: vec![Mark::Line { points: vec![[0.0, 0.0], [1.0, 2.0]], style: Style::Series(7) }],
            key: vec![],
            beside: vec![],
        }
    }

    #[test]
    fn lines_go_from_corner_to_corner() {
        let svg = figure().inline();
        // three characters of ticks and the label to the left of it
        let left = 3.0 * CHARACTER + 36.0;
        let expected = format!("<path class='line s1' d='M{left:.1} 270.0L{:.1} 10.0'/>", left + 380.0);
        assert!(svg.contains(&expected), "{svg}");
        assert!(!svg.contains("<style>") && figure().file().contains("<style>"));
    }

    #[test]
    fn elements_are_closed() {
        let mut figure = figure();
        figure.key = vec![(Style::Series(7), "seven".into()), (Style::Series(1), "one".into())];
        figure.marks.push(Mark::Dot { at: [0.5, 1.0], style: Style::Series(1), full: false });
        for element in ["text", "svg", "title"] {
            let svg = figure.file();
            let count = |what: String| svg.matches(&what).count();
            let opened = count(format!("<{element} ")) + count(format!("<{element}>"));
            assert_eq!(opened, count(format!("</{element}>")), "{element}: {svg}");
        }
        assert_eq!(figure.inline().matches("<circle class='hollow s1'").count(), 2, "the mark and its key");
    }
}
