//! Model files from strangers and from failing disks: each is refused in one line, and before memory is taken that the file
//! does not justify.

#[allow(dead_code)] // how often
mod counting;
#[allow(dead_code)] // the fuzzers' entries
mod properties;

use counting::peak;
use mirscope::{
    device::Device,
    model::{EMBEDDED, GenePredictor, Predictor},
    rna::parse,
    workers::Workers,
};
use properties::models::tiny_model;
use serde_json::{Value, json};
use std::{fs::File, io::Write, path::Path};

fn workers() -> Workers {
    Workers::new(&Device::cpu(), 1).unwrap()
}

fn load(bytes: &[u8]) -> mirscope::Result<Predictor> {
    Predictor::from_bytes(bytes, "m", workers())
}

/// What is held while a file of these bytes is read: a header's tensors have names and shapes, a weight is held in double
/// precision for a while, and the largest network's outline is some hundred kilobytes.
fn justified(bytes: usize) -> usize {
    20 * bytes + (1 << 20)
}

/// The complaint, in one line, and that no memory was taken for it.
fn refused(bytes: &[u8]) -> String {
    let (loaded, held) = peak(|| load(bytes).err());
    let said = loaded.expect("a file that cannot be used is refused").to_string();
    assert!(said.starts_with("m: ") && !said.contains(char::is_control) && said.len() < 1000, "{said:?}");
    assert!(held < justified(bytes.len()), "{said}: held {held} bytes of a file of {}", bytes.len());
    said
}

/// Header and tensors' bytes.
fn parts(file: &[u8]) -> (Value, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&file[8..][..length]).unwrap(), file[8 + length..].to_vec())
}

fn joined(header: &Value, data: &[u8]) -> Vec<u8> {
    text_joined(&header.to_string(), data)
}

fn text_joined(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// The tiny model with its card changed and without a checksum, so that what is wrong is looked at and not that it changed.
fn with_card(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (mut header, data) = parts(&tiny_model());
    let mut card: Value = serde_json::from_str(header["__metadata__"]["mirscope"].as_str().unwrap()).unwrap();
    card.as_object_mut().unwrap().remove("sha256").unwrap();
    change(&mut card);
    header["__metadata__"]["mirscope"] = card.to_string().into();
    joined(&header, &data)
}

fn with_header(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let (mut header, data) = parts(&with_card(|_| ()));
    change(&mut header);
    joined(&header, &data)
}

#[test]
fn whole_files_are_taken_with_and_without_a_checksum() {
    let (model, held) = peak(|| load(&tiny_model()).unwrap());
    assert!(held < justified(tiny_model().len()) && model.checksum().is_some());
    assert_eq!(load(&with_card(|_| ())).unwrap().checksum(), None, "as files of before are");
    let (embedded, held) = peak(|| load(EMBEDDED).unwrap());
    assert!(held < justified(EMBEDDED.len()), "{held}");
    assert_eq!(embedded.checksum(), None);
    assert_eq!(embedded.hash(), Predictor::embedded(workers()).unwrap().hash());
}

#[test]
fn cut_at_any_length() {
    let model = tiny_model();
    for length in 0..model.len() {
        refused(&model[..length]);
    }
    assert_eq!(refused(b""), "m: is no safetensors file: expected at least 8 bytes, found 0");
    let longer = [&model[..], b"x"].concat();
    assert!(refused(&longer).ends_with(" bytes of tensors, found more"));
    assert!(refused(&EMBEDDED[..EMBEDDED.len() - 1]).contains(" bytes of tensors, found "));
}

/// In header, card and weights alike.
#[test]
fn any_bit_flipped_is_seen_by_the_checksum_or_before() {
    let model = tiny_model();
    let mut damaged = 0;
    for at in 0..8 * model.len() {
        let mut flipped = model.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        damaged += usize::from(refused(&flipped).contains("is damaged: expected contents of SHA-256"));
    }
    assert!(damaged > 8 * parts(&model).1.len() / 2, "weights are seen by the checksum: {damaged}");
}

#[test]
fn without_a_checksum_a_flipped_bit_is_refused_or_gives_numbers() {
    let model = with_card(|_| ());
    for at in 0..model.len() {
        let mut flipped = model.clone();
        flipped[at] ^= 1 << (at % 8);
        properties::models::model(&flipped);
    }
}

#[test]
fn headers_that_lie() {
    let tiny = with_card(|_| ());
    let mut huge = tiny.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(
        refused(&huge),
        format!(
            "m: is no safetensors file: expected a header of at most 4194304 bytes, found one of {}",
            u64::MAX
        )
    );
    assert!(refused(&text_joined("{}", b"")).contains("has no mirscope metadata"));
    let deep = "[".repeat(1 << 20);
    assert!(refused(&text_joined(&deep, b"")).contains("is no safetensors file: its header: "));
    let deep = with_header(|header| header["__metadata__"]["mirscope"] = deep.into());
    assert!(refused(&deep).contains("m: metadata: "));
    let (name, tensor) =
        ("norm.beta", |offsets: Value| json!({"dtype": "F32", "shape": [2], "data_offsets": offsets}));
    let offset = |offsets: Value| refused(&with_header(|header| header[name] = tensor(offsets)));
    for wrong in
        [json!([0, 8]), json!([8, 0]), json!([1u64 << 40, (1u64 << 40) + 8]), json!([u64::MAX - 7, u64::MAX])]
    {
        assert!(offset(wrong.clone()).contains("invalid offset"), "{wrong}");
    }
    assert!(offset(json!([-8, 0])).contains("invalid value"));
    let shape = |shape: Value| refused(&with_header(|header| header[name]["shape"] = shape));
    assert!(shape(json!([u64::MAX, u64::MAX])).contains("overflow"));
    assert!(shape(json!([3])).contains("invalid shape"));
    assert!(shape(json!([1, 2])).ends_with("norm.beta: expected F32 [2], got F32 [1, 2]"));
    let dtype = |dtype: &str, shape: Value| {
        refused(&with_header(|header| (header[name]["dtype"], header[name]["shape"]) = (dtype.into(), shape)))
    };
    assert!(dtype("F64", json!([1])).ends_with("norm.beta: expected F32 [2], got F64 [1]"));
    assert!(dtype("BF16", json!([4])).ends_with("norm.beta: expected F32 [2], got BF16 [4]"));
    assert!(dtype("Q9", json!([2])).contains("its header: unknown variant"));
}

#[test]
fn tensors_too_few_too_many_and_doubled() {
    let renamed = with_header(|header| {
        let tensor = header.as_object_mut().unwrap().remove("norm.beta").unwrap();
        header["norm.\u{1b}[2Jbeta"] = tensor;
    });
    assert_eq!(refused(&renamed), "m: has no tensor norm.beta");
    let (header, data) = parts(&with_card(|_| ()));
    let more = |name: &str| {
        let mut header = header.clone();
        let end = data.len();
        header[name] = json!({"dtype": "F32", "shape": [0], "data_offsets": [end, end]});
        joined(&header, &data)
    };
    assert_eq!(refused(&more("spy\n")), "m: tensor spy\\n is not one of this model's");
    let twice = header.to_string().replacen(
        '{',
        r#"{"norm.beta":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"norm.beta":{"dtype":"F32","shape":[2],"data_offsets":[8,16]},"#,
        1,
    );
    assert!(
        refused(&text_joined(&twice, &data)).contains("expected each tensor once, found norm.beta again")
    );
    let mut crowd = header.clone();
    (0..20_000)
        .for_each(|i| crowd[format!("t{i}")] = json!({"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}));
    assert!(refused(&joined(&crowd, &data)).contains("is not one of this model's"));
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_the_tensors_name() {
    let (header, data) = parts(&with_card(|_| ()));
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let at = header["head.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
        let mut data = data.clone();
        data[at..at + 4].copy_from_slice(&wrong.to_le_bytes());
        assert_eq!(refused(&joined(&header, &data)), format!("m: tensor head.weight holds {wrong}"));
    }
}

#[test]
fn weights_too_great_for_their_sums_give_an_error_and_no_answer() {
    let (header, data) = parts(&with_card(|_| ()));
    let great: Vec<u8> = (0..data.len() / 4).flat_map(|_| 3e38f32.to_le_bytes()).collect();
    let model = load(&joined(&header, &great)).unwrap();
    let [mirna, site] = ["UGAGGUAG", "CUACCUCAACGU"].map(|text| parse(text.as_bytes()).unwrap());
    let said = model.probabilities(&[(&mirna, &site)]).unwrap_err().to_string();
    assert!(said.starts_with("tiny: expected log-odds that are numbers, found "), "{said}");
}

/// The largest network that is allowed, and what is not, in a file of a few kilobytes.
#[test]
fn a_configuration_takes_no_memory_that_the_file_does_not_hold() {
    let claims = |key: &str, value: Value| refused(&with_card(|card| card["config"][key] = value));
    let largest = with_card(|card| {
        for (key, value) in [
            ("mirna_len", 64),
            ("site_len", 1024),
            ("width", 4096),
            ("heads", 64),
            ("feed_forward", 16384),
            ("layers", 64),
        ] {
            card["config"][key] = value.into();
        }
        card["config"]["positions"] = "relative".into();
    });
    assert!(refused(&largest).contains("expected F32 "));
    for key in
        ["mirna_len", "site_len", "width", "heads", "feed_forward", "layers", "conv_width", "conv_layers"]
    {
        for value in [json!(1_000_000_000_000_000_000u64), json!(u64::MAX)] {
            assert!(claims(key, value).contains(&format!("model.{key}: expected ")), "{key}");
        }
        for value in [json!(-1), json!(1e300), json!("9"), json!([]), Value::Null] {
            assert!(claims(key, value).contains("metadata: invalid "), "{key}");
        }
    }
    for key in ["mirna_len", "site_len", "width", "heads", "feed_forward", "conv_width"] {
        assert!(claims(key, json!(0)).contains(&format!("model.{key}: expected 1 to ")), "{key}");
    }
    let pairing =
        |key: &str, value: Value| refused(&with_card(|card| card["config"]["pairing"][key] = value));
    for (key, value) in [
        ("channels", json!([])),
        ("channels", json!(vec![1; 100_000])),
        ("channels", json!([1_000_000_000])),
        ("kernels", json!([0])),
        ("hidden", json!(u64::MAX)),
    ] {
        assert!(pairing(key, value).contains("model.pairing"), "{key}");
    }
}

#[test]
fn cards_that_make_no_sense() {
    let card = |change: &dyn Fn(&mut Value)| refused(&with_card(|card| change(card)));
    assert!(
        card(&|card| card["alphabet"] = "ACGT".into())
            .ends_with("expected a model for the alphabet ACGUN-, got ACGT")
    );
    assert!(card(&|card| card["version"] = 2.into()).contains("unknown field `version`"));
    assert!(card(&|card| card["config"]["mamba"] = 1.into()).contains("unknown field `mamba`"));
    let wrong = "expected texts of one line, found others";
    assert!(card(&|card| card["provenance"]["name"] = "a\nthreshold\t0".into()).contains(wrong));
    assert!(card(&|card| card["alphabet"] = "\u{1b}]0;x\u{7}".into()).contains(wrong));
    for threshold in [json!(-0.1), json!(1.5), json!(1e38)] {
        assert!(
            card(&|card| card["provenance"]["threshold"] = threshold.clone())
                .contains("a threshold from 0 to 1")
        );
    }
    let meaning = |value: Value| card(&|card| card["provenance"]["meaning"] = value.clone());
    for prevalence in [json!(0), json!(1), json!(-3), json!(1e308)] {
        assert!(meaning(json!({"prevalence": prevalence})).contains("a prevalence between 0 and 1"));
    }
    let curve = |curve: Value| {
        let loss = json!({"uncalibrated": 0.0, "temperature": null, "line": null, "isotonic": null});
        meaning(json!({"calibration": {"curve": curve, "log_loss": loss, "rows": 1, "sha256": []}}))
    };
    for points in [json!([]), json!([[0, 0], [0, 1]]), json!([[0, 1], [1, 0]])] {
        assert!(curve(json!({"isotonic": {"points": points}})).contains("a calibration that rises"));
    }
    assert!(curve(json!({"line": {"scale": 0, "offset": 1}})).contains("a calibration that rises"));
    let beyond = "metadata: number out of range";
    assert!(curve(json!({"isotonic": {"points": [[0, 0], [1e39, 1]]}})).contains(beyond), "of f32");
    assert!(curve(json!({"isotonic": {"points": [[null, 0]]}})).contains("metadata: invalid type: null"));
    let null = |points: Value| {
        let gate = json!({"nucleotides": 1, "real": 1, "shuffled": 1, "points": points});
        let about = json!({"mirnas": 1, "transcripts": 1, "seed": 1, "mirna_sha256": "", "target_sha256": "", "gates": {"all": gate}});
        meaning(json!({"null": about}))
    };
    for points in [
        json!([]),
        json!([[1, 0.5, 0.5], [0, 0.5, 0.5]]),
        json!([[0, 0.5, 0.5], [1, 0.6, 0.5]]),
        json!([[0, 0.5, 0.5], [1, 0.5, 0.6]]),
        json!([[0, 7, 0.5]]),
        json!([[0, 0.5, -1]]),
    ] {
        assert!(null(points.clone()).contains("tables of the null that go up in log-odds"), "{points}");
    }
}

/// A file without an end, and one that is longer than any memory: by name, as people give them.
#[test]
fn endless_files_are_refused_by_their_first_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("long.safetensors");
    let made = |bytes: &[u8]| {
        let mut file = File::create(&path).unwrap();
        file.write_all(bytes).unwrap();
        file.set_len(100 << 30).unwrap();
    };
    let said = |path: &Path| {
        let (said, held) = peak(|| {
            let genes = GenePredictor::load(path, "").expect_err("no gene-level model");
            (Predictor::load(path, workers()).expect_err("no model").to_string(), genes.to_string())
        });
        assert!(held < 1 << 20, "held {held} bytes");
        said
    };
    if Path::new("/dev/zero").exists() {
        let (site, gene) = said(Path::new("/dev/zero"));
        assert!(site.contains("is no safetensors file: its header: ") && site == gene, "{site}");
    }
    made(b"");
    assert!(said(&path).0.contains("is no safetensors file"));
    made(&tiny_model());
    let (site, gene) = said(&path);
    assert!(site.ends_with(" bytes of tensors, found more"), "{site}");
    assert!(gene.ends_with("has no mirscope-genes metadata; is it one of our models?"), "{gene}");
}
