//! Where a run stands, in one safetensors file: weights, the optimizer's moments, and the place in the data. Random
//! numbers need no state: they are functions of the seed, the epoch and the step.

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
use std::{collections::HashMap, path::Path};

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
#[derive(PartialEq, Serialize, Deserialize)]
struct Identity {
    config: RunConfig,
    /// SHA-256 of the data files, in the configuration's order.
    data: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct State {
    progress: Progress,
    optimizer_steps: u64,
    identity: Identity,
}

pub(super) fn save(
    path: &Path,
    (config, data): (&RunConfig, &[String]),
    params: &Params,
    optimizer: &AnyOptimizer,
    progress: &Progress,
) -> Result<()> {
    let (optimizer_steps, mut arrays) = optimizer.state()?;
    arrays.push(("weights", params.flat().to_f32()?));
    let bytes: Vec<(&str, Vec<u8>)> =
        arrays.into_iter().map(|(n, x)| (n, x.iter().flat_map(|x| x.to_le_bytes()).collect())).collect();
    let mut views = vec![];
    for (name, bytes) in &bytes {
        let view = TensorView::new(Dtype::F32, vec![bytes.len() / 4], bytes).expect("four bytes a value");
        views.push((name.to_string(), view));
    }
    let identity = Identity { config: config.clone(), data: data.to_vec() };
    let state = State { progress: progress.clone(), optimizer_steps, identity };
    let json = serde_json::to_string(&state).expect("plain fields serialise");
    let metadata = HashMap::from([("state".to_string(), json)]);
    let name = path.display().to_string();
    let file =
        safetensors::serialize(views, Some(metadata)).map_err(|e| Error::file(&name, e.to_string()))?;
    Output::write(path, &file)
}

/// Takes up a checkpoint of the same configuration over the same data.
pub(super) fn load(
    path: &Path,
    (config, data): (&RunConfig, &[String]),
    params: &mut Params,
    optimizer: &mut AnyOptimizer,
) -> Result<Progress> {
    let name = path.display().to_string();
    let bad = |what: String| Error::file(&name, what);
    let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(format!("is no checkpoint: {e}")))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(format!("bad header: {e}")))?;
    let state = header.metadata().as_ref().and_then(|m| m.get("state"));
    let state =
        state.ok_or_else(|| bad("has no training state; is it a model instead of a checkpoint?".into()))?;
    let state: State = serde_json::from_str(state).map_err(|e| bad(format!("state: {e}")))?;
    if state.identity.config != *config {
        return Err(bad("was written under another configuration; resume with the one in its folder".into()));
    }
    if state.identity.data != data {
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
