//! `migrate current`

use polymnia::schema::{Schema, SchemaFault, Status, Version};
use polymnia::{Error, Result};
use serde::Serialize;

use crate::args::{CurrentArgs, Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{self, Place, versions};

#[derive(Serialize)]
struct Standing {
    current: Vec<Version>,
    heads: Vec<Version>,
    /// Whether the newest applied versions are the newest this build knows, and none is missing.
    at_head: bool,
    /// Versions that are half applied, or half taken back.
    unfinished: Vec<Version>,
}

/// Prints the newest applied versions.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: CurrentArgs) -> Outcome {
    let schema = Place::open(context, place, Missing::Refuse)?.schema;
    let Status { current, pending, unfinished, .. } = schema.status()?;
    let heads = schema::heads_of_all(schema.sources());
    // Versions of an application that nobody named are neither behind nor ahead.
    let is_known = |version: &&Version| schema.sources().iter().any(|source| source.prefix == version.prefix());
    let at_head = current.iter().filter(is_known).eq(&heads) && pending.is_empty() && unfinished.is_empty();
    let standing = Standing { current, heads, at_head, unfinished };
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(&standing)?,
        Format::Table if standing.current.is_empty() => context.out.line("none")?,
        Format::Table => {
            for version in &standing.current {
                let mark = if standing.heads.contains(version) { " (head)" } else { "" };
                context.out.line(format!("{version}{mark}"))?;
            }
        }
    }
    if !standing.unfinished.is_empty() {
        context.note(format!("{} stopped half-way: see `polymnia migrate status`", versions(&standing.unfinished)));
    }
    context.out.flush()?;
    if args.check_heads && !at_head { Err(elsewhere(&schema, &standing)?.into()) } else { Ok(Exit::Ok) }
}

/// Returns the error for a database that is not at the heads.
fn elsewhere(schema: &Schema, standing: &Standing) -> Result<Error> {
    let heads = versions(&standing.heads);
    let unknown = schema.history()?.into_iter().filter(|entry| entry.applied && !entry.known);
    let unknown: Vec<Version> = unknown.map(|entry| entry.version).collect();
    Ok(if unknown.is_empty() {
        SchemaFault::Pending
            .error(format!("the newest version is {heads}, the database's {}", versions(&standing.current)))
            .with_hint("run `polymnia migrate upgrade`")
    } else {
        SchemaFault::Newer
            .error(format!("this build knows versions up to {heads}, the database has {}", versions(&unknown)))
            .with_hint(
                "use the build that applied them, or go back with `polymnia migrate downgrade --use-stored-down`",
            )
    })
}
