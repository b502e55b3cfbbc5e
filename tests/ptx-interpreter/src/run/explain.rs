//! What is wrong with an access, in words.

use super::Machine;
use super::access::{Place, place};
use crate::fault::{FaultKind, Trouble};
use crate::kinds::Space;
use crate::shadow::{Access, Conflict};

impl Machine<'_> {
    /// What an address belongs to, in words: `offset 8 of argument 2's buffer of 64 bytes`.
    #[cold]
    fn whereabouts(&mut self, space: Space, address: u64) -> String {
        let address = match place(space, address) {
            Place::Shared(offset) => {
                return format!(
                    "offset {} of {} bytes of shared memory",
                    offset as i64,
                    self.shared.data.len()
                );
            }
            Place::Global(address) => address,
            _ => return format!("address {address:#x}"),
        };
        let argument = self.kernel.params.iter().position(|(offset, bytes)| {
            let value = |b: &[u8]| u64::from_le_bytes(b.try_into().expect("eight bytes were asked for"));
            *bytes == 8 && value(&self.params[*offset..offset + 8]) >> 32 == address >> 32
        });
        let Some((region, offset)) = self.memory.find(address) else {
            return format!("address {address:#x}, which is in no live buffer");
        };
        let owner = argument.map_or("a".to_string(), |i| format!("argument {i}'s"));
        format!("offset {offset} of {owner} buffer of {} bytes", region.data.len())
    }

    #[cold]
    pub(super) fn out_of_bounds(
        &mut self,
        lane: usize,
        space: Space,
        address: u64,
        bytes: usize,
    ) -> Box<Trouble> {
        let what = format!("out of bounds: {bytes} bytes at {}", self.whereabouts(space, address));
        Trouble::at(FaultKind::OutOfBounds, lane, what)
    }

    #[cold]
    pub(super) fn conflict(
        &mut self,
        lane: usize,
        space: Space,
        address: u64,
        bytes: usize,
        access: Access,
        conflict: Conflict,
    ) -> Box<Trouble> {
        let at = self.whereabouts(space, address);
        let (kind, what) = match conflict {
            Conflict::Unwritten => {
                (FaultKind::Unwritten, format!("read of {bytes} bytes that nothing wrote, at {at}"))
            }
            Conflict::Pending => {
                (FaultKind::PendingCopy, format!("read of a cp.async target before its wait, at {at}"))
            }
            Conflict::Outside => {
                (FaultKind::OutOfBounds, format!("out of bounds: {bytes} bytes between two arrays, at {at}"))
            }
            Conflict::Race { with_write, same_block, thread } => {
                let verb = |write| if write { "write" } else { "read" };
                let mine = verb(!matches!(access, Access::Read | Access::AtomicRead));
                let theirs = verb(with_write);
                let whose = if same_block {
                    format!("thread {thread} of this block, no barrier between")
                } else {
                    "another block".to_string()
                };
                (FaultKind::Race, format!("race: {mine} at {at} after a {theirs} by {whose}"))
            }
        };
        Trouble::at(kind, lane, what)
    }
}
