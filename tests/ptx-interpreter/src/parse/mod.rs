//! PTX text to modules, kernels and statements, names of registers resolved.

mod body;
mod token;
mod variable;

use crate::fault::PtxError;
use crate::types::{Register, Type};
use body::BodyParser;
use std::collections::HashMap;
use token::{Token, tokens};
use variable::{array, global};

/// A `.global` or `.const` variable with its initial bytes.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub data: Vec<u8>,
}

/// A `.shared` or `.local` array. `open` ones take what the launch gives beyond the static arrays.
#[derive(Clone, Debug)]
pub struct Array {
    pub name: String,
    pub align: usize,
    pub bytes: usize,
    pub open: bool,
}

/// A kernel's parameter: where in the argument block it lies.
#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub offset: usize,
    pub bytes: usize,
}

#[derive(Clone, Debug)]
pub enum Operand {
    Register(Register),
    /// `!%p1`.
    Not(Register),
    /// `%r1|%p1`: a result with its predicate.
    Pair(Box<Operand>, Box<Operand>),
    Integer(u64),
    /// Bits of an f32 (`0f3F800000`).
    Float(u32),
    /// Bits of an f64 (`0d3FF0000000000000`).
    Double(u64),
    Decimal(f64),
    /// `[base + offset]`.
    Address(Box<Operand>, i64),
    List(Vec<Operand>),
    /// `%tid.x` and its kin.
    Special(String),
    /// A label, a variable, an array or a parameter.
    Symbol(String),
    /// `_`: a result nobody wants.
    Sink,
}

#[derive(Clone, Debug)]
pub struct Statement {
    pub line: u32,
    /// The predicate and whether it is negated.
    pub guard: Option<(Register, bool)>,
    pub opcode: String,
    pub operands: Vec<Operand>,
    /// As it stands in the module.
    pub text: String,
    /// Line of the CUDA source, where the module was compiled with line information.
    pub source_line: Option<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct Body {
    pub statements: Vec<Statement>,
    pub labels: HashMap<String, usize>,
    /// Targets of `brx.idx`, by the table's label.
    pub tables: HashMap<String, Vec<String>>,
    pub shared: Vec<Array>,
    pub local: Vec<Array>,
    /// Registers in use: predicates, up to 32 bits, 64 bits.
    pub registers: [u16; 3],
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub params: Vec<Param>,
    /// From `.maxntid`.
    pub max_threads: Option<u32>,
    pub body: Body,
}

#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub variables: Vec<Variable>,
    /// Arrays declared outside the kernels, most of them `extern`.
    pub shared: Vec<Array>,
    pub entries: Vec<Entry>,
}

/// A place in the tokens of a module.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    tokens: Vec<Token<'a>>,
    at: usize,
}

impl<'a> Cursor<'a> {
    /// The next token, empty at the end.
    fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |t| t.text)
    }

    fn line(&self) -> u32 {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(0, |t| t.line)
    }

    fn next(&mut self) -> &'a str {
        let text = self.peek();
        self.at += 1;
        text
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = self.peek() == text;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), PtxError> {
        if self.eat(text) {
            Ok(())
        } else {
            Err(self.error(format!("expected '{text}', got '{}'", self.peek())))
        }
    }

    fn error(&self, what: impl Into<String>) -> PtxError {
        PtxError::new(self.line(), what)
    }

    fn number(&mut self) -> Result<usize, PtxError> {
        let text = self.peek();
        let value = text.parse().map_err(|_| self.error(format!("expected a number, got '{text}'")))?;
        self.at += 1;
        Ok(value)
    }

    /// Past the closing brace of the block that opens here.
    fn skip_block(&mut self) -> Result<(), PtxError> {
        let mut depth = 0;
        loop {
            match self.next() {
                "{" => depth += 1,
                "}" if depth == 1 => return Ok(()),
                "}" => depth -= 1,
                "" => return Err(self.error("block without end")),
                _ => {}
            }
        }
    }

    fn skip_line(&mut self) {
        let line = self.line();
        while self.tokens.get(self.at).is_some_and(|t| t.line == line) {
            self.at += 1;
        }
    }

    fn skip_past(&mut self, text: &str) {
        while !["", text].contains(&self.next()) {}
    }
}

/// Reads a module.
pub fn parse(text: &str) -> Result<Parsed, PtxError> {
    let mut c = Cursor { text, tokens: tokens(text)?, at: 0 };
    let mut module = Parsed::default();
    loop {
        match c.peek() {
            "" => return Ok(module),
            ".version" | ".target" | ".address_size" | ".file" | ".loc" => c.skip_line(),
            ".visible" | ".extern" | ".weak" | ".common" => c.at += 1,
            ".entry" => module.entries.push(entry(&mut c)?),
            // Functions that were not inlined: the kernels that call one say so when they are asked for.
            ".func" => skip_function(&mut c)?,
            ".section" => c.skip_block()?,
            ".pragma" => c.skip_past(";"),
            ".shared" => module.shared.push(array(&mut c)?),
            ".global" | ".const" => module.variables.push(global(&mut c)?),
            other => return Err(c.error(format!("expected a directive, got '{other}'"))),
        }
    }
}

fn skip_function(c: &mut Cursor) -> Result<(), PtxError> {
    while !matches!(c.peek(), "{" | ";" | "") {
        c.at += 1;
    }
    if c.eat(";") { Ok(()) } else { c.skip_block() }
}

fn entry(c: &mut Cursor) -> Result<Entry, PtxError> {
    c.expect(".entry")?;
    let name = c.next().to_string();
    let params = if c.eat("(") { params(c)? } else { Vec::new() };
    let mut max_threads = None;
    while c.peek().starts_with('.') {
        let directive = c.next();
        let mut product = 1;
        while c.peek().starts_with(|x: char| x.is_ascii_digit()) || c.peek() == "," {
            if !c.eat(",") {
                product *= c.number()?;
            }
        }
        if directive == ".maxntid" || directive == ".reqntid" {
            max_threads = Some(product as u32);
        }
    }
    Ok(Entry { name, params, max_threads, body: BodyParser::new(c).parse()? })
}

/// `.param .align 8 .b8 name[24], .param .u64 name)`.
fn params(c: &mut Cursor) -> Result<Vec<Param>, PtxError> {
    let mut params = Vec::new();
    let mut end = 0usize;
    while !c.eat(")") {
        c.eat(",");
        c.expect(".param")?;
        let (mut align, mut ty) = (1, None);
        while c.peek().starts_with('.') {
            match c.next() {
                ".align" => align = c.number()?,
                ".ptr" | ".global" | ".const" | ".shared" => {}
                word => ty = ty.or(Type::parse(&word[1..])),
            }
        }
        let ty = ty.ok_or_else(|| c.error("parameter without a type"))?;
        let name = c.next().to_string();
        let mut bytes = ty.bytes();
        if c.eat("[") {
            bytes *= c.number()?;
            c.expect("]")?;
        }
        let offset = end.next_multiple_of(align.max(ty.bytes()));
        end = offset + bytes;
        params.push(Param { name, offset, bytes });
    }
    Ok(params)
}
