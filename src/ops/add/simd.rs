use crate::{
    device::Cpu,
    simd::{Kernel, Simd, update, zip},
};

pub fn forward(cpu: &Cpu, [a, b]: [&[f32]; 2], [y]: [&mut [f32]; 1]) {
    for (a, y) in a.chunks_exact(b.len().max(1)).zip(y.chunks_exact_mut(b.len().max(1))) {
        cpu.isa.run(Sum { a, b, y });
    }
}

pub fn sum(cpu: &Cpu, [dy]: [&[f32]; 1], [db]: [&mut [f32]; 1]) {
    db.fill(0.0);
    for dy in dy.chunks_exact(db.len().max(1)) {
        accumulate(cpu, dy, db);
    }
}

pub fn accumulate(cpu: &Cpu, x: &[f32], into: &mut [f32]) {
    cpu.isa.run(Accumulate { into, x });
}

struct Sum<'a> {
    a: &'a [f32],
    b: &'a [f32],
    y: &'a mut [f32],
}

impl Kernel for Sum<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        zip(s, self.a, self.b, self.y, |a, b| s.add(a, b));
    }
}

struct Accumulate<'a> {
    into: &'a mut [f32],
    x: &'a [f32],
}

impl Kernel for Accumulate<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        update(s, self.into, self.x, |into, x| s.add(into, x));
    }
}
