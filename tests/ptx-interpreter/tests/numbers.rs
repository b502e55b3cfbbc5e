//! What a lane computes for itself, against plain Rust.

mod common;

use common::{Bench, random, unit};
use ptx_interpreter::Launch;

const TEXT: &str = include_str!("../kernels/ptx/numbers.ptx");
/// More than a block and not a multiple of a warp.
const N: usize = 200;

fn launch() -> Launch {
    Launch::new([4, 1, 1], [64, 1, 1])
}

/// Patterns with the edges among them.
fn patterns(seed: u64) -> Vec<u32> {
    let mut draw = random(seed);
    let edges = [0, 1, u32::MAX, 1 << 31, i32::MAX as u32, 31, 32, 1 << 16];
    (0..N).map(|i| edges.get(i / (1 + seed as usize * 7)).copied().unwrap_or(draw() as u32)).collect()
}

fn permute(a: u32, b: u32, selector: u32) -> u32 {
    let bytes = [a.to_le_bytes(), b.to_le_bytes()].concat();
    u32::from_le_bytes(std::array::from_fn(|i| {
        let nibble = selector >> (4 * i) & 15;
        let byte = bytes[nibble as usize & 7];
        if nibble & 8 == 0 { byte } else { (byte as i8 >> 7) as u8 }
    }))
}

fn field(x: u32, at: u32, len: u32, signed: bool) -> u32 {
    if len == 0 {
        return 0;
    }
    let top = (at + len - 1).min(31);
    (0..32).fold(0, |r, i| {
        let bit = if i < len && at + i < 32 { x >> (at + i) & 1 } else { x >> top & u32::from(signed) };
        r | bit << i
    })
}

fn insert(x: u32, y: u32, at: u32, len: u32) -> u32 {
    (0..32).fold(0, |r, i| r | if i >= at && i < at + len { x >> (i - at) & 1 } else { y >> i & 1 } << i)
}

fn integers(x: u32, y: u32) -> Vec<u32> {
    let (s, t) = (x as i32, y as i32);
    let w = u64::from(x) << 32 | u64::from(y);
    let (by, len) = (y & 31, y >> 5 & 31);
    let high = (i64::from(s) * i64::from(t)) >> 32;
    vec![
        x.wrapping_add(y),
        x.wrapping_sub(y),
        x.wrapping_mul(y),
        ((u64::from(x) * u64::from(y)) >> 32) as u32,
        high as u32,
        x / (y | 1),
        s.wrapping_div(t | 1) as u32,
        x % (y | 1),
        s.wrapping_rem(t | 1) as u32,
        x.min(y),
        s.min(t) as u32,
        x.max(y),
        s.max(t) as u32,
        x & y,
        x | y,
        x ^ y,
        !x,
        s.wrapping_neg() as u32,
        s.wrapping_abs() as u32,
        x << by,
        x >> by,
        (s >> by) as u32,
        x.count_ones(),
        x.leading_zeros(),
        if x == 0 { 0 } else { x.trailing_zeros() + 1 },
        x.reverse_bits(),
        field(x, by, len, false),
        field(x, by, len, true),
        insert(x, y, by, len),
        permute(x, y, y >> 7),
        ((u64::from(y) << 32 | u64::from(x)) << by >> 32) as u32,
        ((u64::from(y) << 32 | u64::from(x)) >> (y & 63).min(32)) as u32,
        x & y | !x & (x >> 7),
        if s == 0 || s == -1 { u32::MAX } else { (if s < 0 { !x } else { x }).ilog2() },
        if x == 0 { u32::MAX } else { x.leading_zeros() },
        (high as u32).wrapping_add(by),
        ((u128::from(w) * u128::from(w ^ u64::from(x))) >> 64 >> 20) as u32,
        (w as i64).wrapping_div(i64::from(t | 1)) as u32,
        (w % u64::from(y | 1)) as u32,
        (w | 1).leading_zeros() + w.count_ones(),
    ]
}

#[test]
fn whole_numbers() {
    let mut bench = Bench::new(TEXT);
    let (a, b) = (patterns(0), patterns(1));
    let (x, y) = (bench.memory.upload(&a), bench.memory.upload(&b));
    let out = bench.memory.allocate(4 * 40 * N).unwrap();
    bench.run("integers", &launch().arg(x).arg(y).arg(out).arg(N as i32));
    let got: Vec<u32> = bench.memory.download(out, 40 * N).unwrap();
    for (i, got) in got.chunks(40).enumerate() {
        for (j, (got, want)) in got.iter().zip(integers(a[i], b[i])).enumerate() {
            assert_eq!(*got, want, "result {j} of {:#x} and {:#x}", a[i], b[i]);
        }
    }
}

#[test]
fn narrow_numbers() {
    let mut bench = Bench::new(TEXT);
    let a: Vec<u8> = patterns(2).iter().map(|x| *x as u8).collect();
    let b: Vec<u16> = patterns(3).iter().map(|x| *x as u16).collect();
    let (x, y) = (bench.memory.upload(&a), bench.memory.upload(&b));
    let out = bench.memory.allocate(4 * 12 * N).unwrap();
    bench.run("narrow", &launch().arg(x).arg(y).arg(out).arg(N as i32));
    let got: Vec<i32> = bench.memory.download(out, 12 * N).unwrap();
    for (i, got) in got.chunks(12).enumerate() {
        let (x, z, v, y) = (i32::from(a[i]), i32::from(a[i] as i8), i32::from(b[i]), i32::from(b[i] as i16));
        let short = |x: i32| i32::from(x as i16);
        let want = [
            x,
            z,
            y,
            v,
            short(y * x),
            (v + x) & 0xffff,
            y >> 3,
            v >> 3,
            i32::from((y + z) as i8),
            i32::from(y < z),
            i32::from(v > x),
            short(y / (z | 1)),
        ];
        assert_eq!(got, want, "of {} and {}", a[i], b[i]);
    }
}

/// Floats of all sizes, with those that no number is.
fn any_floats(seed: u64) -> Vec<f32> {
    let edges =
        [0.0, -0.0, 1.0, 0.5, 1.5, 2.5, -2.5, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 3e9, -3e9, 1e20];
    let mut draw = random(seed);
    (0..N)
        .map(|i| match edges.get(i / (1 + seed as usize % 2 * 13)) {
            Some(edge) => *edge,
            None => unit(draw()) * 10f32.powi((draw() % 24) as i32 - 12),
        })
        .collect()
}

fn brain(x: f32) -> u32 {
    if x.is_nan() { 0x7fff } else { (x.to_bits() + 0x7fff + (x.to_bits() >> 16 & 1)) >> 16 }
}

#[test]
fn conversions() {
    let mut bench = Bench::new(TEXT);
    let (a, k) = (any_floats(4), patterns(5));
    let (x, y) = (bench.memory.upload(&a), bench.memory.upload(&k));
    let out = bench.memory.allocate(8 * 20 * N).unwrap();
    bench.run("conversions", &launch().arg(x).arg(y).arg(out).arg(N as i32));
    let got: Vec<f64> = bench.memory.download(out, 20 * N).unwrap();
    for (i, got) in got.chunks(20).enumerate() {
        let (x, k) = (a[i], k[i]);
        let third = f64::from(x) / 3.0;
        // Towards zero: at most one step back from the nearest.
        let cut = |near: f32, exact: f64| {
            let over = f64::from(near).abs() > exact.abs();
            if !over {
                near
            } else if near > 0.0 {
                near.next_down()
            } else {
                near.next_up()
            }
        };
        let tensor = if x.is_finite() { f32::from_bits((x.to_bits() + 0x1000) & !0x1fff) } else { x };
        let want = [
            f64::from(x.round_ties_even() as i32),
            f64::from(x as i32),
            f64::from(x.floor() as i32),
            f64::from(x.ceil() as i32),
            f64::from(x.round_ties_even() as u32),
            f64::from(x as u32),
            if x.is_nan() { i64::MIN as f64 } else { x as i64 as f64 },
            if x.is_nan() { (1u64 << 63) as f64 } else { x.round_ties_even() as u64 as f64 },
            f64::from(x.round_ties_even()),
            f64::from(x.trunc()),
            f64::from(x.floor()),
            f64::from(x.ceil()),
            f64::from(if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }),
            f64::from(k as i32 as f32),
            f64::from(k as f32),
            f64::from(cut(k as i32 as f32, f64::from(k as i32))),
            f64::from(third as f32),
            f64::from(if third.is_finite() { cut(third as f32, third) } else { third as f32 }),
            f64::from(brain(x) << 16 | brain(3.0 * x)) + 4_294_967_296.0 * f64::from(brain(5.0 * x)),
            f64::from(tensor),
        ];
        for (j, (got, want)) in got.iter().zip(want).enumerate() {
            assert!(
                *got == want || got.is_nan() && want.is_nan(),
                "result {j} of {x} and {k}: {got}, not {want}"
            );
        }
    }
}

#[test]
fn floats() {
    let mut bench = Bench::new(TEXT);
    let (a, b) = (any_floats(6), any_floats(7));
    let (x, y) = (bench.memory.upload(&a), bench.memory.upload(&b));
    let out = bench.memory.allocate(4 * 24 * N).unwrap();
    bench.run("floats", &launch().arg(x).arg(y).arg(out).arg(N as i32));
    let got: Vec<f32> = bench.memory.download(out, 24 * N).unwrap();
    for (i, got) in got.chunks(24).enumerate() {
        let (x, y) = (a[i], b[i]);
        let (dx, dy) = (f64::from(x), f64::from(y));
        let bit = |yes: bool| f32::from(u8::from(yes));
        let want = [
            x + y,
            x - y,
            x * y,
            x / y,
            x.mul_add(y, 1.0),
            x.min(y),
            x.max(y),
            x.copysign(y),
            x.abs(),
            -x,
            x.abs().sqrt(),
            (1.0 / (f64::from(x.abs() + 1.0)).sqrt()) as f32,
            1.0 / y,
        ];
        for (j, (got, want)) in got.iter().zip(want).enumerate() {
            assert!(
                *got == want || got.is_nan() && want.is_nan(),
                "result {j} of {x} and {y}: {got}, not {want}"
            );
        }
        let order = [bit(x < y), bit(x != y), bit(x <= y || x.is_nan() || y.is_nan())];
        assert_eq!(got[20..23], order, "of {x} and {y}");
        let double = (dx * dy + dx.abs().sqrt() / dy) as f32;
        assert!(got[23] == double || double.is_nan() || (got[23] - double).abs() <= 1e-6 * double.abs());
        // Directed rounding brackets the nearest, and is nowhere more than a step away.
        let brackets = [(13, 14, want[4]), (16, 17, want[0])];
        for (down, up, near) in brackets.into_iter().filter(|b| b.2.is_finite()) {
            assert!(got[down] <= near && near <= got[up], "of {x} and {y}");
            assert!(got[up] == got[down] || got[up] == got[down].next_up(), "of {x} and {y}");
        }
        if want[4].is_finite() {
            assert_eq!(got[15], if want[4] > 0.0 { got[13] } else { got[14] }, "of {x} and {y}");
        }
        if (dx * dy).abs() < 1e30 && (dx * dy).abs() > 1e-30 {
            assert!(
                f64::from(got[18]).abs() <= (dx * dy).abs() && got[18].abs() >= want[2].abs().next_down()
            );
        }
        if want[3].is_finite() && want[3].is_normal() {
            assert!(f64::from(got[19]) >= dx / dy && got[19] <= want[3].next_up(), "{x} / {y}");
        }
    }
}

#[test]
fn functions() {
    let mut bench = Bench::new(TEXT);
    let mut draw = random(8);
    let a: Vec<f32> = (0..N).map(|_| 5.0 * unit(draw())).collect();
    let x = bench.memory.upload(&a);
    let out = bench.memory.allocate(4 * 8 * N).unwrap();
    bench.run("functions", &launch().arg(x).arg(out).arg(N as i32));
    let got: Vec<f32> = bench.memory.download(out, 8 * N).unwrap();
    for (i, got) in got.chunks(8).enumerate() {
        let x = f64::from(a[i]);
        let size = x.abs();
        let want = [
            x.exp(),
            x.exp2(),
            size.ln(),
            x.tanh(),
            erf(x),
            f64::from(100.0 * a[i]).sin(),
            size.powf(1.3),
            size.ln_1p(),
        ];
        for (j, (got, want)) in got.iter().zip(want).enumerate() {
            let error = (f64::from(*got) - want).abs();
            assert!(error <= 1e-6 * want.abs().max(0.1), "function {j} of {x}: {got}, not {want}");
        }
    }
}

/// By its series; enough terms for |x| < 5.
fn erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * 2.0 / std::f64::consts::PI.sqrt()
}

#[test]
fn structs_tables_local_arrays() {
    let mut bench = Bench::new(TEXT);
    let which: Vec<i32> = (0..N as i32).map(|i| i % 6).collect();
    let (k, out) = (bench.memory.upload(&which), bench.memory.upload(&[3f32; N]));
    let pair = [
        &3i32.to_le_bytes()[..],
        &(-4i32).to_le_bytes(),
        &(5u64 << 30).to_le_bytes(),
        &1.5f32.to_le_bytes(),
        &[0; 4],
    ];
    bench.run("places", &launch().bytes(&pair.concat()).arg(k).arg(out).arg(N as i32));
    let got: Vec<f32> = bench.memory.download(out, N).unwrap();
    for (k, got) in which.iter().zip(got) {
        let weights = [1.0, -2.0, 0.5, 4.0, 8.0];
        let v = ((3 * k) as f32 + 1.5) * weights[*k as usize % 5] + 5.0 - 4.0;
        let want = 7.0 + [v + 1.0, v * 3.0, -v, v * v, 1.0 / v, 0.25 * v][*k as usize];
        assert!((got - want).abs() < 1e-5, "{k}: {got}, not {want}");
    }
    let (address, bytes) = bench.module.variable("counter").unwrap();
    assert_eq!((bench.memory.download::<i32>(address, 1).unwrap(), bytes), (vec![7], 4));
}

#[test]
fn atomics() {
    let mut bench = Bench::new(TEXT);
    let start = [0, 0, 0, -1, -1, 0, 0, 0, 0, 0, 0i32];
    let (counts, wide) = (bench.memory.upload(&start), bench.memory.upload(&[0u64]));
    bench.run("atomics", &launch().arg(counts).arg(wide));
    let n = 256;
    let sum: i32 = (0..n).sum();
    let want = [sum, 1 - n, n - 1, 0, -1 << 16, 0xffff, (0..n).fold(0, |x, i| x ^ i), n % 10, 5, 2 * n, n];
    assert_eq!(bench.memory.download::<i32>(counts, 11).unwrap(), want);
    assert_eq!(bench.memory.download::<u64>(wide, 1).unwrap(), [8 * u64::from(u32::MAX)]);
}
