//! Model files: safetensors with one metadata entry that says everything but the weights.

use crate::{
    error::{Error, Result},
    params::Params,
};
use safetensors::SafeTensors;
use serde::{Serialize, de::DeserializeOwned};
use std::collections::HashMap;

/// A model file's tensors and what its entry `name` says; `path` is for messages.
pub fn read<'a, T: DeserializeOwned>(
    bytes: &'a [u8],
    name: &str,
    path: &str,
) -> Result<(SafeTensors<'a>, T)> {
    let bad = |what: String| Error::file(path, what);
    let file = SafeTensors::deserialize(bytes).map_err(|e| bad(format!("is no safetensors file: {e}")))?;
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| bad(format!("bad header: {e}")))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let card =
        metadata.get(name).ok_or_else(|| bad(format!("has no {name} metadata; is it one of our models?")))?;
    Ok((file, serde_json::from_str(card).map_err(|e| bad(format!("metadata: {e}")))?))
}

/// The file of `params` with the entry `name`: one, because the file's bytes must not depend on the order of a map.
pub fn write(params: &Params, name: &str, card: &impl Serialize) -> Result<Vec<u8>> {
    let card = serde_json::to_string(card).expect("plain fields serialise");
    params.to_safetensors(HashMap::from([(name.into(), card)]))
}
