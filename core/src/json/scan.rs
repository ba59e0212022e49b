//! The grammar of RFC 8259 over bytes: one cursor that both the parser and the matcher drive.
//!
//! The scanner accepts what the grammar accepts and nothing else. What PostgreSQL refuses beyond the grammar (`\u0000`,
//! halves of surrogate pairs, numbers past its limits) is the parser's business: a document written by another program
//! may hold it, and the matcher must read on.

use super::Json;
use super::fault::{Fault, Reason};
use super::number::Number;
use super::string::RawString;

/// A `Result` whose error is a [`Fault`].
pub(crate) type Scan<T> = Result<T, Fault>;

/// Walks a JSON text from its first byte to its last, without going back and without allocating.
///
/// Methods named after a token require the cursor at its first byte, white space skipped, and leave it behind the
/// token's last byte. `depth` is everywhere the number of containers around the value at the cursor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Tells the values of JSON apart by their first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Number,
    String,
    Array,
    Object,
}

impl<'a> Scanner<'a> {
    /// Returns a scanner at the first byte of `bytes`.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Returns the offset of the cursor in bytes.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns a fault at the cursor.
    #[cold]
    pub(crate) fn fault<T>(&self, reason: Reason) -> Scan<T> {
        Err(Fault { at: self.at, reason })
    }

    /// Steps over `token` if it stands at the cursor.
    #[inline]
    pub(crate) fn take(&mut self, token: &[u8]) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Steps over white space: space, tab, line feed and carriage return, nothing else.
    #[inline]
    pub(crate) fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Returns the kind of the value at the cursor, without stepping over it.
    #[inline]
    pub(crate) fn kind(&self) -> Scan<Kind> {
        match self.peek() {
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.fault(Reason::UnknownWord),
            _ => self.fault(Reason::ExpectedValue),
        }
    }

    /// Steps over `null`.
    #[inline]
    pub(crate) fn null(&mut self) -> Scan<()> {
        if self.take(b"null") { Ok(()) } else { self.fault(Reason::UnknownWord) }
    }

    /// Steps over `true` or `false` and returns which it was.
    #[inline]
    pub(crate) fn boolean(&mut self) -> Scan<bool> {
        if self.take(b"true") {
            Ok(true)
        } else if self.take(b"false") {
            Ok(false)
        } else {
            self.fault(Reason::UnknownWord)
        }
    }

    /// Steps over a number and returns it as it is spelt.
    #[inline]
    pub(crate) fn number(&mut self) -> Scan<Number<'a>> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        let integer = self.at;
        self.digits()?;
        if leading_zero && self.at - integer > 1 {
            self.at = integer;
            return self.fault(Reason::LeadingZero);
        }
        let point = self.at;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let mantissa_end = self.at;
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(Number::new(&self.bytes[start..self.at], point - start, mantissa_end - start))
    }

    /// Steps over a string and returns what stands between its quotes, as it is spelt.
    // Called for each key and each string of each document: out of line, the matcher takes half as long again.
    #[expect(clippy::inline_always, reason = "measured")]
    #[inline(always)]
    pub(crate) fn string(&mut self) -> Scan<RawString<'a>> {
        let start = self.at + 1;
        let plain = plain_end(self.bytes, start);
        let ends = self.bytes.get(plain) == Some(&b'"');
        let end = if ends { plain } else { self.escaped_end(plain)? };
        self.at = end + 1;
        Ok(RawString::new(&self.bytes[start..end], !ends))
    }

    /// Steps over a key, the colon behind it and the white space around that.
    #[expect(clippy::inline_always, reason = "measured, as for `string`")]
    #[inline(always)]
    pub(crate) fn key(&mut self) -> Scan<RawString<'a>> {
        if self.peek() != Some(b'"') {
            return self.fault(Reason::ExpectedKey);
        }
        let key = self.string()?;
        self.skip_space();
        if self.peek() != Some(b':') {
            return self.fault(Reason::ExpectedColon);
        }
        self.at += 1;
        self.skip_space();
        Ok(key)
    }

    /// Steps over the bracket that opens a container, and the white space behind it.
    #[inline]
    pub(crate) fn open(&mut self, depth: usize) -> Scan<()> {
        if depth >= Json::MAX_DEPTH {
            return self.fault(Reason::TooDeep);
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    /// Steps over what follows a member or an element: a comma (true) or the bracket that closes an object or an array
    /// (false), and the white space around it.
    #[inline]
    pub(crate) fn comma_or_close(&mut self, kind: Kind) -> Scan<bool> {
        self.skip_space();
        let (close, reason) = closing(kind);
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fault(reason),
        }
    }

    /// Steps over the bracket that closes an object or an array if it stands at the cursor.
    #[inline]
    pub(crate) fn close(&mut self, kind: Kind) -> bool {
        let closes = self.peek() == Some(closing(kind).0);
        self.at += usize::from(closes);
        closes
    }

    /// Checks that nothing but white space is left.
    pub(crate) fn end(&mut self) -> Scan<()> {
        self.skip_space();
        if self.at == self.bytes.len() { Ok(()) } else { self.fault(Reason::ExpectedEnd) }
    }

    /// Steps over a value of any kind, checking its grammar and its depth.
    pub(crate) fn skip_value(&mut self, depth: usize) -> Scan<()> {
        // The kinds of the open containers, the innermost in the lowest bit. A depth of 128 just fits, so skipping
        // needs neither recursion nor a stack on the heap.
        const { assert!(Json::MAX_DEPTH <= u128::BITS as usize) };
        let mut objects = 0_u128;
        // A copy, so that the cursor stays in a register.
        let mut scan = *self;
        let mut inner = depth;
        loop {
            let kind = scan.kind()?;
            match kind {
                Kind::Null => scan.null()?,
                Kind::Bool => drop(scan.boolean()?),
                Kind::Number => drop(scan.number()?),
                Kind::String => drop(scan.string()?),
                Kind::Array | Kind::Object => {
                    scan.open(inner)?;
                    if !scan.close(kind) {
                        objects = objects << 1 | u128::from(kind == Kind::Object);
                        inner += 1;
                        if kind == Kind::Object {
                            scan.key()?;
                        }
                        continue;
                    }
                }
            }
            // A value ended: close what ends with it, up to the next comma.
            loop {
                if inner == depth {
                    *self = scan;
                    return Ok(());
                }
                let kind = if objects & 1 == 1 { Kind::Object } else { Kind::Array };
                if scan.comma_or_close(kind)? {
                    if kind == Kind::Object {
                        scan.key()?;
                    }
                    break;
                }
                objects >>= 1;
                inner -= 1;
            }
        }
    }

    /// Steps over a value by its brackets and strings alone: of any depth, its grammar unchecked.
    pub(super) fn skip_loosely(&mut self) -> Scan<()> {
        let mut open = 0_usize;
        loop {
            match self.peek() {
                Some(b'"') => drop(self.string()?),
                Some(b'{' | b'[') => {
                    open += 1;
                    self.at += 1;
                }
                Some(b'}' | b']') => {
                    open -= usize::from(open > 0);
                    self.at += 1;
                }
                Some(_) => self.at += 1,
                None => return Ok(()),
            }
            if open == 0 && matches!(self.peek(), None | Some(b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r')) {
                return Ok(());
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    #[inline]
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// Steps over one digit or more.
    #[inline]
    fn digits(&mut self) -> Scan<()> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { self.fault(Reason::ExpectedDigit) } else { Ok(()) }
    }

    /// Returns the offset of the quote that ends a string whose first byte that is not plain is at `at`.
    #[inline(never)]
    fn escaped_end(&self, mut at: usize) -> Scan<usize> {
        while self.bytes.get(at) != Some(&b'"') {
            at = plain_end(self.bytes, self.escape_end(at)?);
        }
        Ok(at)
    }

    /// Returns the offset behind the escape at `at`; anything else there is a fault of the string.
    fn escape_end(&self, at: usize) -> Scan<usize> {
        let fault = |at, reason| Err(Fault { at, reason });
        match self.bytes.get(at) {
            Some(b'\\') => {}
            Some(_) => return fault(at, Reason::ControlInString),
            None => return fault(at, Reason::UnclosedString),
        }
        match self.bytes.get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
            Some(b'u') => match (at + 2..at + 6).find(|&i| !self.bytes.get(i).is_some_and(u8::is_ascii_hexdigit)) {
                Some(bad) if bad >= self.bytes.len() => fault(bad, Reason::UnclosedString),
                Some(bad) => fault(bad, Reason::ExpectedHex),
                None => Ok(at + 6),
            },
            Some(_) => fault(at + 1, Reason::UnknownEscape),
            None => fault(at + 1, Reason::UnclosedString),
        }
    }
}

/// Returns the bracket that closes an object or an array, and the fault where it is missing.
#[inline]
fn closing(kind: Kind) -> (u8, Reason) {
    if kind == Kind::Object { (b'}', Reason::ExpectedCommaOrBrace) } else { (b']', Reason::ExpectedCommaOrBracket) }
}

/// Returns the offset of the first byte from `at` on that is a quote, a backslash or a control character, or the end.
#[inline]
fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(chunk) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        let special = special_bytes(u64::from_le_bytes(*chunk));
        if special != 0 {
            return at + (special.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte >= b' ' && byte != b'"' && byte != b'\\') {
        at += 1;
    }
    at
}

/// Returns a word whose lowest set bit lies in the first (lowest) byte of `word` that ends a run of plain characters.
///
/// The bit trick `(x - 0x01) & !x & 0x80` finds zero bytes eight at a time, and bytes below `n` with `n` for `0x01`. A
/// borrow may flag further bytes above the first true one, never below it, and only the lowest is used.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const fn eight(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    let quote = word ^ eight(b'"');
    let backslash = word ^ eight(b'\\');
    let quotes = quote.wrapping_sub(eight(1)) & !quote;
    let backslashes = backslash.wrapping_sub(eight(1)) & !backslash;
    let controls = word.wrapping_sub(eight(b' ')) & !word;
    (quotes | backslashes | controls) & eight(0x80)
}
