//! Finds statements in migrations that are dangerous on a database with rows and users.
//!
//! Each rule has a name, a reason, and what to do instead: [`RULES`]. A statement that may be dangerous all the same says
//! why, on a line of its own before it: `-- polymnia:allow RULE REASON`. That comment is no part of a script's
//! checksum, so a reason can be written down for a migration that is long applied.

mod alter;
mod both;
mod cursor;
mod name;
mod own;
mod postgres;
mod rule;
mod script;
mod shape;
mod sqlite;
mod stock;
mod table;
#[cfg(test)]
mod tests;
mod uses;
mod widening;
mod world;

use serde::Serialize;

use crate::schema::text::Syntax;
use crate::schema::{Script, Snapshot, Source, Way};

pub use rule::{Group, RULES, Rule, Severity};

/// Is one dangerous statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The name of the rule, which never changes.
    pub rule: &'static str,
    /// What the rule looks at.
    pub group: Group,
    /// How bad it is.
    pub severity: Severity,
    /// What the statement does, and why that is bad.
    pub message: String,
    /// What to do instead.
    pub instead: String,
    /// Where the statement begins: `migrations/postgres/20261121000200_memory_indexes/up.sql:4:1`.
    pub place: String,
    /// Which statement of the script: `2 of 5`; empty for what stands outside of statements.
    pub statement: String,
    /// Its first line.
    pub sql: String,
}

/// Looks at every script of a source, in order.
///
/// Each is seen in the light of the schema that the versions before it make, as far as their `schema.json` tell it: then a
/// column that is dropped is known by what uses it, and a change of type by the type it had.
pub fn lint(source: &Source) -> Vec<Finding> {
    let syntax = Syntax::of(&source.dialect);
    let mut schema = Some(Snapshot::default());
    source.scripts.iter().flat_map(|script| both_ways(script, syntax, &mut schema)).collect()
}

/// Looks at both scripts of a migration, in the light of the schema before it; none if that isn't known.
///
/// Rules about our own migrations hold for versions without a prefix.
pub fn lint_script(script: &Script, syntax: Syntax, before: Option<&Snapshot>) -> Vec<Finding> {
    both_ways(script, syntax, &mut before.cloned())
}

/// Looks at both scripts of a migration, and makes the schema the one after it; none if that isn't known.
fn both_ways(script: &Script, syntax: Syntax, schema: &mut Option<Snapshot>) -> Vec<Finding> {
    let mut findings = script::lint_direction(script, Way::Up, syntax, schema.as_ref());
    match (&script.delta, &mut *schema) {
        (Some(delta), Some(schema)) => schema.apply(delta),
        _ => *schema = None,
    }
    findings.extend(script::lint_direction(script, Way::Down, syntax, schema.as_ref()));
    findings
}
