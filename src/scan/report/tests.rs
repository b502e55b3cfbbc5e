use super::*;
use crate::rna::{Candidate, Record};
use crate::scan::{Question, Site, Status};
use std::sync::Arc;

/// A pair with a site of each probability, at places of its own.
fn question(mirna: &str, probabilities: &[f32]) -> Question {
    let record = |id: &str, letters: &str| {
        let sequence = crate::rna::parse(letters.as_bytes()).expect("bases");
        Arc::new(Record { id: id.into(), sequence, line: 0 })
    };
    let target = record("</script><b>t&'", &"GGGACAUACCUC".repeat(2000));
    let mirna = record(mirna, "UGAGGUAGUAGGUUGUAUAGUU");
    let site = |(n, &probability): (usize, &f32)| {
        let locus = 12 * n + 60;
        let candidate =
            Candidate { seed: SeedType::SixMer, locus: Some(locus), window: locus - 40..locus + 10 };
        Site { candidate, probability }
    };
    let sites = probabilities.iter().enumerate().map(site).collect();
    Question { mirna, target, status: Status::Ok, sites }
}

fn report(questions: &[Question], least: f32) -> Report {
    let mut report = Report::default();
    questions.iter().for_each(|q| report.add(&Answered::new(q, least, Place::NoGenome)));
    report
}

#[test]
fn counts_are_of_all_sites_and_rows_of_the_most_probable() {
    let many: Vec<f32> = (0..1500).map(|n| 0.2 + 0.5 * n as f32 / 1500.0).collect();
    let questions: Vec<Question> = (0..15).map(|n| question(&format!("m{n:02}"), &many)).collect();
    let forward = report(&questions, 0.3);
    let backward = report(&questions.iter().rev().cloned().collect::<Vec<_>>(), 0.3);
    assert_eq!(forward, backward, "the order of pairs does not matter");
    assert_eq!(forward.total(), 15 * 1200);
    let questions: Vec<Question> = (0..15)
        .map(|n| question(&format!("m{n:02}"), &[many.clone(), many.clone()].concat()[..1700]))
        .collect();
    let more = report(&questions, 0.2);
    assert_eq!((more.total(), more.kept.len()), (15 * 1700, KEPT));
    let mut all: Vec<u32> = questions
        .iter()
        .flat_map(|q| &q.sites)
        .map(|site| 1_000_000 - (site.probability * 1e6).round() as u32)
        .collect();
    all.sort();
    let kept: Vec<u32> = more.kept.iter().map(|kept| kept.improbability).collect();
    assert_eq!(kept, all[..KEPT]);
    assert!(
        more.page("")
            .contains("the 20,000 most probable of 25,500 sites; the other 5,500 are in the tables only")
    );
}

#[test]
fn nothing_from_a_file_becomes_markup() {
    let report = report(&[question("<img src=x onerror=alert(1)>", &[0.9])], 0.0);
    let page = report.page("# command=</script><script>alert(2)</script>\n");
    assert!(!page.contains("<img") && !page.contains("<b>") && !page.contains("<script>"), "{page}");
    assert_eq!(page.matches("</script>").count(), 2, "the data's end and the code's");
    let start = page.find("id='data'>").expect("data") + "id='data'>".len();
    let data = &page[start..][..page[start..].find("</script>").expect("its end")];
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["mirnas"][0], "<img src=x onerror=alert(1)>");
    assert_eq!(data["targets"][0][0], "</script><b>t&'");
    assert_eq!(data["rows"][0][5], 900_000);
}

#[test]
fn what_was_kept_can_be_stored() {
    let report = report(&[question("m", &[0.9, 0.4])], 0.0);
    let stored = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&stored).unwrap(), report);
}
