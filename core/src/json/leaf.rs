//! Scalars of documents, and scalars to compare them with.

use std::cmp::Ordering;

use super::number::{Decimal, Number};
use super::scan::{Kind, Scan, Scanner};
use super::string::RawString;

/// Up to how many things a search one by one is quicker than a binary search.
pub(super) const FEW: usize = 8;

/// A scalar of a document, as it is spelt.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Leaf<'a> {
    /// `null` (`None`), `false` or `true`.
    Word(Option<bool>),
    Number(Number<'a>),
    String(RawString<'a>),
}

/// A scalar to look for.
#[derive(Clone)]
pub(crate) enum Scalar {
    /// `null` (`None`), `false` or `true`.
    Word(Option<bool>),
    Number(Decimal),
    /// The unescaped bytes.
    String(Box<[u8]>),
}

/// Scalars to look for, sorted by kind, each once.
///
/// Each has a number below [`len`](Self::len).
#[derive(Clone, Default)]
pub(crate) struct Scalars {
    /// Which of `null` (`None`), `false` and `true` are asked for.
    words: Vec<Option<bool>>,
    /// In the order of [`Decimal::compare_decimal`].
    numbers: Vec<Decimal>,
    /// Ordered by length in bytes, then by bytes.
    strings: Vec<Box<[u8]>>,
}

impl<'a> Leaf<'a> {
    /// Steps over the scalar at the cursor and returns it; if a container stands there, returns its kind.
    #[expect(clippy::inline_always, reason = "measured")]
    #[inline(always)]
    pub(crate) fn read(scan: &mut Scanner<'a>) -> Scan<Result<Self, Kind>> {
        Ok(Ok(match scan.kind()? {
            Kind::Null => {
                scan.null()?;
                Self::Word(None)
            }
            Kind::Bool => Self::Word(Some(scan.boolean()?)),
            Kind::Number => Self::Number(scan.number()?),
            Kind::String => Self::String(scan.string()?),
            container @ (Kind::Array | Kind::Object) => return Ok(Err(container)),
        }))
    }
}

impl Scalar {
    /// Returns what to look for to find the equals of a scalar.
    pub(crate) fn new(leaf: &Leaf<'_>) -> Self {
        match leaf {
            Leaf::Word(word) => Self::Word(*word),
            Leaf::Number(number) => Self::Number(Decimal::new(number)),
            Leaf::String(string) => Self::String(string.unescape()),
        }
    }
}

impl Scalars {
    /// Returns how many scalars are asked for.
    pub(crate) fn len(&self) -> usize {
        self.first_string() + self.strings.len()
    }

    /// Returns the number of the scalar equal to this one.
    #[inline]
    pub(crate) fn find(&self, leaf: &Leaf<'_>) -> Option<usize> {
        match leaf {
            Leaf::Word(word) => self.words.iter().position(|wanted| wanted == word),
            Leaf::Number(number) => self.find_number(number),
            Leaf::String(string) => self.find_string(string),
        }
    }

    pub(super) fn push(&mut self, scalar: Scalar) {
        match scalar {
            Scalar::Word(word) => self.words.push(word),
            Scalar::Number(number) => self.numbers.push(number),
            Scalar::String(string) => self.strings.push(string),
        }
    }

    /// Brings what was pushed into order. Asking for a value twice is asking once.
    pub(super) fn sort(&mut self) {
        self.words.sort_unstable();
        self.words.dedup();
        self.numbers.sort_by(Decimal::compare_decimal);
        self.numbers.dedup_by(|a, b| a.compare_decimal(b) == Ordering::Equal);
        self.strings.sort_by(|a, b| compare_bytes(a, b));
        self.strings.dedup();
    }

    fn find_number(&self, number: &Number<'_>) -> Option<usize> {
        let index = match &*self.numbers {
            numbers if numbers.len() <= FEW => numbers.iter().position(|decimal| decimal.equals(number))?,
            numbers => numbers.binary_search_by(|decimal| decimal.compare(number)).ok()?,
        };
        Some(self.words.len() + index)
    }

    fn find_string(&self, string: &RawString<'_>) -> Option<usize> {
        let index = match &*self.strings {
            strings if strings.len() <= FEW => strings.iter().position(|text| string.equals(text))?,
            strings => strings.binary_search_by(|text| string.compare(text).reverse()).ok()?,
        };
        Some(self.first_string() + index)
    }

    fn first_string(&self) -> usize {
        self.words.len() + self.numbers.len()
    }
}

/// Orders texts by length in bytes, then by bytes.
pub(super) fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
