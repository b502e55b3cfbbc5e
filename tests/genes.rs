//! Gene-level networks: their gradients, what they learn from planted fold changes, that no network has seen what it is tested
//! on, and the command.

#[allow(dead_code)] // its tables are for scanning
mod common;

use common::{Folder, transcript};
use mirscope::{
    autograd::Tape,
    data::{Duo, FoldChange, Treatment},
    device::Device,
    eval::spearman,
    model::{
        Bag, BagPooling, GeneConfig, GeneNetwork, GeneReader, Predictor, ScoredSite, Track, WholeConfig,
        WholeNetwork,
    },
    ops::BceWithLogits,
    params::{Builder, Params},
    rna::{SeedType, parse},
    train::{GeneData, GeneRows, GeneRunConfig, GeneTraining, LabelledGene, Rows},
    workers::Workers,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const POOLINGS: [BagPooling; 4] =
    [BagPooling::Max, BagPooling::NoisyOr, BagPooling::Attention, BagPooling::Set];

/// Bags of no, one and several sites, at random places.
fn bags(count: usize, seed: u64) -> Vec<Bag> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let types = [SeedType::EightMer, SeedType::SevenMerM8, SeedType::SevenMerA1, SeedType::SixMer];
    let bag = |i| {
        let letters: String = (0..400).map(|_| ['A', 'C', 'G', 'U'][random.random_range(0..4)]).collect();
        let sites: Vec<ScoredSite> = (0..i % 4)
            .map(|_| ScoredSite {
                seed: types[random.random_range(0..4)],
                locus: random.random_range(6..390),
                log_odds: random.random_range(-4.0..4.0),
            })
            .collect();
        Bag::new(&parse(letters.as_bytes()).unwrap(), &sites, 3)
    };
    (0..count).map(bag).collect()
}

/// Tracks of short, long and empty 3'UTRs, with and without sites of their miRNA.
fn tracks(count: usize, seed: u64, config: &WholeConfig) -> Vec<Track> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mirnas = ["UGAGGUAGUAGGUUGUAUAGUU", "UAAAGUGCUUAUAGUGCAGG"].map(|m| parse(m.as_bytes()).unwrap());
    let utr = |i: usize| {
        let length = if i == 0 { 0 } else { random.random_range(1..400) };
        let letters: String = (0..length).map(|_| ['A', 'C', 'G', 'U'][random.random_range(0..4)]).collect();
        let site = if i % 3 == 1 { "CUACCUCA" } else { "" };
        parse(format!("{letters}{site}{letters}").as_bytes()).unwrap()
    };
    let utrs: Vec<_> = (0..count).map(utr).collect();
    let pairs: Vec<Duo> = utrs.iter().zip(0..).map(|(utr, i)| (&mirnas[i % 2][..], &utr[..])).collect();
    let model = Predictor::embedded(Workers::new(&Device::cpu(), 2).unwrap()).unwrap();
    model.tracks(&pairs, config).unwrap()
}

/// Networks that read a 3'UTR whole, and cut to pieces.
fn whole_ones() -> Vec<GeneConfig> {
    let whole = |cut| WholeConfig { channels: 32, width: 8, heads: 2, cut };
    let config = |pooling, cut| GeneConfig { pooling, sites: 3, hidden: 6, whole: Some(whole(cut)) };
    vec![
        config(BagPooling::NoisyOr, false),
        config(BagPooling::Max, false),
        config(BagPooling::NoisyOr, true),
    ]
}

fn of_bags(pooling: BagPooling) -> GeneConfig {
    GeneConfig { pooling, sites: 3, hidden: 6, whole: None }
}

fn network<N: GeneReader>(config: &GeneConfig, device: &Device) -> (N, Params) {
    let mut builder = Builder::new(5);
    let network = N::new(&mut builder, config);
    let mut params = builder.on(device).unwrap();
    // at first nothing but the seed rule reaches the score: move everything a little
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let moved: Vec<f64> =
        params.flat().to_f64().unwrap().iter().map(|x| x + random.random_range(-0.3..0.3)).collect();
    params.set_flat(&moved).unwrap();
    (network, params)
}

#[test]
fn an_untrained_network_orders_genes_as_the_seed_rule_does() {
    let bags = bags(50, 17);
    for pooling in POOLINGS {
        let mut builder = Builder::new(5);
        let network = GeneNetwork::new(&mut builder, &GeneConfig { pooling, ..GeneConfig::default() });
        let scores = network.scores(&builder.on(&Device::cpu()).unwrap(), &bags).unwrap();
        for (score, bag) in scores.iter().zip(&bags) {
            let all = bag.rule.iter().map(|x| x.exp().ln_1p());
            let rule = match pooling {
                BagPooling::Max => all.fold(0.0, f32::max),
                _ => bag.efficacy,
            };
            assert!((score - rule).abs() < 1e-5, "{pooling:?}: {score}, {rule}");
        }
    }
}

#[test]
fn an_untrained_network_that_reads_on_begins_with_the_seed_rule() {
    for config in whole_ones() {
        let tracks = tracks(40, 17, config.whole.as_ref().unwrap());
        let mut builder = Builder::new(5);
        let network = WholeNetwork::new(&mut builder, &config);
        let scores = network.scores(&builder.on(&Device::cpu()).unwrap(), &tracks).unwrap();
        for (i, score) in scores.iter().enumerate() {
            // every third has a site of let-7, which is shown to every second; others have sites by chance
            let least = if i % 3 == 1 && i % 2 == 0 { 4.0 * 0.31 } else { 0.0 };
            assert!(*score > least - 1e-4 && *score < least + 2.5, "{i}: {score}");
        }
        assert!((scores[0]).abs() < 2e-3, "nothing in an empty 3'UTR: {}", scores[0]);
    }
}

/// The loss with made-up labels, and its gradient.
fn loss<N: GeneReader>(network: &N, params: &Params, seen: &[N::Seen]) -> (f64, Vec<f64>) {
    let tape = Tape::new(params, params.device());
    let seen: Vec<&N::Seen> = seen.iter().collect();
    let scores = network.forward(&tape, &seen).unwrap();
    let n = seen.len();
    let targets = (0..n).map(|i| i as f32 * 0.37 % 1.0).collect();
    let op = BceWithLogits { targets, weights: vec![1.0; n].into(), normalizer: n as f32 };
    let loss = tape.apply(op, [&scores]).unwrap();
    let value = loss.value.to_f64().unwrap()[0];
    (value, tape.backward(&loss).unwrap().flat().to_f64().unwrap())
}

fn check_gradients<N: GeneReader>(config: &GeneConfig, seen: &[N::Seen]) {
    const H: f64 = 1e-5;
    let (network, mut params) = network::<N>(config, &Device::Reference);
    let start = params.flat().to_f64().unwrap();
    let (_, gradient) = loss(&network, &params, seen);
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for id in params.ids().collect::<Vec<_>>() {
        let range = params.range(id);
        let direction: Vec<f64> = range.clone().map(|_| 2.0 * random.random::<f64>() - 1.0).collect();
        let mut at = |h: f64| {
            let mut moved = start.clone();
            moved[range.clone()].iter_mut().zip(&direction).for_each(|(x, d)| *x += h * d);
            params.set_flat(&moved).unwrap();
            loss(&network, &params, seen).0
        };
        let numeric = (at(H) - at(-H)) / (2.0 * H);
        let exact: f64 = gradient[range].iter().zip(&direction).map(|(g, d)| g * d).sum();
        let off = (exact - numeric).abs();
        let name = params.name(id).to_string();
        // a shift of all keys is not seen by a softmax: there is nothing but rounding to compare
        let least = if name.ends_with("key.bias") { 1e-9 } else { 1e-6 * exact.abs() + 1e-11 };
        assert!(off < least, "{config:?} {name}: {exact:.3e} is off by {off:.1e}");
        params.set_flat(&start).unwrap();
    }
}

#[test]
fn gradients_match_central_differences() {
    POOLINGS.map(of_bags).iter().for_each(|config| check_gradients::<GeneNetwork>(config, &bags(9, 1)));
    for config in whole_ones() {
        check_gradients::<WholeNetwork>(&config, &tracks(5, 1, config.whole.as_ref().unwrap()));
    }
}

fn check_batches<N: GeneReader>(config: &GeneConfig, seen: &[N::Seen]) {
    let scores = |device| {
        let (network, params) = network::<N>(config, &device);
        let alone = network.scores(&params, &seen[1..2]).unwrap();
        let all = network.scores(&params, seen).unwrap();
        assert!((alone[0] - all[1]).abs() < 1e-6, "{config:?}");
        all
    };
    let (fast, judge) = (scores(Device::cpu()), scores(Device::Reference));
    let worst = fast.iter().zip(&judge).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(worst < 2e-5, "{config:?}: {worst:.1e}");
    assert!(judge.iter().any(|score| (score - judge[0]).abs() > 1e-3), "scores differ");
}

#[test]
fn the_cpu_gives_the_references_scores_whatever_shares_the_batch() {
    POOLINGS.map(of_bags).iter().for_each(|config| check_batches::<GeneNetwork>(config, &bags(300, 3)));
    for config in whole_ones() {
        check_batches::<WholeNetwork>(&config, &tracks(90, 3, config.whole.as_ref().unwrap()));
    }
}

/// Three series of one experiment each. Genes fall by what their strongest site is and by how probable it is, with noise.
fn planted(bags: &[Bag]) -> (Vec<FoldChange>, Vec<Option<usize>>) {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mirnas = ["UGAGGUAGUAGGUUGUAUAGUU", "UAAAGUGCUUAUAGUGCAGGUAG", "UUAAUGCUAAUCGUGAUAGGGGU"];
    let (mut rows, mut bag_of) = (vec![], vec![]);
    for (series, mirna) in mirnas.iter().enumerate() {
        for (i, bag) in bags.iter().enumerate() {
            let strongest =
                bag.features.get(1).map_or(0.0, |f| 0.4 + f64::from(f[0]) + 0.3 * f64::from(f[4]));
            rows.push(FoldChange {
                experiment: format!("S{series}_x"),
                mirna_id: mirna.to_string(),
                mirna: parse(mirna.as_bytes()).unwrap(),
                treatment: Treatment::Overexpression,
                gene: format!("G{i}"),
                log2_fold_change: -strongest + random.random_range(-0.5..0.5),
                fdr: None,
            });
            bag_of.push(Some(i));
        }
    }
    (rows, bag_of)
}

fn run(pooling: BagPooling) -> GeneRunConfig {
    GeneRunConfig {
        name: "planted".into(),
        description: "planted fold changes".into(),
        seed: 1,
        genes: of_bags(pooling),
        training: GeneTraining { epochs: 30, batch: 64, rate: 1e-2, ..GeneTraining::default() },
        data: GeneData {
            fold_changes: String::new(),
            target: String::new(),
            pairs: vec![],
            keep_out_pairs: vec![],
        },
    }
}

fn rows_of<'a>(
    rows: &'a [FoldChange],
    seen_of: &'a [Option<usize>],
    labelled: &'a [LabelledGene],
    seen: &'a [Bag],
) -> GeneRows<'a, GeneNetwork> {
    GeneRows { rows, learns: &[true; 1200][..rows.len()], seen_of, labelled, seen }
}

#[test]
fn every_pooling_learns_more_than_the_seed_rule_knows() {
    let bags = bags(400, 11);
    let (rows, bag_of) = planted(&bags);
    let repression: Vec<f64> = rows.iter().map(|row| -row.effect()).collect();
    let seeds: Vec<f64> = bag_of.iter().map(|bag| f64::from(bags[bag.unwrap()].efficacy)).collect();
    let floor = spearman(&seeds, &repression).unwrap();
    for pooling in POOLINGS {
        let data = rows_of(&rows, &bag_of, &[], &bags);
        let scores = data.cross_validated(&run(pooling), &mut |_, _| {}).unwrap();
        let scores: Vec<f64> = scores.into_iter().map(Option::unwrap).collect();
        let learned = spearman(&scores, &repression).unwrap();
        println!("{pooling:?}: {learned:.3}, seed rule {floor:.3}");
        assert!(learned > floor + 0.03, "{pooling:?}: {learned:.3}, seed rule {floor:.3}");
    }
}

/// Whatever an experiment says, its own scores do not move; those of others do.
#[test]
fn no_network_has_seen_what_it_is_tested_on() {
    let bags = bags(120, 13);
    let (mut rows, bag_of) = planted(&bags);
    let known = |row: usize, label| LabelledGene { mirna: rows[row].mirna.clone(), seen: row % 120, label };
    let mut labelled: Vec<LabelledGene> = (0..120).map(|i| known(i, (i % 2) as f32)).collect();
    let scores = |rows: &[FoldChange], labelled: &[LabelledGene]| {
        let data = rows_of(rows, &bag_of, labelled, &bags);
        let config = GeneRunConfig {
            training: GeneTraining { epochs: 2, ..run(BagPooling::NoisyOr).training },
            ..run(BagPooling::NoisyOr)
        };
        data.cross_validated(&config, &mut |_, _| {}).unwrap()
    };
    // the third experiment becomes one of the first's series, with a miRNA of its own
    rows[240..].iter_mut().for_each(|row| row.experiment = "S0_y".into());
    let before = scores(&rows, &labelled);
    rows[..120].iter_mut().for_each(|row| row.log2_fold_change *= -3.0);
    let after = scores(&rows, &labelled);
    assert_eq!(before[..120], after[..120], "its own");
    assert_eq!(before[240..], after[240..], "one that shares its controls");
    assert_ne!(before[120..240], after[120..240]);
    // nor do labelled genes tell of their own miRNA's family
    labelled.iter_mut().for_each(|pair| pair.label = 1.0 - pair.label);
    let relabelled = scores(&rows, &labelled);
    assert_eq!(relabelled[..120], after[..120]);
    assert_ne!(relabelled[120..], after[120..]);
}

#[test]
fn genes_that_are_bound_are_as_often_unbound_and_none_is_tested_on() {
    let folder = Folder::new();
    let mut table = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\tsplit\n".to_string();
    for gene in 0..60 {
        let mirna =
            ["UGAGGUAGUAGGUUGUAUAGUU", "UAAAGUGCUUAUAGUGCAGGUAG", "UUAAUGCUAAUCGUGAUAGGGGU"][gene % 3];
        let split = if gene % 5 == 0 { "test" } else { "train" };
        for site in ["ACGUACGUACGUACGUACGUACGUA", "GGGUACGUACGUACGUACGUACGUA"] {
            table +=
                &format!("m{}\t{mirna}\tG{gene}\t{site}\t{}\t{split}\n", gene % 3, u8::from(gene % 7 != 0));
        }
    }
    folder.write("sites.tsv", &table);
    let tested = "mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\nm1\tUAAAGUGCUUAUAGUGCAGGUAG\tG1\tACGU\t1\n";
    folder.write("tested.tsv", tested);
    let path = |name: &str| folder.path(name).display().to_string();
    let data = GeneData {
        pairs: vec![Rows { path: path("sites.tsv"), splits: vec![mirscope::data::Split::Train] }],
        keep_out_pairs: vec![path("tested.tsv")],
        ..run(BagPooling::Max).data
    };
    let kept_out = data.tested().unwrap();
    let labelled = data.labelled(&kept_out, |gene| gene != "G2", 1).unwrap();
    let wanted = (0..60).filter(|gene| gene % 5 != 0 && gene % 7 != 0 && ![1, 2].contains(gene));
    let bound: Vec<String> =
        labelled.iter().filter(|pair| pair.is_positive()).map(|pair| pair.site_id.clone()).collect();
    assert_eq!(bound, wanted.map(|gene| format!("G{gene}")).collect::<Vec<_>>());
    let unbound: Vec<_> = labelled.iter().filter(|pair| !pair.is_positive()).collect();
    assert!(unbound.len() > bound.len() * 3 / 4, "{} of {}", unbound.len(), bound.len());
    for pair in unbound {
        let gene: usize = pair.site_id[1..].parse().unwrap();
        assert!(bound.contains(&pair.site_id) && pair.mirna_id != format!("m{}", gene % 3), "{pair:?}");
    }
}

#[test]
fn the_command_trains_tests_and_writes_a_model_that_another_reads() {
    let folder = Folder::new();
    let (mut changes, mut utrs) = (FoldChange::HEADER.to_string(), String::new());
    for gene in 0..40 {
        let bound = gene % 2 == 0;
        let utr = if bound { transcript(200, 60 + gene) } else { "GACU".repeat(50) };
        utrs += &format!(">G{gene}\n{utr}\n");
        let change = if bound { -1.0 } else { 0.1 } + 0.01 * gene as f64;
        for (experiment, mirna) in [
            ("A_1", "UGAGGUAGUAGGUUGUAUAGUU"),
            ("B_1", "UAAAGUGCUUAUAGUGCAGGUAG"),
            ("C_1", "UUAAUGCUAAUCGUGAUAGGGGU"),
        ] {
            let change = if experiment == "A_1" { change } else { 0.02 * gene as f64 };
            changes +=
                &format!("{experiment}\tm{experiment}\t{mirna}\toverexpression\tG{gene}\t{change}\t0.01\n");
        }
    }
    folder.write("f.tsv", changes);
    folder.write("u.fa", utrs);
    folder.write(
        "g.toml",
        "name = \"g\"\ndescription = \"d\"\n[training]\nepochs = 2\n[data]\nfold_changes = \"f.tsv\"\ntarget = \"u.fa\"\n",
    );
    let (told, _) =
        folder.run(0, "train-genes --config g.toml --out run --set genes.pooling=attention --quiet");
    for line in ["g, cross-validated", "seed sites by type", "the gene in other series"] {
        assert!(told.contains(line), "{line}: {told}");
    }
    assert!(folder.read("run/config.toml").contains("pooling = \"attention\""));
    assert_eq!(folder.read("run/cross_validated.tsv").lines().count(), 1 + 120);
    let (told, _) =
        folder.run(0, "functional --data f.tsv --target u.fa --genes run/genes.safetensors --quiet");
    assert!(told.contains("g, gene level"), "{told}");
    let whole = "--set genes.whole={channels=32,width=8,heads=2}";
    folder.run(0, &format!("train-genes --config g.toml --out whole {whole} --quiet"));
    let (told, _) =
        folder.run(0, "functional --data f.tsv --target u.fa --genes whole/genes.safetensors --quiet");
    assert!(told.contains("g, gene level"), "{told}");
    // a 3'UTR that no shuffle changes is worth nothing above chance
    let bound = transcript(200, 60);
    let rows = format!(
        "m\tUGAGGUAGUAGGUUGUAUAGUU\tX\t{bound}\t1\nm\tUGAGGUAGUAGGUUGUAUAGUU\tY\t{}\t0\n",
        "A".repeat(90)
    );
    folder.write("g.tsv", format!("mirna_id\tmirna_seq\tmrna_id\tmrna_seq\tlabel\n{rows}"));
    for model in ["run", "whole"] {
        let how = format!("--genes {model}/genes.safetensors --above-chance 3 --probes --predictions p.tsv");
        let (told, _) = folder.run(
            0,
            &format!("evaluate --level gene --data g.tsv --shortcuts-from g.tsv --resamples 5 --quiet {how}"),
        );
        assert!(told.contains("genes.safetensors above_chance=3"), "{told}");
        assert!(told.contains("\ng, sites shuffled"), "{told}");
        let scores = folder.read("p.tsv");
        let scores: Vec<f64> =
            scores.lines().skip(1).map(|line| line.rsplit('\t').next().unwrap().parse().unwrap()).collect();
        assert!(scores[0] > 0.2 && scores[1].abs() < 1e-12, "{scores:?}");
    }
    let narrow = "--set genes.whole={channels=16,width=8,heads=2}";
    let mistake = folder.run(1, &format!("train-genes --config g.toml --out x {narrow} --quiet")).1;
    assert!(
        mistake.contains("expected a pairing map of 16 channels (genes.whole.channels), got 32"),
        "{mistake}"
    );
    let mistake = folder.run(1, "train-genes --config g.toml --out run --set genes.hidden=0 --quiet").1;
    assert!(mistake.contains("genes.hidden: expected 1 to 1024, got 0"), "{mistake}");
}
