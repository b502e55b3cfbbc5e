//! The words of an opcode, taken one by one: what is left at the end is not understood, and an error.

use crate::fault::PtxError;
use crate::kinds::Round;
use crate::parse::{Operand, Statement};
use crate::types::Type;

pub(super) struct Words<'a> {
    pub root: &'a str,
    rest: Vec<&'a str>,
    statement: &'a Statement,
}

impl<'a> Words<'a> {
    pub fn new(statement: &'a Statement) -> Self {
        let mut words = statement.opcode.split('.');
        let root = words.next().unwrap_or("");
        Self { root, rest: words.collect(), statement }
    }

    pub fn error(&self, what: impl Into<String>) -> PtxError {
        PtxError::new(self.statement.line, format!("{}: {}", self.statement.text, what.into()))
    }

    pub fn unknown(&self) -> PtxError {
        self.error(format!("'{}' is not interpreted", self.statement.opcode))
    }

    pub fn has(&self, word: &str) -> bool {
        self.rest.contains(&word)
    }

    /// Whether the word is there; it is then taken.
    pub fn take(&mut self, word: &str) -> bool {
        let found = self.rest.iter().position(|w| *w == word);
        found.map(|i| self.rest.remove(i)).is_some()
    }

    /// Takes the first of `words` that is there.
    pub fn take_any(&mut self, words: &[&str]) -> Option<&'a str> {
        let found = self.rest.iter().position(|w| words.contains(w))?;
        Some(self.rest.remove(found))
    }

    /// Takes and forgets: hints that change no result here.
    pub fn ignore(&mut self, words: &[&str]) {
        self.rest.retain(|w| !words.contains(w));
    }

    /// Takes the words that start so (`L1::evict_last`).
    pub fn ignore_prefix(&mut self, prefix: &str) {
        self.rest.retain(|w| !w.starts_with(prefix));
    }

    /// The next type among the words.
    pub fn ty(&mut self) -> Result<Type, PtxError> {
        let found = self.rest.iter().position(|w| Type::parse(w).is_some());
        let i = found.ok_or_else(|| self.error("expected a type in the opcode"))?;
        Ok(Type::parse(self.rest.remove(i)).expect("it was a type a line ago"))
    }

    /// `.rn` and its kin; nearest where none is given.
    pub fn rounding(&mut self) -> Round {
        match self.take_any(&["rn", "rz", "rm", "rp"]) {
            Some("rz") => Round::Zero,
            Some("rm") => Round::Down,
            Some("rp") => Round::Up,
            _ => Round::Nearest,
        }
    }

    /// All operands, of which there must be `N`; no word may be left.
    pub fn operands<const N: usize>(&self) -> Result<&'a [Operand; N], PtxError> {
        self.finish()?;
        let operands = &self.statement.operands;
        operands.as_slice().try_into().map_err(|_| self.error(format!("expected {N} operands")))
    }

    /// All operands, however many; no word may be left.
    pub fn all_operands(&self) -> Result<&'a [Operand], PtxError> {
        self.finish()?;
        Ok(&self.statement.operands)
    }

    fn finish(&self) -> Result<(), PtxError> {
        match self.rest.first() {
            None => Ok(()),
            Some(left) => Err(self.error(format!("'.{left}' is not interpreted"))),
        }
    }
}
