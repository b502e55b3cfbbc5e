//! The one parallel map: threads that each keep a device, and so warm buffers, of their own.

use crate::{
    device::Device,
    error::{Error, Result},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

/// A fixed number of threads over one kind of device.
#[derive(Debug)]
pub struct Workers {
    device: Device,
    /// `None`: the calling thread works alone.
    pool: Option<rayon::ThreadPool>,
    idle: Mutex<Vec<Device>>,
    /// The most items that a GPU has had room for together, as far as it has been found.
    room: AtomicUsize,
}

impl Workers {
    /// `threads` workers; 0 counts as 1, and so does any number over a GPU, which has one queue.
    pub fn new(device: &Device, threads: usize) -> Result<Self> {
        let threads = if let Device::Cuda(_) = device { 1 } else { threads };
        let build = || rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = (threads > 1).then(build).transpose();
        let pool = pool.map_err(|e| Error::Setting(format!("cannot start {threads} threads: {e}")))?;
        Ok(Self { device: device.clone(), pool, idle: Mutex::default(), room: AtomicUsize::new(usize::MAX) })
    }

    /// What they compute on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many run at once.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads)
    }

    /// The most items to take together: fewer than were tried, where a GPU had no room for those.
    pub fn room(&self) -> usize {
        self.room.load(Ordering::Relaxed)
    }

    /// There was no room for more than `items` together.
    pub(crate) fn keep_to(&self, items: usize) {
        self.room.fetch_min(items, Ordering::Relaxed);
    }

    /// `f` of every `size` items in a row (fewer, at the end), with the first one's index. Nothing is allocated, but for a
    /// block of the pool's queue at every 63rd call.
    pub fn for_chunks<T: Send>(
        &self,
        items: &mut [T],
        size: usize,
        f: impl Fn(&Device, usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        self.for_guided(items, |_| size, f)
    }

    /// As [`Workers::for_chunks`], where `size` says how many items come next when so many are left. Workers take the next
    /// chunk when they are done with one; where chunks shrink towards the end, all are done at about the same time
    /// (Polychronopoulos and Kuck 1987, doi:10.1109/TC.1987.5009495).
    pub fn for_guided<T: Send>(
        &self,
        items: &mut [T],
        size: impl Fn(usize) -> usize + Sync,
        f: impl Fn(&Device, usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        let all = items.len();
        let queue = Mutex::new(items);
        let next = || {
            let mut rest = queue.lock().unwrap_or_else(PoisonError::into_inner);
            let left = std::mem::take(&mut *rest);
            let first = all - left.len();
            let (chunk, left) = left.split_at_mut(size(left.len()).max(1).min(left.len()));
            *rest = left;
            (first, chunk)
        };
        let work = || {
            let device = self.lock().pop().unwrap_or_else(|| self.device.worker());
            let done = loop {
                let (first, chunk) = next();
                if chunk.is_empty() {
                    break Ok(());
                }
                if let Err(e) = f(&device, first, chunk) {
                    break Err(e);
                }
            };
            self.lock().push(device);
            done
        };
        match &self.pool {
            // One chunk is not worth waking a thread for.
            Some(pool) if all > size(all) => pool.install(|| on_all(pool.current_num_threads(), &work)),
            _ => work(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Device>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `work` on so many threads at once.
fn on_all(threads: usize, work: &(impl Fn() -> Result<()> + Sync)) -> Result<()> {
    if threads <= 1 {
        return work();
    }
    let (left, right) = rayon::join(|| on_all(threads / 2, work), || on_all(threads - threads / 2, work));
    left.and(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tensor::Tensor;

    #[test]
    fn every_item_is_seen_once_by_any_number_of_threads() {
        for threads in [1, 2, 3] {
            let workers = Workers::new(&Device::cpu(), threads).expect("threads");
            let mut seen = [usize::MAX; 50];
            let see = |device: &Device, first: usize, chunk: &mut [usize]| {
                let made = Tensor::full(device, &[chunk.len()], first as f64)?.to_f64()?;
                chunk.iter_mut().zip(made).enumerate().for_each(|(i, (at, made))| *at = i + made as usize);
                Ok(())
            };
            workers.for_guided(&mut seen, |left| left.div_ceil(8), see).expect("nothing fails");
            assert_eq!(seen, std::array::from_fn(|i| i), "{threads} threads");
            let failing = workers.for_chunks(&mut [0; 9], 2, |_, first, _| match first {
                4 => Err(Error::Interrupted),
                _ => Ok(()),
            });
            assert!(failing.is_err(), "{threads} threads");
        }
    }
}
