//! A schema as it is: its objects and what each is made of.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Is a schema as it is: every object by its name.
///
/// Left out are the ledgers of migrations, what the database keeps for itself, and declared indexes, which come and go
/// without a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Snapshot(pub BTreeMap<ObjectName, Object>);

/// Names an object of a schema: `table polymnia.memories`, `column polymnia.memories.tier`.
///
/// The name is qualified the way the dialect qualifies names, and quoted where it isn't a plain word; columns, constraints
/// and triggers stand under their table, by their names as they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ObjectName {
    /// The table it belongs to, or its own name: so that a table and what belongs to it come together.
    pub table: String,
    /// What it is.
    pub kind: ObjectKind,
    /// Its name within the table; empty for what has no table.
    pub name: String,
}

/// Says what an object of a schema is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A schema of PostgreSQL.
    Schema,
    /// A type, such as an enum.
    Type,
    /// A sequence that no column owns.
    Sequence,
    /// A function.
    Function,
    /// A view, materialised or not.
    View,
    /// A table.
    Table,
    /// A column of a table.
    Column,
    /// A primary key, unique, foreign key or check constraint of a table.
    Constraint,
    /// An index of a table, other than those that constraints make.
    Index,
    /// A trigger of a table.
    Trigger,
}

/// Is what an object of a schema is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Whether it is part of our schema, rather than an application's.
    #[serde(default)]
    pub ours: bool,
    /// What it is made of, by name, in words that don't depend on the server's version.
    ///
    /// Two dialects can be compared because they use the same names for it. What isn't so is left out: there is no
    /// `where` on an index over all rows. Words of SQL are in lower case; lists are joined by `", "`, in order; flags are
    /// `true` or `false`. Expressions are as the catalog prints them (PostgreSQL: `pg_get_expr`, with an empty search
    /// path; SQLite: as written, without comments, one space between tokens where there is white space), without
    /// parentheses around the whole.
    ///
    /// | kind | attribute | value |
    /// |---|---|---|
    /// | table | `options` | `strict`, `without rowid`; `unlogged`, `partition by …` |
    /// | | `module` | of a virtual table: `fts5`, with `arguments` as written; tables of the module's own are left out |
    /// | column | `type` | `text`, `integer`, `blob`; as `format_type` says: `timestamp with time zone`, `text[]` |
    /// | | `nullable` | always there: whether NULL can be stored, so `false` for the columns of a key that refuses it |
    /// | | `default` | an expression |
    /// | | `generated` | an expression, then ` stored` or ` virtual` |
    /// | | `identity` | `always`, `by default`; SQLite: `autoincrement`, or `rowid` for another `INTEGER PRIMARY KEY` |
    /// | | `collation` | other than the dialect's default: `C`, `nocase` |
    /// | constraint | `type` | `primary key`, `unique`, `foreign key`, `check`, `exclude` |
    /// | | `columns` | the columns of all but checks, in the order of the key |
    /// | | `references` | `polymnia.memories (namespace, id)` |
    /// | | `on_delete`, `on_update` | `cascade`, `restrict`, `set null`, `set default`; nothing for `no action` |
    /// | | `deferrable` | `initially deferred`, `initially immediate` |
    /// | | `expression` | of a check |
    /// | | `valid` | `false` if old rows were not checked |
    /// | | `nulls` | `not distinct` |
    /// | | `definition` | of a constraint of another type, whole |
    /// | index | `columns` | each a column or `(expression)`, then what is not the default: ` collate x`, operator class, ` desc`, ` nulls first` |
    /// | | `include` | columns that are only carried |
    /// | | `unique` | `true` |
    /// | | `method` | always there: `btree`, `gin` |
    /// | | `where` | an expression |
    /// | | `with` | `gin_pending_list_limit=512` |
    /// | | `valid` | `false` if queries can't use it |
    /// | | `nulls` | `not distinct` |
    /// | trigger | `timing` | `before`, `after`, `instead of` |
    /// | | `events` | `insert`, `update of content, metadata`, `delete`, joined by ` or ` |
    /// | | `when` | an expression |
    /// | | `definition` | the body, or the function it calls |
    /// | view | `definition` | the query; and `materialized` = `true` |
    /// | type | `values` | of an enum; `definition` of others |
    /// | sequence | `type` | with `start`, `increment`, `minimum`, `maximum`, `cycle` where they are not the default |
    /// | function | `definition` | it is called by the types of its arguments: `function s.f text, integer` |
    ///
    /// A constraint without a name, which only SQLite has, is called by its type and columns: `(primary key)`, `(unique a, b)`,
    /// `(foreign key a, b)`, `(check expression)`. NOT NULL is no constraint here but a column's `nullable`. The schema
    /// `polymnia` is left out, as the ledgers are: no migration makes it.
    pub attributes: BTreeMap<String, String>,
}

/// Is what a migration did to a schema: objects as they are afterwards, none for those that are gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Delta(pub BTreeMap<ObjectName, Option<Object>>);

/// Is one difference between two schemas.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// The object.
    pub object: ObjectName,
    /// What is different: `missing`, `unexpected`, or the name of an attribute.
    pub what: String,
    /// What was expected; none if nothing was.
    pub expected: Option<String>,
    /// What was found; none if nothing was.
    pub found: Option<String>,
}

impl Snapshot {
    /// Returns the SHA-256 of its text, in hexadecimal digits: equal for equal schemas only.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.to_string());
        digest.iter().fold(String::with_capacity(64), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a String takes it");
            text
        })
    }

    /// Returns what leads from `before` to this schema.
    pub fn since(&self, before: &Self) -> Delta {
        let gone = before.0.keys().filter(|name| !self.0.contains_key(*name)).map(|name| (name.clone(), None));
        let changed = self.0.iter().filter(|(name, object)| before.0.get(*name) != Some(*object));
        Delta(gone.chain(changed.map(|(name, object)| (name.clone(), Some(object.clone())))).collect())
    }

    /// Applies what a migration did.
    pub fn apply(&mut self, delta: &Delta) {
        for (name, object) in &delta.0 {
            match object {
                Some(object) => self.0.insert(name.clone(), object.clone()),
                None => self.0.remove(name),
            };
        }
    }

    /// Returns the part that is ours, or the part that is not.
    #[must_use]
    pub fn part(&self, ours: bool) -> Self {
        Self(self.0.iter().filter(|(_, object)| object.ours == ours).map(|(n, o)| (n.clone(), o.clone())).collect())
    }

    /// Compares with what is expected, object by object, attribute by attribute. What belongs to a table that is missing or
    /// unexpected as a whole is not named again.
    pub fn drift_from(&self, expected: &Self) -> Vec<Drift> {
        let drift = |object: &ObjectName, what: &str, expected: Option<&String>, found: Option<&String>| Drift {
            object: object.clone(),
            what: what.to_owned(),
            expected: expected.cloned(),
            found: found.cloned(),
        };
        let tableless = |name: &ObjectName, side: &Self| {
            name.kind > ObjectKind::Table && !side.0.contains_key(&ObjectName::of(ObjectKind::Table, &name.table))
        };
        let mut drifts = Vec::new();
        for (name, wanted) in &expected.0 {
            let Some(found) = self.0.get(name) else {
                if !tableless(name, self) {
                    drifts.push(drift(name, "missing", None, None));
                }
                continue;
            };
            let keys: std::collections::BTreeSet<&String> =
                wanted.attributes.keys().chain(found.attributes.keys()).collect();
            for key in keys {
                let (wanted, found) = (wanted.attributes.get(key), found.attributes.get(key));
                if wanted != found {
                    drifts.push(drift(name, key, wanted, found));
                }
            }
        }
        for name in self.0.keys().filter(|name| !expected.0.contains_key(*name)) {
            if !tableless(name, expected) {
                drifts.push(drift(name, "unexpected", None, None));
            }
        }
        drifts
    }
}

impl fmt::Display for Snapshot {
    /// Writes one line an object: `column polymnia.memories.tier: nullable=false type=text`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, object) in &self.0 {
            write!(f, "{name}:")?;
            for (key, value) in &object.attributes {
                write!(f, " {key}={}", value.escape_debug())?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

impl ObjectName {
    /// Returns the name of what has no table, or is one.
    pub fn of(kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { table: name.into(), kind, name: String::new() }
    }

    /// Returns the name of what belongs to a table.
    pub fn within(table: impl Into<String>, kind: ObjectKind, name: impl Into<String>) -> Self {
        Self { table: table.into(), kind, name: name.into() }
    }
}

impl fmt::Display for ObjectName {
    /// Writes the kind, the table and, after a space, the name within it: `index polymnia.memories memories_created`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.table)?;
        if self.name.is_empty() { Ok(()) } else { write!(f, " {}", self.name) }
    }
}

impl TryFrom<String> for ObjectName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let (word, rest) = text.split_once(' ').unwrap_or((&text, ""));
        let kind = ObjectKind::ALL.into_iter().find(|kind| kind.word() == word);
        let (Some(kind), false) = (kind, rest.is_empty()) else {
            return Err(format!("{text:?} names no object of a schema: expected its kind, its table and its name"));
        };
        let mut quoted = false;
        let end = rest.find(|c| {
            quoted ^= c == '"';
            c == ' ' && !quoted
        });
        let (table, name) = end.map_or((rest, ""), |end| (&rest[..end], &rest[end + 1..]));
        Ok(Self { table: table.to_owned(), kind, name: name.to_owned() })
    }
}

impl From<ObjectName> for String {
    fn from(name: ObjectName) -> Self {
        name.to_string()
    }
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Schema,
        Self::Type,
        Self::Sequence,
        Self::Function,
        Self::View,
        Self::Table,
        Self::Column,
        Self::Constraint,
        Self::Index,
        Self::Trigger,
    ];

    /// Returns the word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Type => "type",
            Self::Sequence => "sequence",
            Self::Function => "function",
            Self::View => "view",
            Self::Table => "table",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Trigger => "trigger",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(attributes: &[(&str, &str)]) -> Object {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Object { ours: true, attributes }
    }

    fn schema() -> Snapshot {
        Snapshot(BTreeMap::from([
            (ObjectName::of(ObjectKind::Table, "a"), object(&[])),
            (ObjectName::within("a", ObjectKind::Column, "b"), object(&[("type", "text")])),
            (ObjectName::within("a", ObjectKind::Index, "c d"), object(&[("columns", "b")])),
        ]))
    }

    #[test]
    fn a_delta_leads_from_one_to_the_other() {
        let before = schema();
        let mut after = before.clone();
        after.0.remove(&ObjectName::within("a", ObjectKind::Index, "c d"));
        after.0.insert(ObjectName::within("a", ObjectKind::Column, "b"), object(&[("type", "integer")]));
        let delta = after.since(&before);
        let stored = serde_json::to_string(&delta).unwrap();
        let read: Delta = serde_json::from_str(&stored).unwrap();
        let mut applied = before.clone();
        applied.apply(&read);
        assert_eq!(applied, after);
        assert_ne!(applied.fingerprint(), before.fingerprint());
    }

    #[test]
    fn a_name_is_read_as_it_was_written() {
        for name in [
            ObjectName::of(ObjectKind::Table, "a"),
            ObjectName::of(ObjectKind::Table, "\"a \"\" b\""),
            ObjectName::within("\"a b\".\"c d\"", ObjectKind::Constraint, "(unique \"e f\", g)"),
            ObjectName::within("s.f", ObjectKind::Function, "text, timestamp with time zone"),
        ] {
            assert_eq!(ObjectName::try_from(name.to_string()), Ok(name));
        }
        for wrong in ["", "table", "table ", "relation a"] {
            assert!(ObjectName::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn drift_is_named_object_by_object() {
        let expected = schema();
        let mut found = expected.clone();
        found.0.insert(ObjectName::within("a", ObjectKind::Column, "b"), object(&[("type", "integer")]));
        found.0.remove(&ObjectName::within("a", ObjectKind::Index, "c d"));
        found.0.insert(ObjectName::of(ObjectKind::Table, "z"), object(&[]));
        found.0.insert(ObjectName::within("z", ObjectKind::Column, "y"), object(&[]));
        let drifts: Vec<String> =
            found.drift_from(&expected).iter().map(|drift| format!("{}: {}", drift.object, drift.what)).collect();
        assert_eq!(drifts, ["column a b: type", "index a c d: missing", "table z: unexpected"]);
        assert_eq!(Snapshot::default().drift_from(&expected).len(), 1, "a table that is missing is named once");
    }
}
