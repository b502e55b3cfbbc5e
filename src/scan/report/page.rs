//! The page: summary, histogram, rows, where it came from. Without a script it still has all but the further rows.

use super::{BINS, KINDS, Kept, Report};
use crate::figure::{Axis, Figure, Mark, Script, Style, escape, live_page, table};

/// Rows that are there without a script.
const STATIC: usize = 50;

/// The table's columns: what the script sorts by, and what people read.
const COLUMNS: [(&str, &str); 6] = [
    ("mirna", "miRNA"),
    ("target", "target"),
    ("start", "place"),
    ("type", "site type"),
    ("probability", "probability"),
    ("genome", "on the genome"),
];

impl Report {
    /// One HTML page that needs nothing else. `meta` are the tables' lines `# key=value`.
    pub(in crate::scan) fn page(&self, meta: &str) -> String {
        let meta: Vec<[String; 2]> = meta
            .lines()
            .filter_map(|line| line.strip_prefix("# ")?.split_once('='))
            .map(|(key, value)| [key.replace('_', " "), value.to_string()])
            .collect();
        let known = |key: &str| meta.iter().find(|[found, _]| found == key).map(|[_, value]| value.as_str());
        let origin = match meta.is_empty() {
            true => String::new(),
            false => format!(
                "<details class='origin' open><summary><h2>Where this comes from</h2></summary>\n{}</details>\n",
                table(&["", ""], meta.clone())
            ),
        };
        let body = [self.head(known("min probability")), self.summary(), self.sites(), origin].concat();
        let (style, code) = (include_str!("report.css"), include_str!("report.js"));
        live_page("mirscope scan", &body, &Script { style, code, data: &self.data() })
    }

    fn head(&self, least: Option<&str>) -> String {
        let least = least.map_or(String::new(), |p| format!(" of probability {} or more", escape(p)));
        let (asked, total) = (grouped(self.pairs.asked()), grouped(self.total()));
        format!(
            "<h1>miRNA target sites</h1>\n<p class='verdict'>{asked} pairs of a miRNA and a target were asked about; \
             {total} binding sites{least} were found.</p>\n"
        )
    }

    fn summary(&self) -> String {
        let statuses = self.pairs.counts().map(|(name, count)| [name.to_string(), grouped(count)]);
        let kinds = KINDS.iter().zip(&self.sites);
        let kinds = kinds.map(|(name, bins)| [name.to_string(), grouped(bins.iter().sum())]);
        let caption = "Probability that the miRNA binds the site, as the model gives it.";
        format!(
            "<div class='summary'>\n<figure>\n{}<figcaption>{caption}</figcaption>\n</figure>\n\
             <div>\n<h2>Sites</h2>\n{}</div>\n<div>\n<h2>Pairs</h2>\n{}</div>\n</div>\n",
            self.histogram().inline(),
            table(&["site type", "sites"], kinds),
            table(&["status", "pairs"], statuses)
        )
    }

    /// Sites by probability, kinds upon each other.
    fn histogram(&self) -> Figure {
        let heights: Vec<u64> = (0..BINS).map(|bin| self.sites.iter().map(|kind| kind[bin]).sum()).collect();
        let mut marks = Vec::new();
        for (bin, _) in heights.iter().enumerate().filter(|&(_, &height)| height > 0) {
            let [left, right] = [bin, bin + 1].map(|edge| edge as f64 / BINS as f64);
            let mut below = 0;
            for (kind, count) in self.sites.iter().map(|kind| kind[bin]).enumerate().filter(|&(_, n)| n > 0) {
                let [from, to] = [[left, below as f64], [right, (below + count) as f64]];
                let title = format!("{} {}, p {left:.2} to {right:.2}", grouped(count), KINDS[kind]);
                marks.push(Mark::Bar { from, to, style: Style::Series(kind), title });
                below += count;
            }
        }
        let used = (0..KINDS.len()).filter(|&kind| self.sites[kind].iter().any(|&count| count > 0));
        Figure {
            title: "Sites by probability and type".into(),
            x: Axis::linear("probability", 0.0, 1.0),
            y: Axis::linear("sites", 0.0, heights.into_iter().max().unwrap_or(0) as f64),
            marks,
            key: used.map(|kind| (Style::Series(kind), KINDS[kind].to_string())).collect(),
            beside: Vec::new(),
        }
    }

    fn sites(&self) -> String {
        let (kept, total) = (self.kept.len(), self.total());
        let shown = match total > kept as u64 {
            true => format!(
                "This page holds the {} most probable of {} sites; the other {} are in the tables only.",
                grouped(kept as u64),
                grouped(total),
                grouped(total - kept as u64)
            ),
            false => format!("This page holds all {} sites.", grouped(total)),
        };
        let without = match kept > STATIC {
            true => format!(" Without scripts it shows the first {STATIC}."),
            false => String::new(),
        };
        let genome = self.kept.iter().any(|kept| kept.place.is_some());
        let columns = &COLUMNS[..if genome { COLUMNS.len() } else { COLUMNS.len() - 1 }];
        let heads: String = columns.iter().map(|(key, name)| head(key, name)).collect();
        let rows: String = self.kept.iter().take(STATIC).map(|kept| kept.cells(genome)).collect();
        format!(
            "<h2>Most probable sites</h2>\n<p class='faint'>{shown}<noscript>{without}</noscript></p>\n\
             <form id='controls' class='live' hidden></form>\n\
             <div class='wide'><table id='sites'>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n\
             <p id='pages' class='live' hidden></p>\n"
        )
    }
}

fn head(key: &str, name: &str) -> String {
    format!("<th scope='col' data-key='{key}'>{name}</th>")
}

impl Kept {
    fn cells(&self, genome: bool) -> String {
        let place = format!("{}-{}", self.start, self.end);
        let probability = format!("{:.3}", self.probability());
        let mut cells = vec![&self.mirna, &self.target, &place, &self.site_type, &probability];
        let nowhere = String::new();
        if genome {
            cells.push(self.place.as_ref().unwrap_or(&nowhere));
        }
        let cells: String = cells.into_iter().map(|cell| format!("<td>{}</td>", escape(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    }
}

/// A number with commas between thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        let numbers = [0, 999, 1000, 1234567].map(grouped);
        assert_eq!(numbers, ["0", "999", "1,000", "1,234,567"]);
    }
}
