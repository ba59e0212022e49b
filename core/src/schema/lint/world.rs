//! What is known of the schema while a script is read: the schema before it, and what its statements did so far.

use crate::schema::lint::alter::Action;
use crate::schema::lint::name::Name;
use crate::schema::lint::shape::Shape;
use crate::schema::lint::table::{Constraint, Kind};
use crate::schema::text::{Syntax, tokens};
use crate::schema::{Object, ObjectKind, ObjectName, Snapshot};

/// Is what is known before a statement.
#[derive(Debug)]
pub(super) struct World<'a> {
    /// The schema before the script; none if it isn't known.
    pub(super) before: Option<&'a Snapshot>,
    pub(super) syntax: Syntax,
    /// Tables that the script made so far: they have no rows that matter, and nobody uses them.
    created: Vec<Name>,
    /// Tables of these that have a column `namespace`.
    tenant: Vec<Name>,
    indexes: Vec<Name>,
    dropped_tables: Vec<Name>,
    renamed_tables: Vec<Name>,
    /// What else the script dropped so far: indexes, triggers, constraints, columns.
    dropped: Vec<Name>,
    /// Constraints that the script added NOT VALID so far.
    not_valid: Vec<String>,
    /// Columns that a check of the script keeps from being NULL.
    not_null: Vec<(Name, String)>,
    enum_values: Vec<String>,
}

impl<'a> World<'a> {
    pub(super) fn new(before: Option<&'a Snapshot>, syntax: Syntax) -> Self {
        Self {
            before,
            syntax,
            created: Vec::new(),
            tenant: Vec::new(),
            indexes: Vec::new(),
            dropped_tables: Vec::new(),
            renamed_tables: Vec::new(),
            dropped: Vec::new(),
            not_valid: Vec::new(),
            not_null: Vec::new(),
            enum_values: Vec::new(),
        }
    }

    /// Returns whether the script itself made a table.
    pub(super) fn is_new(&self, table: &Name) -> bool {
        self.created.iter().any(|created| created.meets(table))
    }

    /// Returns whether a table was there before the script, under this name.
    pub(super) fn is_old(&self, table: &Name) -> bool {
        !self.is_new(table)
    }

    /// Returns whether a table holds memories or what belongs to them, as far as is known.
    pub(super) fn is_tenant(&self, table: &Name) -> bool {
        self.tenant.iter().any(|tenant| tenant.meets(table))
            || self.objects().any(|(name, _)| {
                name.kind == ObjectKind::Column && name.name == "namespace" && Name::read(&name.table).meets(table)
            })
    }

    pub(super) fn made_index(&self, index: &Name) -> bool {
        self.indexes.iter().any(|made| made.meets(index))
    }

    pub(super) fn dropped_table(&self, name: &str) -> bool {
        self.dropped_tables.iter().any(|table| table.last() == name)
    }

    pub(super) fn renamed_table(&self, table: &Name) -> bool {
        self.renamed_tables.iter().any(|renamed| renamed.meets(table))
    }

    pub(super) fn dropped(&self, name: &str) -> bool {
        self.dropped.iter().any(|dropped| dropped.last() == name)
    }

    pub(super) fn added_not_valid(&self, constraint: &str) -> bool {
        self.not_valid.iter().any(|name| name == constraint)
    }

    pub(super) fn added_enum_value(&self, text: &str) -> bool {
        self.enum_values.iter().any(|value| value == text)
    }

    /// Returns the objects before the script; none if they aren't known.
    pub(super) fn objects(&self) -> impl Iterator<Item = (&'a ObjectName, &'a Object)> {
        self.before.into_iter().flat_map(|snapshot| &snapshot.0)
    }

    /// Returns an attribute of a column before the script.
    pub(super) fn column(&self, table: &Name, column: &str, attribute: &str) -> Option<&'a str> {
        self.objects()
            .find(|(name, _)| {
                name.kind == ObjectKind::Column && name.name == column && Name::read(&name.table).meets(table)
            })
            .and_then(|(_, object)| object.attributes.get(attribute))
            .map(String::as_str)
    }

    /// Returns whether a check, whose rows are all known to fulfil it, keeps a column from being NULL.
    pub(super) fn is_checked_not_null(&self, table: &Name, column: &str) -> bool {
        let by_script = self.not_null.iter().any(|(checked, name)| checked.meets(table) && name == column);
        by_script
            || self.objects().any(|(name, object)| {
                let expression = object.attributes.get("expression").map_or("", String::as_str);
                name.kind == ObjectKind::Constraint
                    && Name::read(&name.table).meets(table)
                    && object.attributes.get("valid").is_none_or(|valid| valid != "false")
                    && not_null_check(&tokens(expression, self.syntax).map(|token| token.text).collect::<Vec<_>>())
                        .is_some_and(|checked| checked.trim_matches('"') == column)
            })
    }

    /// Takes note of what a statement does.
    pub(super) fn note(&mut self, shape: &Shape<'_, '_>) {
        match shape {
            Shape::CreateTable(table) => {
                self.created.push(table.name.clone());
                if table.columns.iter().any(|column| column.name == "namespace") {
                    self.tenant.push(table.name.clone());
                }
            }
            Shape::Create { what, name: Some(name), .. } if what == "materialized view" => {
                self.created.push(name.clone());
            }
            Shape::CreateIndex(index) => self.indexes.extend(index.name.clone()),
            Shape::DropTable { names, .. } => {
                self.created.retain(|created| !names.iter().any(|name| name.meets(created)));
                self.dropped_tables.extend(names.iter().cloned());
            }
            Shape::DropIndex { names, .. } => self.dropped.extend(names.iter().cloned()),
            Shape::Drop { what, names, .. } if what == "trigger" || what.ends_with("view") => {
                self.dropped.extend(names.iter().cloned());
            }
            Shape::AddEnumValue { value } => self.enum_values.push((*value).to_owned()),
            Shape::AlterTable { table, actions } => actions.iter().for_each(|action| self.note_action(table, action)),
            _ => {}
        }
    }

    fn note_action(&mut self, table: &Name, action: &Action<'_, '_>) {
        match action {
            Action::AddConstraint(constraint) => self.note_constraint(table, constraint),
            Action::RenameTable { to } => {
                let to = Name::new(table.qualifier().map(str::to_owned), to.clone());
                if self.is_new(table) {
                    self.created.push(to);
                } else {
                    self.renamed_tables.push(table.clone());
                }
            }
            Action::DropConstraint { name, .. } | Action::DropColumn { name, .. } => {
                self.dropped.push(Name::new(None, name.clone()));
            }
            _ => {}
        }
    }

    fn note_constraint(&mut self, table: &Name, constraint: &Constraint<'_, '_>) {
        if constraint.not_valid {
            self.not_valid.extend(constraint.name.clone());
        }
        let words: Vec<&str> = constraint.expression.iter().map(|token| token.text).collect();
        if let (Kind::Check, Some(column)) = (constraint.kind, not_null_check(&words)) {
            self.not_null.push((table.clone(), column.trim_matches('"').to_owned()));
        }
    }
}

/// Returns the column that a check says is not NULL, if that is all it says.
fn not_null_check<'t>(words: &[&'t str]) -> Option<&'t str> {
    let inner: Vec<&str> = words.iter().copied().filter(|word| !matches!(*word, "(" | ")")).collect();
    match inner[..] {
        [column, is, not, null]
            if is.eq_ignore_ascii_case("is")
                && not.eq_ignore_ascii_case("not")
                && null.eq_ignore_ascii_case("null") =>
        {
            Some(column)
        }
        _ => None,
    }
}
