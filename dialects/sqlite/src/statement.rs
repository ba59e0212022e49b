//! Statements as diesel queries whose text is ours alone: nothing but `&'static str` can become SQL.
//!
//! diesel's `sql_query` is never cached. These are query fragments of our own, which are: a [`Fixed`] one by its type,
//! without building its text, and an [`Sql`] by its text.

use std::marker::PhantomData;

use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text, Untyped};
use diesel::sqlite::Sqlite;
use diesel::{RunQueryDsl, SqliteConnection};

/// Is a value to bind.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Text(&'a str),
    Blob(&'a [u8]),
    Integer(i64),
    Real(f64),
}

/// Names a statement whose text never changes. Each implementing type is the key of one cached statement.
pub(crate) trait Fixed: 'static {
    /// The statement, with a `?` for each value. No `?` stands for anything else.
    const SQL: &'static str;
}

/// Declares statements whose text never changes.
macro_rules! statements {
    ($($(#[$docs:meta])* $name:ident = $($sql:expr),+;)*) => {$(
        $(#[$docs])*
        pub(crate) enum $name {}

        impl $crate::statement::Fixed for $name {
            const SQL: &'static str = concat!($($sql),+);
        }
    )*};
}
pub(crate) use statements;

/// Returns a run of the statement with these values.
pub(crate) fn fixed<K: Fixed, const N: usize>(values: [Value<'_>; N]) -> Run<'_, K, N> {
    Run { values, key: PhantomData }
}

/// Is a run of a statement whose text never changes.
pub(crate) struct Run<'a, K, const N: usize> {
    values: [Value<'a>; N],
    key: PhantomData<fn() -> K>,
}

/// Is a statement put together from pieces, in the order they are added.
#[derive(Debug, Default)]
pub(crate) struct Sql<'a> {
    pieces: Vec<Piece<'a>>,
}

#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Text(&'static str),
    Value(Value<'a>),
}

impl<'a> Sql<'a> {
    pub(crate) fn new(text: &'static str) -> Self {
        // Room for every condition there is: a page's query never grows it.
        let mut pieces = Vec::with_capacity(32);
        pieces.push(Piece::Text(text));
        Self { pieces }
    }

    /// Adds text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.pieces.push(Piece::Text(text));
        self
    }

    /// Adds a value, to be bound.
    pub(crate) fn bind(&mut self, value: Value<'a>) -> &mut Self {
        self.pieces.push(Piece::Value(value));
        self
    }

    /// Adds another statement's pieces.
    pub(crate) fn append(&mut self, other: Self) {
        self.pieces.extend(other.pieces);
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a, T: AsRef<str> + ?Sized> From<Option<&'a T>> for Value<'a> {
    fn from(text: Option<&'a T>) -> Self {
        text.map_or(Self::Null, |text| Self::Text(text.as_ref()))
    }
}

impl From<Option<i64>> for Value<'_> {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Null, Self::Integer)
    }
}

impl Value<'_> {
    fn walk<'b>(&'b self, out: &mut AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        match self {
            Self::Null => out.push_bind_param::<Nullable<Text>, Option<&'static str>>(&None),
            Self::Text(text) => out.push_bind_param::<Text, str>(text),
            Self::Blob(bytes) => out.push_bind_param::<Binary, [u8]>(bytes),
            Self::Integer(number) => out.push_bind_param::<BigInt, i64>(number),
            Self::Real(number) => out.push_bind_param::<Double, f64>(number),
        }
    }
}

impl<K: Fixed, const N: usize> Run<'_, K, N> {
    /// The text before each value, and after the last. Wrong numbers of values don't compile.
    const PARTS: ([&'static str; N], &'static str) = split(K::SQL);
}

impl<K: Fixed, const N: usize> QueryFragment<Sqlite> for Run<'_, K, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let (before, after) = Self::PARTS;
        for (text, value) in before.into_iter().zip(&self.values) {
            out.push_sql(text);
            value.walk(&mut out)?;
        }
        out.push_sql(after);
        Ok(())
    }
}

impl<K: Fixed, const N: usize> QueryId for Run<'_, K, N> {
    type QueryId = K;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<K: Fixed, const N: usize> Query for Run<'_, K, N> {
    type SqlType = Untyped;
}

impl<K: Fixed, const N: usize> RunQueryDsl<SqliteConnection> for Run<'_, K, N> {}

impl QueryFragment<Sqlite> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_sql(text),
                Piece::Value(value) => value.walk(&mut out)?,
            }
        }
        Ok(())
    }
}

impl QueryId for Sql<'_> {
    type QueryId = ();

    // Cached all the same, by its text: there are only so many ways to put the pieces together.
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl Query for Sql<'_> {
    type SqlType = Untyped;
}

impl RunQueryDsl<SqliteConnection> for Sql<'_> {}

/// Returns the text of a statement, without its values, for logs and tests.
pub(crate) fn text(query: &impl QueryFragment<Sqlite>) -> String {
    let with_values = diesel::debug_query::<Sqlite, _>(query).to_string();
    // Our text never holds these characters, so the first place where they stand is where diesel lists the values.
    match with_values.split_once(" -- binds:") {
        Some((text, _)) => text.to_owned(),
        None => with_values,
    }
}

const fn split<const N: usize>(sql: &'static str) -> ([&'static str; N], &'static str) {
    let mut parts = [""; N];
    let mut rest = sql;
    let mut found = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest.as_bytes()[at] == b'?' {
            let (before, after) = rest.split_at(at);
            parts[found] = before;
            rest = after.split_at(1).1;
            found += 1;
            at = 0;
        } else {
            at += 1;
        }
    }
    assert!(found == N, "expected a value for each ? of the statement");
    (parts, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    statements! {
        Probe = "SELECT ?", " + ?;";
    }

    #[test]
    fn texts_hold_no_values() {
        let run = fixed::<Probe, 2>([Value::Integer(7), Value::Text("secret -- binds:")]);
        assert_eq!(text(&run), "SELECT ? + ?;");
        let mut sql = Sql::new("SELECT ");
        sql.bind(Value::Blob(b"secret")).push(", ").bind(Value::Null);
        assert_eq!(text(&sql), "SELECT ?, ?");
    }
}
