//! Statements drafted from what a database has more, or less, than its migrations make.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use polymnia::schema::text::Syntax;
use polymnia::schema::{Object, ObjectKind, ObjectName, Snapshot};
use polymnia::{ConnectionString, Result};

use super::ddl::Ddl;
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
        let mut sources = vec![schema::ours(context, &dialect)?];
        if let Some(folder) = context.settings.migrations(place.migrations.as_deref()) {
            let exists = folder.value.join(&dialect).is_dir();
            sources.extend(exists.then(|| schema::application(&folder.value, &dialect)).transpose()?);
        }
        let (made, _) = schema::made(&sources, "head")?;
        let found = opened.schema.dump()?;
        let shown = ConnectionString::from(url.to_owned()).to_string();
        let ddl = Ddl(Syntax::of(&dialect));
        let intro = format!(
            "-- Drafted from {}: read it before it runs. Columns stand in the order of their names.\n",
            shown.replace('\n', " ")
        );
        Ok(Self {
            up: format!("{intro}{}", statements(ddl, &made, &found)),
            down: format!("{intro}{}", statements(ddl, &found, &made)),
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

/// Returns statements that lead from one schema to another. What can't be written is named in a comment.
fn statements(ddl: Ddl, from: &Snapshot, to: &Snapshot) -> String {
    let mut text = String::new();
    // What goes first goes before what it belongs to, and what comes, after.
    for (name, object) in from.0.iter().rev().filter(|(name, _)| !to.0.contains_key(name)) {
        if !is_of_other_table(name, to) {
            text.push_str(&ddl.remove(name, object).unwrap_or_else(|| named("remove", name, object)));
        }
    }
    let mut later = String::new();
    for (name, object) in to.0.iter().filter(|(name, _)| !from.0.contains_key(name)) {
        if is_of_other_table(name, from) && ddl.comes_with_table(name, object) {
            continue;
        }
        let made = ddl.make(name, object, to).unwrap_or_else(|| named("make", name, object));
        // A foreign key, an index or a trigger may name a table that comes after its own.
        if name.kind > ObjectKind::Column { later.push_str(&made) } else { text.push_str(&made) }
    }
    text.push_str(&later);
    for (name, object) in &to.0 {
        if let Some(before) = from.0.get(name).filter(|before| before.attributes != object.attributes) {
            text.push_str(&changed(name, before, object));
        }
    }
    if text.is_empty() {
        text.push_str("-- Nothing is different.\n");
    }
    text
}

/// Returns whether it belongs to a table that the other schema doesn't have.
fn is_of_other_table(name: &ObjectName, other: &Snapshot) -> bool {
    let table = ObjectName::of(ObjectKind::Table, name.table.clone());
    name.kind > ObjectKind::Table && !other.0.contains_key(&table)
}

/// Names what a human has to write.
fn named(what: &str, name: &ObjectName, object: &Object) -> String {
    let mut text = format!("-- {what} {}\n", one_line(&name.to_string()));
    for (key, value) in &object.attributes {
        let _ = writeln!(text, "--   {key}: {}", one_line(value));
    }
    text
}

fn changed(name: &ObjectName, before: &Object, after: &Object) -> String {
    let mut text = format!("-- change {}\n", one_line(&name.to_string()));
    let keys: BTreeSet<&String> = before.attributes.keys().chain(after.attributes.keys()).collect();
    for key in keys {
        let [was, is] = [before, after].map(|object| object.attributes.get(key).map_or("-", String::as_str));
        if was != is {
            let _ = writeln!(text, "--   {key}: {} -> {}", one_line(was), one_line(is));
        }
    }
    text
}

/// A comment ends with its line.
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
        let kept = |name| (ObjectName::of(ObjectKind::Table, "a.t"), object(&[("options", name)]));
        let from = Snapshot(
            [
                kept("x"),
                (column("a.t", "old"), object(&[("type", "text")])),
                (ObjectName::within("a.t", ObjectKind::Index, "i"), object(&[("columns", "old")])),
                (ObjectName::of(ObjectKind::Table, "a.gone"), object(&[])),
                (column("a.gone", "x"), object(&[("type", "text")])),
            ]
            .into(),
        );
        let key = object(&[("type", "primary key"), ("columns", "id")]);
        let to = Snapshot(
            [
                kept("y"),
                (column("a.t", "new\""), object(&[("type", "text"), ("nullable", "false"), ("default", "''::text")])),
                (ObjectName::of(ObjectKind::Table, "a.fresh"), object(&[])),
                (column("a.fresh", "id"), object(&[("type", "uuid"), ("nullable", "false")])),
                (ObjectName::within("a.fresh", ObjectKind::Constraint, "fresh_pkey"), key),
                (
                    ObjectName::within("a.fresh", ObjectKind::Index, "j"),
                    object(&[("method", "btree"), ("columns", "id")]),
                ),
                (ObjectName::of(ObjectKind::Type, "a.kind"), object(&[("labels", "b\nDROP")])),
            ]
            .into(),
        );
        assert_eq!(
            statements(Ddl(Syntax::Postgres), &from, &to),
            "DROP INDEX a.\"i\";\nALTER TABLE a.t DROP COLUMN \"old\";\nDROP TABLE a.gone;\n\
             CREATE TABLE a.fresh (\n    \"id\" uuid NOT NULL,\n    CONSTRAINT \"fresh_pkey\" PRIMARY KEY (id)\n);\n\
             -- make type a.kind\n--   labels: b DROP\n\
             ALTER TABLE a.t ADD COLUMN \"new\"\"\" text NOT NULL DEFAULT ''::text;\n\
             CREATE INDEX \"j\" ON a.fresh USING btree (id);\n\
             -- change table a.t\n--   options: x -> y\n"
        );
        assert_eq!(statements(Ddl(Syntax::Postgres), &to, &to), "-- Nothing is different.\n");
    }
}
