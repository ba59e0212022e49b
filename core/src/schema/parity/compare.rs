//! Compares two schemas of one version, part by part.

use std::collections::{BTreeMap, BTreeSet};

use crate::schema::parity::Side;
use crate::schema::parity::expression;
use crate::schema::parity::form::{Form, Table, attribute, form, table_name};
use crate::schema::parity::types::{self, Meaning};
use crate::schema::{Divergence, Object, Version};

/// Returns where two sides diverge at a version.
pub(super) fn compare(version: &Version, one: &Side, other: &Side) -> Vec<Divergence> {
    let (first, second) = (form(one), form(other));
    let mut comparison = Comparison { version, one, other, found: Vec::new() };
    comparison.schemas(&first, &second);
    comparison.found
}

struct Comparison<'a> {
    version: &'a Version,
    one: &'a Side,
    other: &'a Side,
    found: Vec<Divergence>,
}

impl Comparison<'_> {
    fn schemas(&mut self, first: &Form<'_>, second: &Form<'_>) {
        self.names("view", "", &first.views, &second.views);
        for name in union(&first.tables, &second.tables) {
            match (first.tables.get(name), second.tables.get(name)) {
                (Some(one), Some(other)) => self.tables(name, one, other),
                (one, other) => self.missing(&format!("table {name}"), one.is_some(), other.is_some()),
            }
        }
    }

    fn tables(&mut self, name: &str, first: &Table<'_>, second: &Table<'_>) {
        self.names("trigger", name, &first.triggers, &second.triggers);
        if first.searched != second.searched {
            self.missing(&format!("text search of {name}"), first.searched, second.searched);
        }
        for column in union(&first.columns, &second.columns) {
            let object = format!("column {name} {column}");
            match (first.columns.get(column), second.columns.get(column)) {
                (Some(one), Some(other)) => self.columns(&object, one, other),
                (one, other) => self.missing(&object, one.is_some(), other.is_some()),
            }
        }
        self.all_constraints(name, first, second);
        for index in union(&first.indexes, &second.indexes) {
            let object = format!("index {name} {index}");
            match (first.indexes.get(index), second.indexes.get(index)) {
                (Some(one), Some(other)) => self.indexes(&object, one, other),
                (one, other) => self.missing(&object, one.is_some(), other.is_some()),
            }
        }
    }

    fn columns(&mut self, object: &str, first: &Object, second: &Object) {
        let (one, other) = (self.one.syntax, self.other.syntax);
        if !types::meet((type_of(first), one), (type_of(second), other)) {
            self.diverges(object, "type", Some(type_of(first)), Some(type_of(second)));
        }
        self.attributes(object, "nullable", first, second, |value, _| value.to_owned());
        let default =
            |of: &Object, syntax| attribute(of, "default").map(|value| types::default_form(value, type_of(of), syntax));
        if default(first, one) != default(second, other) {
            self.diverges(object, "default", attribute(first, "default"), attribute(second, "default"));
        }
        self.attributes(object, "generated", first, second, |value, syntax| {
            let (expression, kind) = value.rsplit_once(' ').unwrap_or((value, ""));
            format!("{} {kind}", expression::form(expression, syntax))
        });
        // A number that SQLite gives to rows may be one that the other dialect has the caller give.
        let numbered = |of| attribute(of, "identity");
        let told = [numbered(first), numbered(second)].contains(&Some("rowid"));
        if !told && numbered(first).is_some() != numbered(second).is_some() {
            self.diverges(object, "identity", numbered(first), numbered(second));
        }
        let collation =
            |of| attribute(of, "collation").map(str::to_lowercase).filter(|name| name != "c" && name != "binary");
        if collation(first) != collation(second) {
            self.diverges(object, "collation", attribute(first, "collation"), attribute(second, "collation"));
        }
    }

    /// Constraints are found by their names, and those without one by what they are.
    fn all_constraints(&mut self, name: &str, first: &Table<'_>, second: &Table<'_>) {
        let (one, other) = (self.one, self.other);
        let mut firsts = merits(first, second, one, other);
        let mut seconds = merits(second, first, other, one);
        let common: Vec<String> = firsts.keys().filter(|name| seconds.contains_key(*name)).cloned().collect();
        for constraint in common {
            let pair = (firsts.remove(&constraint), seconds.remove(&constraint));
            if let (Some(one), Some(other)) = pair {
                let keyed = first.keyed_apart || second.keyed_apart;
                self.constraints(&format!("constraint {name} {constraint}"), one, other, keyed);
            }
        }
        let unnamed: Vec<String> =
            firsts.keys().chain(seconds.keys()).filter(|name| name.starts_with('(')).cloned().collect();
        for constraint in unnamed {
            let of_first = firsts.contains_key(&constraint);
            let (here, there) = if of_first { (&mut firsts, &mut seconds) } else { (&mut seconds, &mut firsts) };
            let Some(object) = here.get(&constraint).copied() else { continue };
            let (own, foreign) = if of_first { (one, other) } else { (other, one) };
            let meant = essence(object, own);
            let twin = there.iter().find(|(_, twin)| essence(twin, foreign) == meant).map(|(name, _)| name.clone());
            if let Some(twin) = twin {
                here.remove(&constraint);
                there.remove(&twin);
            }
        }
        for constraint in union(&firsts, &seconds) {
            let object = format!("constraint {name} {constraint}");
            self.missing(&object, firsts.contains_key(constraint), seconds.contains_key(constraint));
        }
    }

    fn constraints(&mut self, object: &str, first: &Object, second: &Object, keyed_apart: bool) {
        let kind = |of| attribute(of, "type").unwrap_or_default();
        let keys = |kind| matches!(kind, "primary key" | "unique");
        // Where rows have a number for their key, the key that the application knows is unique beside it.
        if kind(first) != kind(second) && !(keyed_apart && keys(kind(first)) && keys(kind(second))) {
            self.diverges(object, "type", Some(kind(first)), Some(kind(second)));
        }
        for name in ["columns", "on_delete", "on_update", "deferrable", "valid", "nulls"] {
            self.attributes(object, name, first, second, |value, _| value.to_owned());
        }
        self.attributes(object, "references", first, second, |value, _| references(value));
        self.attributes(object, "expression", first, second, expression::form);
    }

    fn indexes(&mut self, object: &str, first: &Object, second: &Object) {
        self.attributes(object, "columns", first, second, |value, syntax| expression::forms(value, syntax).join(", "));
        self.attributes(object, "where", first, second, expression::form);
        for name in ["unique", "method", "valid", "nulls"] {
            self.attributes(object, name, first, second, |value, _| value.to_owned());
        }
    }

    fn attributes(
        &mut self,
        object: &str,
        what: &str,
        first: &Object,
        second: &Object,
        form: impl Fn(&str, crate::schema::text::Syntax) -> String,
    ) {
        let (one, other) = (attribute(first, what), attribute(second, what));
        let same = one.map(|value| form(value, self.one.syntax)) == other.map(|value| form(value, self.other.syntax));
        if !same {
            self.diverges(object, what, one, other);
        }
    }

    fn names(&mut self, kind: &str, table: &str, first: &BTreeSet<String>, second: &BTreeSet<String>) {
        let space = if table.is_empty() { "" } else { " " };
        for name in first.symmetric_difference(second) {
            self.missing(&format!("{kind} {table}{space}{name}"), first.contains(name), second.contains(name));
        }
    }

    fn missing(&mut self, object: &str, in_first: bool, in_second: bool) {
        let dialect = if in_first { &self.other.dialect } else { &self.one.dialect };
        let what = format!("missing in {dialect}");
        self.diverges(object, &what, in_first.then_some(object), in_second.then_some(object));
    }

    fn diverges(&mut self, object: &str, what: &str, first: Option<&str>, second: Option<&str>) {
        self.found.push(Divergence {
            version: self.version.clone(),
            object: object.to_owned(),
            what: what.to_owned(),
            first: first.map(str::to_owned),
            second: second.map(str::to_owned),
        });
    }
}

/// Returns the constraints of a table that the other side must have too. Checks that only say what the other side's type
/// says are left out.
fn merits<'a>(table: &Table<'a>, twin: &Table<'_>, side: &Side, other: &Side) -> BTreeMap<String, &'a Object> {
    let implied: BTreeSet<String> =
        twin.columns.iter().flat_map(|(column, twin)| implied(column, twin, other)).collect();
    let merits = |object: &Object| {
        attribute(object, "type") != Some("check")
            || !implied.contains(&expression::form(attribute(object, "expression").unwrap_or_default(), side.syntax))
    };
    table
        .constraints
        .iter()
        .filter(|(_, object)| merits(object))
        .map(|(name, object)| (name.clone(), *object))
        .collect()
}

/// Returns the checks that a column's type makes needless.
fn implied(column: &str, object: &Object, side: &Side) -> Vec<String> {
    let form = |text: String| expression::form(&text, side.syntax);
    let ty = attribute(object, "type").unwrap_or_default();
    match types::meanings(ty, side.syntax) {
        Some([Meaning::Uuid]) => vec![form(format!("length({column}) = 16"))],
        Some([Meaning::Truth]) => vec![form(format!("{column} IN (0, 1)"))],
        Some([Meaning::Json]) => {
            vec![form(format!("json_valid({column})")), form(format!("json_valid({column}) = 1"))]
        }
        Some([Meaning::List]) => vec![form(format!("json_type({column}) = 'array'"))],
        _ => Vec::new(),
    }
}

/// Returns what a constraint is, its name aside.
fn essence(object: &Object, side: &Side) -> String {
    let kind = attribute(object, "type").unwrap_or_default();
    let columns = attribute(object, "columns").unwrap_or_default();
    let check = attribute(object, "expression").map(|check| expression::form(check, side.syntax)).unwrap_or_default();
    let leads = attribute(object, "references").map(references).unwrap_or_default();
    format!("{kind} {columns} {check} {leads} {:?}", attribute(object, "on_delete"))
}

fn type_of(object: &Object) -> &str {
    attribute(object, "type").unwrap_or_default()
}

/// Writes what a foreign key leads to without what tells whose the table is.
fn references(text: &str) -> String {
    let (table, columns) = text.split_once(" (").unwrap_or((text, ""));
    format!("{} ({columns}", table_name(table))
}

fn union<'a, V, W>(first: &'a BTreeMap<String, V>, second: &'a BTreeMap<String, W>) -> BTreeSet<&'a String> {
    first.keys().chain(second.keys()).collect()
}
