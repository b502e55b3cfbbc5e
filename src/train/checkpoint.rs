//! Where a run stands, in one safetensors file: weights, the optimizer's moments, and the place in the data. Random
//! numbers need no state: they are functions of the seed, the epoch and the step.
//!
//! A checkpoint says what its bytes hash to, and the one before it is kept, for when a disk gives back something else than was
//! written.

use super::{Optimizer, RunConfig};
use crate::{
    autograd::Grads,
    error::{Error, Result},
    optim::{AdamW, Sgd},
    output::Output,
    params::Params,
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

/// What a run has come to, beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Epochs finished.
    pub epoch: u64,
    /// Steps taken in the epoch under way.
    pub step_in_epoch: u64,
    /// Steps taken in all.
    pub step: u64,
    /// Sum of the losses of the epoch's steps so far.
    pub loss_sum: f64,
    /// Best validation average precision, and the epoch it came in.
    pub best: Option<(f64, u64)>,
}

impl Progress {
    /// Before the first step.
    pub fn start() -> Self {
        Self { epoch: 0, step_in_epoch: 0, step: 0, loss_sum: 0.0, best: None }
    }
}

/// A tensor's name and its values `[n]`.
type NamedArray = (&'static str, Vec<f32>);

/// The optimizer a run asked for.
pub(super) enum AnyOptimizer {
    AdamW(AdamW),
    Sgd(Sgd),
}

impl AnyOptimizer {
    pub fn new(config: &RunConfig, params: &Params) -> Result<Self> {
        let t = &config.training;
        Ok(match t.optimizer {
            Optimizer::AdamW => Self::AdamW(AdamW::new(params, t.weight_decay)?),
            Optimizer::Sgd => Self::Sgd(Sgd::new(params, t.momentum, t.weight_decay)?),
        })
    }

    pub fn step(&mut self, params: &mut Params, grads: &Grads, lr: f64) -> Result<()> {
        match self {
            Self::AdamW(o) => o.step(params, grads, lr),
            Self::Sgd(o) => o.step(params, grads, lr),
        }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::AdamW(_) => "adamw",
            Self::Sgd(_) => "sgd",
        }
    }

    /// The number of steps taken, and the optimizer's arrays.
    fn state(&self) -> Result<(u64, Vec<NamedArray>)> {
        Ok(match self {
            Self::AdamW(o) => {
                let (steps, m, v) = o.state();
                (steps, vec![("optimizer.m", m.to_f32()?), ("optimizer.v", v.to_f32()?)])
            }
            Self::Sgd(o) => (0, vec![("optimizer.velocity", o.velocity().to_f32()?)]),
        })
    }

    fn restore(&mut self, steps: u64, array: impl Fn(&str) -> Result<Vec<f64>>) -> Result<()> {
        match self {
            Self::AdamW(o) => o.restore(steps, &array("optimizer.m")?, &array("optimizer.v")?),
            Self::Sgd(o) => o.restore(&array("optimizer.velocity")?),
        }
    }
}

/// Ties a checkpoint to what must not change under it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub config: RunConfig,
    /// SHA-256 of the data files, in the configuration's order.
    pub data: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct State {
    progress: Progress,
    optimizer_steps: u64,
    identity: Identity,
}

/// The one metadata entry of a checkpoint, as JSON.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// Of `state` and then the tensors by name, in hex.
    sha256: String,
    /// [`State`] as JSON.
    state: String,
}

const SEALED: &str = "checkpoint";

/// Of a state and the tensors by name.
fn sha256<'a>(state: &str, tensors: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(state);
    for (name, bytes) in tensors {
        hasher.update(name);
        hasher.update(bytes);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Writes a checkpoint as `last`; what was called that is `previous` from then on.
pub(super) fn save(
    [last, previous]: &[PathBuf; 2],
    identity: &Identity,
    params: &Params,
    optimizer: &AnyOptimizer,
    progress: &Progress,
) -> Result<()> {
    let (optimizer_steps, mut arrays) = optimizer.state()?;
    arrays.push(("weights", params.flat().to_f32()?));
    let mut tensors: Vec<(&str, Vec<u8>)> =
        arrays.into_iter().map(|(n, x)| (n, x.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    tensors.sort_unstable_by_key(|(name, _)| *name);
    let state = State { progress: progress.clone(), optimizer_steps, identity: identity.clone() };
    let state = serde_json::to_string(&state).expect("plain fields serialise");
    let sha256 = sha256(&state, tensors.iter().map(|(name, bytes)| (*name, &bytes[..])));
    let sealed = serde_json::to_string(&Sealed { sha256, state }).expect("plain fields serialise");
    let view =
        |bytes| TensorView::new(Dtype::F32, vec![Vec::len(bytes) / 4], bytes).expect("four bytes a value");
    let views = tensors.iter().map(|(name, bytes)| (name, view(bytes)));
    let file = safetensors::serialize(views, Some(HashMap::from([(SEALED.into(), sealed)])))
        .map_err(|e| Error::file(last.display().to_string(), e.to_string()))?;
    Output::write_keeping(last, &file, previous)
}

/// A checkpoint that was taken up.
pub(super) struct Kept {
    pub progress: Progress,
    /// Why it is not the newest one.
    pub fell_back: Option<String>,
}

/// Takes up the newest checkpoint that is whole, of the same configuration over the same data; `None` where there is none at all.
/// Damaged ones are kept under another name.
pub(super) fn load(
    newest_first: &[PathBuf; 2],
    identity: &Identity,
    params: &mut Params,
    optimizer: &mut AnyOptimizer,
) -> Result<Option<Kept>> {
    let (mut damaged, mut why) = (vec![], vec![]);
    for path in newest_first {
        let name = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                why.push(format!("{name}: is not there"));
                continue;
            }
            read => read.map_err(|e| e.to_string()),
        };
        let whole = bytes.as_ref().map_err(String::clone).and_then(|bytes| Whole::of(bytes));
        match whole {
            Ok(whole) => {
                let progress = whole.take_up(&name, identity, params, optimizer)?;
                for path in damaged {
                    std::fs::rename(path, Path::with_extension(path, "damaged"))
                        .map_err(|e| Error::io(path, e))?;
                }
                let fell_back = (!why.is_empty()).then(|| why.join("; "));
                return Ok(Some(Kept { progress, fell_back }));
            }
            Err(what) => {
                why.push(format!("{name}: {what}"));
                damaged.push(path);
            }
        }
    }
    match damaged.is_empty() {
        true => Ok(None),
        false => {
            Err(Error::file("checkpoints", format!("{}; train again, in another folder", why.join("; "))))
        }
    }
}

/// A checkpoint whose bytes are those that were written.
struct Whole<'a> {
    state: State,
    file: SafeTensors<'a>,
}

impl<'a> Whole<'a> {
    /// Otherwise, what is wrong with them.
    fn of(bytes: &'a [u8]) -> Result<Self, String> {
        let file = SafeTensors::deserialize(bytes).map_err(|e| format!("is no checkpoint: {e}"))?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| format!("bad header: {e}"))?;
        let sealed = header.metadata().as_ref().and_then(|m| m.get(SEALED));
        let sealed = sealed.ok_or("has no training state; is it a model instead of a checkpoint?")?;
        let Sealed { sha256: expected, state } =
            serde_json::from_str(sealed).map_err(|e| format!("state: {e}"))?;
        let mut tensors = file.tensors();
        tensors.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let found = sha256(&state, tensors.iter().map(|(name, view)| (&name[..], view.data())));
        if found != expected {
            return Err(format!("is damaged: expected content of SHA-256 {expected}, found {found}"));
        }
        let state = serde_json::from_str(&state).map_err(|e| format!("state: {e}"))?;
        Ok(Self { state, file })
    }

    fn take_up(
        self,
        name: &str,
        identity: &Identity,
        params: &mut Params,
        optimizer: &mut AnyOptimizer,
    ) -> Result<Progress> {
        let Self { state, file } = self;
        let bad = |what: String| Error::file(name, what);
        if state.identity.config != identity.config {
            return Err(bad(
                "was written under another configuration; resume with the one in its folder".into()
            ));
        }
        if state.identity.data != identity.data {
            return Err(bad("was written over other data: a data file has changed since".into()));
        }
        let expected = params.flat().len();
        let array = |tensor: &str| -> Result<Vec<f64>> {
            let view = file.tensor(tensor).map_err(|_| bad(format!("has no tensor {tensor}")))?;
            if view.dtype() != Dtype::F32 || view.shape() != [expected] {
                let got = format!("{:?} {:?}", view.dtype(), view.shape());
                return Err(bad(format!("{tensor}: expected F32 [{expected}], got {got}")));
            }
            Ok(view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect())
        };
        params.set_flat(&array("weights")?)?;
        optimizer.restore(state.optimizer_steps, array)?;
        Ok(state.progress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    #[test]
    fn progress_comes_back_with_all_its_bits() {
        let random = &mut ChaCha8Rng::seed_from_u64(1);
        for step in 0..10_000 {
            let (loss_sum, best) = (700.0 * random.random::<f64>(), random.random::<f64>());
            let progress = Progress { epoch: 3, step_in_epoch: 2, step, loss_sum, best: Some((best, 1)) };
            let json = serde_json::to_string(&progress).unwrap();
            assert_eq!(serde_json::from_str::<Progress>(&json).unwrap(), progress);
        }
    }
}
