//! `migrate revision`

use std::path::{Path, PathBuf};

use polymnia::schema::{Revision, Source, Version, write_revision};
use polymnia::{Error, ErrorKind, Result, Timestamp};
use serde::Serialize;

use super::{draft, merge};
use crate::args::{Format, PlaceArgs, RevisionArgs};
use crate::context::Context;
use crate::failure::{Exit, OfOption as _, Outcome, file_error};
use crate::output::block;
use crate::plugins;
use crate::schema::{self, versions};

#[derive(Serialize)]
struct Written {
    parents: Vec<Version>,
    folders: Vec<PathBuf>,
}

/// Writes the files of a new migration, built upon the head.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &RevisionArgs) -> Outcome {
    let root = folder(context, place)?;
    let (sources, dialects) = dialects(context, &root, &args.dialect)?;
    let prefix = prefix(&root, &sources, args.prefix.as_deref())?;
    let mut parents: Vec<Version> = sources.iter().flat_map(schema::heads).collect();
    parents.sort();
    parents.dedup();
    if parents.len() > 1 {
        return Err(merge::several(&parents).into());
    }
    let draft = match &args.from_diff {
        Some(url) => Some(draft::Draft::of(context, place, url)?),
        None => None,
    };
    let names: Vec<&str> = dialects.iter().map(String::as_str).collect();
    let revision = Revision { prefix: &prefix, message: &args.message, parents: &parents };
    let folders = write_revision(&root, &names, &revision, Timestamp::now())?;
    if let Some(draft) = &draft {
        for (dialect, folder) in dialects.iter().zip(&folders) {
            draft.write(dialect, folder)?;
        }
    }
    if context.format != Format::Table {
        context.out.document(Written { parents, folders })?;
        return Ok(Exit::Ok);
    }
    for folder in folders {
        context.out.line(block(&folder.display().to_string()))?;
    }
    let upon = if parents.is_empty() { "our newest version".to_owned() } else { versions(&parents) };
    context.note(format!("built upon {upon}; write up.sql and down.sql, then `polymnia migrate lint`"));
    Ok(Exit::Ok)
}

/// Returns the folder that migrations are written to, which must be named.
pub(super) fn folder(context: &Context, place: &PlaceArgs) -> Result<PathBuf> {
    match context.settings.migrations(place.migrations.as_deref()) {
        Some(folder) => Ok(folder.value),
        None => Err(Error::new(ErrorKind::Config, "no folder of migrations is named")
            .with_hint("add --migrations DIR, or set POLYMNIA_MIGRATIONS, or `migrations` in the configuration")),
    }
}

/// Returns the sources that are there, and the dialects to write for: those of the folder, or all that are known where
/// there is nothing yet.
fn dialects(context: &Context, root: &Path, wanted: &str) -> Result<(Vec<Source>, Vec<String>)> {
    let there = if root.try_exists().map_err(|error| file_error("folder", root, &error))? {
        schema::dialects(root)?
    } else {
        Vec::new()
    };
    let sources = there.iter().map(|dialect| schema::application(root, dialect)).collect::<Result<Vec<_>>>()?;
    let known = || Ok::<_, Error>(schema::known(context)?.into_iter().map(str::to_owned).collect::<Vec<_>>());
    let dialects = match wanted {
        "all" if there.is_empty() => known()?,
        "all" => there,
        one if there.iter().any(|dialect| dialect == one) || known()?.iter().any(|dialect| dialect == one) => {
            vec![one.to_owned()]
        }
        other => {
            let message = format!("there is no dialect {other:?}: expected all, {}", known()?.join(", "));
            return Err(Error::invalid_input(message).with_hint(plugins::HINT)).of_option("--dialect");
        }
    };
    Ok((sources, dialects))
}

/// Returns the prefix of the versions: that of those that are there, else the one given.
fn prefix(root: &Path, sources: &[Source], given: Option<&str>) -> Result<String> {
    let there = sources.iter().find(|source| !source.scripts.is_empty()).map(|source| source.prefix.as_str());
    let wrong = |message: String| Err(Error::invalid_input(message)).of_option("--prefix");
    match (there, given) {
        (Some(there), Some(given)) if there != given => {
            wrong(format!("versions in {} begin with {there:?}, not {given:?}", root.display()))
        }
        (Some(there), _) => Ok(there.to_owned()),
        (None, Some(given)) if !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_lowercase()) => {
            Ok(given.to_owned())
        }
        (None, Some(given)) => wrong(format!("{given:?} is no prefix: expected lower-case letters")),
        (None, None) => {
            Err(Error::invalid_input("the first migration of an application needs a prefix for its versions")
                .with_hint("add --prefix WORD, which all its versions will begin with"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_stays_what_it_is() {
        let source = |prefix: &str| {
            let mut source = polymnia_migrations::sqlite_source();
            source.prefix = prefix.to_owned();
            source
        };
        let root = Path::new("m");
        assert_eq!(prefix(root, &[source("shop")], None).unwrap(), "shop");
        assert_eq!(prefix(root, &[source("shop")], Some("shop")).unwrap(), "shop");
        assert_eq!(prefix(root, &[source("")], None).unwrap(), "");
        assert_eq!(prefix(root, &[], Some("shop")).unwrap(), "shop");
        assert!(prefix(root, &[source("shop")], Some("other")).is_err());
        for wrong in [None, Some(""), Some("Shop"), Some("a1")] {
            assert!(prefix(root, &[], wrong).is_err(), "{wrong:?}");
        }
    }
}
