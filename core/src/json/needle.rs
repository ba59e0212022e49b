//! Needles, compiled: what a document must hold, in the order in which a walk can look it up.

use std::cmp::Ordering;

use super::number::{Decimal, Number};
use super::scan::{Kind, Scan, Scanner};
use super::string::RawString;

/// Up to how many things a search one by one is quicker than a binary search.
const FEW: usize = 8;

/// A value a document must contain.
#[derive(Clone)]
pub(super) enum Needle {
    Scalar(Scalar),
    Array(Elements),
    Object(Members),
}

/// A needle without parts.
#[derive(Clone)]
pub(super) enum Scalar {
    /// `null` (`None`), `false` or `true`.
    Word(Option<bool>),
    Number(Decimal),
    /// The unescaped bytes.
    String(Box<[u8]>),
}

/// The members an object must have: at most one for a key, ordered by length in bytes, then by bytes.
#[derive(Clone, Default)]
pub(super) struct Members {
    members: Vec<(Box<[u8]>, Needle)>,
}

/// The elements an array must have, sorted by kind.
///
/// Each has a number below [`len`](Self::len), by which the matcher keeps track of those it has met.
#[derive(Clone, Default)]
pub(super) struct Elements {
    /// Which of `null` (`None`), `false` and `true` are asked for, each at most once.
    words: Vec<Option<bool>>,
    /// Without equal values, in the order of [`Decimal::compare_decimal`].
    numbers: Vec<Decimal>,
    /// Without equal values, ordered by length in bytes, then by bytes.
    strings: Vec<Box<[u8]>>,
    pub(super) arrays: Vec<Elements>,
    pub(super) objects: Vec<Members>,
}

impl Needle {
    /// Reads a needle.
    pub(super) fn parse(text: &str) -> Scan<Self> {
        let mut scan = Scanner::new(text.as_bytes());
        scan.skip_space();
        let needle = Self::value(&mut scan, 0)?;
        scan.end()?;
        Ok(needle)
    }

    fn value(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        Ok(match scan.kind()? {
            Kind::Null => {
                scan.null()?;
                Self::Scalar(Scalar::Word(None))
            }
            Kind::Bool => Self::Scalar(Scalar::Word(Some(scan.boolean()?))),
            Kind::Number => Self::Scalar(Scalar::Number(Decimal::new(&scan.number()?))),
            Kind::String => Self::Scalar(Scalar::String(scan.string()?.unescape())),
            Kind::Array => Self::Array(Elements::read(scan, depth)?),
            Kind::Object => Self::Object(Members::read(scan, depth)?),
        })
    }
}

impl Members {
    /// Returns how many members are asked for.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Returns the number of the member with this key, and what its value must contain.
    #[inline]
    pub(super) fn find(&self, key: &RawString<'_>) -> Option<(usize, &Needle)> {
        let index = match &*self.members {
            // The usual needle asks for one member or two: comparing lengths settles most keys.
            members if members.len() <= FEW => members.iter().position(|(member, _)| key.equals(member))?,
            members => members.binary_search_by(|(member, _)| key.compare(member).reverse()).ok()?,
        };
        Some((index, &self.members[index].1))
    }

    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        let mut members = Vec::new();
        scan.open(depth)?;
        if !scan.close(Kind::Object) {
            loop {
                let key = scan.key()?.unescape();
                members.push((key, Needle::value(scan, depth + 1)?));
                if !scan.comma_or_close(Kind::Object)? {
                    break;
                }
            }
        }
        // A canonical needle is in order and has no equal keys, but nothing here depends on that: the sort is stable,
        // and of equal keys the last stays.
        members.sort_by(|(a, _), (b, _)| compare_bytes(a, b));
        members.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        Ok(Self { members })
    }
}

impl Elements {
    /// Returns how many elements are asked for.
    pub(super) fn len(&self) -> usize {
        self.first_object() + self.objects.len()
    }

    /// Returns the number of the first element that is an array.
    pub(super) fn first_array(&self) -> usize {
        self.first_string() + self.strings.len()
    }

    /// Returns the number of the first element that is an object.
    pub(super) fn first_object(&self) -> usize {
        self.first_array() + self.arrays.len()
    }

    /// Returns the number of the element `null` (`None`), `false` or `true`.
    pub(super) fn find_word(&self, word: Option<bool>) -> Option<usize> {
        self.words.iter().position(|&wanted| wanted == word)
    }

    /// Returns the number of the element equal to this number.
    pub(super) fn find_number(&self, number: &Number<'_>) -> Option<usize> {
        let index = match &*self.numbers {
            numbers if numbers.len() <= FEW => numbers.iter().position(|decimal| decimal.equals(number))?,
            numbers => numbers.binary_search_by(|decimal| decimal.compare(number)).ok()?,
        };
        Some(self.words.len() + index)
    }

    /// Returns the number of the element equal to this string.
    pub(super) fn find_string(&self, string: &RawString<'_>) -> Option<usize> {
        let index = match &*self.strings {
            strings if strings.len() <= FEW => strings.iter().position(|text| string.equals(text))?,
            strings => strings.binary_search_by(|text| string.compare(text).reverse()).ok()?,
        };
        Some(self.first_string() + index)
    }

    fn first_string(&self) -> usize {
        self.words.len() + self.numbers.len()
    }

    fn read(scan: &mut Scanner<'_>, depth: usize) -> Scan<Self> {
        let mut elements = Self::default();
        scan.open(depth)?;
        if !scan.close(Kind::Array) {
            loop {
                elements.push(Needle::value(scan, depth + 1)?);
                if !scan.comma_or_close(Kind::Array)? {
                    break;
                }
            }
        }
        // One element of a document may satisfy several of the needle, so asking for a value twice is asking once.
        elements.words.sort_unstable();
        elements.words.dedup();
        elements.numbers.sort_by(Decimal::compare_decimal);
        elements.numbers.dedup_by(|a, b| a.compare_decimal(b) == Ordering::Equal);
        elements.strings.sort_by(|a, b| compare_bytes(a, b));
        elements.strings.dedup();
        Ok(elements)
    }

    fn push(&mut self, element: Needle) {
        match element {
            Needle::Scalar(Scalar::Word(word)) => self.words.push(word),
            Needle::Scalar(Scalar::Number(number)) => self.numbers.push(number),
            Needle::Scalar(Scalar::String(string)) => self.strings.push(string),
            Needle::Array(array) => self.arrays.push(array),
            Needle::Object(object) => self.objects.push(object),
        }
    }
}

fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}
