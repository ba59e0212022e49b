//! Exporting a dialect.
