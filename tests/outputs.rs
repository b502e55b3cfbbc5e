//! What a scan writes beside its tables: read back by public parsers, and laid on a made-up genome.

#[allow(dead_code)] // its list of names is for other tests
mod common;

use std::collections::BTreeMap;

use common::{Folder, LET7, cells, transcript};
use noodles_bed as bed;
use noodles_gff::{self as gff, feature::Record};
use serde_json::Value;

/// Blocks of two made-up 3'UTRs, 0-based: one on each strand, two exons each.
const PLUS: [[usize; 2]; 2] = [[500, 560], [900, 1000]];
const MINUS: [[usize; 2]; 2] = [[2000, 2080], [2500, 2550]];

/// `length` bases that look like nothing in particular (a linear congruential generator).
fn bases(length: usize) -> Vec<u8> {
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        b"ACGT"[(state >> 62) as usize]
    };
    (0..length).map(|_| next()).collect()
}

fn turned(sequence: &str) -> String {
    let facing = |base| match base {
        'A' => 'T',
        'C' => 'G',
        'G' => 'C',
        _ => 'A',
    };
    sequence.chars().rev().map(facing).collect()
}

fn spliced(genome: &str, blocks: &[[usize; 2]], strand: &str) -> String {
    let joined: String = blocks.iter().map(|&[start, end]| &genome[start..end]).collect();
    if strand == "-" { turned(&joined) } else { joined }
}

/// A folder with two transcripts whose let-7 site lies over the junction of their exons, two that have no place, and where they
/// lie as GTF and as BED12; and the chromosome.
fn on_genome() -> (Folder, String) {
    let mut genome = bases(3000);
    genome[556..560].copy_from_slice(b"CTAC");
    genome[900..904].copy_from_slice(b"CTCA");
    // TGAGGTAG: the other strand reads CTACCTCA
    genome[2076..2080].copy_from_slice(b"TGAG");
    genome[2500..2504].copy_from_slice(b"GTAG");
    let genome = String::from_utf8(genome).unwrap();
    let folder = Folder::new();
    folder.write("m.fa", LET7.replace("let-7a", "let;7=a"));
    let (plus, minus) = (spliced(&genome, &PLUS, "+"), spliced(&genome, &MINUS, "-"));
    folder.write(
        "t.fa",
        format!(
            ">plus\n{plus}\n>minus.3\n{minus}\n>gone\n{}\n>minus.2\n{}\n",
            transcript(90, 60),
            &minus[1..]
        ),
    );
    let mut gtf = String::new();
    let mut bed = String::new();
    for (id, blocks, strand) in [("plus", PLUS, "+"), ("minus.3", MINUS, "-")] {
        for [start, end] in blocks {
            gtf += &format!(
                "c/1\tx\tthree_prime_utr\t{}\t{end}\t.\t{strand}\t.\tgene_id \"g\"; transcript_id \"{id}\";\n",
                start + 1
            );
        }
        let [[start, a], [b, end]] = blocks;
        bed += &format!(
            "c/1\t{start}\t{end}\t{id}\t0\t{strand}\t0\t0\t0\t2\t{},{}\t0,{}\n",
            a - start,
            end - b,
            b - start
        );
    }
    folder.write("a.gtf", gtf);
    folder.write("a.bed", bed);
    (folder, genome)
}

const FLAGS: &str = "--min-probability 0 --no-meta --candidates relaxed --device cpu";

/// chrom, blocks (0-based), name, strand of a BED12 line.
fn bed12(line: &str) -> (String, Vec<[usize; 2]>, String, String) {
    let fields: Vec<&str> = line.split('\t').collect();
    assert_eq!(fields.len(), 12, "{line}");
    let numbers = |text: &str| -> Vec<usize> {
        text.trim_end_matches(',').split(',').map(|number| number.parse().unwrap()).collect()
    };
    let start: usize = fields[1].parse().unwrap();
    let blocks: Vec<[usize; 2]> = numbers(fields[10])
        .iter()
        .zip(numbers(fields[11]))
        .map(|(size, at)| [start + at, start + at + size])
        .collect();
    assert_eq!(blocks.len().to_string(), fields[9]);
    assert_eq!((blocks[0][0], blocks[blocks.len() - 1][1]), (start, fields[2].parse().unwrap()));
    (fields[0].into(), blocks, fields[3].into(), fields[5].into())
}

#[test]
fn the_chromosome_has_the_sites_bases_where_every_output_says() {
    let (folder, genome) = on_genome();
    let files = "--sites s.tsv --genes g.tsv --bed b.bed --gff3 g.gff3 --jsonl j.jsonl --mirbench m.tsv";
    let scan = |annotation: &str| {
        let line = format!("scan --mirna m.fa --target t.fa --annotation {annotation} {files} {FLAGS}");
        let (_, said) = folder.run(0, &line);
        let outputs = ["s.tsv", "g.tsv", "b.bed", "g.gff3", "j.jsonl", "m.tsv"].map(|name| folder.read(name));
        (outputs, said)
    };
    let (outputs, said) = scan("a.gtf");
    assert_eq!(outputs, scan("a.bed").0, "GTF and BED12 say the same");
    let lost = "mirscope: 1 targets without a place on the genome: ";
    assert!(said.contains(&format!("{lost}id not in the annotation (the first is 'gone')\n")), "{said}");
    let other = format!("{lost}as long as no 3'UTR or transcript of its id (the first is 'minus.2')\n");
    assert!(said.contains(&other), "{said}");

    let [sites, genes, bed, gff3, jsonl, mirbench] = outputs;
    let objects: Vec<Value> = jsonl.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let placed: Vec<&Value> = objects.iter().filter(|object| !object["chrom"].is_null()).collect();
    let of = |target: &str| placed.iter().filter(|object| object["target_id"] == target).count();
    assert!(of("plus") > 0 && of("minus.3") > 0 && of("plus") + of("minus.3") == placed.len());
    let features = features(&gff3);
    assert_eq!((bed.lines().count(), features.len()), (placed.len(), placed.len()));
    let rows = cells(&sites);
    let rows: Vec<_> = rows.iter().filter(|row| row[12] != "NA").collect();
    assert_eq!(rows.len(), placed.len());
    let mut junctions = 0;
    for ((object, line), row) in placed.iter().zip(bed.lines()).zip(rows) {
        let (chrom, blocks, name, strand) = bed12(line);
        let bases = object["site_seq"].as_str().unwrap().replace('U', "T");
        assert_eq!(spliced(&genome, &blocks, &strand), bases, "{line}");
        assert_eq!((chrom.as_str(), name.as_str()), ("c/1", "let;7=a"));
        let ends = [blocks[0][0] + 1, blocks[blocks.len() - 1][1]].map(|end| end.to_string());
        assert_eq!(row[12..], ["c/1", &ends[0], &ends[1], &strand]);
        let id = format!("let;7=a:{}:{}-{}", row[1], row[2], row[3]);
        assert_eq!(features[&id], (strand.clone(), blocks.clone()));
        let json: Vec<[usize; 2]> = serde_json::from_value(object["blocks"].clone()).unwrap();
        assert_eq!(json, blocks.iter().map(|&[start, end]| [start + 1, end]).collect::<Vec<_>>());
        junctions += usize::from(blocks.len() == 2 && object["site_type"] == "8mer");
    }
    assert_eq!(junctions, 2, "both planted sites lie on two exons");
    for gene in cells(&genes) {
        assert_eq!(gene[9] == "NA", ["gone", "minus.2"].contains(&gene[1]), "{gene:?}");
    }
    for window in cells(&mirbench).iter().filter(|row| row[5] != ".") {
        let (start, end) = (window[6].parse::<usize>().unwrap() - 1, window[7].parse::<usize>().unwrap());
        let exon: Vec<[usize; 2]> = if window[8] == "+" { PLUS.into() } else { MINUS.into() };
        let cut = exon.iter().map(|&[a, b]| [a.max(start), b.min(end)]).filter(|[a, b]| a < b);
        assert_eq!(spliced(&genome, &cut.collect::<Vec<_>>(), window[8]), window[0]);
    }
}

fn strand(record: &gff::feature::RecordBuf) -> String {
    match record.strand() {
        gff::feature::record::Strand::Forward => "+".into(),
        gff::feature::record::Strand::Reverse => "-".into(),
        other => panic!("expected a strand, found {other:?}"),
    }
}

/// Strand and blocks (0-based) of each feature of a GFF3 file, as noodles reads it.
fn features(gff3: &str) -> BTreeMap<String, (String, Vec<[usize; 2]>)> {
    let mut features: BTreeMap<String, (String, Vec<[usize; 2]>)> = BTreeMap::new();
    for record in gff::io::Reader::new(gff3.as_bytes()).record_bufs() {
        let record = record.unwrap();
        assert_eq!(
            (record.reference_sequence_name(), record.ty()),
            ("c/1".into(), "miRNA_target_site".into())
        );
        let value = |tag: &[u8]| {
            let attributes = Record::attributes(&record);
            let value = attributes.get(tag).unwrap().unwrap();
            value.as_string().unwrap().to_string()
        };
        assert_eq!(value(b"Name"), "let;7=a");
        let block = [record.start().get() - 1, record.end().get()];
        features.entry(value(b"ID")).or_insert_with(|| (strand(&record), vec![])).1.push(block);
    }
    features
}

#[test]
fn without_a_genome_features_lie_on_their_transcripts() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t#1\n{}\n", transcript(300, 100)));
    folder
        .run(0, &format!("scan --mirna m.fa --target t.fa --bed b.bed --gff3 g.gff3 --sites s.tsv {FLAGS}"));
    let (bed, gff3, sites) = (folder.read("b.bed"), folder.read("g.gff3"), folder.read("s.tsv"));
    let row = &cells(&sites)[0];
    let record = gff::io::Reader::new(gff3.as_bytes()).record_bufs().next().unwrap().unwrap();
    assert_eq!(record.reference_sequence_name(), "t#1");
    assert_eq!([record.start().get(), record.end().get()].map(|end| end.to_string()), [row[2], row[3]]);
    let score = record.score().unwrap();
    assert_eq!(format!("{score:.6}"), row[5]);
    let mut reader = bed::io::Reader::<6, _>::new(bed.as_bytes());
    let mut line = bed::Record::default();
    reader.read_record(&mut line).unwrap();
    let ends = [line.feature_start().unwrap().get(), line.feature_end().unwrap().unwrap().get()];
    assert_eq!(ends.map(|end| end.to_string()), [row[2], row[3]]);
    assert_eq!(
        (line.name().unwrap(), line.score().unwrap()),
        ("let-7a".into(), (score * 1000.0).round() as u16)
    );
}

#[test]
fn lines_of_json_hold_the_table_and_the_sequences() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t1\n{}\n>t2\n{}\n", transcript(300, 100), transcript(300, 200)));
    folder.run(0, &format!("scan --mirna m.fa --target t.fa --sites s.tsv --jsonl j.jsonl {FLAGS}"));
    let (sites, jsonl) = (folder.read("s.tsv"), folder.read("j.jsonl"));
    let names: Vec<&str> = sites.lines().next().unwrap().split('\t').collect();
    assert_eq!(cells(&sites).len(), jsonl.lines().count());
    for (row, line) in cells(&sites).iter().zip(jsonl.lines()) {
        let object: Value = serde_json::from_str(line).unwrap();
        for (name, cell) in names.iter().zip(row) {
            match &object[*name] {
                Value::String(text) => assert_eq!(text, cell),
                Value::Null => assert_eq!(*cell, "NA", "{name}"),
                number => assert_eq!(number.as_f64().unwrap(), cell.parse::<f64>().unwrap(), "{name}"),
            }
        }
        let bare = |part: &Value| part.as_str().unwrap().to_uppercase().replace(['-', '.'], "");
        let drawn: Vec<String> = object["duplex"].as_array().unwrap().iter().map(bare).collect();
        assert_eq!(drawn[0].chars().rev().collect::<String>(), object["mirna_seq"]);
        assert_eq!(drawn[2], object["site_seq"]);
        let (start, end) =
            (object["start"].as_u64().unwrap() as usize, object["end"].as_u64().unwrap() as usize);
        let planted = if object["target_id"] == "t1" { 100 } else { 200 };
        assert_eq!(object["site_seq"], transcript(300, planted)[start - 1..end]);
    }
}

#[test]
fn benchmarks_get_their_columns() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    folder.write("t.fa", format!(">t1\n{}\n>none\n{}\n", transcript(300, 100), "GGGACA".repeat(20)));
    let (said, _) = folder.run(
        0,
        "scan --mirna m.fa --target t.fa --genes - --mirbench m.tsv --funmirbench f.tsv --no-meta --min-probability 1",
    );
    let genes = cells(&said);
    assert_eq!((genes[0][3], genes[0][7]), ("0", "1"), "no site is likely enough, one window was scored");
    let probability: f64 = genes[0][2].parse().unwrap();
    let want = format!("Ensembl_ID\tGene_Name\tmiRNA_ID\tmiRNA_Name\tScore\nt1\t\t\tlet-7a\t{probability}\n");
    assert_eq!(folder.read("f.tsv"), want);
    let mirbench = folder.read("m.tsv");
    let header = "gene noncodingRNA noncodingRNA_name noncodingRNA_fam feature chr start end strand gene_cluster_ID mirscope";
    assert_eq!(mirbench.lines().next().unwrap(), header.replace(' ', "\t"));
    let row = &cells(&mirbench)[0];
    let (start, end) = (row[6].parse::<usize>().unwrap(), row[7].parse::<usize>().unwrap());
    assert_eq!(row[0], transcript(300, 100)[start - 1..end].replace('U', "T"));
    assert_eq!((row[1], row[2], row[10]), ("TGAGGTAGTAGGTTGTATAGTT", "let-7a", genes[0][2]));
    // the same window, scored by itself
    let (again, _) = folder.run(0, "predict --pairs m.tsv --quiet");
    assert_eq!(cells(&again)[0][11], row[10]);
}

#[test]
fn a_drawing_has_every_base_and_bond() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let line =
        "show --mirna m.fa --target GGAACUAUACAACCUACUACCUCAGG --svg v.svg --min-probability 0 --device cpu";
    folder.run(0, line);
    let svg = folder.read("v.svg");
    let letters: String =
        svg.split("class='base'").skip(1).map(|rest| &rest[rest.find('>').unwrap() + 1..][..1]).collect();
    assert_eq!(letters, "UUGAUAUGUUGGAUGAUGGAGuAACUAUACAACCUACUACCUCA");
    assert_eq!((svg.matches("class='bond'").count(), svg.matches("class='wobble'").count()), (21, 0));
    assert_eq!(svg.matches("<rect class='bar s0'").count(), 2, "the site and its key");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
}

#[cfg(feature = "parquet")]
#[test]
fn parquet_holds_the_sites_table() {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;
    let (folder, _) = on_genome();
    folder.run(
        0,
        &format!(
            "scan --mirna m.fa --target t.fa --annotation a.gtf --sites s.tsv --parquet s.parquet {FLAGS}"
        ),
    );
    let sites = folder.read("s.tsv");
    let names: Vec<&str> = sites.lines().next().unwrap().split('\t').collect();
    let file = SerializedFileReader::new(std::fs::File::open(folder.path("s.parquet")).unwrap()).unwrap();
    let rows: Vec<_> = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows.len(), cells(&sites).len());
    for (row, shown) in rows.iter().zip(cells(&sites)) {
        for (((name, field), cell), expected) in row.get_column_iter().zip(shown).zip(&names) {
            assert_eq!(name, expected);
            match field {
                Field::Null => assert_eq!(cell, "NA"),
                Field::Str(text) => assert_eq!(text, cell),
                Field::Long(number) => assert_eq!(number.to_string(), cell),
                Field::Int(number) => assert_eq!(number.to_string(), cell),
                Field::Float(number) => assert!((number - cell.parse::<f32>().unwrap()).abs() < 1e-4),
                other => panic!("expected no such field: {other:?}"),
            }
        }
    }
}

#[test]
fn shards_make_the_same_outputs() {
    let (folder, _) = on_genome();
    let files = [
        ("sites", "sites.tsv"),
        ("bed", "sites.bed"),
        ("gff3", "sites.gff3"),
        ("jsonl", "sites.jsonl"),
        ("mirbench", "mirbench.tsv"),
        ("funmirbench", "funmirbench.tsv"),
    ];
    let flags = |folder: &str| files.map(|(flag, name)| format!("--{flag} {folder}{name}")).join(" ");
    let scan = format!("scan --mirna m.fa --target t.fa --annotation a.gtf {FLAGS}");
    folder.run(0, &format!("{scan} {}", flags("")));
    for i in ["1", "2", "3"] {
        std::fs::create_dir(folder.path(i)).unwrap();
        folder.run(0, &format!("{scan} --shard {i}/3 --manifest {i}.json {}", flags(&format!("{i}/"))));
    }
    folder.run(0, "merge 1.json 2.json 3.json -o all");
    for (_, name) in files {
        assert_eq!(folder.read(&format!("all/{name}")), folder.read(name), "{name}");
        assert_ne!(folder.read(&format!("1/{name}")), folder.read(name), "{name} has parts");
    }
    let (_, said) = folder.run(2, &format!("{scan} --html r.html --manifest 4.json"));
    assert!(said.contains("--html: expected without --manifest"), "{said}");
}
