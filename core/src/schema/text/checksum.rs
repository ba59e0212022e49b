//! Checksums of scripts.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::schema::text::directive::{Directive, parse_comment};
use crate::schema::text::{Syntax, tokens};

/// Is the checksums of a script, as hexadecimal digits of SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksums {
    /// Of the text as it is.
    pub raw: String,
    /// Of its tokens: white space, line ends and comments don't count. Of the directives those count that change what is run:
    /// `batch`, and that there is a `noop`.
    pub normalized: String,
}

/// Returns the checksums of a script.
///
/// # Examples
///
/// ```
/// use polymnia::schema::text::{Syntax, checksums};
///
/// let one = checksums("DROP TABLE a; -- gone", Syntax::Sqlite);
/// let other = checksums("DROP TABLE\r\n    a;", Syntax::Sqlite);
/// assert_ne!(one.raw, other.raw);
/// assert_eq!(one.normalized, other.normalized);
/// ```
pub fn checksums(script: &str, syntax: Syntax) -> Checksums {
    let mut normalized = Sha256::new();
    // Each part is told from its neighbours by its length, and directives from tokens by what stands before it.
    let mut part = |tag: &[u8; 1], text: &str| {
        normalized.update(tag);
        normalized.update((text.len() as u64).to_le_bytes());
        normalized.update(text);
    };
    for token in tokens(script, syntax) {
        match parse_comment(&token) {
            Some(Ok(Directive::Batch { rows })) => part(b"d", &format!("batch {rows}")),
            Some(Ok(Directive::Noop { .. })) => part(b"d", "noop"),
            // A reason for the linter may come later, when the migration is long applied.
            Some(Ok(Directive::Allow { .. }) | Err(_)) => {}
            None if token.is_comment() => {}
            None => part(b"t", &token.text.replace("\r\n", "\n")),
        }
    }
    Checksums { raw: hexadecimal(&Sha256::digest(script)), normalized: hexadecimal(&normalized.finalize()) }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes it");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(a: &str, b: &str, syntax: Syntax) -> bool {
        checksums(a, syntax).normalized == checksums(b, syntax).normalized
    }

    #[test]
    fn what_changes_nothing_leaves_it() {
        for syntax in [Syntax::Sqlite, Syntax::Postgres] {
            assert!(same("SELECT a=-1 , 'x';", "-- why\r\nSELECT  a = - 1,/* y */'x'\t;", syntax));
            assert!(same("SELECT 'a\nb';", "SELECT 'a\r\nb';", syntax), "line ends in texts");
            assert!(same("DROP TABLE a;", "-- polymnia:allow drop_table it is empty\nDROP TABLE a;", syntax));
        }
        assert!(same("DO $$ a\n $$;", "DO  $$ a\r\n $$;", Syntax::Postgres));
    }

    #[test]
    fn what_changes_something_changes_it() {
        let changes = [
            ("SELECT a;", "SELECT b;"),
            ("SELECT a;", "SELECT A;"),
            ("SELECT 'a b';", "SELECT 'a  b';"),
            ("SELECT 'a' 'b';", "SELECT 'a''b';"),
            ("SELECT a b;", "SELECT ab;"),
            ("SELECT 1 2;", "SELECT 12;"),
            ("SELECT a < = b;", "SELECT a <= b;"),
            ("SELECT 1;", "SELECT 1"),
            ("DELETE FROM a;", "-- polymnia:batch 10\nDELETE FROM a;"),
            ("-- polymnia:batch 10\nDELETE FROM a;", "-- polymnia:batch 20\nDELETE FROM a;"),
            ("", "-- polymnia:noop not needed"),
            ("SELECT x '00';", "SELECT x'00';"),
        ];
        for syntax in [Syntax::Sqlite, Syntax::Postgres] {
            for (a, b) in changes {
                assert!(!same(a, b, syntax), "{a} / {b}");
            }
        }
        assert!(!same("SELECT a @ > b;", "SELECT a @> b;", Syntax::Postgres));
        assert!(!same("SELECT e '\\'';", "SELECT e'\\'';", Syntax::Postgres));
    }
}
