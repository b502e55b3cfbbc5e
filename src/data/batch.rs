//! Pairs as a network reads them: token ids, and the map of which bases could pair.

use super::cuda;
use crate::{
    arena::Kept,
    device::Device,
    error::{Error, Result},
    rna::{Base, Pairing},
    tensor::{On, Shape, Tensor, on},
};
use std::sync::Arc;

/// A token past the end of a sequence; the bases are 0 to 4.
pub const PAD: u32 = 5;
/// Tokens in all: A, C, G, U, N and [`PAD`].
pub const VOCABULARY: usize = 6;
/// Channels of a pairing map: A-U, G-C, G-U.
pub const PAIR_CHANNELS: usize = 3;

/// A miRNA and a site, both 5'->3'.
pub type Duo<'a> = (&'a [Base], &'a [Base]);

/// The longest sequences a network reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    pub mirna: usize,
    pub site: usize,
}

/// Pairs ready for a network.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Pairs.
    pub size: usize,
    pub lengths: Lengths,
    /// `[B, mirna + site]`: the miRNA padded at its 3' end, then the site padded at both ends alike.
    pub tokens: Arc<[u32]>,
}

/// A batch's miRNAs and sites, apart.
pub(crate) struct Halves {
    /// `[B, mirna]`
    pub mirna: Arc<[u32]>,
    /// `[B, site]`
    pub site: Arc<[u32]>,
}

impl Batch {
    /// Sequences longer than `lengths` are an error: cutting is the caller's decision. An empty one is not shown: it is all
    /// padding.
    pub fn new(pairs: &[Duo], lengths: Lengths) -> Result<Self> {
        let mut batch = Self::padding(pairs.len(), lengths);
        batch.fill(pairs.iter().copied())?;
        Ok(batch)
    }

    /// As [`Batch::new`], in a batch of this size that the worker has kept from an earlier one.
    pub(crate) fn on<'a>(
        device: &Device,
        pairs: impl ExactSizeIterator<Item = Duo<'a>>,
        lengths: Lengths,
    ) -> Result<Kept<Self>> {
        let size = pairs.len();
        let fits = |batch: &Self| (batch.size, batch.lengths) == (size, lengths);
        let mut batch = device.keep(fits, || Self::padding(size, lengths));
        batch.fill(pairs)?;
        Ok(batch)
    }

    fn padding(size: usize, lengths: Lengths) -> Self {
        Self { size, lengths, tokens: vec![PAD; size * (lengths.mirna + lengths.site)].into() }
    }

    /// With other pairs, `size` of them, in the same memory unless something still reads it.
    fn fill<'a>(&mut self, pairs: impl Iterator<Item = Duo<'a>>) -> Result<()> {
        let Lengths { mirna: most, site: room } = self.lengths;
        let tokens = Arc::make_mut(&mut self.tokens);
        tokens.fill(PAD);
        for (i, (mirna, site)) in pairs.enumerate() {
            for (what, got, most) in [("miRNA", mirna.len(), most), ("site", site.len(), room)] {
                if got > most {
                    return Err(Error::Setting(format!(
                        "expected a {what} of at most {most} nt, got {got} nt"
                    )));
                }
            }
            let (left, right) = tokens[i * (most + room)..][..most + room].split_at_mut(most);
            let right = &mut right[(room - site.len()) / 2..];
            left.iter_mut().zip(mirna).for_each(|(token, &base)| *token = base as u32);
            right.iter_mut().zip(site).for_each(|(token, &base)| *token = base as u32);
        }
        Ok(())
    }

    /// Its tokens, in arrays of this size that the worker has kept from an earlier batch.
    pub(crate) fn halves(&self, device: &Device) -> Kept<Halves> {
        let Lengths { mirna, site } = self.lengths;
        let sizes = (self.size * mirna, self.size * site);
        let zeros = |len| -> Arc<[u32]> { vec![0; len].into() };
        let fits = |halves: &Halves| (halves.mirna.len(), halves.site.len()) == sizes;
        let mut halves = device.keep(fits, || Halves { mirna: zeros(sizes.0), site: zeros(sizes.1) });
        let Halves { mirna: left, site: right } = &mut *halves;
        let (left, right) =
            (Arc::make_mut(left).chunks_exact_mut(mirna), Arc::make_mut(right).chunks_exact_mut(site));
        for (tokens, (left, right)) in self.tokens.chunks_exact(mirna + site).zip(left.zip(right)) {
            left.copy_from_slice(&tokens[..mirna]);
            right.copy_from_slice(&tokens[mirna..]);
        }
        halves
    }

    /// Of a pairing map: `[B, mirna, site, 3]`.
    pub fn map_shape(&self) -> Shape {
        [self.size, self.lengths.mirna, self.lengths.site, PAIR_CHANNELS].into()
    }

    /// The map `[B, mirna, site, 3]` on `device`. A GPU makes it of the tokens, a hundredth of its size.
    pub(crate) fn map_on(&self, device: &Device) -> Result<Tensor> {
        let shape = self.map_shape();
        if !matches!(device, Device::Cuda(_)) {
            return Tensor::filled(device, &shape, |map| self.pairing_map(map));
        }
        let (nothing, mut map) = (Tensor::unwritten(device, &[0])?, Tensor::unwritten(device, &shape)?);
        if let On::Cuda(gpu, _, [map]) = on([&nothing], [&mut map])? {
            cuda::pairing_map(gpu, self.lengths, &self.tokens, map)?;
        }
        Ok(map)
    }

    /// Writes the map `[B, mirna, site, 3]`: 1 where miRNA base `i` and site base `site - 1 - j` form an A-U, G-C or G-U
    /// pair. The site runs backwards, so that a duplex runs along a diagonal.
    pub fn pairing_map(&self, map: &mut [f32]) {
        let Lengths { mirna, site } = self.lengths;
        map.fill(0.0);
        let rows = map.chunks_exact_mut(mirna * site * PAIR_CHANNELS);
        for (map, tokens) in rows.zip(self.tokens.chunks_exact(mirna + site)) {
            let (m, s) = tokens.split_at(mirna);
            for (row, &m) in map.chunks_exact_mut(site * PAIR_CHANNELS).zip(m) {
                for (cell, &s) in row.chunks_exact_mut(PAIR_CHANNELS).zip(s.iter().rev()) {
                    if let Some(channel) = CHANNEL[m as usize][s as usize] {
                        cell[channel as usize] = 1.0;
                    }
                }
            }
        }
    }
}

const BASES: [Option<Base>; VOCABULARY] =
    [Some(Base::A), Some(Base::C), Some(Base::G), Some(Base::U), Some(Base::N), None];

/// The map's channel for a miRNA's and a site's token.
pub(crate) fn pair_channel(mirna: u32, site: u32) -> Option<u8> {
    CHANNEL[mirna as usize][site as usize]
}

/// The map's channel for two tokens.
pub(super) const CHANNEL: [[Option<u8>; VOCABULARY]; VOCABULARY] = {
    let mut table = [[None; VOCABULARY]; VOCABULARY];
    let mut a = 0;
    while a < VOCABULARY {
        let mut b = 0;
        while b < VOCABULARY {
            table[a][b] = channel(BASES[a], BASES[b]);
            b += 1;
        }
        a += 1;
    }
    table
};

const fn channel(a: Option<Base>, b: Option<Base>) -> Option<u8> {
    match (a, b) {
        (Some(a), Some(b)) => match a.pairing(b) {
            Pairing::WatsonCrick if matches!(a, Base::A | Base::U) => Some(0),
            Pairing::WatsonCrick => Some(1),
            Pairing::Wobble => Some(2),
            Pairing::None => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rna::parse;

    #[test]
    fn a_perfect_duplex_is_a_diagonal() {
        let (mirna, site) = (parse(b"UGAGN").unwrap(), parse(b"NCUCA").unwrap());
        let batch = Batch::new(&[(&mirna, &site)], Lengths { mirna: 6, site: 7 }).unwrap();
        assert_eq!(batch.tokens[..], [3, 2, 0, 2, 4, 5, 5, 4, 1, 3, 1, 0, 5]);
        let mut map = vec![f32::NAN; 6 * 7 * 3];
        batch.pairing_map(&mut map);
        let cell = |i: usize, j: usize| &map[(i * 7 + j) * 3..][..3];
        let diagonal: Vec<_> = (0..5).map(|i| cell(i, i + 1).to_vec()).collect();
        let (au, gc, none) = (vec![1., 0., 0.], vec![0., 1., 0.], vec![0.; 3]);
        assert_eq!(diagonal, [au.clone(), gc.clone(), au, gc, none.clone()]);
        assert_eq!(cell(1, 3), [0., 0., 1.], "G-U");
        assert_eq!(cell(5, 6), none, "padding never pairs");
    }

    #[test]
    fn a_half_that_is_not_shown_is_padding_and_pairs_with_nothing() {
        let mirna = parse(b"UGAG").unwrap();
        let batch = Batch::new(&[(&mirna, &[])], Lengths { mirna: 4, site: 3 }).unwrap();
        assert_eq!(batch.tokens[..], [3, 2, 0, 2, 5, 5, 5]);
        let mut map = vec![f32::NAN; 4 * 3 * 3];
        batch.pairing_map(&mut map);
        assert_eq!(map, [0.0; 36]);
    }

    #[test]
    fn too_long_is_an_error() {
        let site = parse(b"ACGUACGU").unwrap();
        let error = Batch::new(&[(&site, &site)], Lengths { mirna: 8, site: 7 }).unwrap_err();
        assert_eq!(error.to_string(), "expected a site of at most 7 nt, got 8 nt");
    }
}
