use crate::{
    device::Cpu,
    simd::{Kernel, Simd, read, update, write, zip},
};

pub fn forward(cpu: &Cpu, [a, b]: [&[f32]; 2], [y]: [&mut [f32]; 1]) {
    for (a, y) in a.chunks_exact(b.len().max(1)).zip(y.chunks_exact_mut(b.len().max(1))) {
        cpu.isa.run(Sum { a, b, y });
    }
}

pub fn sum(cpu: &Cpu, [dy]: [&[f32]; 1], [db]: [&mut [f32]; 1]) {
    cpu.isa.run(SumLeading { dy, db });
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

/// By strips of columns, whose sums stay in registers.
struct SumLeading<'a> {
    dy: &'a [f32],
    db: &'a mut [f32],
}

impl Kernel for SumLeading<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        const VECTORS: usize = 4;
        let n = self.db.len();
        for (i, db) in self.db.chunks_mut(VECTORS * S::LANES).enumerate() {
            let rows = self.dy.chunks_exact(n).map(|row| &row[i * VECTORS * S::LANES..][..db.len()]);
            let mut sums = [s.splat(0.0); VECTORS];
            if db.len() == VECTORS * S::LANES {
                for row in rows {
                    for (sum, x) in sums.iter_mut().zip(row.chunks_exact(S::LANES)) {
                        *sum = s.add(*sum, s.load(x));
                    }
                }
            } else {
                for row in rows {
                    for (sum, x) in sums.iter_mut().zip(row.chunks(S::LANES)) {
                        *sum = s.add(*sum, read(s, x));
                    }
                }
            }
            for (db, sum) in db.chunks_mut(S::LANES).zip(sums) {
                write(s, db, sum);
            }
        }
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
