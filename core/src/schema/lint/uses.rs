//! What uses a column or a table, as far as a snapshot tells.

use crate::schema::lint::name::Name;
use crate::schema::lint::shape::mentions;
use crate::schema::lint::world::World;
use crate::schema::text::{Token, tokens};
use crate::schema::{Object, ObjectKind, ObjectName};

/// Returns what uses a column and was not dropped by the script before: indexes, constraints, triggers, views, and columns that
/// are generated from it.
pub(super) fn of_column(world: &World<'_>, table: &Name, column: &str) -> Vec<ObjectName> {
    world
        .objects()
        .filter(|(name, object)| {
            let here = Name::read(&name.table).meets(table);
            let names_column = |attributes: &[&str]| attributes.iter().any(|key| says(world, object, key, column));
            let names_table = || ["definition", "references"].iter().any(|key| says(world, object, key, table.last()));
            match name.kind {
                ObjectKind::Index => here && names_column(&["columns", "where", "include"]),
                ObjectKind::Constraint if here => names_column(&["columns", "expression"]),
                ObjectKind::Constraint => {
                    names_table() && referenced(object).is_some_and(|columns| lists(world, columns, column))
                }
                ObjectKind::Trigger => (here || names_table()) && names_column(&["definition", "events", "when"]),
                ObjectKind::View => names_table() && names_column(&["definition"]),
                ObjectKind::Column => here && name.name != column && names_column(&["generated"]),
                _ => false,
            }
        })
        .map(|(name, _)| name.clone())
        .filter(|name| {
            let view = Name::read(&name.table);
            !world.dropped(if name.name.is_empty() { view.last() } else { &name.name })
        })
        .collect()
}

/// Returns the foreign keys of other tables that lead to a table.
pub(super) fn leading_to(world: &World<'_>, table: &Name) -> Vec<ObjectName> {
    world
        .objects()
        .filter(|(name, object)| {
            name.kind == ObjectKind::Constraint
                && !Name::read(&name.table).meets(table)
                && object
                    .attributes
                    .get("references")
                    .is_some_and(|to| Name::read(to.split(" (").next().unwrap_or_default()).meets(table))
        })
        .map(|(name, _)| name.clone())
        .filter(|name| !world.dropped_table(Name::read(&name.table).last()))
        .collect()
}

/// Returns what goes with a table and isn't in it: its indexes and triggers.
pub(super) fn beside(world: &World<'_>, table: &Name) -> Vec<ObjectName> {
    world
        .objects()
        .filter(|(name, _)| {
            matches!(name.kind, ObjectKind::Index | ObjectKind::Trigger) && Name::read(&name.table).meets(table)
        })
        .map(|(name, _)| name.clone())
        .filter(|name| !world.dropped(&name.name))
        .collect()
}

/// Lists objects for a message, three at most.
pub(super) fn listed(names: &[ObjectName]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(ToString::to_string).collect();
    match names.len() {
        0..=3 => shown.join(", "),
        count => format!("{} and {} more", shown.join(", "), count - 3),
    }
}

fn says(world: &World<'_>, object: &Object, attribute: &str, name: &str) -> bool {
    object.attributes.get(attribute).is_some_and(|text| lists(world, text, name))
}

fn lists(world: &World<'_>, text: &str, name: &str) -> bool {
    let tokens: Vec<Token<'_>> = tokens(text, world.syntax).collect();
    mentions(&tokens, name, world.syntax)
}

/// Returns the columns that a foreign key leads to.
fn referenced(object: &Object) -> Option<&str> {
    object.attributes.get("references")?.split_once(" (").map(|(_, columns)| columns)
}
