//! A kernel with its memory, and numbers to feed it.
#![allow(dead_code)] // no test's program uses all of it

use ptx_interpreter::{Kernel, Launch, Memory, Module};

pub struct Bench {
    pub memory: Memory,
    pub module: Module,
}

impl Bench {
    pub fn new(text: &str) -> Bench {
        let mut memory = Memory::default();
        let module = Module::load(text, &mut memory).unwrap();
        Bench { memory, module }
    }

    pub fn kernel(&self, name: &str) -> Kernel {
        self.module.kernel(name).unwrap_or_else(|| panic!("no kernel {name}")).unwrap()
    }

    pub fn run(&mut self, name: &str, launch: &Launch) {
        self.kernel(name).launch(&mut self.memory, launch).unwrap_or_else(|fault| panic!("{fault}"));
    }
}

/// Whole numbers of 64 bits from a seed (xorshift).
pub fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// In -1..1.
pub fn unit(draw: u64) -> f32 {
    (draw >> 40) as f32 / (1u64 << 23) as f32 - 1.0
}
