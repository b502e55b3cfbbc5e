//! A page of words, tables and figures that is one file.

use sha2::{Digest, Sha256};

use super::{STYLE, escape};

/// The page's own style sheet, beside that of figures.
const PAGE_STYLE: &str = include_str!("page.css");

/// What moves a page: a style sheet of its own, data (JSON, which its code finds as the element `data`) and code.
pub struct Script<'a> {
    pub style: &'static str,
    pub data: &'a str,
    pub code: &'static str,
}

/// A whole page; `body` is markup.
pub fn page(title: &str, body: &str) -> String {
    frame(title, body, "", "")
}

/// A whole page with a script. A browser runs that script and no other: it carries a number that nothing inside the data can know.
pub fn live_page(title: &str, body: &str, script: &Script) -> String {
    let Script { style, data, code } = script;
    let digest = Sha256::new().chain_update(body).chain_update(data).finalize();
    let nonce: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    // inside a script element only `<` could end it
    let data = data.replace('<', "\\u003c");
    let body = format!(
        "{body}<script type='application/json' id='data'>{data}</script>\n<script nonce='{nonce}'>\n{code}</script>\n"
    );
    frame(title, &body, style, &format!("; script-src 'nonce-{nonce}'"))
}

/// `allowed` is what the page may do beside showing itself: it never asks the network for anything.
fn frame(title: &str, body: &str, style: &str, allowed: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang='en'>\n<head>\n<meta charset='utf-8'>\n\
         <meta http-equiv='Content-Security-Policy' content=\"default-src 'none'; style-src 'unsafe-inline'{allowed}\">\n\
         <meta name='viewport' content='width=device-width, initial-scale=1'>\n<title>{title}</title>\n\
         <style>\n{STYLE}{PAGE_STYLE}{style}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
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
