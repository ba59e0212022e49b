//! Compares the schemas of two dialects, version by version.
//!
//! What is the same though it is written differently is stated in `docs/migrations/parity.md` and, in code, in [`types`],
//! [`expression`] and [`form`]. What only one dialect has is named, with the reason, under `apart` in the
//! `metadata.toml` of the version that makes it.

mod compare;
mod expression;
mod form;
#[cfg(test)]
mod tests;
mod types;

use std::collections::BTreeSet;

use crate::schema::text::Syntax;
use crate::schema::{Divergence, ObjectName, SchemaFault, Script, Snapshot, Source, Version};
use crate::{Error, Result};

/// Is a dialect's side of the comparison, as far as its versions were applied.
#[derive(Debug)]
struct Side {
    dialect: String,
    syntax: Syntax,
    schema: Snapshot,
    /// Objects that only this side has, and may.
    apart: BTreeSet<ObjectName>,
}

/// Compares what two sources make, version by version, and returns where they diverge first; nothing if they don't.
///
/// Compared are tables, columns (type, nullability, default, expression), primary keys, unique constraints, checks, foreign
/// keys, indexes, triggers and views by their names. Schemas, types, sequences and functions are not: what they are good for
/// shows in columns and triggers.
///
/// # Errors
///
/// The fault [`Malformed`](SchemaFault::Malformed) naming a version whose `schema.json` is missing, or whose `apart` names
/// nothing.
pub fn parity(first: &Source, second: &Source) -> Result<Vec<Divergence>> {
    let (mut one, mut other) = (Side::new(first), Side::new(second));
    let versions: BTreeSet<&Version> =
        first.scripts.iter().chain(&second.scripts).map(|script| &script.version).collect();
    for version in versions {
        let (Some(in_first), Some(in_second)) = (find(first, version), find(second, version)) else {
            return Ok(vec![lacking(version, first, second)]);
        };
        one.apply(in_first)?;
        other.apply(in_second)?;
        let divergences = compare::compare(version, &one, &other);
        if !divergences.is_empty() {
            return Ok(divergences);
        }
    }
    Ok(Vec::new())
}

impl Side {
    fn new(source: &Source) -> Self {
        Self {
            dialect: source.dialect.clone(),
            syntax: Syntax::of(&source.dialect),
            schema: Snapshot::default(),
            apart: BTreeSet::new(),
        }
    }

    fn apply(&mut self, script: &Script) -> Result<()> {
        let wrong = |message: String| -> Error {
            SchemaFault::Malformed
                .error(message)
                .with_context("version", script.version.as_str())
                .with_context("place", script.folder.as_str())
        };
        let Some(delta) = &script.delta else {
            let hint = format!("run `polymnia schema dump --delta {} > {}/schema.json`", script.version, script.folder);
            let message = format!("{} says nothing of what it makes: expected schema.json", script.folder);
            return Err(wrong(message).with_hint(hint));
        };
        self.schema.apply(delta);
        for name in script.metadata.apart.keys() {
            let name = ObjectName::try_from(name.clone()).map_err(wrong)?;
            if !self.schema.0.contains_key(&name) {
                return Err(wrong(format!("{} sets {name} apart, which isn't there", script.folder)));
            }
            self.apart.insert(name);
        }
        Ok(())
    }
}

fn find<'a>(source: &'a Source, version: &Version) -> Option<&'a Script> {
    source.scripts.iter().find(|script| script.version == *version)
}

fn lacking(version: &Version, first: &Source, second: &Source) -> Divergence {
    let in_first = find(first, version).map(|script| script.name.clone());
    let in_second = find(second, version).map(|script| script.name.clone());
    let dialect = if in_first.is_none() { &first.dialect } else { &second.dialect };
    Divergence {
        version: version.clone(),
        object: format!("version {version}"),
        what: format!("missing in {dialect}"),
        first: in_first,
        second: in_second,
    }
}
