//! The one parallel map: threads that each keep a device, and so warm buffers, of their own.

use crate::{
    device::Device,
    error::{Error, Result},
};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// A fixed number of threads over one kind of device.
#[derive(Debug)]
pub struct Workers {
    device: Device,
    /// `None`: the calling thread works alone.
    pool: Option<rayon::ThreadPool>,
    idle: Mutex<Vec<Device>>,
}

impl Workers {
    /// `threads` workers; 0 counts as 1.
    pub fn new(device: &Device, threads: usize) -> Result<Self> {
        let build = || rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = (threads > 1).then(build).transpose();
        let pool = pool.map_err(|e| Error::Setting(format!("cannot start {threads} threads: {e}")))?;
        Ok(Self { device: device.clone(), pool, idle: Mutex::default() })
    }

    /// What they compute on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// How many run at once.
    pub fn threads(&self) -> usize {
        self.pool.as_ref().map_or(1, rayon::ThreadPool::current_num_threads)
    }

    /// `f` of every `size` items in a row (fewer, at the end), with the chunk's number. Nothing is allocated, but for a
    /// block of the pool's queue at every 63rd call.
    pub fn for_chunks<T: Send>(
        &self,
        items: &mut [T],
        size: usize,
        f: impl Fn(&Device, usize, &mut [T]) -> Result<()> + Sync,
    ) -> Result<()> {
        let with_device = |(i, chunk): (usize, &mut [T])| {
            let device = self.lock().pop().unwrap_or_else(|| self.device.worker());
            let result = f(&device, i, chunk);
            self.lock().push(device);
            result
        };
        match &self.pool {
            // One chunk is not worth waking a thread for.
            Some(pool) if items.len() > size => {
                pool.install(|| items.par_chunks_mut(size).enumerate().try_for_each(with_device))
            }
            _ => items.chunks_mut(size).enumerate().try_for_each(with_device),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Device>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
