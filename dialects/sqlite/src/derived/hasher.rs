//! The seed of the terms, which stands in the database.

use std::fmt;
use std::ops::ControlFlow;

use diesel::row::Row;
use diesel::sqlite::Sqlite;
use polymnia::filter::{NamespaceTerms, TermHasher};
use polymnia::{Namespace, Result};

use crate::connection::Connection;
use crate::row::{self, FromRow};
use crate::statement::{fixed, statements};

statements! {
    /// It changes with each change of the schema, a restored backup included.
    SchemaVersion = "PRAGMA schema_version";
    Settings = "SELECT name, value FROM polymnia_settings WHERE name IN ('term_seed', 'term_version')";
}

/// Makes the terms of a database.
#[derive(Clone)]
pub(crate) struct Hasher {
    seed: [u8; 16],
    terms: TermHasher,
    /// The schema that the seed was read from: made anew, it has another.
    schema: i64,
    /// The database as it was last seen to have that schema.
    data_version: u32,
    /// Whether something was read by it since [`is_stale`] was asked.
    used: bool,
}

impl Hasher {
    /// Returns what makes the terms of a namespace.
    pub(crate) fn namespace(&self, namespace: &Namespace) -> NamespaceTerms {
        self.terms.namespace(namespace)
    }
}

impl PartialEq for Hasher {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed
    }
}

impl fmt::Debug for Hasher {
    /// Writes the name only: who knows the seed can make values that share a term.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher").finish_non_exhaustive()
    }
}

/// Is a setting, by name.
struct Setting(String, String);

/// Returns what makes the terms of a namespace; none if the postings of this database are not made of the terms of this
/// build. It is read once a connection; [`is_stale`] tells afterwards whether that was right.
pub(crate) fn terms(connection: &mut Connection, namespace: &Namespace) -> Result<Option<NamespaceTerms>> {
    if connection.hasher.is_none() {
        read(connection)?;
    }
    Ok(connection.hasher.as_mut().map(|hasher| {
        hasher.used = true;
        hasher.namespace(namespace)
    }))
}

/// Reads what makes terms from the settings, and keeps it for [`terms`]. Writers do so under the write lock, where the answer
/// stays true.
pub(crate) fn read(connection: &mut Connection) -> Result<Option<&Hasher>> {
    // Before the settings: what changes in between is found to be stale.
    let data_version = connection.handle().data_version();
    let schema = schema_version(connection)?;
    let settings: Vec<Setting> = connection.all(fixed::<Settings, 0>([]))?;
    let value =
        |wanted| settings.iter().find(|Setting(name, _)| name == wanted).map(|Setting(_, value)| value.as_str());
    let of_this_build = value("term_version").is_some_and(|version| version.parse() == Ok(TermHasher::VERSION));
    let seed = value("term_seed").and_then(seed).filter(|_| of_this_build);
    connection.hasher =
        seed.map(|seed| Hasher { seed, terms: TermHasher::new(seed), schema, data_version, used: false });
    Ok(connection.hasher.as_ref())
}

/// Returns whether what was just read by the terms of this connection was read from a schema that another process, or a
/// backup that was put back, has made anew meanwhile. Then they are forgotten, and it is to be read again.
///
/// Costs next to nothing unless something was committed since, and a look at the schema then.
pub(crate) fn is_stale(connection: &mut Connection) -> Result<bool> {
    let Some(hasher) = connection.hasher.as_mut().filter(|hasher| hasher.used) else { return Ok(false) };
    hasher.used = false;
    let Hasher { schema, data_version, .. } = *hasher;
    // Reading has brought it up to date.
    let now = connection.handle().data_version();
    if now == data_version {
        return Ok(false);
    }
    if schema_version(connection)? != schema {
        connection.hasher = None;
        return Ok(true);
    }
    if let Some(hasher) = &mut connection.hasher {
        hasher.data_version = now;
    }
    Ok(false)
}

fn schema_version(connection: &mut Connection) -> Result<i64> {
    let mut version = 0;
    connection.visit::<SchemaVersion>(&[], |row| {
        version = row.integer(0);
        ControlFlow::Break(())
    })?;
    Ok(version)
}

/// Reads 32 hexadecimal digits.
fn seed(text: &str) -> Option<[u8; 16]> {
    let digits = Some(text).filter(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes)
}

impl FromRow for Setting {
    fn from_row<'a>(row: &impl Row<'a, Sqlite>) -> Result<Self> {
        Ok(Self(row::text(row, 0, "name")?, row::text(row, 1, "value")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_32_digits() {
        assert_eq!(
            seed("000102030405060708090a0b0c0d0e0F"),
            Some([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
        );
        for text in ["", "00", "+00102030405060708090a0b0c0d0e0f", "g00102030405060708090a0b0c0d0e0f"] {
            assert_eq!(seed(text), None, "{text}");
        }
    }
}
