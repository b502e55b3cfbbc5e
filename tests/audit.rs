//! `audit`: scores from tables and from the model, joined or refused, as text, JSON, page and figures.

#[allow(dead_code)] // its tables and transcripts are for other tests
mod common;

use common::{Folder, LET7};

/// 120 rows of 12 miRNAs with sites of their own: all of even miRNAs are positive, and one in five of the others.
fn by_mirna(folder: &Folder) {
    let mut table = String::from("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n");
    for row in 0..120 {
        let (mirna, label) = (row % 12, (row % 12 % 2 == 0) != (row % 10 == 9));
        let label = u8::from(label);
        table += &format!(
            "miR-{mirna}\tU{}GGAUC\tgene-{row}\t{}\t{label}\n",
            word(mirna, 8),
            word(row * 77 + 5, 40)
        );
    }
    folder.write("d.tsv", table);
}

/// Some sequence for a number.
fn word(number: usize, length: usize) -> String {
    let mut state = number * 2654435761 + 12345;
    let next = |_| {
        state = (state * 1103515245 + 12345) % 2147483648;
        ['A', 'C', 'G', 'U'][state / 65536 % 4]
    };
    (0..length).map(next).collect()
}

#[test]
fn without_a_score_the_data_set_is_judged() {
    let folder = Folder::new();
    by_mirna(&folder);
    let (out, _) = folder.run(0, "audit --data d.tsv --resamples 20");
    assert!(
        out.starts_with(
            "# data=d.tsv\nVERDICT\nMost of what is told here is told by which miRNA a row has alone"
        ),
        "{out}"
    );
    assert!(out.contains("\nmiRNA only ") && out.contains("\nseed rule "), "{out}");
    assert_eq!(folder.names(), ["d.tsv"]);
}

#[test]
fn anybodys_scores_are_joined_by_ids_and_written_in_every_form() {
    let folder = Folder::new();
    by_mirna(&folder);
    let rows = (0..120).rev().map(|row| match row {
        7 => format!("miR-{}\tgene-{row}\tNA\n", row % 12),
        _ => format!("miR-{}\tgene-{row}\t{}\n", row % 12, row as f64 / 120.0),
    });
    folder.write("p.tsv", String::from("mirna_id\ttarget_id\tscore\n") + &rows.collect::<String>());
    let line = "audit --data d.tsv --level gene --predictions p.tsv --score-col score --threshold 0.5 --resamples 20";
    let (_, err) = folder.run(1, line);
    assert_eq!(err, "mirscope: p.tsv:114: expected a number in column 'score', found 'NA'\n");
    let forms = "--missing 0 --json a.json --html a.html --figures svg --with again=p.tsv:score";
    let (out, err) = folder.run(0, &format!("{line} {forms}"));
    assert!(err.contains("score: joined by miRNA and target ids\n"), "{err}");
    assert!(err.contains("score: 1 pairs without a score in p.tsv got 0\n"), "{err}");
    assert!(out.contains("\nseed sites ") && out.contains("\nagain "), "{out}");
    let audit: serde_json::Value = serde_json::from_str(&folder.read("a.json")).unwrap();
    assert_eq!((&audit["score"], &audit["balance"]["mirnas"]["both"]["parts"]), (&"score".into(), &6.into()));
    assert_eq!(audit["report"]["results"][0]["threshold"], 0.5);
    assert!(folder.read("a.html").contains("<svg class='figure'"));
    assert!(folder.read("svg/roc.svg").starts_with("<svg"));
    assert_eq!(folder.names(), ["a.html", "a.json", "d.tsv", "p.tsv", "svg"]);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let folder = Folder::new();
    by_mirna(&folder);
    folder.write("p.tsv", "p\n1\n2\n");
    let (_, err) = folder.run(1, "audit --data d.tsv --predictions p.tsv --score-col p");
    assert_eq!(err, "mirscope: p.tsv: expected 120 rows, one for each labelled pair, found 2\n");
    folder.run(2, "audit --data d.tsv --predictions p.tsv");
    folder.run(2, "audit --data d.tsv --predictions p.tsv --score-col p --model default");
    let (_, err) = folder.run(2, "audit --data d.tsv --with p.tsv");
    assert_eq!(err, "mirscope: --with: expected NAME=TSV:COLUMN, found 'p.tsv'\n");
}

/// Positives hold let-7's seed match; without the match, and with another miRNA, the model does not call them.
#[test]
fn a_model_is_asked_about_shuffled_sites_and_exchanged_mirnas() {
    let folder = Folder::new();
    let let7 = LET7.lines().nth(1).unwrap();
    let mut table = String::from("miRNA\tgene\tlabel\n");
    for row in 0..40 {
        let (mirna, other) = match row % 4 {
            0 | 1 => (let7, "CUACCUCA"),
            _ => ("UGGAAUGUAAAGAAGUAUGUAU", "ACAUUCCA"),
        };
        let label = row % 2;
        let site = word(row * 31 + 7, 48);
        let site = if label == 1 { format!("{}{other}{}", &site[..30], &site[38..]) } else { site };
        table += &format!("{mirna}\t{site}\t{label}\n");
    }
    folder.write("d.tsv", table);
    folder.write("train.tsv", folder.read("d.tsv"));
    let (out, _) =
        folder.run(0, "audit --data d.tsv --train train.tsv --model default --resamples 20 --device cpu");
    for line in ["# train=train.tsv", "sites shuffled    40", "miRNAs exchanged  40", "same pair  "] {
        assert!(out.contains(line), "{line}: {out}");
    }
    let (again, _) =
        folder.run(0, "audit --data d.tsv --model default --no-probes --resamples 20 --device cpu");
    assert!(!again.contains("PROBES") && !again.contains("LEAKS"), "{again}");
}
