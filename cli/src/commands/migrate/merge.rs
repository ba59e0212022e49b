//! `migrate merge`

use std::path::PathBuf;

use polymnia::schema::{Revision, SchemaFault, Version, write_merge};
use polymnia::{Error, Timestamp};
use serde::Serialize;

use super::revision::folder;
use crate::args::{Format, MergeArgs, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::block;
use crate::schema::{self, versions};

#[derive(Serialize)]
struct Merged {
    parents: Vec<Version>,
    folders: Vec<PathBuf>,
}

/// Writes a migration that joins the heads of the application's migrations.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &MergeArgs) -> Outcome {
    let root = folder(context, place)?;
    let dialects = schema::dialects(&root)?;
    let mut heads = Vec::new();
    let mut prefix = String::new();
    for dialect in &dialects {
        let source = schema::application(&root, dialect)?;
        heads.extend(schema::heads(&source));
        prefix = source.prefix;
    }
    heads.sort();
    heads.dedup();
    if heads.len() < 2 {
        let message = format!("there is nothing to join in {}: the head is {}", root.display(), versions(&heads));
        return Err(Error::invalid_input(message).into());
    }
    let names: Vec<&str> = dialects.iter().map(String::as_str).collect();
    let revision = Revision { prefix: &prefix, message: &args.message, parents: &heads };
    let folders = write_merge(&root, &names, &revision, Timestamp::now())?;
    if context.format != Format::Table {
        context.out.document(Merged { parents: heads, folders })?;
        return Ok(Exit::Ok);
    }
    context.out.line(format!("joins {}", versions(&heads)))?;
    for folder in folders {
        context.out.line(block(&folder.display().to_string()))?;
    }
    Ok(Exit::Ok)
}

/// Returns the error of several heads, which a revision can't be built upon.
pub(super) fn several(heads: &[Version]) -> Error {
    let message = format!("several versions are the newest: {}", versions(heads));
    SchemaFault::SeveralHeads.error(message).with_hint("run `polymnia migrate merge heads` first")
}
