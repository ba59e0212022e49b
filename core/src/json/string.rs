//! Strings as they are spelt: unescaping on the way, comparison by unescaped bytes, PostgreSQL's escapes.

use std::cmp::Ordering;

use super::fault::Reason;

/// What stands between the quotes of a string: valid by the grammar, its escapes still in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawString<'a> {
    raw: &'a [u8],
    escaped: bool,
}

/// A stretch of a string.
enum Piece<'a> {
    /// Bytes that stand for themselves.
    Plain(&'a [u8]),
    /// A character spelt by an escape at this offset; half of a surrogate pair where the other half is missing.
    Escape { at: usize, code: u32 },
}

struct Pieces<'a> {
    string: RawString<'a>,
    at: usize,
}

impl<'a> RawString<'a> {
    /// Returns the string spelt by `raw`, in which backslashes begin escapes if `escaped`, and stand for themselves
    /// otherwise.
    #[inline]
    pub(crate) fn new(raw: &'a [u8], escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// Reports whether there are escapes in the text.
    pub(crate) fn is_escaped(&self) -> bool {
        self.escaped
    }

    /// Reports whether the unescaped string is `text`.
    #[inline]
    pub(crate) fn equals(&self, text: &[u8]) -> bool {
        if !self.escaped {
            return self.raw == text;
        }
        // An escape takes more bytes than what it stands for.
        self.raw.len() > text.len() && self.compare(text) == Ordering::Equal
    }

    /// Orders the unescaped string and `text` as PostgreSQL orders keys: by length in bytes, then by bytes.
    #[inline]
    pub(crate) fn compare(&self, text: &[u8]) -> Ordering {
        self.compare_string(&RawString { raw: text, escaped: false })
    }

    /// Orders the unescaped string and `text` by their bytes alone.
    pub(crate) fn order(&self, text: &[u8]) -> Ordering {
        if self.escaped { self.bytes().cmp(text.iter().copied()) } else { self.raw.cmp(text) }
    }

    /// Reports whether the unescaped string begins with `text`.
    pub(crate) fn starts_with(&self, text: &[u8]) -> bool {
        if !self.escaped {
            return self.raw.starts_with(text);
        }
        let mut bytes = self.bytes();
        text.iter().all(|&byte| bytes.next() == Some(byte))
    }

    /// Orders two unescaped strings as PostgreSQL orders keys: by length in bytes, then by bytes.
    pub(crate) fn compare_string(&self, other: &RawString<'_>) -> Ordering {
        if self.escaped || other.escaped {
            let lengths = self.unescaped_len().cmp(&other.unescaped_len());
            lengths.then_with(|| self.bytes().cmp(other.bytes()))
        } else {
            self.raw.len().cmp(&other.raw.len()).then_with(|| self.raw.cmp(other.raw))
        }
    }

    /// Returns the unescaped bytes. Half of a surrogate pair takes the three bytes that UTF-8 would give it were it a
    /// character, so it equals no UTF-8 text.
    pub(crate) fn unescape(&self) -> Box<[u8]> {
        if self.escaped { self.bytes().collect() } else { self.raw.into() }
    }

    /// Appends the unescaped bytes, those of halves of surrogate pairs as [`unescape`](Self::unescape) has them.
    pub(crate) fn write_unescaped(&self, out: &mut Vec<u8>) {
        if self.escaped {
            out.extend(self.bytes());
        } else {
            out.extend_from_slice(self.raw);
        }
    }

    /// Reports whether PostgreSQL prints this string as it is spelt here.
    pub(crate) fn is_canonical(&self) -> bool {
        !self.escaped
            || self.pieces().all(|piece| match piece {
                Piece::Plain(_) => true,
                Piece::Escape { at, code } => u8::try_from(code)
                    .ok()
                    .and_then(canonical_escape)
                    .is_some_and(|escape| self.raw[at..].starts_with(escape.as_bytes())),
            })
    }

    /// Appends the string, without its quotes, as PostgreSQL prints it.
    ///
    /// # Errors
    ///
    /// Returns the offset and the reason if PostgreSQL refuses the string.
    pub(crate) fn write_canonical(&self, out: &mut Vec<u8>) -> Result<(), (usize, Reason)> {
        if !self.escaped {
            out.extend_from_slice(self.raw);
            return Ok(());
        }
        for piece in self.pieces() {
            match piece {
                Piece::Plain(bytes) => out.extend_from_slice(bytes),
                Piece::Escape { at, code: 0 } => return Err((at, Reason::NulEscape)),
                Piece::Escape { at, code: 0xD800..=0xDFFF } => return Err((at, Reason::LoneSurrogate)),
                Piece::Escape { code, .. } => match u8::try_from(code).ok().and_then(canonical_escape) {
                    Some(escape) => out.extend_from_slice(escape.as_bytes()),
                    None => out.extend(Utf8::new(code)),
                },
            }
        }
        Ok(())
    }

    fn unescaped_len(&self) -> usize {
        if !self.escaped {
            return self.raw.len();
        }
        let lengths = self.pieces().map(|piece| match piece {
            Piece::Plain(bytes) => bytes.len(),
            Piece::Escape { code, .. } => Utf8::new(code).len(),
        });
        lengths.sum()
    }

    fn bytes(&self) -> impl Iterator<Item = u8> {
        self.pieces().flat_map(|piece| match piece {
            Piece::Plain(bytes) => Stretch::Plain(bytes.iter().copied()),
            Piece::Escape { code, .. } => Stretch::Escape(Utf8::new(code)),
        })
    }

    /// Returns the code points, halves of surrogate pairs among them. Requires UTF-8.
    pub(crate) fn code_points(&self) -> impl Iterator<Item = u32> {
        self.pieces().flat_map(|piece| {
            let (plain, escape) = match piece {
                Piece::Plain(bytes) => (std::str::from_utf8(bytes).unwrap_or_default(), None),
                Piece::Escape { code, .. } => ("", Some(code)),
            };
            plain.chars().map(u32::from).chain(escape)
        })
    }

    fn pieces(&self) -> Pieces<'a> {
        Pieces { string: *self, at: 0 }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let start = self.at;
        let RawString { raw, escaped } = self.string;
        let rest = raw.get(start..).filter(|rest| !rest.is_empty())?;
        let is_escape = |&byte| escaped && byte == b'\\';
        let plain = rest.iter().position(is_escape).unwrap_or(rest.len());
        if plain > 0 {
            self.at += plain;
            return Some(Piece::Plain(&rest[..plain]));
        }
        self.at += 2;
        let code = match rest.get(1)? {
            b'b' => 0x08,
            b'f' => 0x0C,
            b'n' => 0x0A,
            b'r' => 0x0D,
            b't' => 0x09,
            b'u' => {
                self.at += 4;
                let first = hex(rest.get(2..6)?)?;
                match (first, self.low_surrogate()) {
                    (0xD800..=0xDBFF, Some(second)) => {
                        self.at += 6;
                        0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                    }
                    _ => first,
                }
            }
            &itself => u32::from(itself),
        };
        Some(Piece::Escape { at: start, code })
    }
}

impl Pieces<'_> {
    /// Returns the second half of a surrogate pair if it stands next.
    fn low_surrogate(&self) -> Option<u32> {
        let digits = self.string.raw.get(self.at..self.at + 6)?.strip_prefix(b"\\u")?;
        hex(digits).filter(|code| (0xDC00..=0xDFFF).contains(code))
    }
}

/// The UTF-8 bytes of a code point, or of half a surrogate pair by the same scheme.
///
/// `char` can't hold such halves, and the matcher needs an order in which they stand somewhere.
struct Utf8 {
    bytes: [u8; 4],
    next: usize,
}

impl Utf8 {
    fn new(code: u32) -> Self {
        // The low six bits of `code` above `shift`, and the bits that mark a byte as a first or as a further one.
        let part = |shift: u32, mask: u32, mark: u32| {
            u8::try_from((code >> shift) & mask | mark).expect("the masks leave eight bits")
        };
        let further = |shift| part(shift, 0x3F, 0x80);
        let (bytes, next) = match code {
            0..0x80 => ([0, 0, 0, part(0, 0x7F, 0)], 3),
            0x80..0x800 => ([0, 0, part(6, 0x1F, 0xC0), further(0)], 2),
            0x800..0x1_0000 => ([0, part(12, 0x0F, 0xE0), further(6), further(0)], 1),
            _ => ([part(18, 0x07, 0xF0), further(12), further(6), further(0)], 0),
        };
        Self { bytes, next }
    }
}

impl Iterator for Utf8 {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let byte = self.bytes.get(self.next).copied();
        self.next += 1;
        byte
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = 4_usize.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Utf8 {}

/// The bytes of one piece.
enum Stretch<'a> {
    Plain(std::iter::Copied<std::slice::Iter<'a, u8>>),
    Escape(Utf8),
}

impl Iterator for Stretch<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        match self {
            Self::Plain(bytes) => bytes.next(),
            Self::Escape(bytes) => bytes.next(),
        }
    }
}

/// Returns the value of hexadecimal digits of either case.
fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

/// Returns how PostgreSQL's `escape_json` escapes this character; `None` if it prints it as it is.
fn canonical_escape(byte: u8) -> Option<&'static str> {
    const CONTROLS: [&str; 32] = [
        "", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007", "\\b", "\\t", "\\n",
        "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014",
        "\\u0015", "\\u0016", "\\u0017", "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e",
        "\\u001f",
    ];
    match byte {
        // PostgreSQL holds no NUL, so there is nothing it prints.
        0 => None,
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        _ => CONTROLS.get(usize::from(byte)).copied(),
    }
}
