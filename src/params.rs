//! A model's parameters: one flat buffer, with names and shapes over it.
//!
//! A [`Builder`] collects names, shapes and initial values while a model is put together; [`Builder::on`] lays them out
//! on a device. An optimizer then works on one array, a checkpoint writes one array, and gradients have the same layout.
//! Every parameter begins on a cache line, so that no vector of it straddles two; the few values between parameters are
//! zeros whose gradients are zero.

use crate::{
    device::Device,
    error::{Error, Result},
    simd::turn,
    tensor::{On, Shape, Tensor, on},
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, tensor::TensorView};
use std::{collections::HashMap, ops::Range};

mod outline;

pub(crate) use outline::Outline;

/// Values on a cache line.
const LINE: usize = 16;

/// Names one parameter of the [`Params`] it was registered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParamId(usize);

/// Names one fixed tensor of the [`Params`] it was registered with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FixedId(usize);

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    shape: Vec<usize>,
    at: usize,
}

impl Entry {
    fn len(&self) -> usize {
        self.shape.iter().product()
    }

    fn end(&self) -> usize {
        self.at + self.len()
    }
}

/// Where initial values come from.
enum Start {
    Seed {
        random: Box<ChaCha8Rng>,
        values: Vec<f64>,
    },
    /// They have been read from a file, and are laid out as they will be.
    Given(Vec<f64>),
    /// There are none: names and shapes are all that is wanted.
    Outline,
}

/// Registers parameters under scoped names, with initial values drawn from a seed.
pub struct Builder {
    entries: Vec<Entry>,
    start: Start,
    fixed: Vec<(Shape, Vec<f64>)>,
    scope: Vec<String>,
}

impl Builder {
    /// The same seed gives the same initial values.
    pub fn new(seed: u64) -> Self {
        Self::starting(Start::Seed { random: Box::new(ChaCha8Rng::seed_from_u64(seed)), values: vec![] })
    }

    fn starting(start: Start) -> Self {
        Self { entries: vec![], start, fixed: vec![], scope: vec![] }
    }

    /// Registers under `name.` whatever `f` registers.
    pub fn scope<T>(&mut self, name: impl Into<String>, f: impl FnOnce(&mut Self) -> T) -> T {
        self.scope.push(name.into());
        let made = f(self);
        self.scope.pop();
        made
    }

    /// All `value`.
    pub fn constant(&mut self, name: &str, shape: &[usize], value: f64) -> ParamId {
        self.add(name, shape, |_| value)
    }

    /// These `values`, in row-major order.
    pub fn given(&mut self, name: &str, shape: &[usize], values: &[f64]) -> ParamId {
        let mut values = values.iter();
        self.add(name, shape, |_| *values.next().expect("as many values as the shape has"))
    }

    /// Uniform in `-bound..bound`.
    pub fn uniform(&mut self, name: &str, shape: &[usize], bound: f64) -> ParamId {
        self.add(name, shape, |random| bound * (2.0 * random.random::<f64>() - 1.0))
    }

    /// Normal with mean 0 and deviation `std` (Box and Muller 1958, doi:10.1214/aoms/1177706645).
    pub fn normal(&mut self, name: &str, shape: &[usize], std: f64) -> ParamId {
        self.add(name, shape, |random| {
            let (u, v) = (1.0 - random.random::<f64>(), random.random::<f64>());
            std * (-2.0 * u.ln()).sqrt() * (2.0 * std::f64::consts::PI * v).cos()
        })
    }

    /// A tensor that is not learned and in no model file, because the network's shape says what it is.
    pub fn fixed(&mut self, shape: &[usize], values: impl FnOnce() -> Vec<f64>) -> FixedId {
        let values = if let Start::Outline = self.start { vec![] } else { values() };
        self.fixed.push((Shape::new(shape), values));
        FixedId(self.fixed.len() - 1)
    }

    fn add(&mut self, name: &str, shape: &[usize], mut value: impl FnMut(&mut ChaCha8Rng) -> f64) -> ParamId {
        let name = self.scope.iter().map(String::as_str).chain([name]).collect::<Vec<_>>().join(".");
        assert!(self.entries.iter().all(|e| e.name != name), "parameter {name} is registered once");
        let at = self.entries.last().map_or(0, Entry::end).next_multiple_of(LINE);
        let entry = Entry { name, shape: shape.to_vec(), at };
        if let Start::Seed { random, values } = &mut self.start {
            values.resize(at, 0.0);
            values.extend((0..entry.len()).map(|_| value(random)));
        }
        self.entries.push(entry);
        ParamId(self.entries.len() - 1)
    }

    /// Lays the parameters out on `device`.
    pub fn on(self, device: &Device) -> Result<Params> {
        let values = match self.start {
            Start::Seed { values, .. } | Start::Given(values) => values,
            Start::Outline => unreachable!("an outline is not laid out"),
        };
        let flat = Tensor::new(device, &[values.len()], &values)?;
        let fixed = self.fixed.iter().map(|(shape, values)| Tensor::new(device, shape, values));
        Ok(Params { flat, turned: None, entries: self.entries, fixed: fixed.collect::<Result<_>>()? })
    }
}

/// A model's parameters on a device.
#[derive(Debug)]
pub struct Params {
    flat: Tensor,
    /// As `flat`, with every matrix transposed: what backward multiplies by. Made by the first [`Params::update`].
    turned: Option<Tensor>,
    entries: Vec<Entry>,
    fixed: Vec<Tensor>,
}

impl Params {
    /// How many parameters have a name.
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// All values in one array `[n]`, in order of registration, with zeros between parameters that do not fill their last
    /// cache line.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// Lets `change` write new values.
    pub(crate) fn update(&mut self, change: impl FnOnce(&mut Tensor) -> Result<()>) -> Result<()> {
        change(&mut self.flat)?;
        if !matches!(self.device(), Device::Cpu(_)) {
            return Ok(());
        }
        let turned = match &mut self.turned {
            Some(turned) => turned,
            none => none.insert(Tensor::zeros(self.flat.device(), self.flat.shape())?),
        };
        if let On::Cpu(cpu, [flat], [turned]) = on([&self.flat], [turned])? {
            for e in &self.entries {
                if let &[rows, cols] = &e.shape[..] {
                    turn(cpu.isa, &flat[e.at..], cols, (rows, cols), &mut turned[e.at..], rows);
                }
            }
        }
        Ok(())
    }

    /// Where the parameters live.
    pub fn device(&self) -> &Device {
        self.flat.device()
    }

    /// A view of one parameter.
    pub fn value(&self, id: ParamId) -> Tensor {
        let entry = &self.entries[id.0];
        let value = self.flat.part(entry.at, &entry.shape);
        match &self.turned {
            Some(turned) if entry.shape.len() == 2 => value.with_turned(turned),
            _ => value,
        }
    }

    /// A tensor that is not learned.
    pub fn fixed(&self, id: FixedId) -> &Tensor {
        &self.fixed[id.0]
    }

    /// `block0.norm.gamma`
    pub fn name(&self, id: ParamId) -> &str {
        &self.entries[id.0].name
    }

    /// Every parameter, in order of registration.
    pub fn ids(&self) -> impl Iterator<Item = ParamId> + use<> {
        (0..self.entries.len()).map(ParamId)
    }

    /// Which values of [`Params::flat`] are a parameter's.
    pub fn range(&self, id: ParamId) -> Range<usize> {
        let entry = &self.entries[id.0];
        entry.at..entry.end()
    }

    pub(crate) fn index(id: ParamId) -> usize {
        id.0
    }

    /// Replaces all values (`[n]` in order of registration).
    pub fn set_flat(&mut self, values: &[f64]) -> Result<()> {
        self.flat = Tensor::new(&self.device().clone(), self.flat.shape(), values)?;
        self.turned = None;
        Ok(())
    }

    /// The parameters as a safetensors file, f32 little-endian, with `metadata`.
    pub fn to_safetensors(&self, metadata: HashMap<String, String>) -> Result<Vec<u8>> {
        let bytes: Vec<u8> = self.flat.to_f32()?.iter().flat_map(|x| x.to_le_bytes()).collect();
        let view = |e: &Entry| {
            let data = &bytes[4 * e.at..4 * e.end()];
            (e.name.clone(), TensorView::new(Dtype::F32, e.shape.clone(), data).expect("sizes agree"))
        };
        let views: Vec<_> = self.entries.iter().map(view).collect();
        safetensors::serialize(views, Some(metadata)).map_err(|e| Error::file("safetensors", e.to_string()))
    }

    /// An error of `op`, which has changed the parameters, where one is no longer finite.
    pub(crate) fn expect_finite(&self, op: &'static str) -> Result<()> {
        match self.not_finite(&self.flat.to_f64()?) {
            None => Ok(()),
            Some((name, at, value)) => {
                let (tensor, place) = (format!("{name}, after its update,"), vec![at]);
                Err(Error::NotFinite { op, tensor, place, value })
            }
        }
    }

    /// The first of `values`, `[n]` as in [`Params::flat`], that is not finite: whose it is, and where in it.
    fn not_finite(&self, values: &[f64]) -> Option<(&str, usize, f64)> {
        let bad = values.iter().position(|x| !x.is_finite())?;
        let e = self.entries.iter().rfind(|e| e.at <= bad).expect("the first entry is at 0");
        Some((&e.name, bad - e.at, values[bad]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use safetensors::tensor::Metadata;

    fn small(seed: u64) -> Params {
        let mut b = Builder::new(seed);
        b.scope("block0", |b| b.uniform("weight", &[2, 3], 0.5));
        b.normal("bias", &[3], 1.0);
        b.on(&Device::cpu()).unwrap()
    }

    fn reread(file: &[u8], register: impl Fn(&mut Builder)) -> Result<Params> {
        let header: Metadata = serde_json::from_slice(&file[8..][..file[0] as usize]).unwrap();
        let outline = Outline::of(register);
        outline.check(&header, "m")?;
        outline.filled(&header, &file[8 + file[0] as usize..], "m")?.on(&Device::cpu())
    }

    #[test]
    fn safetensors_round_trip() {
        let a = small(1);
        assert_eq!(a.name(ParamId(0)), "block0.weight");
        let file = a.to_safetensors(HashMap::new()).unwrap();
        let register = |b: &mut Builder| {
            b.scope("block0", |b| b.uniform("weight", &[2, 3], 0.5));
            b.normal("bias", &[3], 1.0);
        };
        assert_eq!(Outline::of(register).parameters(), 9);
        assert_eq!(reread(&file, register).unwrap().flat().to_f32().unwrap(), a.flat().to_f32().unwrap());
    }

    #[test]
    fn a_file_of_another_model_is_refused() {
        let file = small(1).to_safetensors(HashMap::new()).unwrap();
        let refused = |shape: &[usize]| {
            let register = |b: &mut Builder| {
                b.constant("bias", shape, 0.0);
            };
            reread(&file, register).unwrap_err().to_string()
        };
        assert_eq!(refused(&[4]), "m: bias: expected F32 [4], got F32 [3]");
        assert_eq!(refused(&[3]), "m: tensor block0.weight is not one of this model's");
    }
}
