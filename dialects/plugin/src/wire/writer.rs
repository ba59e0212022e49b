//! Writing items.

use super::{Fault, Write};

/// Writes items one after the other, and remembers what features their reader needs.
#[derive(Debug, Default)]
pub struct Writer {
    // Not through a crate: writing is a few pushes to a vector, and doing just these took half the time.
    bytes: Vec<u8>,
    needs: u64,
}

/// The kinds of items, as they stand in the first three bits.
pub(super) const UNSIGNED: u8 = 0;
pub(super) const NEGATIVE: u8 = 1;
pub(super) const BYTES: u8 = 2;
pub(super) const TEXT: u8 = 3;
pub(super) const LIST: u8 = 4;
pub(super) const MAP: u8 = 5;

pub(super) const FALSE: u8 = 0xf4;
pub(super) const TRUE: u8 = 0xf5;
pub(super) const NULL: u8 = 0xf6;
pub(super) const FLOAT: u8 = 0xfb;

impl Writer {
    /// Says that whoever reads this must know the feature.
    pub fn need(&mut self, feature: u64) {
        self.needs |= feature;
    }

    /// Returns how many bytes were written.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Returns whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Returns the bytes and the features needed.
    pub fn finish(self) -> (Vec<u8>, u64) {
        (self.bytes, self.needs)
    }

    /// Begins a list of that many items.
    pub fn list(&mut self, len: usize) {
        self.head(LIST, len as u64);
    }

    /// Begins a map of that many fields.
    pub fn map(&mut self, len: usize) {
        self.head(MAP, len as u64);
    }

    /// Writes a field of a map.
    ///
    /// # Errors
    ///
    /// As [`Write::write`].
    pub fn field(&mut self, key: u32, value: &(impl Write + ?Sized)) -> Result<(), Fault> {
        self.unsigned(key.into());
        value.write(self)
    }

    /// Begins a choice of that number with so many items of data.
    pub fn choice(&mut self, number: u64, items: usize) {
        if items > 0 {
            self.list(1 + items);
        }
        self.unsigned(number);
    }

    /// Writes a number from 0.
    #[inline]
    pub fn unsigned(&mut self, number: u64) {
        self.head(UNSIGNED, number);
    }

    /// Writes an integer.
    pub fn signed(&mut self, number: i64) {
        // A negative number is written as what lies between it and -1.
        if number < 0 { self.head(NEGATIVE, !number.cast_unsigned()) } else { self.unsigned(number.cast_unsigned()) }
    }

    /// Writes a float of 64 bits.
    pub fn real(&mut self, number: f64) {
        self.bytes.push(FLOAT);
        self.bytes.extend_from_slice(&number.to_be_bytes());
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, value: bool) {
        self.bytes.push(if value { TRUE } else { FALSE });
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes that there is nothing.
    pub fn null(&mut self) {
        self.bytes.push(NULL);
    }

    /// Writes the beginning of an item, in its shortest form.
    #[inline]
    fn head(&mut self, kind: u8, number: u64) {
        let kind = kind << 5;
        let [.., b4, b5, b6, b7] = number.to_be_bytes();
        match number {
            0..24 => self.bytes.push(kind | b7),
            24..0x100 => self.bytes.extend_from_slice(&[kind | 0x18, b7]),
            0x100..0x1_0000 => self.bytes.extend_from_slice(&[kind | 0x19, b6, b7]),
            0x1_0000..0x1_0000_0000 => self.bytes.extend_from_slice(&[kind | 0x1a, b4, b5, b6, b7]),
            _ => {
                self.bytes.push(kind | 0x1b);
                self.bytes.extend_from_slice(&number.to_be_bytes());
            }
        }
    }
}
