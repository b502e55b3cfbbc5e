//! What lanes do together, against plain Rust.

mod common;

use common::{Bench, random, unit};
use ptx_interpreter::{Launch, Order};

const TEXT: &str = include_str!("../kernels/ptx/warps.ptx");

fn warp() -> Launch {
    Launch::new([1, 1, 1], [32, 1, 1])
}

#[test]
fn shuffles_votes_reductions() {
    let mut bench = Bench::new(TEXT);
    let mut draw = random(1);
    let x: Vec<i32> = (0..32).map(|_| (draw() % 1000) as i32).collect();
    let (a, out) = (bench.memory.upload(&x), bench.memory.allocate(4 * 16 * 32).unwrap());
    bench.run("shuffles", &warp().arg(a).arg(out));
    let got: Vec<i32> = bench.memory.download(out, 16 * 32).unwrap();
    let ballot = (0..32).fold(0, |m, i| m | (x[i] & 1) << i);
    for (lane, got) in got.chunks(16).enumerate() {
        let segment = |width: usize| lane / width * width;
        let up = |width: usize| if lane - segment(width) >= 3 { lane - 3 } else { lane };
        let down = |width: usize| if lane + 3 < segment(width) + width { lane + 3 } else { lane };
        let same = (0..32).filter(|i| x[*i] & 3 == x[lane] & 3).fold(0, |m, i| m | 1u32 << i);
        let half = if lane < 16 { x[lane ^ 1] } else { x[16..].iter().min().unwrap() + 16 };
        let want = [
            x[5],
            x[segment(8) + (lane + 3) % 8],
            x[up(32)],
            x[up(8)],
            x[down(32)],
            x[down(16)],
            x[lane ^ 9],
            // Butterflies reach into lower segments, never into higher ones.
            x[if lane ^ 12 < segment(8) + 8 { lane ^ 12 } else { lane }],
            ballot,
            i32::from(x.contains(&7)),
            1,
            x.iter().sum(),
            *x.iter().max().unwrap(),
            x.iter().fold(0, |a, b| a ^ b),
            same as i32,
            half,
        ];
        assert_eq!(got, want, "lane {lane}");
    }
}

#[test]
fn votes_of_a_block() {
    let mut bench = Bench::new(TEXT);
    let x: Vec<i32> = (0..96).map(|i| i - 1).collect();
    let (a, out) = (bench.memory.upload(&x), bench.memory.allocate(4 * 3 * 96).unwrap());
    bench.run("block_votes", &Launch::new([1, 1, 1], [96, 1, 1]).arg(a).arg(out));
    let got: Vec<i32> = bench.memory.download(out, 3 * 96).unwrap();
    assert!(got.chunks(3).all(|g| g == [48, 0, 1]), "{got:?}");
}

fn brain(x: f32) -> u16 {
    ((x.to_bits() + 0x7fff + (x.to_bits() >> 16 & 1)) >> 16) as u16
}

fn tensor(x: f32) -> f32 {
    f32::from_bits((x.to_bits() + 0x1000) & !0x1fff)
}

/// c [16, 8] + a [16, depth] b [depth, 8].
fn product(a: &[f32], b: &[f32], c: &[f32], depth: usize) -> Vec<f32> {
    let element = |i: usize| {
        let (row, column) = (i / 8, i % 8);
        let term = |k: usize| f64::from(a[row * depth + k]) * f64::from(b[k * 8 + column]);
        (f64::from(c[i]) + (0..depth).map(term).sum::<f64>()) as f32
    };
    (0..128).map(element).collect()
}

#[test]
fn products_of_tensor_cores() {
    let mut bench = Bench::new(TEXT);
    let mut draw = random(2);
    let mut floats = |n: usize| -> Vec<f32> { (0..n).map(|_| unit(draw())).collect() };
    let (a, b, c) = (floats(128), floats(64), floats(128));
    let [x, y, z] = [&a, &b, &c].map(|v| bench.memory.upload(v));
    bench.run("multiply_tf32", &warp().arg(x).arg(y).arg(z));
    let rounded = |v: &[f32]| v.iter().map(|x| tensor(*x)).collect::<Vec<_>>();
    let got: Vec<f32> = bench.memory.download(z, 128).unwrap();
    let gap = |got: &[f32], want: &[f32]| got.iter().zip(want).fold(0f32, |g, (x, y)| g.max((x - y).abs()));
    assert!(gap(&got, &product(&rounded(&a), &rounded(&b), &c, 8)) < 1e-6);

    let (a, b, c) = (floats(256), floats(128), floats(128));
    let halves = |v: &[f32]| v.iter().map(|x| brain(*x)).collect::<Vec<_>>();
    let (ha, hb) = (halves(&a), halves(&b));
    let (x, y, z) = (bench.memory.upload(&ha), bench.memory.upload(&hb), bench.memory.upload(&c));
    bench.run("multiply_bf16", &warp().arg(x).arg(y).arg(z));
    let full = |v: &[u16]| v.iter().map(|x| f32::from_bits(u32::from(*x) << 16)).collect::<Vec<_>>();
    let got: Vec<f32> = bench.memory.download(z, 128).unwrap();
    assert!(gap(&got, &product(&full(&ha), &full(&hb), &c, 16)) < 1e-6);
}

#[test]
fn matrices_are_spread_over_lanes() {
    let mut bench = Bench::new(TEXT);
    let x: Vec<u16> = (0..256).collect();
    let (a, out) = (bench.memory.upload(&x), bench.memory.allocate(4 * 10 * 32).unwrap());
    bench.run("matrices", &warp().arg(a).arg(out));
    let got: Vec<u32> = bench.memory.download(out, 10 * 32).unwrap();
    for (lane, got) in got.chunks(10).enumerate() {
        let (g, t) = (lane as u32 / 4, lane as u32 % 4);
        let pair = |m: u32| (64 * m + 8 * g + 2 * t) | (64 * m + 8 * g + 2 * t + 1) << 16;
        let transposed = |m: u32| (64 * m + 16 * t + g) | (64 * m + 16 * t + 8 + g) << 16;
        let plain = [pair(0), pair(1), pair(2), pair(3), pair(0), pair(1), pair(0)];
        assert_eq!(got[..7], plain, "lane {lane}");
        assert_eq!(got[7..], [transposed(0), transposed(0), transposed(1)], "lane {lane}");
    }
}

#[test]
fn sums_of_blocks() {
    for threads in [32, 96, 1024] {
        for order in [Order::Forward, Order::Reverse] {
            let mut bench = Bench::new(TEXT);
            let n = 2 * threads - 1;
            let x: Vec<f32> = (0..n).map(|i| (i % 17) as f32).collect();
            let (a, out) = (bench.memory.upload(&x), bench.memory.allocate(8).unwrap());
            let launch = Launch::new([2, 1, 1], [threads, 1, 1]).order(order).arg(a).arg(out).arg(n as i32);
            bench.run("block_sum", &launch);
            let want: Vec<f32> = x.chunks(threads as usize).map(|c| c.iter().sum()).collect();
            assert_eq!(bench.memory.download::<f32>(out, 2).unwrap(), want, "{threads} threads");
        }
    }
}

/// Lanes that do not exist are not waited for, but cannot be read.
#[test]
fn warps_that_are_not_full() {
    let mut bench = Bench::new(TEXT);
    let (a, out) = (bench.memory.upload(&[1f32; 20]), bench.memory.allocate(4).unwrap());
    let launch = Launch::new([1, 1, 1], [20, 1, 1]).arg(a).arg(out).arg(20i32);
    let fault = bench.kernel("block_sum").launch(&mut bench.memory, &launch).unwrap_err();
    assert!(fault.what.contains("which takes no part"), "{fault}");
}
