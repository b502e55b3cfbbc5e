//! A module with its variables in memory, and kernels ready to run.

use crate::decode::{Code, decode};
use crate::fault::PtxError;
use crate::memory::Memory;
use crate::parse::{Array, Entry, Parsed, parse};
use std::collections::HashMap;
use std::ops::Range;

/// Bytes between two shared arrays that belong to neither: an access beyond an array's end is found.
const GAP: usize = 16;

/// A module whose variables lie in device memory.
#[derive(Clone, Debug)]
pub struct Module {
    parsed: Parsed,
    variables: HashMap<String, (u64, usize)>,
}

impl Module {
    /// Reads PTX and puts its `.global` and `.const` variables into `memory`.
    pub fn load(text: &str, memory: &mut Memory) -> Result<Module, PtxError> {
        let parsed = parse(text)?;
        let mut variables = HashMap::new();
        for variable in &parsed.variables {
            let address = memory.allocate(variable.data.len());
            let address = address.ok_or_else(|| PtxError::new(0, format!("{}: too large", variable.name)))?;
            memory.write(address, &variable.data).expect("the buffer was made for it");
            variables.insert(variable.name.clone(), (address, variable.data.len()));
        }
        Ok(Module { parsed, variables })
    }

    /// Takes its variables out of `memory` again.
    pub fn unload(self, memory: &mut Memory) {
        for (address, _) in self.variables.into_values() {
            memory.free(address);
        }
    }

    /// Names of the module's kernels.
    pub fn kernels(&self) -> impl Iterator<Item = &str> {
        self.parsed.entries.iter().map(|e| e.name.as_str())
    }

    /// Address and bytes of a `.global` or `.const` variable.
    pub fn variable(&self, name: &str) -> Option<(u64, usize)> {
        self.variables.get(name).copied()
    }

    /// Decodes the kernel `name`; `None` where there is none.
    pub fn kernel(&self, name: &str) -> Option<Result<Kernel, PtxError>> {
        let entry = self.parsed.entries.iter().find(|e| e.name == name)?;
        Some(self.decoded(entry))
    }

    fn decoded(&self, entry: &Entry) -> Result<Kernel, PtxError> {
        let mut symbols: HashMap<String, u64> =
            self.variables.iter().map(|(name, (address, _))| (name.clone(), *address)).collect();
        let shared = SharedLayout::new(self.parsed.shared.iter().chain(&entry.body.shared), &mut symbols);
        let mut local_bytes = 0usize;
        for array in &entry.body.local {
            let at = local_bytes.next_multiple_of(array.align);
            symbols.insert(array.name.clone(), at as u64);
            local_bytes = at + array.bytes;
        }
        for param in &entry.params {
            symbols.insert(param.name.clone(), param.offset as u64);
        }
        let code = decode(&entry.body, &symbols)?;
        let statements = entry.body.statements.iter();
        Ok(Kernel {
            name: entry.name.clone(),
            code,
            statements: statements.map(|s| (s.text.clone(), s.line, s.source_line)).collect(),
            params: entry.params.iter().map(|p| (p.offset, p.bytes)).collect(),
            shared,
            local_bytes: local_bytes.next_multiple_of(16),
            max_threads: entry.max_threads.unwrap_or(1024).min(1024),
        })
    }
}

/// Where a block's shared arrays lie here; on a GPU they lie closer.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedLayout {
    /// Bytes of the static arrays as a GPU counts them.
    pub static_bytes: usize,
    /// Where the dynamic part starts.
    pub dynamic_at: usize,
    /// Bytes that belong to no array.
    pub gaps: Vec<Range<usize>>,
    /// Whether the kernel names the dynamic part at all.
    pub dynamic: bool,
}

impl SharedLayout {
    fn new<'a>(arrays: impl Iterator<Item = &'a Array>, symbols: &mut HashMap<String, u64>) -> Self {
        let mut layout = SharedLayout::default();
        let (mut end, mut open_align, mut open) = (0usize, 16, Vec::new());
        for array in arrays {
            if array.open {
                open_align = open_align.max(array.align);
                open.push(&array.name);
                continue;
            }
            let at = if end == 0 { 0 } else { (end + GAP).next_multiple_of(array.align.max(4)) };
            if at > end {
                layout.gaps.push(end.next_multiple_of(4)..at);
            }
            symbols.insert(array.name.clone(), at as u64);
            end = at + array.bytes;
            layout.static_bytes = layout.static_bytes.next_multiple_of(array.align) + array.bytes;
        }
        layout.dynamic = !open.is_empty();
        layout.dynamic_at = end;
        if layout.dynamic && end > 0 {
            layout.dynamic_at = (end + GAP).next_multiple_of(open_align);
            layout.gaps.push(end.next_multiple_of(4)..layout.dynamic_at);
        }
        for name in open {
            symbols.insert(name.clone(), layout.dynamic_at as u64);
        }
        layout
    }
}

/// A kernel, decoded.
#[derive(Debug)]
pub struct Kernel {
    pub(crate) name: String,
    pub(crate) code: Code,
    /// Text, line in the module, line of the CUDA source.
    pub(crate) statements: Vec<(String, u32, Option<u32>)>,
    /// Offset and bytes of each parameter.
    pub(crate) params: Vec<(usize, usize)>,
    pub(crate) shared: SharedLayout,
    pub(crate) local_bytes: usize,
    pub(crate) max_threads: u32,
}

impl Kernel {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Bytes of each parameter.
    pub fn param_bytes(&self) -> impl Iterator<Item = usize> {
        self.params.iter().map(|p| p.1)
    }

    /// Bytes of the arrays that the kernel declares with a size.
    pub fn static_shared(&self) -> usize {
        self.shared.static_bytes
    }

    /// Bytes of local memory of a thread.
    pub fn local_bytes(&self) -> usize {
        self.local_bytes
    }

    /// Threads that a block may have.
    pub fn max_threads(&self) -> u32 {
        self.max_threads
    }
}
