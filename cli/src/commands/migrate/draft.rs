//! Statements drafted from what a database has more, or less, than its migrations make.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use polymnia::schema::{Object, ObjectKind, ObjectName, Snapshot};
use polymnia::{ConnectionString, Result};

use crate::args::PlaceArgs;
use crate::context::{Context, Missing};
use crate::failure::file_error;
use crate::schema::{self, Place};

/// Is what was drafted, for the dialect of the database.
#[derive(Debug)]
pub(super) struct Draft {
    dialect: String,
    up: String,
    down: String,
}

impl Draft {
    /// Compares a database with what our migrations and those of the folder make.
    pub(super) fn of(context: &Context, place: &PlaceArgs, url: &str) -> Result<Self> {
        let here = PlaceArgs { migrate_url: Some(url.to_owned()), migrations: None };
        let opened = Place::open(context, &here, Missing::Refuse)?;
        let dialect = opened.dialect().to_owned();
        let mut sources = vec![schema::ours(&dialect)?];
        if let Some(folder) = context.settings.migrations(place.migrations.as_deref()) {
            let exists = folder.value.join(&dialect).is_dir();
            sources.extend(exists.then(|| schema::application(&folder.value, &dialect)).transpose()?);
        }
        let (made, _) = schema::made(&sources, "head")?;
        let found = opened.schema.dump()?;
        let shown = ConnectionString::from(url.to_owned()).to_string();
        let intro = format!("-- Drafted from {}: read it before it runs.\n", shown.replace('\n', " "));
        Ok(Self {
            up: format!("{intro}{}", statements(&made, &found)),
            down: format!("{intro}{}", statements(&found, &made)),
            dialect,
        })
    }

    /// Adds what was drafted to the files of a migration of the same dialect.
    pub(super) fn write(&self, dialect: &str, folder: &Path) -> Result<()> {
        if dialect != self.dialect {
            return Ok(());
        }
        for (name, drafted) in [("up.sql", &self.up), ("down.sql", &self.down)] {
            let path = folder.join(name);
            let failed = |error: &std::io::Error| file_error("file", &path, error);
            let text = fs::read_to_string(&path).map_err(|error| failed(&error))?;
            fs::write(&path, format!("{text}\n{drafted}")).map_err(|error| failed(&error))?;
        }
        Ok(())
    }
}

/// Returns statements that lead from one schema to another. What can't be written from what is known of an object is named
/// in a comment.
fn statements(from: &Snapshot, to: &Snapshot) -> String {
    let mut text = String::new();
    let table = |name: &ObjectName| ObjectName::of(ObjectKind::Table, name.table.clone());
    let is_whole =
        |name: &ObjectName, side: &Snapshot| name.kind > ObjectKind::Table && !side.0.contains_key(&table(name));
    // What goes first goes before what it belongs to, and what comes, after.
    for (name, object) in from.0.iter().rev().filter(|(name, _)| !to.0.contains_key(name) && !is_whole(name, to)) {
        text.push_str(&drop(name, object));
    }
    for (name, object) in to.0.iter().filter(|(name, _)| !from.0.contains_key(name)) {
        let columns = || to.0.iter().filter(|(other, _)| other.table == name.table && other.kind > ObjectKind::Table);
        match (definition(object), name.kind) {
            (Some(definition), _) if !is_part_of_table(name, to, from) => push(&mut text, definition),
            (None, ObjectKind::Table) => text.push_str(&create_table(name, columns())),
            (None, ObjectKind::Column) if !is_whole(name, from) => text.push_str(&add_column(name, object)),
            _ if is_part_of_table(name, to, from) => {}
            _ => named(&mut text, "make", name, object),
        }
    }
    for (name, object) in &to.0 {
        let Some(before) = from.0.get(name).filter(|before| before.attributes != object.attributes) else { continue };
        let _ = writeln!(text, "-- change {name}:");
        for (key, value) in &object.attributes {
            let was = before.attributes.get(key);
            if was != Some(value) {
                let was = was.map_or("-", String::as_str);
                let _ = writeln!(text, "--   {key}: {} -> {}", one_line(was), one_line(value));
            }
        }
    }
    if text.is_empty() {
        text.push_str("-- Nothing is different.\n");
    }
    text
}

/// Columns and constraints of a table that is new come with it.
fn is_part_of_table(name: &ObjectName, to: &Snapshot, from: &Snapshot) -> bool {
    let table = ObjectName::of(ObjectKind::Table, name.table.clone());
    let comes_with = matches!(name.kind, ObjectKind::Column | ObjectKind::Constraint);
    comes_with && to.0.contains_key(&table) && !from.0.contains_key(&table)
}

/// Returns the statement that makes an object, where the database keeps it.
fn definition(object: &Object) -> Option<&str> {
    let definition = object.attributes.get("definition")?;
    definition.trim_start().get(..6).filter(|begin| begin.eq_ignore_ascii_case("CREATE")).map(|_| definition.as_str())
}

fn push(text: &mut String, statement: &str) {
    let _ = writeln!(text, "{};", statement.trim().trim_end_matches(';'));
}

fn named(text: &mut String, what: &str, name: &ObjectName, object: &Object) {
    let _ = writeln!(text, "-- {what} {}", one_line(&name.to_string()));
    for (key, value) in &object.attributes {
        let _ = writeln!(text, "--   {key}: {}", one_line(value));
    }
}

fn drop(name: &ObjectName, object: &Object) -> String {
    let table = qualified(&name.table);
    let own = quoted(&name.name);
    match name.kind {
        ObjectKind::Table => format!("DROP TABLE {table};\n"),
        ObjectKind::View => format!("DROP VIEW {table};\n"),
        ObjectKind::Type => format!("DROP TYPE {table};\n"),
        ObjectKind::Sequence => format!("DROP SEQUENCE {table};\n"),
        ObjectKind::Schema => format!("DROP SCHEMA {table};\n"),
        ObjectKind::Column => format!("ALTER TABLE {table} DROP COLUMN {own};\n"),
        ObjectKind::Index => match name.table.split_once('.') {
            Some((schema, _)) => format!("DROP INDEX {}.{own};\n", quoted(schema)),
            None => format!("DROP INDEX {own};\n"),
        },
        ObjectKind::Trigger if !name.table.contains('.') => format!("DROP TRIGGER {own};\n"),
        ObjectKind::Trigger => format!("DROP TRIGGER {own} ON {table};\n"),
        ObjectKind::Constraint if name.table.contains('.') => format!("ALTER TABLE {table} DROP CONSTRAINT {own};\n"),
        ObjectKind::Constraint | ObjectKind::Function => {
            let mut text = String::new();
            named(&mut text, "remove", name, object);
            text
        }
    }
}

fn create_table<'a>(name: &ObjectName, parts: impl Iterator<Item = (&'a ObjectName, &'a Object)>) -> String {
    let mut lines = Vec::new();
    let mut rest = String::new();
    for (part, object) in parts {
        match part.kind {
            ObjectKind::Column => lines.push(format!("    {}", column(part, object))),
            ObjectKind::Constraint => match object.attributes.get("definition") {
                Some(definition) => lines.push(format!("    CONSTRAINT {} {definition}", quoted(&part.name))),
                None => named(&mut rest, "make", part, object),
            },
            _ => {}
        }
    }
    format!("CREATE TABLE {} (\n{}\n);\n{rest}", qualified(&name.table), lines.join(",\n"))
}

fn add_column(name: &ObjectName, object: &Object) -> String {
    format!("ALTER TABLE {} ADD COLUMN {};\n", qualified(&name.table), column(name, object))
}

fn column(name: &ObjectName, object: &Object) -> String {
    let attribute = |key: &str| object.attributes.get(key).map(String::as_str).filter(|value| !value.is_empty());
    let mut text = quoted(&name.name);
    if let Some(kind) = attribute("type") {
        let _ = write!(text, " {kind}");
    }
    if let Some(collation) = attribute("collation") {
        let _ = write!(text, " COLLATE {}", quoted(collation));
    }
    if attribute("nullable") == Some("false") {
        text.push_str(" NOT NULL");
    }
    if let Some(default) = attribute("default") {
        let _ = write!(text, " DEFAULT {default}");
    }
    if let Some(generated) = attribute("generated") {
        let _ = write!(text, " /* generated: {} */", generated.replace("*/", "* /"));
    }
    text
}

/// Quotes a name of the catalog.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn qualified(name: &str) -> String {
    name.split('.').map(quoted).collect::<Vec<_>>().join(".")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(attributes: &[(&str, &str)]) -> Object {
        let attributes = attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Object { ours: false, attributes }
    }

    #[test]
    fn what_is_new_is_made_and_what_is_gone_is_dropped() {
        let column = |table: &str, name: &str| ObjectName::within(table, ObjectKind::Column, name);
        let kept = (ObjectName::of(ObjectKind::Table, "a.t"), object(&[]));
        let from = Snapshot(
            [
                kept.clone(),
                (column("a.t", "old"), object(&[("type", "text")])),
                (ObjectName::within("a.t", ObjectKind::Index, "i"), object(&[("columns", "old")])),
                (ObjectName::of(ObjectKind::Table, "a.gone"), object(&[])),
                (column("a.gone", "x"), object(&[("type", "text")])),
            ]
            .into(),
        );
        let to = Snapshot(
            [
                kept,
                (column("a.t", "new\""), object(&[("type", "text"), ("nullable", "false"), ("default", "''::text")])),
                (ObjectName::of(ObjectKind::Table, "a.fresh"), object(&[])),
                (column("a.fresh", "id"), object(&[("type", "uuid"), ("nullable", "false")])),
                (
                    ObjectName::within("a.fresh", ObjectKind::Constraint, "fresh_pkey"),
                    object(&[("definition", "PRIMARY KEY (id)")]),
                ),
                (
                    ObjectName::within("a.fresh", ObjectKind::Index, "j"),
                    object(&[("definition", "CREATE INDEX j ON a.fresh USING btree (id)")]),
                ),
            ]
            .into(),
        );
        assert_eq!(
            statements(&from, &to),
            "DROP INDEX \"a\".\"i\";\nALTER TABLE \"a\".\"t\" DROP COLUMN \"old\";\nDROP TABLE \"a\".\"gone\";\n\
             CREATE TABLE \"a\".\"fresh\" (\n    \"id\" uuid NOT NULL,\n    CONSTRAINT \"fresh_pkey\" PRIMARY KEY (id)\n);\n\
             CREATE INDEX j ON a.fresh USING btree (id);\n\
             ALTER TABLE \"a\".\"t\" ADD COLUMN \"new\"\"\" text NOT NULL DEFAULT ''::text;\n"
        );
        assert_eq!(statements(&to, &to), "-- Nothing is different.\n");
    }
}
