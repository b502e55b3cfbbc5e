use super::*;

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn read(text: &str) -> Result<Annotation> {
    Annotation::open(file(text).path().to_str().unwrap())
}

fn gtf(rows: &[(&str, &str, &str, &str)]) -> String {
    let row = |(feature, range, strand, attributes): &(&str, &str, &str, &str)| {
        let (start, end) = range.split_once('-').unwrap();
        format!("c1\tx\t{feature}\t{start}\t{end}\t.\t{strand}\t.\t{attributes}\n")
    };
    format!("#!genome-build made-up\n{}", rows.iter().map(row).collect::<String>())
}

fn blocks(annotation: &Annotation, id: &str, length: usize) -> Vec<[usize; 2]> {
    let spliced = annotation.place(id, length).unwrap();
    spliced.locate(0..length).iter().map(|block| [block.start + 1, block.end]).collect()
}

const T1: &str = "gene_id \"g1\"; transcript_id \"t1.2\"; note \"a b\"";

/// One coding transcript of two exons, 101-200 and 301-400, in the three ways that files have: CDS to 150 and a stop
/// codon 151-153 behind it, so that the 3'UTR is 154-200 and 301-400.
#[test]
fn three_dialects_have_one_utr3() {
    let common = [("exon", "101-200", "+", T1), ("exon", "301-400", "+", T1), ("CDS", "111-150", "+", T1)];
    let stop = [("stop_codon", "151-153", "+", T1)];
    let ensembl = [("three_prime_utr", "154-200", "+", T1), ("three_prime_utr", "301-400", "+", T1)];
    let gencode = [("UTR", "101-110", "+", T1), ("UTR", "151-200", "+", T1), ("UTR", "301-400", "+", T1)];
    for more in [&ensembl[..], &gencode[..], &[]] {
        let annotation = read(&gtf(&[&common[..], &stop[..], more].concat())).unwrap();
        for id in ["t1.2", "t1", "t1.9", "g1"] {
            assert_eq!(blocks(&annotation, id, 147), [[154, 200], [301, 400]], "{id}");
        }
        assert_eq!(blocks(&annotation, "t1", 200), [[101, 200], [301, 400]], "the whole transcript");
        assert_eq!(annotation.place("t1", 146), Err(Unplaced::OtherLength));
        assert_eq!(annotation.place("t2", 147), Err(Unplaced::UnknownId));
    }
}

#[test]
fn a_minus_strand_has_its_utr3_at_the_left() {
    let rows = [
        ("exon", "301-400", "-", T1),
        ("exon", "101-200", "-", T1),
        ("CDS", "160-200", "-", T1),
        ("CDS", "301-390", "-", T1),
        ("stop_codon", "157-159", "-", T1),
    ];
    assert_eq!(blocks(&read(&gtf(&rows)).unwrap(), "t1", 56), [[101, 156]]);
}

#[test]
fn a_gene_in_two_places_is_in_none() {
    let other = "gene_id \"g1\"; transcript_id \"t2\"";
    let rows = [("three_prime_utr", "101-150", "+", T1), ("three_prime_utr", "201-250", "+", other)];
    let annotation = read(&gtf(&rows)).unwrap();
    assert_eq!(annotation.place("g1", 50), Err(Unplaced::SeveralPlaces));
    assert_eq!(blocks(&annotation, "t2", 50), [[201, 250]]);
    let same = [rows[0], ("three_prime_utr", "101-150", "+", other)];
    assert_eq!(blocks(&read(&gtf(&same)).unwrap(), "g1", 50), [[101, 150]]);
}

#[test]
fn bed12_names_its_blocks() {
    let text = "track name=x\nc1\t100\t400\tt1\t0\t-\t0\t0\t0\t2\t50,30,\t0,270,\n";
    let annotation = read(text).unwrap();
    assert_eq!(blocks(&annotation, "t1", 80), [[101, 150], [371, 400]]);
    assert_eq!(annotation.place("t1", 80).unwrap().locate(0..1)[0], 399..400);
}

#[test]
fn complaints_say_where() {
    let said = |text: &str| read(text).unwrap_err().to_string().split_once(':').unwrap().1.to_owned();
    assert_eq!(said("\n# x\n"), " expected lines of GTF or BED12, found none");
    assert_eq!(said("#\na\tb\n"), "2: expected 9 TAB-separated columns (GTF) or 12 (BED12), found 2");
    let row = "c\tx\texon\t1\t9\t.\t+\t.\ttranscript_id \"t\"\n";
    assert_eq!(said(&format!("{row}a\tb\n")), "2: expected 9 columns, found 2");
    assert_eq!(said(&row.replace("\t9\t", "\tx\t")), "1: expected a number as end, found 'x'");
    assert_eq!(said(&row.replace("\t1\t", "\t0\t")), "1: expected a start from 1 to the end, found 0 to 9");
    assert_eq!(said(&row.replace('+', ".")), "1: expected + or - as strand, found '.'");
    assert_eq!(
        said(&row.replace("transcript_id \"t\"", "ID=t;Parent=g")),
        "1: expected the attribute transcript_id \"...\"; as in GTF, found 'ID=t;Parent=g'"
    );
    let bed = "c\t1\t9\tt\t0\t+\t0\t0\t0\t2\t2,3\t0,5\n";
    assert!(read(bed).is_ok());
    assert_eq!(
        said(&bed.replace("2,3\t", "2\t")),
        "1: expected 2 block sizes and block starts, found 1 and 2"
    );
    assert_eq!(said(&bed.replace("2,3\t", "2,4\t")), "1: expected blocks up to 9, found one up to 10");
}
