//! Names and shapes of parameters before there are values: what a file must hold, and what it costs to have it.

use super::{Builder, Entry, Start};
use crate::error::{Error, Result};
use safetensors::{Dtype, tensor::Metadata};

/// What somebody registers, without memory for values.
pub(crate) struct Outline(Vec<Entry>);

impl Outline {
    /// Of what `register` registers.
    pub fn of<T>(register: impl Fn(&mut Builder) -> T) -> Self {
        let mut builder = Builder::starting(Start::Outline);
        register(&mut builder);
        Self(builder.entries)
    }

    /// Values of all parameters together.
    pub fn parameters(&self) -> usize {
        self.0.iter().map(Entry::len).sum()
    }

    /// Whether a file's tensors are these one to one; `path` is for messages.
    pub fn check(&self, header: &Metadata, path: &str) -> Result<()> {
        for Entry { name, shape, .. } in &self.0 {
            let info = header.info(name).ok_or_else(|| Error::file(path, format!("has no tensor {name}")))?;
            if info.dtype != Dtype::F32 || info.shape != *shape {
                let got = format!("{:?} {:?}", info.dtype, info.shape);
                return Err(Error::file(path, format!("{name}: expected F32 {shape:?}, got {got}")));
            }
        }
        let names = header.offset_keys();
        match names.iter().find(|name| self.0.iter().all(|e| e.name != **name)) {
            Some(other) => Err(Error::file(path, format!("tensor {other} is not one of this model's"))),
            None => Ok(()),
        }
    }

    /// A builder with the values of a file that was checked: `data` are its tensors' bytes.
    pub fn filled(self, header: &Metadata, data: &[u8], path: &str) -> Result<Builder> {
        let mut values = vec![0.0; self.0.last().map_or(0, Entry::end)];
        for e in &self.0 {
            let (from, to) = header.info(&e.name).expect("it was checked").data_offsets;
            for (x, bytes) in values[e.at..e.end()].iter_mut().zip(data[from..to].as_chunks::<4>().0) {
                *x = f64::from(f32::from_le_bytes(*bytes));
                if !x.is_finite() {
                    return Err(Error::file(path, format!("tensor {} holds {x}", e.name)));
                }
            }
        }
        Ok(Builder::starting(Start::Given(values)))
    }
}
