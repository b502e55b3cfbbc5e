//! Looks at what ops make for infinities and what is no number. Slow: everything is read back, from a GPU too.

use super::{Source, Var};
use crate::{
    error::{Error, Result},
    params::Params,
    tensor::Tensor,
};

/// An error of `op` where not all of `tensor` is finite; `name` says what it is to a reader.
pub(super) fn expect_finite(op: &'static str, tensor: &Tensor, name: impl FnOnce() -> String) -> Result<()> {
    let values = tensor.to_f64()?;
    match values.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(at) => {
            let place = place(at, tensor.shape());
            let tensor = format!("{} {:?}", name(), tensor.shape());
            Err(Error::NotFinite { op, tensor, place, value: values[at] })
        }
    }
}

/// What an op reads that no op has made: parameters and constants.
pub(super) fn expect_finite_inputs(op: &'static str, inputs: &[&Var], params: &Params) -> Result<()> {
    for (i, input) in inputs.iter().enumerate() {
        match input.source {
            Some(Source::Node(_)) => {}
            Some(Source::Param(id)) => expect_finite(op, &input.value, || params.name(id).to_string())?,
            None => expect_finite(op, &input.value, || format!("input {i}"))?,
        }
    }
    Ok(())
}

/// An op's output, by the parameters it was made with.
pub(super) fn output(parents: &[Option<Source>], params: &Params) -> String {
    let names: Vec<&str> = parents
        .iter()
        .filter_map(|parent| match parent {
            Some(Source::Param(id)) => Some(params.name(*id)),
            _ => None,
        })
        .collect();
    if names.is_empty() { "output".into() } else { format!("output, with {},", names.join(" and ")) }
}

/// Where in `shape` the value is that comes after so many others.
fn place(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut place: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let here = at % size;
            at /= size;
            here
        })
        .collect();
    place.reverse();
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{autograd::Tape, device::Device, ops::Linear, params::Builder};

    #[test]
    fn places_are_in_row_major_order() {
        assert_eq!(place(0, &[]), Vec::<usize>::new());
        assert_eq!(place(0, &[2, 3]), [0, 0]);
        assert_eq!(place(4, &[2, 3]), [1, 1]);
        assert_eq!(place(23, &[2, 3, 4]), [1, 2, 3]);
    }

    /// What a checked pass over `weight [2, 1]` and `x [1, 2]` and back says.
    fn said(weight: f64, x: f64, dout: f64) -> String {
        let mut builder = Builder::new(0);
        let id = builder.scope("head", |b| b.given("weight", &[2, 1], &[1.0, weight]));
        let bias = builder.scope("head", |b| b.constant("bias", &[1], 0.0));
        let params = builder.on(&Device::cpu()).unwrap();
        let tape = Tape::new(&params, params.device()).checked(true);
        let x = tape.constant(Tensor::new(params.device(), &[1, 2], &[0.0, x]).unwrap());
        let y = tape.apply(Linear::default(), [&x, &tape.param(id), &tape.param(bias)]);
        let dout = Tensor::new(params.device(), &[1, 1], &[dout]).unwrap();
        match y.and_then(|y| tape.backward_from(&y, dout)) {
            Ok(_) => "finite".into(),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn the_op_and_the_tensor_are_named() {
        assert_eq!(said(1.0, 1.0, 1.0), "finite");
        assert_eq!(said(f64::NAN, 1.0, 1.0), "linear: head.weight [2, 1] holds NaN at [1, 0]");
        assert_eq!(said(1.0, f64::INFINITY, 1.0), "linear: input 0 [1, 2] holds inf at [0, 1]");
        let output = "linear: output, with head.weight and head.bias, [1, 1] holds inf at [0, 0]";
        assert_eq!(said(3e38, 1e9, 1.0), output);
        let gradient = "linear: gradient of head.weight [2, 1] holds inf at [1, 0]";
        assert_eq!(said(1.0, 1e9, 3e38), gradient);
    }
}
