//! Reading items.

use super::writer::{BYTES, FALSE, FLOAT, LIST, MAP, NEGATIVE, NULL, TEXT, TRUE, UNSIGNED};
use super::{Fault, Read};

/// Says which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the host to the plugin: nothing may be skipped, and values are checked.
    Request,
    /// From the plugin to the host: unknown fields are skipped, and JSON is taken for what it says it is.
    Reply,
}

/// Reads items one after the other.
#[derive(Debug)]
pub struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    direction: Direction,
    allowance: usize,
}

/// An item that says what the next one means: there are none here.
const TAG: u8 = 6;

/// What must follow, for messages.
type Expected = &'static str;

impl<'b> Reader<'b> {
    /// How many bytes of memory the items of lists may take for each byte read.
    pub const MEMORY_PER_BYTE: usize = 64;
    /// How many bytes of memory they may take besides: 10,000 memories that were not found are a byte each.
    pub const MEMORY_FREE: usize = 8 << 20;

    /// Returns a reader at the beginning.
    pub fn new(bytes: &'b [u8], direction: Direction) -> Self {
        let allowance = bytes.len().saturating_mul(Self::MEMORY_PER_BYTE).saturating_add(Self::MEMORY_FREE);
        Self { bytes, at: 0, direction, allowance }
    }

    /// Returns which way the bytes go.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns a fault at the present place.
    pub fn malformed(&self, expected: Expected) -> Fault {
        Fault::Malformed { at: self.at, expected }
    }

    /// Checks that everything was read.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] if something is left.
    pub fn finish(&self) -> Result<(), Fault> {
        if self.left() == 0 { Ok(()) } else { Err(self.malformed("the end")) }
    }

    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// Reads the beginning of a list and returns how many items follow.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn list(&mut self) -> Result<usize, Fault> {
        const EXPECTED: Expected = "a list of definite length";
        let length = self.item(LIST, EXPECTED)?;
        self.length(length, EXPECTED)
    }

    /// Takes note that a list of so many items is about to be made. What is in them counts by itself.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] if all lists together take more memory than bytes of that length may.
    pub fn reserve<T>(&mut self, len: usize) -> Result<(), Fault> {
        let left = len.checked_mul(size_of::<T>()).and_then(|taken| self.allowance.checked_sub(taken));
        self.allowance = left.ok_or_else(|| self.malformed("fewer items in as many bytes"))?;
        Ok(())
    }

    /// Reads the beginning of a map and returns how many fields follow.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn map(&mut self) -> Result<usize, Fault> {
        const EXPECTED: Expected = "a map of definite length";
        let length = self.item(MAP, EXPECTED)?;
        self.length(length, EXPECTED)
    }

    /// Reads the beginning of a choice and returns its number and how many items of data follow.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn choice(&mut self) -> Result<(u64, usize), Fault> {
        const EXPECTED: Expected = "a number from 0, or a list that begins with one";
        if !self.at_list()? {
            return Ok((self.item(UNSIGNED, EXPECTED)?, 0));
        }
        let items = self.list()?.checked_sub(1).ok_or_else(|| self.malformed(EXPECTED))?;
        Ok((self.item(UNSIGNED, EXPECTED)?, items))
    }

    /// Skips the value of a field that isn't known.
    ///
    /// # Errors
    ///
    /// [`Fault::Unknown`] in a request; [`Fault::Malformed`].
    pub fn unknown(&mut self, record: &'static str, key: u64) -> Result<(), Fault> {
        match self.direction {
            Direction::Request => Err(Fault::Unknown { what: record, number: key }),
            Direction::Reply => self.skip(),
        }
    }

    /// Returns whether a text comes next.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] at the end.
    pub fn at_text(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? >> 5 == TEXT)
    }

    /// Returns whether a list comes next.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] at the end.
    pub fn at_list(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? >> 5 == LIST)
    }

    /// Reads the end of a null, if there is one, and returns whether there was.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn null(&mut self) -> Result<bool, Fault> {
        let is_null = self.peek()? == NULL;
        self.at += usize::from(is_null);
        Ok(is_null)
    }

    /// Reads a number from 0.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn unsigned(&mut self) -> Result<u64, Fault> {
        self.item(UNSIGNED, "a number from 0")
    }

    /// Reads an integer of 64 bits.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn signed(&mut self) -> Result<i64, Fault> {
        const EXPECTED: Expected = "an integer of 64 bits";
        let (kind, number, end) = self.head(EXPECTED)?;
        let number = i64::try_from(number).map_err(|_| self.malformed(EXPECTED))?;
        let number = match kind {
            UNSIGNED => number,
            // What lies between it and -1.
            NEGATIVE => !number,
            _ => return Err(self.malformed(EXPECTED)),
        };
        self.at = end;
        Ok(number)
    }

    /// Reads a float of 64 bits.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn real(&mut self) -> Result<f64, Fault> {
        const EXPECTED: Expected = "a float of 64 bits";
        let (_, number, end) = self.head(EXPECTED)?;
        if self.bytes[self.at] != FLOAT {
            return Err(self.malformed(EXPECTED));
        }
        self.at = end;
        Ok(f64::from_bits(number))
    }

    /// Reads a truth value.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        let value = match self.bytes.get(self.at) {
            Some(&FALSE) => false,
            Some(&TRUE) => true,
            _ => return Err(self.malformed("true or false")),
        };
        self.at += 1;
        Ok(value)
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`], for what is not UTF-8, too.
    pub fn text(&mut self) -> Result<&'b str, Fault> {
        const EXPECTED: Expected = "a text in UTF-8, of definite length";
        let bytes = self.string(TEXT, EXPECTED)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed(EXPECTED))
    }

    /// Reads bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn bytes(&mut self) -> Result<&'b [u8], Fault> {
        self.string(BYTES, "bytes of definite length")
    }

    /// Reads an item of that type.
    ///
    /// # Errors
    ///
    /// As [`Read::read`].
    pub fn read<T: Read>(&mut self) -> Result<T, Fault> {
        T::read(self)
    }

    /// Reads the beginning of an item of that kind, and returns its number.
    #[inline]
    fn item(&mut self, kind: u8, expected: Expected) -> Result<u64, Fault> {
        match self.head(expected)? {
            (found, number, end) if found == kind => {
                self.at = end;
                Ok(number)
            }
            _ => Err(self.malformed(expected)),
        }
    }

    fn string(&mut self, kind: u8, expected: Expected) -> Result<&'b [u8], Fault> {
        let length = self.item(kind, expected)?;
        let length = self.length(length, expected)?;
        let (begin, end) = (self.at, self.at + length);
        self.at = end;
        Ok(&self.bytes[begin..end])
    }

    fn length(&self, length: u64, expected: Expected) -> Result<usize, Fault> {
        // An item takes a byte at least, so that no length is believed that can't be true.
        let length = usize::try_from(length).ok().filter(|length| *length <= self.left());
        length.ok_or_else(|| self.malformed(expected))
    }

    fn peek(&self) -> Result<u8, Fault> {
        self.bytes.get(self.at).copied().ok_or_else(|| self.malformed("an item"))
    }

    /// Looks at the beginning of an item: its kind, its number, and where that ends.
    #[inline]
    fn head(&self, expected: Expected) -> Result<(u8, u64, usize), Fault> {
        let rest = &self.bytes[self.at..];
        let first = rest.first().copied().unwrap_or(0xff);
        let big = |length| {
            let bytes = rest.get(1..=length)?;
            Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
        };
        let (number, length) = match first & 31 {
            small @ 0..24 => (Some(u64::from(small)), 0),
            24 => (big(1), 1),
            25 => (big(2), 2),
            26 => (big(4), 4),
            27 => (big(8), 8),
            // What has no definite length; nothing at all, too.
            _ => (None, 0),
        };
        let number = number.ok_or_else(|| self.malformed(expected))?;
        Ok((first >> 5, number, self.at + 1 + length))
    }

    /// Skips an item, and what is in it: without recursion, for nobody knows how deep it is.
    fn skip(&mut self) -> Result<(), Fault> {
        const EXPECTED: Expected = "an item of definite length";
        let mut left = 1_u64;
        while let Some(others) = left.checked_sub(1) {
            let (kind, number, end) = self.head(EXPECTED)?;
            let within = match kind {
                TEXT | BYTES => {
                    self.string(kind, EXPECTED)?;
                    left = others;
                    continue;
                }
                LIST => number,
                MAP => number.saturating_mul(2),
                TAG => 1,
                _ => 0,
            };
            left = others.saturating_add(within);
            self.at = end;
        }
        Ok(())
    }
}
