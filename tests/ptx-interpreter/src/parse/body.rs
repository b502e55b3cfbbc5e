//! A kernel's body: scopes of registers, labels, statements.

use super::{Body, Cursor, Operand, Statement, variable::array};
use crate::fault::PtxError;
use crate::types::{File, Register, Type};
use std::collections::HashMap;

/// Registers that one pair of braces declares: single names, and ranges (`%r<114>`) by their prefix.
#[derive(Default)]
struct Scope {
    names: HashMap<String, Register>,
    ranges: HashMap<String, (Register, usize)>,
}

impl Scope {
    fn find(&self, name: &str) -> Option<Register> {
        if let Some(found) = self.names.get(name) {
            return Some(*found);
        }
        let digits = name.len() - name.trim_end_matches(|c: char| c.is_ascii_digit()).len();
        let (prefix, number) = name.split_at(name.len() - digits);
        let (first, count) = self.ranges.get(prefix)?;
        let number: usize = number.parse().ok().filter(|n| n < count)?;
        Some(Register { file: first.file, index: first.index + number as u16 })
    }
}

pub(super) struct BodyParser<'c, 'a> {
    c: &'c mut Cursor<'a>,
    body: Body,
    scopes: Vec<Scope>,
    source_line: Option<u32>,
}

impl<'c, 'a> BodyParser<'c, 'a> {
    pub fn new(c: &'c mut Cursor<'a>) -> Self {
        Self { c, body: Body::default(), scopes: Vec::new(), source_line: None }
    }

    pub fn parse(mut self) -> Result<Body, PtxError> {
        loop {
            match self.c.peek() {
                "" => return Err(self.c.error("kernel without end")),
                "{" => {
                    self.c.at += 1;
                    self.scopes.push(Scope::default());
                }
                "}" => {
                    self.c.at += 1;
                    self.scopes.pop();
                    if self.scopes.is_empty() {
                        return Ok(self.body);
                    }
                }
                ";" => self.c.at += 1,
                ".reg" => self.registers()?,
                ".shared" => self.body.shared.push(array(self.c)?),
                ".local" => self.body.local.push(array(self.c)?),
                ".loc" => self.location(),
                ".file" => self.c.skip_line(),
                // `.param` belongs to calls, which say themselves that they are not interpreted.
                ".pragma" | ".param" => self.c.skip_past(";"),
                _ if self.c.tokens.get(self.c.at + 1).is_some_and(|t| t.text == ":") => self.label()?,
                _ => self.statement()?,
            }
        }
    }

    /// `.loc 1 42 5`: file, line, column, and what more there is on the line.
    fn location(&mut self) {
        self.source_line = self.c.tokens.get(self.c.at + 2).and_then(|t| t.text.parse().ok());
        self.c.skip_line();
    }

    /// `.reg .b32 %r<114>;` or `.reg .pred p, q;`.
    fn registers(&mut self) -> Result<(), PtxError> {
        self.c.at += 1;
        let word = self.c.next();
        let ty = word.strip_prefix('.').and_then(Type::parse);
        let ty = ty.ok_or_else(|| self.c.error(format!("expected a register's type, got '{word}'")))?;
        loop {
            let name = self.c.next().to_string();
            let count = if self.c.eat("<") {
                let count = self.c.number()?;
                self.c.expect(">")?;
                Some(count)
            } else {
                None
            };
            let first = self.allocate(File::of(ty), count.unwrap_or(1))?;
            let scope = self.scopes.last_mut().expect("declarations stand inside the braces");
            match count {
                Some(count) => drop(scope.ranges.insert(name, (first, count))),
                None => drop(scope.names.insert(name, first)),
            }
            if !self.c.eat(",") {
                return self.c.expect(";");
            }
        }
    }

    fn allocate(&mut self, file: File, count: usize) -> Result<Register, PtxError> {
        let used = &mut self.body.registers[file as usize];
        let first = *used;
        *used = u16::try_from(first as usize + count).map_err(|_| self.c.error("too many registers"))?;
        Ok(Register { file, index: first })
    }

    fn label(&mut self) -> Result<(), PtxError> {
        let name = self.c.next().to_string();
        self.c.expect(":")?;
        if !self.c.eat(".branchtargets") {
            self.body.labels.insert(name, self.body.statements.len());
            return Ok(());
        }
        let mut targets = vec![self.c.next().to_string()];
        while self.c.eat(",") {
            targets.push(self.c.next().to_string());
        }
        self.body.tables.insert(name, targets);
        self.c.expect(";")
    }

    fn statement(&mut self) -> Result<(), PtxError> {
        let (line, start) = (self.c.line(), self.c.at);
        let guard = if self.c.eat("@") {
            let negated = self.c.eat("!");
            Some((self.register()?, negated))
        } else {
            None
        };
        let opcode = self.c.next().to_string();
        let mut operands = Vec::new();
        while !self.c.eat(";") {
            if !operands.is_empty() {
                self.c.expect(",")?;
            }
            operands.push(self.operand()?);
        }
        let text = self.text(start);
        let source_line = self.source_line;
        self.body.statements.push(Statement { line, guard, opcode, operands, text, source_line });
        Ok(())
    }

    /// The module's text from token `start` to here, blanks joined.
    fn text(&self, start: usize) -> String {
        let place = |i: usize| self.c.tokens[i].text.as_ptr() as usize - self.c.text.as_ptr() as usize;
        let text = &self.c.text[place(start)..place(self.c.at - 1)];
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn register(&mut self) -> Result<Register, PtxError> {
        let name = self.c.peek();
        let found = self.scopes.iter().rev().find_map(|s| s.find(name));
        let found = found.ok_or_else(|| self.c.error(format!("'{name}' is not declared as a register")))?;
        self.c.at += 1;
        Ok(found)
    }

    fn operand(&mut self) -> Result<Operand, PtxError> {
        let operand = match self.c.peek() {
            "{" => self.list("}")?,
            "(" => self.list(")")?,
            "[" => self.address()?,
            "!" => {
                self.c.at += 1;
                Operand::Not(self.register()?)
            }
            "_" => {
                self.c.at += 1;
                Operand::Sink
            }
            _ => self.simple()?,
        };
        if !self.c.eat("|") {
            return Ok(operand);
        }
        Ok(Operand::Pair(Box::new(operand), Box::new(self.operand()?)))
    }

    fn list(&mut self, end: &str) -> Result<Operand, PtxError> {
        self.c.at += 1;
        let mut list = Vec::new();
        while !self.c.eat(end) {
            if !list.is_empty() {
                self.c.expect(",")?;
            }
            list.push(self.operand()?);
        }
        Ok(Operand::List(list))
    }

    /// `[%rd1]`, `[%rd1+16]`, `[%rd1+-4]`, `[symbol]`, `[table, {..}]` (textures) being an error.
    fn address(&mut self) -> Result<Operand, PtxError> {
        self.c.at += 1;
        let base = Box::new(self.simple()?);
        let mut offset = 0i64;
        while !self.c.eat("]") {
            if self.c.eat("-") {
                offset -= self.c.number()? as i64;
            } else {
                self.c.expect("+")?;
                let minus = self.c.eat("-");
                let n = self.c.number()? as i64;
                offset += if minus { -n } else { n };
            }
        }
        Ok(Operand::Address(base, offset))
    }

    fn simple(&mut self) -> Result<Operand, PtxError> {
        let minus = self.c.eat("-");
        let word = self.c.peek();
        if minus || word.starts_with(|c: char| c.is_ascii_digit()) {
            let number = number(word, minus);
            let number = number.ok_or_else(|| self.c.error(format!("'{word}' is not a number")))?;
            self.c.at += 1;
            return Ok(number);
        }
        if let Some(found) = self.scopes.iter().rev().find_map(|s| s.find(word)) {
            self.c.at += 1;
            return Ok(Operand::Register(found));
        }
        if !word.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '%' | '_' | '$')) {
            return Err(self.c.error(format!("expected an operand, got '{word}'")));
        }
        self.c.at += 1;
        Ok(match word.strip_prefix('%') {
            Some(special) => Operand::Special(special.to_string()),
            None => Operand::Symbol(word.to_string()),
        })
    }
}

fn number(word: &str, minus: bool) -> Option<Operand> {
    let digits = word.get(2..).unwrap_or("");
    match word.get(..2) {
        Some("0f" | "0F") => {
            let bits = u32::from_str_radix(digits, 16).ok()?;
            return Some(Operand::Float(bits ^ u32::from(minus) << 31));
        }
        Some("0d" | "0D") => {
            let bits = u64::from_str_radix(digits, 16).ok()?;
            return Some(Operand::Double(bits ^ u64::from(minus) << 63));
        }
        _ => {}
    }
    let integer = match word.get(..2) {
        Some("0x" | "0X") => u64::from_str_radix(digits.trim_end_matches('U'), 16).ok(),
        _ => word.trim_end_matches('U').parse().ok(),
    };
    match integer {
        Some(x) => Some(Operand::Integer(if minus { u64::wrapping_neg(x) } else { x })),
        None => word.parse().ok().map(|x: f64| Operand::Decimal(if minus { -x } else { x })),
    }
}
