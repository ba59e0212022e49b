//! A schema in the form that is compared: names without schema and prefix, no physical parts.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::parity::Side;
use crate::schema::{Object, ObjectKind, ObjectName};

/// Is a schema in the form that is compared.
#[derive(Debug, Default)]
pub(super) struct Form<'a> {
    pub(super) tables: BTreeMap<String, Table<'a>>,
    pub(super) views: BTreeSet<String>,
}

/// Is a table in the form that is compared; each part by its name.
#[derive(Debug, Default)]
pub(super) struct Table<'a> {
    pub(super) columns: BTreeMap<String, &'a Object>,
    pub(super) constraints: BTreeMap<String, &'a Object>,
    pub(super) indexes: BTreeMap<String, &'a Object>,
    pub(super) triggers: BTreeSet<String>,
    /// Whether its texts can be searched by words: columns of type tsvector, or a table of FTS5 beside it.
    pub(super) searched: bool,
    /// Whether its primary key was set apart, so that a unique constraint stands for it.
    pub(super) keyed_apart: bool,
}

/// Returns the form of a side. What is set apart is left out, with all that belongs to it.
pub(super) fn form(side: &Side) -> Form<'_> {
    let mut form = Form::default();
    let objects = &side.schema.0;
    let table_of = |name: &ObjectName| ObjectName::of(ObjectKind::Table, name.table.clone());
    for (name, object) in objects {
        let apart = side.apart.contains(name);
        if side.apart.contains(&table_of(name)) {
            continue;
        }
        let table = table_name(&name.table);
        if apart {
            let key = name.kind == ObjectKind::Constraint && attribute(object, "type") == Some("primary key");
            form.tables.entry(table).or_default().keyed_apart |= key;
            continue;
        }
        match name.kind {
            ObjectKind::View => {
                form.views.insert(table);
            }
            ObjectKind::Table if is_full_text(object) => {}
            ObjectKind::Table => {
                form.tables.entry(table).or_default();
            }
            ObjectKind::Column | ObjectKind::Constraint | ObjectKind::Index | ObjectKind::Trigger => {
                if objects.get(&table_of(name)).is_none_or(is_full_text) {
                    continue;
                }
                form.tables.entry(table).or_default().take(name, object);
            }
            ObjectKind::Schema | ObjectKind::Type | ObjectKind::Sequence | ObjectKind::Function => {}
        }
    }
    full_text(side, &mut form);
    form
}

impl<'a> Table<'a> {
    fn take(&mut self, name: &ObjectName, object: &'a Object) {
        let own = part_name(&name.name);
        match name.kind {
            ObjectKind::Column if attribute(object, "type") == Some("tsvector") => self.searched = true,
            ObjectKind::Column => {
                self.columns.insert(own, object);
            }
            ObjectKind::Constraint => {
                self.constraints.insert(own, object);
            }
            ObjectKind::Index => {
                self.indexes.insert(own, object);
            }
            ObjectKind::Trigger => {
                self.triggers.insert(own);
            }
            _ => {}
        }
    }
}

/// Lets a table of FTS5 stand for the searched texts of the table that its name begins with, and leaves out indexes over
/// columns of type tsvector.
fn full_text(side: &Side, form: &mut Form<'_>) {
    let objects = &side.schema.0;
    let beside = objects
        .iter()
        .filter(|(name, object)| name.kind == ObjectKind::Table && is_full_text(object) && !side.apart.contains(*name));
    for (name, _) in beside {
        let text = table_name(&name.table);
        let longest = form
            .tables
            .iter_mut()
            .filter(|(table, _)| text.starts_with(&format!("{table}_")))
            .max_by_key(|(table, _)| table.len());
        match longest {
            Some((_, table)) => table.searched = true,
            // It belongs to no table: then it is compared as one.
            None => {
                form.tables.entry(text).or_default();
            }
        }
    }
    let vectors: BTreeSet<(String, String)> = objects
        .iter()
        .filter(|(name, object)| name.kind == ObjectKind::Column && attribute(object, "type") == Some("tsvector"))
        .map(|(name, _)| (table_name(&name.table), name.name.clone()))
        .collect();
    for (name, table) in &mut form.tables {
        table.indexes.retain(|_, index| {
            let columns = attribute(index, "columns").unwrap_or_default();
            let vector = |column: &str| vectors.contains(&(name.clone(), column.trim().to_owned()));
            attribute(index, "method") == Some("btree") || !columns.split(',').all(vector)
        });
    }
}

fn is_full_text(object: &Object) -> bool {
    attribute(object, "module") == Some("fts5")
}

/// Returns an attribute. That nothing is said is the same as that it is the default.
pub(super) fn attribute<'a>(object: &'a Object, name: &str) -> Option<&'a str> {
    let value = object.attributes.get(name)?.as_str();
    let default = match name {
        "on_delete" | "on_update" => "no action",
        "unique" | "materialized" => "false",
        _ => "",
    };
    (value != default).then_some(value)
}

/// Returns the name of a table without what only tells whose it is: `polymnia.memories` and `polymnia_memories` are `memories`.
pub(super) fn table_name(name: &str) -> String {
    let flat = match name.split_once('.') {
        Some(("public", rest)) => rest.to_owned(),
        Some((schema, rest)) => format!("{schema}_{rest}"),
        None => name.to_owned(),
    };
    part_name(&flat)
}

fn part_name(name: &str) -> String {
    name.strip_prefix("polymnia_").unwrap_or(name).to_owned()
}
