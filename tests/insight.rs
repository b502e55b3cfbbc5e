//! What `show` says of the network's reasons: attention weights, in-silico mutagenesis, and their drawings.

#[allow(dead_code)] // its tables are for scanning
mod common;
#[allow(dead_code)] // its gradients are for training
mod tiny;

use common::{Folder, LET7, transcript};
use mirscope::{
    autograd::{Tape, Var},
    data::{Batch, PAD},
    device::Device,
    model::{Fusion, Looks, Network, Predictor},
    nn::{Attending, Marks, MultiHead, Tokens},
    params::{Builder, ParamId, Params},
    rna::{Base, parse},
    tensor::Tensor,
    workers::Workers,
};

/// `[2, n, width]` of numbers that follow no rule.
fn numbered(t: &Tape, n: usize, width: usize, from: f32) -> Var {
    let values: Vec<f32> = (0..2 * n * width).map(|i| (i as f32 * 0.71 + from).sin()).collect();
    t.constant(Tensor::from_f32(t.device(), &[2, n, width], &values).unwrap())
}

/// `rows W + b` of the layer `name`, by the textbook.
fn linear(params: &Params, name: &str, rows: &[f64], ins: usize) -> Vec<f64> {
    let value = |part: &str| {
        let named = |id: &ParamId| params.name(*id) == format!("a.{name}.{part}");
        params.value(params.ids().find(named).unwrap()).to_f64().unwrap()
    };
    let (weight, bias) = (value("weight"), value("bias"));
    let outs = bias.len();
    let of = |row: &[f64], c: usize| {
        bias[c] + row.iter().enumerate().map(|(i, x)| x * weight[i * outs + c]).sum::<f64>()
    };
    rows.chunks_exact(ins).flat_map(|row| (0..outs).map(move |c| of(row, c))).collect()
}

/// With tables and places, whose part in the scores must not be forgotten, and more keys than a head has channels.
#[test]
fn attention_weights_times_values_give_what_the_op_gives() {
    let (width, memory, heads, tq, tk) = (12, 10, 2, 5, 17);
    let table: Vec<f64> = (0..4 * width).map(|i| (i as f64).cos()).collect();
    let how =
        Attending { width, memory, heads, dropout: 0.3, tables: Some([&table[..]; 2]), distance: Some(1.5) };
    for device in [Device::Reference, Device::cpu()] {
        let mut builder = Builder::new(3);
        let layer = MultiHead::new(&mut builder, "a", how);
        let params = builder.on(&device).unwrap();
        let t = &Tape::inference(&params, &device);
        let (x, y) = (numbered(t, tq, width, 0.0), numbered(t, tk, memory, 0.5));
        let marks = |n: usize| {
            let places: Vec<f32> = (0..n * width).map(|i| (i as f32 * 0.37).sin()).collect();
            let places = t.constant(Tensor::from_f32(&device, &[1, n * width], &places).unwrap());
            Marks { ids: Some((0..2 * n as u32).map(|i| i % 4).collect()), places: Some(places) }
        };
        let (of_x, of_y) = (marks(tq), marks(tk));
        let (asking, asked) = (Tokens { x: &x, marks: &of_x }, Tokens { x: &y, marks: &of_y });
        let weights = layer.weights(t, asking, asked).unwrap();
        assert_eq!(weights.len(), 2 * heads * tq * tk);
        assert!(weights.chunks_exact(tk).all(|row| (row.iter().sum::<f32>() - 1.0).abs() < 1e-5));
        assert!(weights.iter().any(|&w| w > 2.0 / tk as f32), "they are not flat");
        let values = linear(&params, "value", &y.value.to_f64().unwrap(), memory);
        let found = |b: usize, i: usize, c: usize| -> f64 {
            let row = &weights[((b * heads + c / (width / heads)) * tq + i) * tk..][..tk];
            row.iter().enumerate().map(|(j, &w)| f64::from(w) * values[(b * tk + j) * width + c]).sum()
        };
        let found: Vec<f64> =
            (0..2 * tq * width).map(|at| found(at / (tq * width), at / width % tq, at % width)).collect();
        let found = linear(&params, "out", &found, width);
        let expected = layer.forward(t, asking, asked).unwrap().value.to_f64().unwrap();
        let off = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        assert!(off < 1e-5, "{off}");
    }
}

const MIRNA: &[u8] = b"UGAGGUAGUAGGUUGUAUAGUU";

fn predictor() -> Predictor {
    Predictor::embedded(Workers::new(&Device::cpu(), 1).unwrap()).unwrap()
}

#[test]
fn attention_has_rows_of_sum_one_for_every_variant() {
    for (name, config) in tiny::configs() {
        let (network, params) = tiny::network(&config, &Device::cpu(), 5);
        let [mirna, site] = &tiny::sequences(&config, 2, 7)[1];
        let looks = network.attention(&params, (mirna, site)).unwrap();
        let (all, site) = (0..config.tokens(), config.mirna_len..config.tokens());
        let expected = match config.fusion {
            Fusion::Joint => vec![(all.clone(), all)],
            Fusion::Cross => vec![(site.clone(), site.clone()), (site, 0..config.mirna_len)],
        };
        assert_eq!(looks.len(), config.layers * config.heads * expected.len(), "{name}");
        for (n, look) in looks.iter().enumerate() {
            let Looks { layer, head, asking, asked, weights } = look;
            let order = (n / config.heads / expected.len(), n % config.heads);
            assert_eq!((*layer, *head), order, "{name}");
            assert_eq!(
                (asking.clone(), asked.clone()),
                expected[n / config.heads % expected.len()],
                "{name}"
            );
            assert_eq!(weights.len(), asking.len() * asked.len());
            for row in weights.chunks_exact(asked.len()) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{name}: {row:?}");
                assert!(row.iter().all(|&w| w >= 0.0), "{name}: {row:?}");
            }
        }
        assert_ne!(looks[0].weights, looks[1].weights, "{name}: heads differ");
    }
}

/// Against the whole weights, token by token, with padding on all sides of a short pair.
#[test]
fn what_bases_get_is_the_mean_over_the_bases_that_ask() {
    let predictor = predictor();
    let config = predictor.config();
    let (mirna, site) = (parse(MIRNA).unwrap(), parse(b"GGAACUAUACAACCUACUACCUCAGG").unwrap());
    let gazes = predictor.attention((&mirna, &site)).unwrap();
    assert_eq!(gazes.len(), config.layers * config.heads);
    let batch = Batch::new(&[(&mirna, &site)], config.lengths()).unwrap();
    let bases: Vec<usize> = (0..config.tokens()).filter(|&token| batch.tokens[token] != PAD).collect();
    assert_eq!(bases.len(), 22 + 26);
    let whole =
        Network::new(&mut Builder::new(0), config).attention(predictor.params(), (&mirna, &site)).unwrap();
    for gaze in &gazes {
        let looks: Vec<&Looks> =
            whole.iter().filter(|look| (look.layer, look.head) == (gaze.layer, gaze.head)).collect();
        let weight = |look: &Looks, from: usize, to: usize| {
            let both = look.asking.contains(&from) && look.asked.contains(&to);
            let at = || (from - look.asking.start) * look.asked.len() + to - look.asked.start;
            if both { look.weights[at()] } else { 0.0 }
        };
        let got = |look: &Looks, to: usize| -> f32 {
            let asking: Vec<&usize> = bases.iter().filter(|from| look.asking.contains(from)).collect();
            asking.iter().map(|from| weight(look, **from, to)).sum::<f32>() / asking.len() as f32
        };
        let all = [&gaze.mirna[..], &gaze.site[..]].concat();
        for (&token, found) in bases.iter().zip(&all) {
            let expected: f32 = looks.iter().map(|look| got(look, token)).sum();
            assert!((expected - found).abs() < 1e-6, "token {token}");
        }
        assert!((all.iter().sum::<f32>() / looks.len() as f32 + gaze.padding - 1.0).abs() < 1e-5);
        let (m, s) = (bases[3], bases[22 + 5]);
        let both = looks.iter().map(|look| weight(look, m, s).max(weight(look, s, m))).fold(0.0, f32::max);
        assert_eq!(gaze.between[3 * 26 + 5], both);
    }
}

#[test]
fn a_planted_site_loses_most_by_changes_of_its_seed() {
    let predictor = predictor();
    let (mirna, site) = (parse(MIRNA).unwrap(), parse(transcript(50, 28).as_bytes()).unwrap());
    let found = predictor.mutations((&mirna, &site)).unwrap();
    assert_eq!((found.mirna.len(), found.site.len()), (22, 50));
    assert_eq!([found.log_odds], predictor.log_odds(&[(&mirna, &site)]).unwrap()[..]);
    for (base, changes) in mirna.iter().chain(&site).zip(found.mirna.iter().chain(&found.site)) {
        assert_eq!(changes[*base as usize], 0.0, "what is there changes nothing");
    }
    // one replaced by hand
    let mut other = site.clone();
    other[33] = Base::G;
    let change = predictor.log_odds(&[(&mirna, &other)]).unwrap()[0] - found.log_odds;
    assert_eq!(found.site[33][Base::G as usize], change);
    assert!(change < -1.0, "a mismatch in the seed costs: {change}");
    let costliest = |changes: &[[f32; 4]]| -> Vec<usize> {
        let mut order: Vec<usize> = (0..changes.len()).collect();
        order.sort_by(|&a, &b| changes[a].iter().sum::<f32>().total_cmp(&changes[b].iter().sum()));
        order[..4].to_vec()
    };
    let (of_site, of_mirna) = (costliest(&found.site), costliest(&found.mirna));
    assert!(of_site.iter().all(|at| (28..35).contains(at)), "opposite nucleotides 2 to 8: {of_site:?}");
    assert!(of_mirna.iter().all(|at| (1..8).contains(at)), "nucleotides 2 to 8: {of_mirna:?}");
}

/// The numbers of an attribute, of every element of a drawing that has it.
fn numbers(svg: &str, attribute: &str) -> Vec<f64> {
    let opens = format!(" {attribute}='");
    svg.split(&opens[..]).skip(1).filter_map(|rest| rest.split('\'').next().unwrap().parse().ok()).collect()
}

#[test]
fn a_drawing_has_both_panels_and_nothing_leaves_it() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let targets =
        [transcript(300, 100), transcript(300, 0), transcript(60, 50), "GGCUACCUCAGGGACAGGGACAGGG".into()];
    for target in targets {
        let line =
            format!("show --mirna m.fa --target {target} --svg v.svg --min-probability 0 --device cpu");
        let (text, _) = folder.run(0, &line);
        let svg = folder.read("v.svg");
        let window = target.len().min(50);
        // one base that is there a column in three rows of four, and the scale of eleven cells
        let cells = 3 * (window + 22) + 11;
        let heat = svg.matches("<rect class='less'").count() + svg.matches("<rect class='more'").count();
        assert_eq!(heat, cells, "{target}");
        let heads = svg.matches(", head ").count();
        assert_eq!(heads, predictor().config().layers * predictor().config().heads);
        assert_eq!(svg.matches("<rect class='look'").count(), heads * (22 + window));
        assert!(svg.matches("<path class='look'").count() >= 2 * heads, "maps");
        assert!(svg.contains("no explanation"), "attention says what it is not");
        // its place is named as on the transcript, from 1
        let seed = target.find("CUACCUCA").unwrap() + 1;
        assert!(svg.contains(&format!("<title>C{seed}G -")), "the seed's first base, changed");
        assert!(text.contains("whose change costs most"), "{text}");
        let [x, y] = ["x", "y"].map(|name| numbers(&svg, name));
        let height = numbers(&svg, "height").into_iter().fold(0.0, f64::max);
        assert!(x.iter().all(|x| (0.0..=800.0).contains(x)) && y.iter().all(|y| (0.0..=height).contains(y)));
        for rect in svg.split("<rect class='").skip(1).map(|rest| rest.split('>').next().unwrap()) {
            let [x, width] = ["x", "width"].map(|name| numbers(rect, name)[0]);
            assert!(x + width <= 800.0, "{rect}");
        }
    }
}

/// Named in words too: of a planted seed.
#[test]
fn the_costliest_bases_are_named() {
    let folder = Folder::new();
    folder.write("m.fa", LET7);
    let line =
        format!("show --mirna m.fa --target {} --min-probability 0 --device cpu", transcript(300, 100));
    let (text, _) = folder.run(0, &line);
    let named = text.lines().find(|line| line.contains("costs most")).unwrap();
    let named: Vec<&str> = named.rsplit(": ").next().unwrap().split(", ").collect();
    assert_eq!(named.len(), 3);
    for base in named {
        let place: usize = base[1..].split(' ').next().unwrap().parse().unwrap();
        assert!((101..=108).contains(&place), "{base}");
        assert_eq!(&transcript(300, 100)[place - 1..place], &base[..1]);
    }
}
