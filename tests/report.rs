//! The page of a scan, as a browser shows it: Chromium, from CHROMIUM or the PATH, runs its script and prints the page.

#[allow(dead_code)] // its list of names is for other tests
mod common;

use std::path::Path;
use std::process::Command;

use common::{Folder, LET7, cells, transcript};

const SCAN: &str =
    "scan --mirna m.fa --target t.fa --candidates relaxed --min-probability 0 --device cpu --quiet";

/// Three transcripts, a hostile id among them, and more sites than are there without a script.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("m.fa", format!("{LET7}>miR-<i>x</i>&amp;\nUGAGGUAGUAGGUUGUGUGGUU\n"));
    let many: String = (0..30).map(|n| transcript(36 + n, 20)).collect();
    folder.write("t.fa", format!(">b\n{many}\n>a\n{}\n>c\n{many}G\n", transcript(300, 100)));
    folder
}

/// The page after its script ran; `None`, said aloud, where there is no browser.
fn shown(folder: &Folder, hash: &str) -> Option<String> {
    let named = std::env::var("CHROMIUM").ok();
    let on_path = || {
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let path = std::env::var_os("PATH")?;
        let places: Vec<_> = std::env::split_paths(&path).collect();
        let found = names.iter().flat_map(|name| places.iter().map(move |place| place.join(name)));
        found.map(|file| file.display().to_string()).find(|file| Path::new(file).exists())
    };
    let Some(browser) = named.or_else(on_path) else {
        eprintln!("skipped: no chromium");
        return None;
    };
    let profile = tempfile::tempdir().unwrap();
    let flags = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking \
                 --disable-component-update --disable-sync --dump-dom";
    let output = Command::new(browser)
        .args(flags.split_whitespace())
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}{hash}", folder.path("r.html").display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

/// The text of each cell of the table's rows, details left out.
fn rows(page: &str) -> Vec<Vec<String>> {
    let table = page.split_once("<tbody>").unwrap().1;
    let table = &table[table.find("<tr class=\"row\">").unwrap()..];
    let table = &table[..table.find("</tbody>").unwrap()];
    let row = |row: &str| -> Vec<String> {
        let row = row.split_once("</tr>").unwrap().0;
        row.split("<td>").skip(1).map(text).collect()
    };
    table.split("<tr class=\"row\">").skip(1).map(row).collect()
}

/// What stands between tags.
fn text(markup: &str) -> String {
    markup.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect()
}

#[test]
fn a_browser_shows_sorts_filters_and_opens_rows() {
    let folder = folder();
    folder.run(0, &format!("{SCAN} --html r.html --sites s.tsv"));
    let sites = folder.read("s.tsv");
    let sites = cells(&sites);
    assert!(sites.len() > 50);
    let Some(page) = shown(&folder, "") else { return };
    let probabilities: Vec<f64> = rows(&page).iter().map(|row| row[4].parse().unwrap()).collect();
    assert_eq!(probabilities.len(), sites.len().min(100));
    assert!(probabilities.is_sorted_by(|a, b| a >= b), "most probable first");
    assert!(!page.contains("<tr class=\"detail\">"), "nothing is open");

    let page = shown(&folder, "#sort=target&order=rising&open=0").unwrap();
    assert!(rows(&page).is_sorted_by_key(|row| row[1].clone()));
    assert_eq!(rows(&page)[0][1], "a");
    assert!(
        page.contains("<tr class=\"detail\">")
            && page.contains("<pre>miRNA  3' ")
            && page.contains("class=\"figure map\""),
        "{page}"
    );
    assert!(page.contains("aria-sort=\"ascending\""));

    let page = shown(&folder, "#find=let-7a&sort=start&order=rising&type=0").unwrap();
    let found: Vec<String> = rows(&page).iter().map(|row| format!("{} {}", row[1], row[2])).collect();
    let mut expected: Vec<(usize, String)> = sites
        .iter()
        .filter(|row| row[0] == "let-7a" && row[4] == "8mer")
        .map(|row| (row[2].parse().unwrap(), format!("{} {}-{}", row[1], row[2], row[3])))
        .collect();
    expected.sort_by_key(|(start, _)| *start);
    let places = |names: Vec<String>| names.into_iter().map(|name| name[2..].to_string()).collect::<Vec<_>>();
    assert_eq!(places(found), places(expected.into_iter().map(|(_, name)| name).collect()));
}

#[test]
fn the_page_asks_the_network_for_nothing_and_runs_no_script_but_its_own() {
    let folder = folder();
    folder.run(0, &format!("{SCAN} --html r.html"));
    let page = folder.read("r.html");
    let elsewhere = page.replace("http://www.w3.org/2000/svg", "");
    for way in ["http:", "https:", "//cdn", "src=", "href=", "url(", "@import", "fetch(", "innerHTML"] {
        let found = elsewhere.find(way).map(|at| &elsewhere[at.saturating_sub(60)..][..120]);
        assert_eq!(found, None, "{way}");
    }
    assert!(page.contains("default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-"));
    assert!(!page.contains("<i>x"), "ids are text");
    let Some(shown) = shown(&folder, "#find=x") else { return };
    assert!(
        rows(&shown).iter().all(|row| row[0] == "miR-&lt;i&gt;x&lt;/i&gt;&amp;amp;"),
        "{:?}",
        rows(&shown)[0]
    );
}

#[test]
fn without_a_script_there_is_a_summary_and_the_first_rows() {
    let folder = folder();
    folder.run(0, &format!("{SCAN} --html r.html --threads 1"));
    let page = folder.read("r.html");
    folder.run(0, &format!("{SCAN} --html r.html --threads 2"));
    assert_eq!(page, folder.read("r.html"), "threads do not change a byte");
    let body = page.split_once("<tbody>\n<tr><td>").unwrap().1;
    let body = body.split_once("</tbody>").unwrap().0;
    assert_eq!(body.matches("</tr>").count(), 50);
    assert!(page.contains("6 pairs of a miRNA and a target were asked about"), "{page}");
    assert!(page.contains("<td>mirscope scan --mirna m.fa --target t.fa --candidates relaxed"), "provenance");
    assert!(page.contains("<svg class='figure'"));
}
