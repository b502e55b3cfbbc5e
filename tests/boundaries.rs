//! Safe functions with unsafe code below them, given sizes and operands that are wrong on purpose: each refuses, in release
//! builds too, where a product that wraps would let it read or write past an end.

use std::{panic::catch_unwind, sync::Arc};

use mirscope::{
    device::Device,
    ops::{
        Activate, Activation, Attention, BceWithLogits, Conv1d, Conv2d, Embedding, FeedForward, LayerNorm,
        Linear, MaskedMax, MaskedMean, MaxPool2d, NoisyOr, Op, SoftmaxCrossEntropy,
    },
    simd::{
        Isa, Kernel, Simd,
        gemm::{Mat, Start, gemm, scratch_len},
        tile::{Finish, Left, Right, product},
        turn,
    },
    tensor::{Shape, Tensor},
};

/// Half of what can be counted, and 1: twice this wraps to 2.
const HALF: usize = usize::MAX / 2 + 2;

fn refused(what: &str, f: impl Fn() + std::panic::UnwindSafe) {
    let panic = catch_unwind(f).expect_err(what);
    let said = panic.downcast_ref::<&str>().map(|s| s.to_string());
    let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).expect("a panic says why");
    let sound = ["lies inside", "in memory", "out of range", "overflow", "range end", "range start"];
    assert!(sound.iter().any(|part| said.contains(part)), "{what}: {said}");
}

#[test]
fn a_product_refuses_strides_that_wrap() {
    let x = [1.0f32; 64];
    for isa in Isa::all() {
        for (rows, cols, row, col) in
            [(3, 4, HALF, 1), (4, 3, 1, HALF), (5, 5, usize::MAX / 4 + 1, 1), (1, 65, 1, 1), (9, 8, 8, 1)]
        {
            let bad = Mat { data: &x, rows, cols, row, col };
            let (left, right) = (Mat::rows(&x, 1, rows, rows), Mat::rows(&x, cols, 1, 1));
            let run = |a: Mat, b: Mat| {
                let mut c = vec![0.0; a.rows * b.cols];
                gemm(isa, a, b, Start::Zero, &mut c, b.cols, &mut vec![0.0; scratch_len(b)]);
            };
            refused("A", move || run(bad, right));
            refused("B", move || run(left, bad));
        }
        let a = Mat::rows(&x, 3, 1, 1);
        refused("C", move || gemm(isa, a, Mat::rows(&x, 1, 2, 2), Start::Zero, &mut [0.0; 6], HALF, &mut []));
        // Rows that are one and the same are as many as one likes; what they turn into is not.
        let endless = Mat { data: &x, rows: 2, cols: HALF, row: 1, col: 0 };
        refused("scratch", move || {
            gemm(isa, Mat::rows(&x, 1, 2, 2), endless, Start::Zero, &mut [0.0; 2], HALF, &mut [0.0; 2])
        });
    }
}

#[test]
fn a_transpose_refuses_strides_that_wrap() {
    for isa in Isa::all() {
        let from = [1.0f32; 1024];
        let call = move |from_row, size, to_row| turn(isa, &from, from_row, size, &mut [0.0; 1024], to_row);
        call(32, (32, 32), 32);
        for (from_row, size, to_row) in [
            (HALF, (3, 2), 32),
            (32, (2, 3), HALF),
            (32, (33, 32), 33),
            (usize::MAX / 31 + 1, (32, 32), 32),
            (1, (1, usize::MAX), 0),
        ] {
            refused("transpose", move || call(from_row, size, to_row));
        }
    }
}

struct Nothing;
impl<S: Simd> Finish<S> for Nothing {
    fn tile<const MR: usize, const NV: usize>(
        &mut self,
        _: S,
        _: (usize, usize),
        _: usize,
        _: [[S::V; NV]; MR],
    ) {
    }
}

#[derive(Clone, Copy)]
struct Tile {
    a: (usize, usize),
    b: usize,
    depth: usize,
}

impl Kernel for Tile {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (a, b) = ([1.0; 1024], [1.0; 1024]);
        let (left, right) =
            (Left { data: &a, row: self.a.0, col: self.a.1 }, Right { data: &b, row: self.b });
        product(s, (left, 1), (right, 1), self.depth, &mut Nothing);
    }
}

#[test]
fn a_tile_refuses_strides_that_wrap() {
    for isa in Isa::all() {
        isa.run(Tile { a: (32, 1), b: 16, depth: 8 });
        for tile in [
            Tile { a: (usize::MAX / 3, 1), b: 16, depth: 8 },
            Tile { a: (1 << 63, 1), b: 16, depth: 8 },
            Tile { a: (32, HALF), b: 16, depth: 3 },
            Tile { a: (32, 1), b: HALF, depth: 3 },
            Tile { a: (1, 1), b: 1, depth: 1 << 63 },
        ] {
            refused("tile", move || isa.run(tile));
        }
    }
}

/// A mock GPU stands in for one where there is none.
fn devices() -> Vec<Device> {
    mock_cuda::load();
    vec![Device::Reference, Device::cpu(), Device::cuda(0).expect("the mock is there")]
}

#[test]
fn no_tensor_has_more_values_than_can_be_counted() {
    for device in devices() {
        let huge = [HALF, 2];
        assert!(Tensor::zeros(&device, &huge).is_err() && Tensor::full(&device, &huge, 1.0).is_err());
        assert!(Tensor::new(&device, &[1 << 32, 1 << 32], &[]).is_err());
        assert!(Tensor::zeros(&device, &[1; 5]).is_err());
        let empty = Tensor::zeros(&device, &[0]).expect("an empty tensor");
        assert!(empty.reshape(&[1 << 32, 1 << 32]).is_err() && empty.reshape(&[1, 1, 1, 1, 0]).is_err());
        let (x, w) = (Tensor::zeros(&device, &[1 << 40, 0]), Tensor::zeros(&device, &[0, 1 << 40]));
        assert!(
            Linear::default().forward([&x.unwrap(), &w.unwrap()]).is_err(),
            "2^80 results, or 0 where that wraps"
        );
        let table = Tensor::zeros(&device, &[1, 4]).expect("a table");
        let shape = Shape::new(&[1 << 32, 1 << 32]);
        assert!(Embedding { ids: Arc::default(), shape }.forward([&table]).is_err());
    }
}

#[test]
fn a_gpu_refuses_sizes_that_its_kernels_cannot_count_and_what_is_another_gpus() {
    mock_cuda::load();
    let [gpu, other] = [0; 2].map(|ordinal| Device::cuda(ordinal).expect("the mock is there"));
    let wide = Tensor::zeros(&gpu, &[1 << 31, 0]).expect("it has no values");
    let wide = Activate(Activation::Relu).forward([&wide]).map(|_| ()).unwrap_err().to_string();
    assert!(wide.contains("2^31"), "{wide}");
    let [here, there] = [&gpu, &other].map(|device| Tensor::zeros(device, &[4]).expect("a tensor"));
    let mixed = mirscope::ops::Add.forward([&here, &there]).map(|_| ()).unwrap_err().to_string();
    assert!(mixed.contains("different devices"), "{mixed}");
}

/// `op` takes no gradient of another size than its result's.
fn back<const N: usize>(op: &impl Op<N>, device: &Device, shapes: [&[usize]; N]) {
    let inputs = shapes.map(|shape| Tensor::full(device, shape, 0.5).expect("an operand"));
    let (y, saved) = op.forward(std::array::from_fn(|i| &inputs[i])).expect("operands that fit");
    assert!(op.backward(&saved, &y, [true; N]).is_ok());
    for shape in [&[0][..], &[y.len() + 3], &[y.len() + 1, 2]] {
        let dout = Tensor::zeros(device, shape).expect("a gradient");
        let error = op.backward(&saved, &dout, [true; N]).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("a gradient of"), "{error}");
    }
}

#[test]
fn a_gradient_of_the_wrong_size_is_refused() {
    let lengths: Option<Arc<[u32]>> = Some([2, 1].into());
    let (weights, normalizer): (Arc<[f32]>, f32) = ([1.0; 2].into(), 2.0);
    for device in &devices() {
        back(&Activate(Activation::Relu), device, [&[3, 5]]);
        back(&Activate(Activation::Gelu), device, [&[3, 5]]);
        back(&LayerNorm { eps: 1e-5, ahead: None }, device, [&[3, 5], &[5], &[5]]);
        back(&Linear::default(), device, [&[3, 5], &[5, 2], &[2]]);
        back(&Conv2d::default(), device, [&[1, 3, 3, 2], &[3, 3, 2, 4], &[4]]);
        back(&Conv1d { dilation: 2, activation: None }, device, [&[1, 5, 2], &[3, 2, 4], &[4]]);
        back(&FeedForward::default(), device, [&[3, 4], &[4, 8], &[8], &[8, 4], &[4]]);
        let attention = Attention { heads: 2, lengths: lengths.clone(), dropout: None };
        back::<3>(&attention, device, [&[2, 3, 4], &[2, 2, 4], &[2, 2, 4]]);
        back::<1>(&attention, device, [&[2, 2, 12]]);
        back(&MaskedMean { lengths: lengths.clone() }, device, [&[2, 3, 4]]);
        back(&MaskedMax { lengths: lengths.clone() }, device, [&[2, 3, 4]]);
        back(&NoisyOr { lengths: lengths.clone() }, device, [&[2, 3, 4]]);
        back(&MaxPool2d { size: 2 }, device, [&[1, 4, 4, 2]]);
        back(&Embedding { ids: [0, 2].into(), shape: Shape::new(&[2]) }, device, [&[3, 4]]);
        let targets = weights.clone();
        back(&BceWithLogits { targets, weights: weights.clone(), normalizer }, device, [&[2]]);
        let classes = [0, 1].into();
        back(&SoftmaxCrossEntropy { classes, weights: weights.clone(), normalizer }, device, [&[2, 3]]);
    }
}

#[test]
fn an_op_refuses_the_way_back_of_one_with_other_lengths() {
    let some = |lengths: &[u32]| Some(Arc::<[u32]>::from(lengths));
    for device in &devices() {
        let x = Tensor::full(device, &[2, 3, 4], 0.5).expect("an operand");
        for wrong in [&[2][..], &[2, 4], &[0, 1]] {
            let (y, saved) = MaskedMean { lengths: some(&[2, 3]) }.forward([&x]).expect("lengths that fit");
            assert!(MaskedMean { lengths: some(wrong) }.backward(&saved, &y, [true]).is_err());
            let (y, saved) = NoisyOr { lengths: some(&[2, 3]) }.forward([&x]).expect("lengths that fit");
            assert!(NoisyOr { lengths: some(wrong) }.backward(&saved, &y, [true]).is_err());
            let attention = |lengths| Attention { heads: 2, lengths, dropout: None };
            let (y, saved) = attention(some(&[2, 3])).forward([&x, &x, &x]).expect("lengths that fit");
            assert!(attention(some(wrong)).backward(&saved, &y, [true; 3]).is_err());
        }
    }
}
