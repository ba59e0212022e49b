//! What is known of the SQL of migrations, without a parser: tokens, statements, directives, checksums.
//!
//! Everything here takes any text and never fails: a script that a database would refuse is the database's to refuse.

mod batch;
mod checksum;
mod classify;
mod destroys;
mod destructions;
mod directive;
mod list;
mod place;
#[cfg(test)]
mod properties;
mod statement;
mod token;

pub use batch::Batch;
pub use checksum::{Checksums, checksums};
pub use destructions::destructions;
pub use directive::{Directive, DirectiveFault, directive_faults, noop_reason};
pub use list::split_at_commas;
pub use place::{diff, place};
pub use statement::{Statement, statements};
pub use token::{Token, TokenKind, tokens};

/// Says how a dialect writes quotes, comments and bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// SQLite's: names in `"`, `` ` `` or `[ ]` as well, comments that don't nest, triggers with a body.
    Sqlite,
    /// PostgreSQL's: dollar quotes, escapes in `E''`, comments that nest, functions with a body. Other dialects are taken for
    /// it.
    Postgres,
}

impl Syntax {
    /// Returns the syntax of a dialect, by its name.
    pub fn of(dialect: &str) -> Self {
        if dialect == "sqlite" { Self::Sqlite } else { Self::Postgres }
    }
}
