//! The list of op cases. One row buys the gradient check, parity on every instruction set, and a poisoned arena.

use mirscope::{
    Result,
    ops::{
        Activate, Activation, Add, Ahead, Attention, BceWithLogits, Conv1d, Conv2d, Dropout, Embedding,
        FeedForward, LayerNorm, Linear, MaskedMax, MaskedMean, MaxPool2d, NoisyOr, Op, Reshape,
        SoftmaxCrossEntropy,
        dropout::{Mask, Noise},
    },
    tensor::{Shape, Tensor},
};
use std::sync::Arc;

/// The gradients of all inputs, given the gradient of the result.
pub type Backward = Box<dyn Fn(&Tensor) -> Result<Vec<Tensor>>>;

/// The result of an op and its backward, given its inputs.
type Apply = Box<dyn Fn(&[Tensor]) -> Result<(Tensor, Backward)>>;

/// An op with the shapes of its inputs.
pub struct Case {
    pub name: String,
    pub shapes: Vec<Vec<usize>>,
    apply: Apply,
}

impl Case {
    pub fn apply(&self, inputs: &[Tensor]) -> Result<(Tensor, Backward)> {
        (self.apply)(inputs)
    }
}

fn case<O: Op<N>, const N: usize>(note: &str, op: impl Fn() -> O + 'static, shapes: [&[usize]; N]) -> Case {
    let apply = move |inputs: &[Tensor]| -> Result<(Tensor, Backward)> {
        let op = op();
        let (y, saved) = op.forward(std::array::from_fn(|i| &inputs[i]))?;
        let backward = move |dy: &Tensor| -> Result<Vec<Tensor>> {
            let all = op.backward(&saved, dy, [true; N])?;
            Ok(all.into_iter().map(|g| g.expect("every gradient was asked for")).collect())
        };
        Ok((y, Box::new(backward)))
    };
    let name = if note.is_empty() { O::NAME.into() } else { format!("{} {note}", O::NAME) };
    Case { name, shapes: shapes.iter().map(|s| s.to_vec()).collect(), apply: Box::new(apply) }
}

/// As [`case`], of a layer with a norm that its kernel may make: the sum of its result and of that one's norm, whose gamma and
/// beta are the last inputs.
fn normed<O: Op<N>, const N: usize>(
    note: &str,
    op: impl Fn(Option<Ahead>) -> O + 'static,
    shapes: [&[usize]; N],
) -> Case {
    let columns = *shapes[N - 1].last().expect("a residual, or a bias");
    let apply = move |inputs: &[Tensor]| -> Result<(Tensor, Backward)> {
        let (gamma, beta) = (&inputs[N], &inputs[N + 1]);
        let ahead = Ahead::new(1e-5, gamma, beta);
        let op = op(Some(ahead.clone()));
        let (x, saved) = op.forward(std::array::from_fn(|i| &inputs[i]))?;
        let norm = LayerNorm { eps: 1e-5, ahead: Some(ahead) };
        let (y, of_norm) = norm.forward([&x, gamma, beta])?;
        let backward = move |dy: &Tensor| -> Result<Vec<Tensor>> {
            let [dx, of_gamma, of_beta] = norm.backward(&of_norm, dy, [true; 3])?;
            let dx = Add.forward([dy, &dx.expect("it was asked for")])?.0;
            let all = op.backward(&saved, &dx, [true; N])?;
            let all = all.into_iter().chain([of_gamma, of_beta]);
            Ok(all.map(|g| g.expect("every gradient was asked for")).collect())
        };
        Ok((Add.forward([&x, &y])?.0, Box::new(backward)))
    };
    let shapes = shapes.iter().map(|s| s.to_vec()).chain([vec![columns], vec![columns]]).collect();
    Case { name: format!("{} {note}", O::NAME), shapes, apply: Box::new(apply) }
}

/// Every op, at sizes of one, primes, one lane past a vector, ragged lengths.
pub fn all() -> Vec<Case> {
    let mut all = vec![];
    all.extend(pointwise());
    all.extend(linear());
    all.extend(feed_forward());
    all.extend(convolutions());
    all.extend(attention());
    all.extend(rows());
    all.extend(pooling());
    all.extend(losses());
    all
}

fn pointwise() -> Vec<Case> {
    let noise = (Noise { seed: 11, step: 2, first_sample: 4 }, 1);
    vec![
        case("", || Add, [&[3, 17], &[3, 17]]),
        case("repeated", || Add, [&[3, 5, 7], &[5, 7]]),
        case("repeated often", || Add, [&[203, 37], &[37]]),
        case("one", || Add, [&[1], &[1]]),
        case("relu", || Activate(Activation::Relu), [&[5, 33]]),
        case("gelu", || Activate(Activation::Gelu), [&[5, 33]]),
        case("gelu one", || Activate(Activation::Gelu), [&[1]]),
        case("", move || Dropout(Mask::new(0.3, noise)), [&[3, 7, 11]]),
        case("one", move || Dropout(Mask::new(0.1, noise)), [&[1, 1]]),
    ]
}

fn linear() -> Vec<Case> {
    let with = |activation| Linear { activation, ..Default::default() };
    let dropped = |activation| {
        let noise = (Noise { seed: 13, step: 1, first_sample: 3 }, 6);
        Linear { activation, dropout: Some(Mask::new(0.2, noise)), norm: None }
    };
    let with_norm = move |activation, drops: bool| {
        move |norm| Linear { norm, ..if drops { dropped(activation) } else { with(activation) } }
    };
    vec![
        case("", move || with(None), [&[7, 5], &[5, 3]]),
        case("bias", move || with(None), [&[2, 13, 17], &[17, 33], &[33]]),
        case("gelu", move || with(Some(Activation::Gelu)), [&[29, 19], &[19, 21], &[21]]),
        case("relu, no bias", move || with(Some(Activation::Relu)), [&[3, 9], &[9, 64]]),
        case("many columns", move || with(None), [&[70, 67], &[67, 131], &[131]]),
        case("many rows", move || with(None), [&[19, 31, 5], &[5, 3], &[3]]),
        case("one", move || with(None), [&[1, 1], &[1, 1], &[1]]),
        case("dropout", move || dropped(None), [&[3, 7, 5], &[5, 11], &[11]]),
        case("residual", move || with(None), [&[2, 13, 17], &[17, 33], &[33], &[2, 13, 33]]),
        case(
            "residual, dropout, gelu",
            move || dropped(Some(Activation::Gelu)),
            [&[2, 35, 9], &[9, 80], &[80], &[2, 35, 80]],
        ),
        case(
            "residual, dropout, relu",
            move || dropped(Some(Activation::Relu)),
            [&[5, 3, 9], &[9, 21], &[21], &[5, 3, 21]],
        ),
        normed("norm of one", with_norm(None, false), [&[67, 19], &[19, 1], &[1]]),
        normed("residual, norm", with_norm(None, false), [&[2, 35, 17], &[17, 33], &[33], &[2, 35, 33]]),
        normed(
            "residual, dropout, norm of 64",
            with_norm(None, true),
            [&[3, 29, 9], &[9, 64], &[64], &[3, 29, 64]],
        ),
        normed(
            "residual, dropout, gelu, norm of 126",
            with_norm(Some(Activation::Gelu), true),
            [&[2, 35, 9], &[9, 126], &[126], &[2, 35, 126]],
        ),
        normed("norm of 132", with_norm(None, false), [&[1, 35, 9], &[9, 132], &[132], &[1, 35, 132]]),
    ]
}

fn feed_forward() -> Vec<Case> {
    let noise = (Noise { seed: 3, step: 7, first_sample: 2 }, 4);
    let plain = || FeedForward::default();
    let dropped = move || FeedForward { dropout: Some(Mask::new(0.2, noise)), ..Default::default() };
    let twice = move || FeedForward { out_dropout: Some(Mask::new(0.3, (noise.0, 5))), ..dropped() };
    vec![
        case("", plain, [&[2, 7, 5], &[5, 33], &[33], &[33, 5], &[5]]),
        case("dropout", dropped, [&[2, 67, 17], &[17, 19], &[19], &[19, 17], &[17]]),
        case("dropout, whole groups", dropped, [&[3, 2, 8], &[8, 256], &[256], &[256, 8], &[8]]),
        case("one row", plain, [&[1, 31], &[31, 64], &[64], &[64, 31], &[31]]),
        case("residual", plain, [&[2, 7, 5], &[5, 33], &[33], &[33, 5], &[5], &[2, 7, 5]]),
        case(
            "residual, dropout twice",
            twice,
            [&[2, 35, 16], &[16, 19], &[19], &[19, 16], &[16], &[2, 35, 16]],
        ),
        case("many columns", plain, [&[1, 67, 68], &[68, 132], &[132], &[132, 68], &[68]]),
        normed(
            "norm",
            move |norm| FeedForward { norm, ..plain() },
            [&[2, 19, 17], &[17, 33], &[33], &[33, 17], &[17], &[2, 19, 17]],
        ),
        normed(
            "dropout twice, norm of 68",
            move |norm| FeedForward { norm, ..twice() },
            [&[2, 35, 68], &[68, 19], &[19], &[19, 68], &[68], &[2, 35, 68]],
        ),
    ]
}

fn convolutions() -> Vec<Case> {
    let gelu = Some(Activation::Gelu);
    let one = move |dilation, activation| Conv1d { dilation, activation };
    vec![
        case("width 7", move || one(1, None), [&[3, 13, 17], &[7, 17, 33], &[33]]),
        case("even width", move || one(1, None), [&[2, 11, 5], &[4, 5, 3], &[3]]),
        case("dilated, gelu", move || one(3, gelu), [&[2, 11, 5], &[3, 5, 7], &[7]]),
        case("shorter than its kernel", move || one(2, None), [&[2, 2, 3], &[5, 3, 2], &[2]]),
        case("one", move || one(1, None), [&[1, 1, 1], &[1, 1, 1], &[1]]),
        case("many columns", move || one(1, None), [&[2, 5, 68], &[3, 68, 68], &[68]]),
        case("5 x 5", move || Conv2d { activation: gelu }, [&[2, 7, 9, 3], &[5, 5, 3, 17], &[17]]),
        case("even, oblong", move || Conv2d { activation: None }, [&[2, 5, 3, 2], &[2, 4, 2, 3], &[3]]),
        case("one", move || Conv2d { activation: None }, [&[1, 1, 1, 1], &[3, 3, 1, 1], &[1]]),
    ]
}

fn attention() -> Vec<Case> {
    let op = |heads, lengths: Option<&[u32]>, dropped| Attention {
        heads,
        lengths: lengths.map(Into::into),
        dropout: (dropped > 0.0)
            .then(|| Mask::new(dropped, (Noise { seed: 5, step: 1, first_sample: 0 }, 9))),
    };
    vec![
        case("self", move || op(2, None, 0.0), [&[2, 7, 34], &[2, 7, 34], &[2, 7, 34]]),
        case(
            "cross, ragged",
            move || op(3, Some(&[5, 1, 11]), 0.0),
            [&[3, 4, 15], &[3, 11, 15], &[3, 11, 15]],
        ),
        case("dropout", move || op(2, Some(&[70, 33]), 0.2), [&[2, 5, 32], &[2, 70, 32], &[2, 70, 32]]),
        case(
            "several tiles",
            move || op(1, Some(&[517]), 0.0),
            [&[1, 101, 16], &[1, 530, 16], &[1, 530, 16]],
        ),
        case("tiles, dropout", move || op(2, None, 0.1), [&[1, 97, 6], &[1, 259, 6], &[1, 259, 6]]),
        case(
            "cross, blocks of queries",
            move || op(2, Some(&[19, 7]), 0.1),
            [&[2, 50, 32], &[2, 19, 32], &[2, 19, 32]],
        ),
        case(
            "heads of 64",
            move || op(2, Some(&[9, 23]), 0.1),
            [&[2, 19, 128], &[2, 23, 128], &[2, 23, 128]],
        ),
        case(
            "heads of 64, several tiles",
            move || op(1, None, 0.0),
            [&[1, 83, 64], &[1, 97, 64], &[1, 97, 64]],
        ),
        case(
            "heads of 32, several tiles",
            move || op(1, Some(&[91]), 0.1),
            [&[1, 83, 32], &[1, 97, 32], &[1, 97, 32]],
        ),
        case("a head of 70", move || op(1, None, 0.1), [&[1, 51, 70], &[1, 67, 70], &[1, 67, 70]]),
        case("one", move || op(1, None, 0.0), [&[1, 1, 1], &[1, 1, 1], &[1, 1, 1]]),
        case("qkv", move || op(2, None, 0.0), [&[2, 7, 102]]),
        case("qkv, ragged, dropout", move || op(2, Some(&[70, 33, 1]), 0.2), [&[3, 70, 96]]),
        case("qkv, many heads", move || op(8, Some(&[61, 70]), 0.1), [&[2, 70, 120]]),
        case("qkv, several tiles", move || op(3, Some(&[97]), 0.1), [&[1, 113, 45]]),
        case("qkv, one", move || op(1, None, 0.0), [&[1, 1, 3]]),
    ]
}

fn rows() -> Vec<Case> {
    let embed = |shape: &[usize], v: u32| {
        let (ids, shape) = (0..shape.iter().product::<usize>() as u32, Shape::new(shape));
        let ids: Arc<[u32]> = ids.map(|i| i * i % 13 % v).collect();
        move || Embedding { ids: ids.clone(), shape }
    };
    let norm = || LayerNorm { eps: 1e-5, ahead: None };
    vec![
        case("", embed(&[3, 7], 5), [&[5, 17]]),
        case("unused rows", embed(&[2, 11], 29), [&[29, 33]]),
        case("one axis", embed(&[7], 3), [&[3, 17]]),
        case("many tokens", embed(&[5, 131], 7), [&[7, 35]]),
        case("one", embed(&[1, 1], 1), [&[1, 1]]),
        case("", norm, [&[3, 7, 33], &[33], &[33]]),
        case("prime", norm, [&[13, 5], &[5], &[5]]),
        case("one lane more", norm, [&[19, 17], &[17], &[17]]),
        case("64", norm, [&[70, 64], &[64], &[64]]),
        case("128", norm, [&[70, 128], &[128], &[128]]),
        case("one row", norm, [&[31], &[31], &[31]]),
        case("one", norm, [&[1, 1], &[1], &[1]]),
        case("", || Reshape { shape: [3, 35].into() }, [&[5, 3, 7]]),
        case("one", || Reshape { shape: [1, 1, 1].into() }, [&[1]]),
    ]
}

fn pooling() -> Vec<Case> {
    let mean = |lengths: &'static [u32]| move || MaskedMean { lengths: Some(lengths.into()) };
    let max = |lengths: &'static [u32]| move || MaskedMax { lengths: Some(lengths.into()) };
    let or = |lengths: &'static [u32]| move || NoisyOr { lengths: Some(lengths.into()) };
    let pool = |size| move || MaxPool2d { size };
    vec![
        case("", mean(&[7, 1, 4]), [&[3, 7, 17]]),
        case("wide", mean(&[5, 29]), [&[2, 29, 33]]),
        case("whole", || MaskedMean { lengths: None }, [&[3, 7, 17]]),
        case("one", mean(&[1]), [&[1, 1, 1]]),
        case("", max(&[7, 1, 4]), [&[3, 7, 17]]),
        case("wide", max(&[5, 29]), [&[2, 29, 33]]),
        case("whole", || MaskedMax { lengths: None }, [&[3, 7, 17]]),
        case("one", max(&[1]), [&[1, 1, 1]]),
        case("", or(&[7, 1, 4]), [&[3, 7, 17]]),
        case("one channel", or(&[9, 2]), [&[2, 9, 1]]),
        case("whole", || NoisyOr { lengths: None }, [&[3, 7, 5]]),
        case("one", or(&[1]), [&[1, 1, 1]]),
        case("", pool(2), [&[2, 6, 4, 17]]),
        case("edges dropped", pool(2), [&[3, 7, 5, 33]]),
        case("of three", pool(3), [&[2, 11, 3, 5]]),
        case("of one", pool(1), [&[1, 2, 3, 16]]),
        case("one", pool(1), [&[1, 1, 1, 1]]),
    ]
}

fn losses() -> Vec<Case> {
    let numbers = |n: usize, step: f32| -> Arc<[f32]> { (0..n).map(|i| i as f32 * step % 1.0).collect() };
    let bce = move |n: usize| {
        move || BceWithLogits {
            targets: numbers(n + 1, 0.7)[1..].into(),
            weights: numbers(n + 1, 0.3)[1..].into(),
            normalizer: 2.5,
        }
    };
    let softmax = move |n: usize, k: u32| {
        move || SoftmaxCrossEntropy {
            classes: (0..n as u32).map(|i| i * i % k).collect(),
            weights: numbers(n + 1, 0.3)[1..].into(),
            normalizer: 2.5,
        }
    };
    vec![
        case("", bce(17), [&[17]]),
        case("column", bce(7), [&[7, 1]]),
        case("one", bce(1), [&[1]]),
        case("", softmax(13, 17), [&[13, 17]]),
        case("two classes", softmax(7, 2), [&[7, 2]]),
        case("one", softmax(1, 3), [&[1, 3]]),
    ]
}
