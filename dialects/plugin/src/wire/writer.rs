//! Writing items.

use std::convert::Infallible;

use minicbor::Encoder;

use super::{Fault, Write};

/// Writes items one after the other, and remembers what features their reader needs.
#[derive(Debug)]
pub struct Writer {
    cbor: Encoder<Vec<u8>>,
    needs: u64,
}

/// Takes the end of a write, which in memory does not fail.
fn done<T>(result: Result<T, minicbor::encode::Error<Infallible>>) {
    result.expect("a Vec takes every byte");
}

impl Default for Writer {
    fn default() -> Self {
        Self { cbor: Encoder::new(Vec::new()), needs: 0 }
    }
}

impl Writer {
    /// Says that whoever reads this must know the feature.
    pub fn need(&mut self, feature: u64) {
        self.needs |= feature;
    }

    /// Returns how many bytes were written.
    pub fn len(&self) -> usize {
        self.cbor.writer().len()
    }

    /// Returns whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.cbor.writer().is_empty()
    }

    /// Returns the bytes and the features needed.
    pub fn finish(self) -> (Vec<u8>, u64) {
        (self.cbor.into_writer(), self.needs)
    }

    /// Begins a list of that many items.
    pub fn list(&mut self, len: usize) {
        done(self.cbor.array(len as u64));
    }

    /// Begins a map of that many fields.
    pub fn map(&mut self, len: usize) {
        done(self.cbor.map(len as u64));
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
        done(self.cbor.u64(number));
    }

    /// Writes an integer.
    pub fn signed(&mut self, number: i64) {
        done(self.cbor.i64(number));
    }

    /// Writes a float of 64 bits.
    pub fn real(&mut self, number: f64) {
        done(self.cbor.f64(number));
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, value: bool) {
        done(self.cbor.bool(value));
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        done(self.cbor.str(text));
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        done(self.cbor.bytes(bytes));
    }

    /// Writes that there is nothing.
    pub fn null(&mut self) {
        done(self.cbor.null());
    }
}
