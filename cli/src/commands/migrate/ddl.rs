//! Statements for objects of a schema, from what a snapshot says of them.

use std::fmt::Write as _;

use polymnia::schema::text::Syntax;
use polymnia::schema::{Object, ObjectKind, ObjectName, Snapshot};

/// Writes statements of one dialect.
///
/// A snapshot writes tables, and columns in lists, as the dialect quotes them; the names of columns, constraints, indexes and
/// triggers stand there bare.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ddl(pub(super) Syntax);

impl Ddl {
    /// Returns the statement that makes an object; none where a snapshot says too little. A table comes with its columns and
    /// constraints.
    pub(super) fn make(self, name: &ObjectName, object: &Object, schema: &Snapshot) -> Option<String> {
        let table = &name.table;
        let own = quoted(&name.name);
        Some(match name.kind {
            ObjectKind::Schema => format!("CREATE SCHEMA {table};\n"),
            ObjectKind::Table => self.table(name, object, schema)?,
            ObjectKind::Column => format!("ALTER TABLE {table} ADD COLUMN {};\n", self.column(name, object)?),
            ObjectKind::Constraint if self.is_postgres() => {
                format!("ALTER TABLE {table} ADD {};\n", constraint(name, object)?)
            }
            ObjectKind::Index => self.index(table, &own, object)?,
            ObjectKind::Trigger => self.trigger(table, &own, object)?,
            ObjectKind::View => {
                let materialized = if is(object, "materialized", "true") { "MATERIALIZED " } else { "" };
                format!("CREATE {materialized}VIEW {table} AS {};\n", get(object, "definition")?)
            }
            ObjectKind::Constraint | ObjectKind::Type | ObjectKind::Sequence | ObjectKind::Function => return None,
        })
    }

    /// Returns the statement that removes an object; none where the dialect has none.
    pub(super) fn remove(self, name: &ObjectName, object: &Object) -> Option<String> {
        let table = &name.table;
        let own = quoted(&name.name);
        Some(match name.kind {
            ObjectKind::Schema => format!("DROP SCHEMA {table};\n"),
            ObjectKind::Table => format!("DROP TABLE {table};\n"),
            ObjectKind::Type => format!("DROP TYPE {table};\n"),
            ObjectKind::Sequence => format!("DROP SEQUENCE {table};\n"),
            ObjectKind::View if is(object, "materialized", "true") => format!("DROP MATERIALIZED VIEW {table};\n"),
            ObjectKind::View => format!("DROP VIEW {table};\n"),
            ObjectKind::Column => format!("ALTER TABLE {table} DROP COLUMN {own};\n"),
            ObjectKind::Index if self.is_postgres() => format!("DROP INDEX {};\n", beside(table, &own)),
            ObjectKind::Index => format!("DROP INDEX {own};\n"),
            ObjectKind::Trigger if self.is_postgres() => format!("DROP TRIGGER {own} ON {table};\n"),
            ObjectKind::Trigger => format!("DROP TRIGGER {own};\n"),
            ObjectKind::Constraint if self.is_postgres() => format!("ALTER TABLE {table} DROP CONSTRAINT {own};\n"),
            ObjectKind::Constraint | ObjectKind::Function => return None,
        })
    }

    /// Returns whether an object is made with its table. PostgreSQL wants the table that a foreign key leads to before.
    pub(super) fn comes_with_table(self, name: &ObjectName, object: &Object) -> bool {
        match name.kind {
            ObjectKind::Column => true,
            ObjectKind::Constraint => !(self.is_postgres() && is(object, "type", "foreign key")),
            _ => false,
        }
    }

    fn is_postgres(self) -> bool {
        self.0 == Syntax::Postgres
    }

    fn table(self, name: &ObjectName, object: &Object, schema: &Snapshot) -> Option<String> {
        let table = &name.table;
        if let Some(module) = get(object, "module") {
            let arguments = get(object, "arguments").map(|arguments| format!("({arguments})")).unwrap_or_default();
            return Some(format!("CREATE VIRTUAL TABLE {table} USING {module}{arguments};\n"));
        }
        let mut lines = Vec::new();
        let parts = || schema.0.iter().filter(|(part, _)| part.table == name.table);
        let counted = parts().any(|(_, object)| is(object, "identity", "autoincrement"));
        for (part, object) in parts().filter(|(part, object)| self.comes_with_table(part, object)) {
            // What counts up has its key in the column.
            let key_of_counted = counted && is(object, "type", "primary key") && part.kind == ObjectKind::Constraint;
            match part.kind {
                ObjectKind::Column => lines.push(format!("    {}", self.column(part, object)?)),
                _ if key_of_counted => {}
                _ => lines.push(format!("    {}", constraint(part, object)?)),
            }
        }
        let options = match get(object, "options") {
            Some(options) if !self.is_postgres() => format!(" {}", options.to_uppercase()),
            Some(options) => format!(" /* {} */", options.replace("*/", "* /")),
            None => String::new(),
        };
        Some(format!("CREATE TABLE {table} (\n{}\n){options};\n", lines.join(",\n")))
    }

    fn column(self, name: &ObjectName, object: &Object) -> Option<String> {
        let mut text = quoted(&name.name);
        let mut push = |word: &str, value: &str| {
            let _ = write!(text, " {word}{value}");
        };
        if let Some(kind) = get(object, "type").filter(|kind| !kind.is_empty()) {
            push("", &if self.is_postgres() { kind.to_owned() } else { kind.to_uppercase() });
        }
        if let Some(collation) = get(object, "collation") {
            push("COLLATE ", &collation_name(collation));
        }
        if is(object, "identity", "autoincrement") {
            push("", "PRIMARY KEY AUTOINCREMENT");
        } else if is(object, "nullable", "false") {
            push("", "NOT NULL");
        }
        if let Some(default) = get(object, "default") {
            let plain = self.is_postgres() || default.starts_with('\'') || default.parse::<f64>().is_ok();
            push("DEFAULT ", &if plain { default.to_owned() } else { format!("({default})") });
        }
        if let Some(generated) = get(object, "generated") {
            let (expression, how) = generated.rsplit_once(' ')?;
            push("GENERATED ALWAYS AS ", &format!("({expression}) {}", how.to_uppercase()));
        }
        if let Some(identity @ ("always" | "by default")) = get(object, "identity") {
            push("GENERATED ", &format!("{} AS IDENTITY", identity.to_uppercase()));
        }
        Some(text)
    }

    fn index(self, table: &str, own: &str, object: &Object) -> Option<String> {
        let unique = if is(object, "unique", "true") { "UNIQUE " } else { "" };
        let columns = get(object, "columns")?;
        let mut text = format!("CREATE {unique}INDEX {own} ON {table}");
        if self.is_postgres() {
            let _ = write!(text, " USING {} ({})", get(object, "method")?, with_collations(columns));
        } else {
            let _ = write!(text, " ({columns})");
        }
        text.push_str(&clause(object, "include", "INCLUDE"));
        if is(object, "nulls", "not distinct") {
            text.push_str(" NULLS NOT DISTINCT");
        }
        text.push_str(&clause(object, "with", "WITH"));
        text.push_str(&clause(object, "where", "WHERE"));
        Some(text + ";\n")
    }

    fn trigger(self, table: &str, own: &str, object: &Object) -> Option<String> {
        let (timing, events, definition) = (get(object, "timing")?, get(object, "events")?, get(object, "definition")?);
        let when = clause(object, "when", "WHEN");
        let level = get(object, "level").unwrap_or("row");
        let head = format!("CREATE TRIGGER {own} {} {events} ON {table}", timing.to_uppercase());
        Some(if self.is_postgres() {
            format!("{head} FOR EACH {}{when} EXECUTE FUNCTION {definition};\n", level.to_uppercase())
        } else {
            format!("{head}{when} BEGIN\n    {};\nEND;\n", definition.trim_end_matches(';'))
        })
    }
}

fn constraint(name: &ObjectName, object: &Object) -> Option<String> {
    let columns = || get(object, "columns").map(|columns| format!("({columns})"));
    let mut text = match get(object, "type")? {
        "primary key" => format!("PRIMARY KEY {}", columns()?),
        "unique" if is(object, "nulls", "not distinct") => format!("UNIQUE NULLS NOT DISTINCT {}", columns()?),
        "unique" => format!("UNIQUE {}", columns()?),
        "check" => format!("CHECK ({})", get(object, "expression")?),
        "foreign key" => {
            let mut text = format!("FOREIGN KEY {} REFERENCES {}", columns()?, get(object, "references")?);
            for (key, words) in [("match", "MATCH"), ("on_update", "ON UPDATE"), ("on_delete", "ON DELETE")] {
                if let Some(value) = get(object, key) {
                    let _ = write!(text, " {words} {}", value.to_uppercase());
                }
            }
            if let Some(deferrable) = get(object, "deferrable") {
                let _ = write!(text, " DEFERRABLE {}", deferrable.to_uppercase().trim_start_matches("DEFERRABLE "));
            }
            text
        }
        _ => get(object, "definition")?.to_owned(),
    };
    text.push_str(&clause(object, "include", "INCLUDE"));
    if is(object, "valid", "false") {
        text.push_str(" NOT VALID");
    }
    // What has no name goes by one that no name can be.
    if name.name.starts_with('(') { Some(text) } else { Some(format!("CONSTRAINT {} {text}", quoted(&name.name))) }
}

fn get<'a>(object: &'a Object, key: &str) -> Option<&'a str> {
    object.attributes.get(key).map(String::as_str)
}

fn is(object: &Object, key: &str, value: &str) -> bool {
    get(object, key) == Some(value)
}

fn clause(object: &Object, key: &str, word: &str) -> String {
    get(object, key).map(|value| format!(" {word} ({value})")).unwrap_or_default()
}

/// Quotes a name of the catalog.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Returns the name of what stands in the schema of a table.
fn beside(table: &str, own: &str) -> String {
    // A schema in quotes may hold a dot.
    let end = match table.strip_prefix('"') {
        Some(rest) => rest.replace("\"\"", "__").find('"').map(|end| end + 2),
        None => table.find('.'),
    };
    match end.and_then(|end| table.get(..end)) {
        Some(schema) => format!("{schema}.{own}"),
        None => own.to_owned(),
    }
}

/// A collation of the server's own stands bare in a snapshot, another qualified and quoted.
fn collation_name(collation: &str) -> String {
    if collation.contains('.') { collation.to_owned() } else { quoted(collation) }
}

fn with_collations(columns: &str) -> String {
    let mut words = columns.split(' ');
    let mut written = Vec::new();
    while let Some(word) = words.next() {
        written.push(word.to_owned());
        if word == "collate"
            && let Some(collation) = words.next()
        {
            let (name, comma) = collation.strip_suffix(',').map_or((collation, ""), |name| (name, ","));
            written.push(format!("{}{comma}", collation_name(name)));
        }
    }
    written.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(attributes: &[(&str, &str)]) -> Object {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Object { ours: false, attributes }
    }

    #[test]
    fn what_is_in_a_table_of_postgres() {
        let ddl = Ddl(Syntax::Postgres);
        let made = |kind, attributes: &[(&str, &str)]| {
            ddl.make(&ObjectName::within("a.t", kind, "x"), &object(attributes), &Snapshot::default()).unwrap()
        };
        assert_eq!(
            made(
                ObjectKind::Index,
                &[("method", "gin"), ("columns", "(lower(a)) collate C, b jsonb_path_ops"), ("where", "b > 0")]
            ),
            "CREATE INDEX \"x\" ON a.t USING gin ((lower(a)) collate \"C\", b jsonb_path_ops) WHERE (b > 0);\n"
        );
        assert_eq!(
            made(
                ObjectKind::Constraint,
                &[("type", "foreign key"), ("columns", "b"), ("references", "a.u (id)"), ("on_delete", "cascade")]
            ),
            "ALTER TABLE a.t ADD CONSTRAINT \"x\" FOREIGN KEY (b) REFERENCES a.u (id) ON DELETE CASCADE;\n"
        );
        assert_eq!(
            made(ObjectKind::Column, &[("type", "text"), ("generated", "(a || b) stored"), ("collation", "C")]),
            "ALTER TABLE a.t ADD COLUMN \"x\" text COLLATE \"C\" GENERATED ALWAYS AS ((a || b)) STORED;\n"
        );
        assert_eq!(ddl.make(&ObjectName::of(ObjectKind::Type, "a.e"), &object(&[]), &Snapshot::default()), None);
        let index = ObjectName::within("\"a.b\".t", ObjectKind::Index, "x");
        assert_eq!(ddl.remove(&index, &object(&[])).unwrap(), "DROP INDEX \"a.b\".\"x\";\n");
    }

    #[test]
    fn a_table_of_sqlite_is_made_whole() {
        let part =
            |kind, name: &str, attributes: &[(&str, &str)]| (ObjectName::within("t", kind, name), object(attributes));
        let table = ObjectName::of(ObjectKind::Table, "t");
        let options = object(&[("options", "strict")]);
        let schema = Snapshot(
            [
                (table.clone(), options.clone()),
                part(
                    ObjectKind::Column,
                    "id",
                    &[("type", "integer"), ("nullable", "false"), ("identity", "autoincrement")],
                ),
                part(
                    ObjectKind::Column,
                    "at",
                    &[("type", "text"), ("nullable", "false"), ("default", "datetime('now')")],
                ),
                part(ObjectKind::Constraint, "(primary key)", &[("type", "primary key"), ("columns", "id")]),
                part(ObjectKind::Constraint, "(check at > 0)", &[("type", "check"), ("expression", "at > 0")]),
            ]
            .into(),
        );
        assert_eq!(
            Ddl(Syntax::Sqlite).make(&table, &options, &schema).unwrap(),
            "CREATE TABLE t (\n    \"at\" TEXT NOT NULL DEFAULT (datetime('now')),\n    \
             \"id\" INTEGER PRIMARY KEY AUTOINCREMENT,\n    CHECK (at > 0)\n) STRICT;\n"
        );
        let trigger =
            [("timing", "after"), ("events", "update of at"), ("when", "new.at > 0"), ("definition", "delete from t")];
        assert_eq!(
            Ddl(Syntax::Sqlite)
                .make(&ObjectName::within("t", ObjectKind::Trigger, "g"), &object(&trigger), &schema)
                .unwrap(),
            "CREATE TRIGGER \"g\" AFTER update of at ON t WHEN (new.at > 0) BEGIN\n    delete from t;\nEND;\n"
        );
    }
}
