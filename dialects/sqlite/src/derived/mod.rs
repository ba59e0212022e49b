//! What is derived from memories to find them by their metadata, and its upkeep.
//!
//! Each level row has a posting for each distinct leaf term of its metadata, one for its shape, and an entry in each declared
//! index that its metadata has a value for. They are written in the transaction that writes the row. What is left behind by
//! other programs does no harm: a posting proposes, and the row itself decides.

mod audit;
pub(crate) mod declared;
pub(crate) mod deriver;
mod document;
mod drain;
pub(crate) mod hasher;
mod indexes;
mod mend;
mod optimize;
mod postings;
mod rebuild;
pub(crate) mod room;
mod shapes;
mod verify;

pub(crate) use self::indexes::{create as create_index, drop as drop_index, indexes};
pub(crate) use self::optimize::optimize;
pub(crate) use self::verify::verify;

#[cfg(test)]
mod tests;
