//! What the types of dialects stand for, and the values they take by default.

use crate::schema::parity::expression;
use crate::schema::text::Syntax;

/// Is what a column holds, whatever a dialect calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    Text,
    Bytes,
    Integer,
    Real,
    Decimal,
    Truth,
    /// UTC microseconds.
    Time,
    Date,
    Uuid,
    /// JSON, as jsonb or as its text.
    Json,
    /// Texts in order, as an array or as a JSON list.
    List,
}

/// Returns what a type may stand for; none for a type that stands for itself alone.
pub(super) fn meanings(ty: &str, syntax: Syntax) -> Option<&'static [Meaning]> {
    use Meaning::{Bytes, Date, Decimal, Integer, Json, List, Real, Text, Time, Truth, Uuid};
    let bare = ty.split('(').next().unwrap_or_default().trim();
    Some(match syntax {
        Syntax::Sqlite => match bare {
            "text" => &[Text, Json, List, Decimal, Date],
            "blob" => &[Bytes, Uuid],
            "integer" | "int" => &[Integer, Truth, Time, Date],
            "real" => &[Real],
            "any" | "" => &[Text, Bytes, Integer, Real, Decimal, Truth, Time, Date, Uuid, Json, List],
            _ => return None,
        },
        Syntax::Postgres if ty.ends_with("[]") => &[List],
        Syntax::Postgres => match bare {
            "text" | "character varying" | "character" => &[Text],
            "bytea" => &[Bytes],
            "bigint" | "integer" | "smallint" => &[Integer],
            "double precision" | "real" => &[Real],
            "numeric" => &[Decimal],
            "boolean" => &[Truth],
            "date" => &[Date],
            "uuid" => &[Uuid],
            "json" | "jsonb" => &[Json],
            _ if bare.starts_with("timestamp") => &[Time],
            _ => return None,
        },
    })
}

/// Returns the form of a default of a column: a list is written as JSON has it.
pub(super) fn default_form(default: &str, ty: &str, syntax: Syntax) -> String {
    let form = expression::form(default, syntax);
    if syntax == Syntax::Postgres && ty.ends_with("[]") && form == "'{}'" {
        return "'[]'".to_owned();
    }
    form
}

/// Returns whether both types can stand for the same.
pub(super) fn meet(first: (&str, Syntax), second: (&str, Syntax)) -> bool {
    match (meanings(first.0, first.1), meanings(second.0, second.1)) {
        (Some(one), Some(other)) => one.iter().any(|meaning| other.contains(meaning)),
        // A type that only one of them knows is held as text by the other.
        (None, Some(other)) => other.contains(&Meaning::Text),
        (Some(one), None) => one.contains(&Meaning::Text),
        (None, None) => first.0 == second.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_of_dialects_meet() {
        for (sqlite, postgres, same) in [
            ("text", "text", true),
            ("text", "jsonb", true),
            ("text", "text[]", true),
            ("text", "shop.state", true),
            ("text", "bigint", false),
            ("integer", "bigint", true),
            ("integer", "timestamp with time zone", true),
            ("integer", "boolean", true),
            ("integer", "text", false),
            ("integer", "double precision", false),
            ("real", "double precision", true),
            ("blob", "uuid", true),
            ("blob", "bytea", true),
            ("blob", "text", false),
            ("any", "text", true),
        ] {
            assert_eq!(meet((sqlite, Syntax::Sqlite), (postgres, Syntax::Postgres)), same, "{sqlite} {postgres}");
            assert_eq!(meet((postgres, Syntax::Postgres), (sqlite, Syntax::Sqlite)), same, "{postgres} {sqlite}");
        }
    }
}
