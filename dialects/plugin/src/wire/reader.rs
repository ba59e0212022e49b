//! Reading items.

use minicbor::Decoder;
use minicbor::data::Type;

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
    cbor: Decoder<'b>,
    direction: Direction,
    allowance: usize,
}

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
        Self { cbor: Decoder::new(bytes), direction, allowance }
    }

    /// Returns which way the bytes go.
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Returns a fault at the present place.
    pub fn malformed(&self, expected: Expected) -> Fault {
        Fault::Malformed { at: self.cbor.position(), expected }
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
        self.cbor.input().len() - self.cbor.position()
    }

    /// Reads the beginning of a list and returns how many items follow.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn list(&mut self) -> Result<usize, Fault> {
        const EXPECTED: Expected = "a list of definite length";
        let length = self.want(EXPECTED, Decoder::array)?;
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
        let length = self.want(EXPECTED, Decoder::map)?;
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
            return Ok((self.want(EXPECTED, Decoder::u64)?, 0));
        }
        let items = self.list()?.checked_sub(1).ok_or_else(|| self.malformed(EXPECTED))?;
        Ok((self.want(EXPECTED, Decoder::u64)?, items))
    }

    /// Skips the value of a field that isn't known.
    ///
    /// # Errors
    ///
    /// [`Fault::Unknown`] in a request; [`Fault::Malformed`].
    pub fn unknown(&mut self, record: &'static str, key: u64) -> Result<(), Fault> {
        match self.direction {
            Direction::Request => Err(Fault::Unknown { what: record, number: key }),
            Direction::Reply => self.want("an item", Decoder::skip),
        }
    }

    /// Returns whether a text comes next.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] at the end.
    pub fn at_text(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? == Type::String)
    }

    /// Returns whether a list comes next.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`] at the end.
    pub fn at_list(&mut self) -> Result<bool, Fault> {
        Ok(self.peek()? == Type::Array)
    }

    /// Reads the end of a null, if there is one, and returns whether there was.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn null(&mut self) -> Result<bool, Fault> {
        if self.peek()? != Type::Null {
            return Ok(false);
        }
        self.want("null", Decoder::null)?;
        Ok(true)
    }

    /// Reads a number from 0.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn unsigned(&mut self) -> Result<u64, Fault> {
        self.want("a number from 0", Decoder::u64)
    }

    /// Reads an integer of 64 bits.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn signed(&mut self) -> Result<i64, Fault> {
        self.want("an integer of 64 bits", Decoder::i64)
    }

    /// Reads a float of 64 bits.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn real(&mut self) -> Result<f64, Fault> {
        const EXPECTED: Expected = "a float of 64 bits";
        // A shorter one would have lost something, or was not written here.
        if self.peek()? != Type::F64 {
            return Err(self.malformed(EXPECTED));
        }
        self.want(EXPECTED, Decoder::f64)
    }

    /// Reads a truth value.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn boolean(&mut self) -> Result<bool, Fault> {
        self.want("true or false", Decoder::bool)
    }

    /// Reads a text.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`], for what is not UTF-8, too.
    pub fn text(&mut self) -> Result<&'b str, Fault> {
        self.want("a text in UTF-8, of definite length", Decoder::str)
    }

    /// Reads bytes.
    ///
    /// # Errors
    ///
    /// [`Fault::Malformed`].
    pub fn bytes(&mut self) -> Result<&'b [u8], Fault> {
        self.want("bytes of definite length", Decoder::bytes)
    }

    /// Reads an item of that type.
    ///
    /// # Errors
    ///
    /// As [`Read::read`].
    pub fn read<T: Read>(&mut self) -> Result<T, Fault> {
        T::read(self)
    }

    fn peek(&self) -> Result<Type, Fault> {
        self.cbor.datatype().map_err(|_| self.malformed("an item"))
    }

    fn want<T>(
        &mut self,
        expected: Expected,
        read: impl FnOnce(&mut Decoder<'b>) -> Result<T, minicbor::decode::Error>,
    ) -> Result<T, Fault> {
        let at = self.cbor.position();
        read(&mut self.cbor).map_err(|_| Fault::Malformed { at, expected })
    }

    fn length(&self, length: Option<u64>, expected: Expected) -> Result<usize, Fault> {
        // An item takes a byte at least, so that no length is believed that can't be true.
        let length = length.and_then(|length| usize::try_from(length).ok()).filter(|length| *length <= self.left());
        length.ok_or_else(|| self.malformed(expected))
    }
}
