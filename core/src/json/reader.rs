//! Reads JSON text piece by piece, for forms that are written in JSON.

use super::Json;
use super::fault::{Fault, Reason, at_place};
pub(crate) use super::scan::Kind;
use super::scan::Scanner;
use crate::Error;

/// Names a place in a text, and what is wrong there: with the JSON, or with what it says.
#[derive(Debug)]
pub(crate) struct Wrong(Cause);

#[derive(Debug)]
enum Cause {
    Syntax(Fault),
    Meaning { at: usize, message: String, hint: Option<String> },
}

/// A `Result` whose error names a place in the text.
pub(crate) type Read<T> = Result<T, Wrong>;

impl Wrong {
    /// Returns what is wrong at the byte `at`. The message holds no value.
    #[cold]
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self(Cause::Meaning { at, message: message.into(), hint: None })
    }

    /// Says what to write instead.
    #[must_use]
    pub(crate) fn with_hint(mut self, text: impl Into<String>) -> Self {
        if let Cause::Meaning { hint, .. } = &mut self.0 {
            *hint = Some(text.into());
        }
        self
    }

    /// Returns the error for a mistake in `text`, with the line and the column as context.
    #[cold]
    pub(crate) fn into_error(self, text: &str) -> Error {
        match self.0 {
            Cause::Syntax(fault) => fault.into_error(text),
            Cause::Meaning { at, message, hint } => {
                let error = at_place(Error::invalid_input(message), text, at);
                match hint {
                    Some(hint) => error.with_hint(hint),
                    None => error,
                }
            }
        }
    }
}

impl From<Fault> for Wrong {
    fn from(fault: Fault) -> Self {
        Self(Cause::Syntax(fault))
    }
}

/// Walks a JSON text from its first byte to its last. The cursor stands at the first byte of a token.
///
/// How deep containers may be nested is the caller's business, but for values taken whole.
#[derive(Clone, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    scan: Scanner<'a>,
}

impl<'a> Reader<'a> {
    /// Returns a reader at the first value of `text`.
    pub(crate) fn new(text: &'a str) -> Read<Self> {
        let mut scan = Scanner::new(text.as_bytes());
        if text.len() > Json::MAX_INPUT_BYTES {
            return Err(scan.fault::<()>(Reason::InputTooLong).expect_err("a fault").into());
        }
        if scan.take("\u{feff}".as_bytes()) {
            return Err(Fault { at: 0, reason: Reason::ByteOrderMark }.into());
        }
        scan.skip_space();
        Ok(Self { text, scan })
    }

    /// Returns the offset of the cursor in bytes.
    pub(crate) fn at(&self) -> usize {
        self.scan.at()
    }

    /// Returns the kind of the value at the cursor.
    pub(crate) fn kind(&self) -> Read<Kind> {
        Ok(self.scan.kind()?)
    }

    /// Steps over the value at the cursor and returns it.
    pub(crate) fn value(&mut self) -> Read<Json> {
        let start = self.at();
        self.scan.skip_value(0)?;
        self.json(start)
    }

    /// Steps over the string at the cursor and returns it, unescaped.
    pub(crate) fn string(&mut self) -> Read<String> {
        let start = self.at();
        self.scan.string()?;
        self.unescaped(start)
    }

    /// Steps into the object or array at the cursor, and returns whether there is anything in it. Else it is behind it.
    pub(crate) fn open(&mut self, kind: Kind) -> Read<bool> {
        self.scan.open(0)?;
        Ok(!self.scan.close(kind))
    }

    /// Steps over a key and the colon behind it, and returns the key.
    pub(crate) fn key(&mut self) -> Read<String> {
        let start = self.at();
        let mut scan = self.scan;
        scan.key()?;
        self.scan.string()?;
        let key = self.unescaped(start)?;
        self.scan = scan;
        Ok(key)
    }

    /// Steps over what follows a member or an element, and returns whether there is another one. Else it is behind the
    /// container.
    pub(crate) fn next(&mut self, kind: Kind) -> Read<bool> {
        Ok(self.scan.comma_or_close(kind)?)
    }

    /// Checks that nothing is left.
    pub(crate) fn end(&mut self) -> Read<()> {
        Ok(self.scan.end()?)
    }

    /// Looks in the object at the cursor for this key as long as none but `others` come before it, and returns a reader at
    /// its value. Faults on the way are not reported: whoever walks the object finds them.
    pub(crate) fn find(&self, key: &str, others: &[&str]) -> Option<Self> {
        let mut scan = self.scan;
        scan.open(0).ok()?;
        if scan.close(Kind::Object) {
            return None;
        }
        loop {
            let found = scan.key().ok()?;
            if found.equals(key.as_bytes()) {
                return Some(Self { scan, ..*self });
            }
            if !others.iter().any(|other| found.equals(other.as_bytes())) {
                return None;
            }
            scan.skip_loosely().ok()?;
            if !scan.comma_or_close(Kind::Object).ok()? {
                return None;
            }
        }
    }

    fn unescaped(&self, start: usize) -> Read<String> {
        let json = self.json(start)?;
        Ok(json.deserialize().expect("the text between two quotes is a string"))
    }

    /// Returns the value between `start` and the cursor.
    fn json(&self, start: usize) -> Read<Json> {
        Json::read(&self.text[start..self.at()]).map_err(|Fault { at, reason }| Fault { at: start + at, reason }.into())
    }
}
