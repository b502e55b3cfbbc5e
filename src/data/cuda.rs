//! Launches kernels/pairing_map.cu.

use super::{
    Lengths,
    batch::{CHANNEL, PAIR_CHANNELS},
};
use crate::{
    cuda::{Gpu, Source, ViewMut, kernels},
    error::Result,
};

static SOURCE: Source = kernels!("pairing_map");

const THREADS: u32 = 256;
/// Tokens that pair: A, C, G and U.
const BASES: usize = 4;

/// `struct Dims` in kernels/pairing_map.cu.
#[repr(C)]
#[derive(Clone, Copy)]
struct Dims {
    mirna: u32,
    site: u32,
    pairs: u32,
}

/// Two bits for each two bases: the map's channel, or 3.
const PAIRS: u32 = {
    let (mut bits, mut i) = (0, 0);
    while i < BASES * BASES {
        let channel = match CHANNEL[i / BASES][i % BASES] {
            Some(channel) => channel as u32,
            None => 3,
        };
        bits |= channel << (2 * i);
        i += 1;
    }
    bits
};

/// The map of `tokens [samples, mirna + site]`.
pub fn pairing_map(gpu: &Gpu, lengths: Lengths, tokens: &[u32], map: ViewMut) -> Result<()> {
    let samples = tokens.len() / (lengths.mirna + lengths.site).max(1);
    assert_eq!(
        map.len(),
        samples * lengths.mirna * lengths.site * PAIR_CHANNELS,
        "a map has room for all pairs"
    );
    let bytes: Vec<u8> = tokens.iter().map(|&token| token as u8).collect();
    let tokens = gpu.upload(&bytes)?;
    let d = Dims { mirna: lengths.mirna as u32, site: lengths.site as u32, pairs: PAIRS };
    let launch = gpu.launch(&SOURCE, "pairing_map", [samples as u32, 1, 1], THREADS)?;
    let launch = launch.value(d).input(tokens.view()).output(map);
    // SAFETY: arguments match the kernel's signature; the caller has made the map for as many samples.
    unsafe { launch.go() }
}
