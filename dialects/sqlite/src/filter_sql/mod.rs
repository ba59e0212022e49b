//! Selections, orders and cursors as SQL.

mod conditions;
mod field;
mod filter;
mod parts;
mod window;

pub(crate) use conditions::{Conditions, Range};
pub(crate) use window::{Column, Window};

#[cfg(test)]
mod tests;
