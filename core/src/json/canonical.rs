//! Canonical text: what PostgreSQL prints for `jsonb::text`, by two ways that give the same bytes.
//!
//! [`canonicalize`] reads any JSON text and writes its canonical form. [`is_canonical`] only recognises text that is in
//! canonical form already, as every stored document is, and stops at the first byte that is not: copying such a text
//! takes less than half the time of writing it anew.

use std::cmp::Ordering;
use std::ops::Range;

use super::Json;
use super::fault::{Fault, Reason};
use super::scan::{Kind, Scan, Scanner};
use super::string::RawString;

/// Returns the canonical form of `text`.
///
/// The size of the result is left to the caller, but bounded: exponents are spelt out only while the whole stays within
/// [`Json::MAX_INPUT_BYTES`], and all else at most doubles in size.
pub(super) fn canonicalize(text: &str) -> Scan<String> {
    let mut writer = Writer {
        scan: Scanner::new(text.as_bytes()),
        out: Vec::with_capacity(text.len() + text.len() / 4),
        members: Vec::new(),
        sorted: Vec::new(),
    };
    if writer.scan.take("\u{feff}".as_bytes()) {
        return Err(Fault { at: 0, reason: Reason::ByteOrderMark });
    }
    writer.scan.skip_space();
    writer.value(0)?;
    writer.scan.end()?;
    Ok(String::from_utf8(writer.out).expect("UTF-8 text cut at ASCII bytes is UTF-8"))
}

/// Reports whether `text` is JSON in canonical form; its size is not looked at.
pub(super) fn is_canonical(text: &str) -> bool {
    let mut scan = Scanner::new(text.as_bytes());
    value_is_canonical(&mut scan, 0) == Ok(true) && scan.at() == text.len()
}

/// Writes values in canonical form, one after the other, behind each other.
struct Writer<'a> {
    scan: Scanner<'a>,
    out: Vec<u8>,
    /// The members written so far of all objects that are still open, the innermost object's last.
    members: Vec<Member>,
    /// Where the members of an object are put in order; kept for its capacity.
    sorted: Vec<u8>,
}

/// Where a member stands in the text written so far.
struct Member {
    key: Key,
    /// From the quote that opens the key to the end of the value.
    text: Range<usize>,
}

/// The bytes a member is ordered by.
enum Key {
    /// The key as it was written, between its quotes.
    Written(Range<usize>),
    /// A key that was spelt with escapes, without them.
    Unescaped(Box<[u8]>),
}

impl Writer<'_> {
    fn value(&mut self, depth: usize) -> Scan<()> {
        match self.scan.kind()? {
            Kind::Null => {
                self.scan.null()?;
                self.out.extend_from_slice(b"null");
            }
            Kind::Bool => {
                let value: &[u8] = if self.scan.boolean()? { b"true" } else { b"false" };
                self.out.extend_from_slice(value);
            }
            Kind::Number => {
                let at = self.scan.at();
                let number = self.scan.number()?;
                number.write_canonical(&mut self.out, Json::MAX_INPUT_BYTES).map_err(|reason| Fault { at, reason })?;
            }
            Kind::String => {
                let at = self.scan.at() + 1;
                let string = self.scan.string()?;
                self.string(string, at)?;
            }
            Kind::Array => self.array(depth)?,
            Kind::Object => self.object(depth)?,
        }
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Scan<()> {
        self.scan.open(depth)?;
        self.out.push(b'[');
        if !self.scan.close(Kind::Array) {
            loop {
                self.value(depth + 1)?;
                if !self.scan.comma_or_close(Kind::Array)? {
                    break;
                }
                self.out.extend_from_slice(b", ");
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn object(&mut self, depth: usize) -> Scan<()> {
        self.scan.open(depth)?;
        self.out.push(b'{');
        let first = self.members.len();
        let mut in_order = true;
        if !self.scan.close(Kind::Object) {
            loop {
                let start = self.out.len();
                let at = self.scan.at() + 1;
                let key = self.scan.key()?;
                self.string(key, at)?;
                let written = start + 1..self.out.len() - 1;
                // Unescaped once, not in each comparison of a sort.
                let key = if key.is_escaped() { Key::Unescaped(key.unescape()) } else { Key::Written(written) };
                let mut member = Member { key, text: start..start };
                let last = self.members[first..].last();
                in_order = in_order && last.is_none_or(|last| last.compare(&member, &self.out).is_lt());
                self.out.extend_from_slice(b": ");
                self.value(depth + 1)?;
                member.text.end = self.out.len();
                self.members.push(member);
                if !self.scan.comma_or_close(Kind::Object)? {
                    break;
                }
                self.out.extend_from_slice(b", ");
            }
        }
        if !in_order {
            self.sort_members(first);
        }
        self.members.truncate(first);
        self.out.push(b'}');
        Ok(())
    }

    /// Puts the members of the object that ends here in order, and of equal keys keeps the last.
    fn sort_members(&mut self, first: usize) {
        let Self { out, members, sorted, .. } = self;
        let members = &mut members[first..];
        let start = members.first().map_or(out.len(), |member| member.text.start);
        // Stable, so members with equal keys stay in the order in which they were given.
        members.sort_by(|a, b| a.compare(b, out));
        sorted.clear();
        for (index, member) in members.iter().enumerate() {
            let is_overridden = members.get(index + 1).is_some_and(|next| next.compare(member, out) == Ordering::Equal);
            if !is_overridden {
                if !sorted.is_empty() {
                    sorted.extend_from_slice(b", ");
                }
                sorted.extend_from_slice(&out[member.text.clone()]);
            }
        }
        out.truncate(start);
        out.extend_from_slice(sorted);
    }

    /// Writes a string with its quotes; `at` is the offset of its first byte, for faults.
    fn string(&mut self, string: RawString<'_>, at: usize) -> Scan<()> {
        self.out.push(b'"');
        string.write_canonical(&mut self.out).map_err(|(offset, reason)| Fault { at: at + offset, reason })?;
        self.out.push(b'"');
        Ok(())
    }
}

impl Member {
    /// Orders members as PostgreSQL orders keys: by length in bytes, then by bytes.
    fn compare(&self, other: &Self, out: &[u8]) -> Ordering {
        let (a, b) = (self.key.bytes(out), other.key.bytes(out));
        a.len().cmp(&b.len()).then_with(|| a.cmp(b))
    }
}

impl Key {
    fn bytes<'a>(&'a self, out: &'a [u8]) -> &'a [u8] {
        match self {
            Self::Written(range) => &out[range.clone()],
            Self::Unescaped(bytes) => bytes,
        }
    }
}

/// Steps over a value if it is in canonical form.
fn value_is_canonical(scan: &mut Scanner<'_>, depth: usize) -> Scan<bool> {
    match scan.kind()? {
        Kind::Null => scan.null().map(|()| true),
        Kind::Bool => scan.boolean().map(|_| true),
        Kind::Number => Ok(scan.number()?.is_canonical()),
        Kind::String => Ok(scan.string()?.is_canonical()),
        Kind::Array => array_is_canonical(scan, depth),
        Kind::Object => object_is_canonical(scan, depth),
    }
}

fn array_is_canonical(scan: &mut Scanner<'_>, depth: usize) -> Scan<bool> {
    if scan.take(b"[]") {
        return Ok(depth < Json::MAX_DEPTH);
    }
    let inner = depth + 1;
    if inner > Json::MAX_DEPTH || !scan.take(b"[") {
        return Ok(false);
    }
    loop {
        if !value_is_canonical(scan, inner)? {
            return Ok(false);
        }
        if !scan.take(b", ") {
            return Ok(scan.take(b"]"));
        }
    }
}

fn object_is_canonical(scan: &mut Scanner<'_>, depth: usize) -> Scan<bool> {
    if scan.take(b"{}") {
        return Ok(depth < Json::MAX_DEPTH);
    }
    let inner = depth + 1;
    if inner > Json::MAX_DEPTH || !scan.take(b"{") {
        return Ok(false);
    }
    let mut last: Option<RawString<'_>> = None;
    loop {
        if scan.kind()? != Kind::String {
            return Ok(false);
        }
        let key = scan.string()?;
        let in_order = last.is_none_or(|last| last.compare_string(&key).is_lt());
        if !(in_order && key.is_canonical() && scan.take(b": ") && value_is_canonical(scan, inner)?) {
            return Ok(false);
        }
        if !scan.take(b", ") {
            return Ok(scan.take(b"}"));
        }
        last = Some(key);
    }
}
