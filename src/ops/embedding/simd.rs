use super::Dims;
use crate::{
    device::Cpu,
    simd::{Kernel, Simd, update},
};

pub fn forward(d: Dims, ids: &[u32], [table]: [&[f32]; 1], [y]: [&mut [f32]; 1]) {
    let channels = d.channels as usize;
    for (&id, y) in ids.iter().zip(y.chunks_exact_mut(channels.max(1))) {
        y.copy_from_slice(&table[id as usize * channels..][..channels]);
    }
}

pub fn backward(cpu: &Cpu, d: Dims, ids: &[u32], [dy]: [&[f32]; 1], [dtable]: [&mut [f32]; 1]) {
    cpu.isa.run(Backward { channels: d.channels as usize, ids, dy, dtable });
}

struct Backward<'a> {
    channels: usize,
    ids: &'a [u32],
    dy: &'a [f32],
    dtable: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        self.dtable.fill(0.0);
        for (&id, dy) in self.ids.iter().zip(self.dy.chunks_exact(self.channels.max(1))) {
            let row = &mut self.dtable[id as usize * self.channels..][..self.channels];
            update(s, row, dy, |row, dy| s.add(row, dy));
        }
    }
}
