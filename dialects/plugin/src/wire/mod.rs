//! The form of requests and replies: CBOR (RFC 8949) of definite lengths, described in `docs/plugins/wire.md`.
//!
//! Records are maps with integer keys, of which those without a value are left out; choices are numbers, or lists that begin
//! with one; JSON is its text; ids are 16 bytes, times microseconds. A reader of requests refuses what it does not know,
//! for a condition skipped would widen a query; a reader of replies skips fields it does not know, and nothing else.

mod capability;
mod collection;
mod database;
mod derived;
mod environment;
mod error;
mod fault;
mod filter;
mod ledger;
mod memory;
mod message;
mod mutation;
mod options;
mod primitive;
mod query;
mod reader;
mod record;
mod session;
mod snapshot;
mod writer;

pub use fault::Fault;
pub use reader::{Direction, Reader};
pub use writer::Writer;

/// Is written to the wire.
pub trait Write {
    /// Writes one item.
    ///
    /// # Errors
    ///
    /// [`Fault::Unknown`] for what this version has no number for.
    fn write(&self, writer: &mut Writer) -> Result<(), Fault>;
}

/// Is read from the wire.
pub trait Read: Sized {
    /// Reads one item.
    ///
    /// # Errors
    ///
    /// [`Fault`]. Whatever the bytes are, nothing panics, and no more is allocated than a small multiple of them.
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault>;
}

/// Writes one item and returns its bytes, with the features that whoever reads it needs.
///
/// # Errors
///
/// As [`Write::write`].
pub fn to_bytes(item: &(impl Write + ?Sized)) -> Result<(Vec<u8>, u64), Fault> {
    let mut writer = Writer::default();
    item.write(&mut writer)?;
    Ok(writer.finish())
}

/// Reads one item, which must be all there is.
///
/// # Errors
///
/// As [`Read::read`], and for bytes that are left over.
pub fn from_bytes<T: Read>(bytes: &[u8], direction: Direction) -> Result<T, Fault> {
    let mut reader = Reader::new(bytes, direction);
    let item = T::read(&mut reader)?;
    reader.finish()?;
    Ok(item)
}
