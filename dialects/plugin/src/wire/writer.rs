//! Writing items.

use std::convert::Infallible;

use minicbor::Encoder;
use minicbor::encode::Error;

use super::{Fault, Write};

/// Writes items one after the other, and remembers what features their reader needs.
#[derive(Debug)]
pub struct Writer {
    cbor: Encoder<Vec<u8>>,
    needs: u64,
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
        self.len() == 0
    }

    /// Returns the bytes and the features needed.
    pub fn finish(self) -> (Vec<u8>, u64) {
        (self.cbor.into_writer(), self.needs)
    }

    /// Begins a list of that many items.
    pub fn list(&mut self, len: usize) {
        self.put(|cbor| cbor.array(len as u64));
    }

    /// Begins a map of that many fields.
    pub fn map(&mut self, len: usize) {
        self.put(|cbor| cbor.map(len as u64));
    }

    /// Writes a field of a map.
    ///
    /// # Errors
    ///
    /// As [`Write::write`].
    pub fn field(&mut self, key: u32, value: &(impl Write + ?Sized)) -> Result<(), Fault> {
        self.put(|cbor| cbor.u32(key));
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
    pub fn unsigned(&mut self, number: u64) {
        self.put(|cbor| cbor.u64(number));
    }

    /// Writes an integer.
    pub fn signed(&mut self, number: i64) {
        self.put(|cbor| cbor.i64(number));
    }

    /// Writes a float of 64 bits.
    pub fn real(&mut self, number: f64) {
        self.put(|cbor| cbor.f64(number));
    }

    /// Writes a truth value.
    pub fn boolean(&mut self, value: bool) {
        self.put(|cbor| cbor.bool(value));
    }

    /// Writes a text.
    pub fn text(&mut self, text: &str) {
        self.put(|cbor| cbor.str(text));
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.put(|cbor| cbor.bytes(bytes));
    }

    /// Writes that there is nothing.
    pub fn null(&mut self) {
        self.put(|cbor| cbor.null());
    }

    fn put(&mut self, item: impl FnOnce(&mut Encoder<Vec<u8>>) -> Result<&mut Encoder<Vec<u8>>, Error<Infallible>>) {
        item(&mut self.cbor).expect("a Vec takes every byte");
    }
}
