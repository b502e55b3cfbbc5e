//! A page of words, tables and figures that is one file.

use super::{STYLE, escape};

/// The page's own style sheet, beside that of figures.
const PAGE_STYLE: &str = include_str!("page.css");

/// A whole page; `body` is markup.
pub fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n\
         <meta name='viewport' content='width=device-width, initial-scale=1'>\n<title>{title}</title>\n\
         <style>\n{STYLE}{PAGE_STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

/// A table of text; the first column holds names.
pub fn table<const N: usize>(header: &[&str; N], lines: impl IntoIterator<Item = [String; N]>) -> String {
    let heads: String = header.iter().map(|cell| format!("<th scope='col'>{}</th>", escape(cell))).collect();
    let line = |cells: [String; N]| -> String {
        let cell = |(at, text): (usize, &String)| match at {
            0 => format!("<th scope='row'>{}</th>", escape(text)),
            _ => format!("<td>{}</td>", escape(text)),
        };
        format!("<tr>{}</tr>\n", cells.iter().enumerate().map(cell).collect::<String>())
    };
    let body: String = lines.into_iter().map(line).collect();
    format!(
        "<div class='wide'><table>\n<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )
}
