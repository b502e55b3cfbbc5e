use super::{Dims, Saved};
use crate::{
    cuda::{Launch, View, ViewMut},
    device::Device,
    error::{Error, Result},
    tensor::{On, Tensor, on},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The widest rows that a block of the products' kernels holds whole.
const WIDEST: usize = 128;

/// A layer norm that the layer before it may make: on a GPU, the kernel of a layer with a result of at most 128 columns norms
/// the rows it is about to store, which are then not read again. The layer is given one clone and [`super::LayerNorm`] another,
/// which takes what was made of its very operands and does everything else itself.
#[derive(Clone, Debug)]
pub struct Ahead {
    eps: f32,
    gamma: Tensor,
    beta: Tensor,
    made: Arc<Mutex<Option<Made>>>,
}

#[derive(Debug)]
struct Made {
    /// What was normed.
    x: Tensor,
    room: Room,
}

/// What a layer's kernel needs to leave the norm of its result: gamma and beta `[C]`; `normed` like the result, mean and rstd
/// `[rows]`, to be written.
#[derive(Debug)]
pub(in crate::ops) struct Room {
    eps: f32,
    gamma: Tensor,
    beta: Tensor,
    normed: Tensor,
    mean: Tensor,
    rstd: Tensor,
}

impl Ahead {
    /// `gamma [C], beta [C]`; `eps` is added to the variance.
    pub fn new(eps: f32, gamma: &Tensor, beta: &Tensor) -> Self {
        Self { eps, gamma: gamma.clone(), beta: beta.clone(), made: Arc::default() }
    }

    /// Room for the norm of a result like `y`, `[.., C]`, where the kernel that makes it can.
    pub(in crate::ops) fn room(&self, y: &Tensor) -> Result<Option<Room>> {
        let (eps, gamma, beta) = (self.eps, self.gamma.clone(), self.beta.clone());
        let columns = y.shape().last().copied().unwrap_or(0);
        if gamma.shape() != [columns] || beta.shape() != [columns] {
            return Err(Error::shape("layer_norm", format!("gamma, beta [{columns}]"), (gamma, beta)));
        }
        let (device, rows) = (y.device(), [y.len() / columns.max(1)]);
        if !matches!(device, Device::Cuda(_)) || columns > WIDEST {
            return Ok(None);
        }
        let [mean, rstd] = [Tensor::unwritten(device, &rows)?, Tensor::unwritten(device, &rows)?];
        Ok(Some(Room { eps, gamma, beta, normed: Tensor::unwritten(device, y.shape())?, mean, rstd }))
    }

    /// Hands over the norm of `x`, which is in `room`.
    pub(in crate::ops) fn give(&self, x: &Tensor, room: Room) {
        *self.made() = Some(Made { x: x.clone(), room });
    }

    /// The norm, if it was made of these operands, with what its backward needs.
    pub(super) fn take(&self, dims: Dims, [x, gamma, beta]: [&Tensor; 3]) -> Result<Option<(Tensor, Saved)>> {
        let Some(Made { x: of, room }) = self.made().take() else { return Ok(None) };
        let same = match on([&of, x, &room.gamma, gamma, &room.beta, beta], [])? {
            On::Cuda(_, operands, []) => operands.chunks(2).all(|two| two[0].address() == two[1].address()),
            _ => false,
        };
        let Room { eps, normed, mean, rstd, .. } = room;
        let saved = || Saved { x: x.clone(), gamma: gamma.clone(), mean, rstd, dims };
        Ok((same && eps == dims.eps).then(|| (normed, saved())))
    }

    fn made(&self) -> MutexGuard<'_, Option<Made>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives a kernel the last arguments of its signature: `struct Norm` in kernels/layer.cuh, nulls where there is no room.
pub(in crate::ops) fn arguments<'g>(launch: Launch<'g>, room: Option<&mut Room>) -> Result<Launch<'g>> {
    if let Some(Room { eps, gamma, beta, normed, mean, rstd }) = room
        && let On::Cuda(_, [gamma, beta], [normed, mean, rstd]) = on([gamma, beta], [normed, mean, rstd])?
    {
        let launch = launch.value(*eps).input(gamma).input(beta);
        return Ok(launch.output(normed).output(mean).output(rstd));
    }
    let launch = launch.value(0f32).input::<f32>(View::none()).input::<f32>(View::none());
    Ok([(); 3].into_iter().fold(launch, |launch, ()| launch.output::<f32>(ViewMut::none())))
}
