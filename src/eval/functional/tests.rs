use super::*;
use crate::data::Treatment;
use crate::rna::parse;

const FAMILY: [&str; 3] = ["UAAGGCACGCGGUGAAUGCC", "CAAGGCACUUU", "UGAGGUAGUAGGUUGUAUAGUU"];

/// Genes of an experiment with tied scores and fold changes, and their scores. The third experiment lowers its miRNA,
/// which turns its fold changes.
fn experiment(number: usize, genes: usize, step: usize) -> (Vec<FoldChange>, Vec<Option<f64>>) {
    let treatment = if number == 2 { Treatment::Knockdown } else { Treatment::Overexpression };
    let row = |i: usize| {
        let effect = (i * 13 % 17) as f64 / 4.0 - 2.0;
        FoldChange {
            experiment: format!("E{number}"),
            mirna_id: format!("mir-{number}"),
            mirna: parse(FAMILY[number].as_bytes()).unwrap(),
            treatment,
            gene: format!("G{i}"),
            log2_fold_change: if treatment == Treatment::Knockdown { -effect } else { effect },
            fdr: (i % 4 != 3).then_some((i % 4) as f64 * 0.03),
        }
    };
    ((0..genes).map(row).collect(), (0..genes).map(|i| Some((i * step % 11) as f64)).collect())
}

fn three() -> (Vec<FoldChange>, Vec<Option<f64>>) {
    let all = [experiment(0, 60, 7), experiment(1, 90, 5), experiment(2, 30, 3)];
    all.into_iter().fold((vec![], vec![]), |(rows, scores), (more, their)| {
        ([rows, more].concat(), [scores, their].concat())
    })
}

fn close(got: Option<f64>, expected: f64) {
    let got = got.expect("it is defined");
    assert!((got - expected).abs() < 1e-12, "{got} is not {expected}");
}

/// Expected figures from scipy 1.17.1 and scikit-learn on the same numbers.
#[test]
fn each_experiment_is_judged_as_scipy_and_scikit_learn_do() {
    let (rows, scores) = three();
    let test = Functional::new(&rows, &scores, 200, 1).unwrap();
    let expected = [
        (60, 12, -0.012855842939539303, 0.47916666666666663, -0.125, 0.14814814814814814),
        (90, 20, 0.026213133501517293, 0.48321428571428576, 0.0, 0.12804878048780488),
        (30, 10, 0.05904737173104056, 0.48750000000000004, -0.5, 0.25925925925925924),
    ];
    for (one, (genes, repressed, rank, area, shift, distance)) in test.experiments.iter().zip(expected) {
        assert_eq!((one.genes, one.repressed, one.unscored), (genes, repressed, 0));
        close(one.spearman, rank);
        close(one.auroc, area);
        close(one.top_shift, shift);
        close(one.top_distance, distance);
    }
    let sizes: Vec<usize> = test.curves.iter().map(|curve| curve.genes).collect();
    assert_eq!(sizes, [87, 60, 16, 17]);
    assert_eq!(test.curves[2].points[25], [-1.125, 0.25]);
    assert_eq!(test.curves[1].points[100], [2.0, 1.0]);
}

#[test]
fn experiments_count_alike_and_families_are_resampled() {
    let (rows, scores) = three();
    let test = Functional::new(&rows, &scores, 200, 1).unwrap();
    let [a, b, c] = [-0.012855842939539303, 0.026213133501517293, 0.05904737173104056];
    close(test.spearman.value, (a + b + c) / 3.0);
    assert_eq!((test.families, test.rows, test.unscored), (2, 180, 0));
    // the first two share nucleotides 2-8: a draw has both or neither
    let interval = test.spearman.interval.unwrap();
    close(Some(interval.low), (a + b) / 2.0);
    close(Some(interval.high), c);
}

#[test]
fn genes_without_a_score_are_counted_and_take_no_part() {
    let (mut rows, mut scores) = experiment(0, 60, 7);
    let alone = Functional::new(&rows, &scores, 10, 1).unwrap();
    let mut more = rows[0].clone();
    more.log2_fold_change = -9.0;
    rows.insert(7, more);
    scores.insert(7, None);
    let test = Functional::new(&rows, &scores, 10, 1).unwrap();
    assert_eq!((test.rows, test.unscored, test.experiments[0].unscored), (61, 1, 1));
    assert_eq!((test.spearman, test.curves), (alone.spearman, alone.curves));
}

#[test]
fn too_few_repressed_genes_have_no_auroc() {
    let (rows, scores) = experiment(0, 29, 7);
    let test = Functional::new(&rows, &scores, 10, 1).unwrap();
    assert_eq!((test.experiments[0].repressed, test.auroc.value), (9, None));
    assert!(test.spearman.value.is_some());
    let level = Functional::new(&rows, &vec![Some(1.0); 29], 10, 1).unwrap();
    assert_eq!((level.spearman.value, level.top_shift.value), (None, None), "one score orders nothing");
    assert!(Functional::new(&rows, &scores[1..], 10, 1).is_err());
    assert!(Functional::new(&rows, &[Some(f64::NAN); 29], 10, 1).is_err());
}
