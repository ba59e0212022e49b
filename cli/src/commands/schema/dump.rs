//! `schema dump`

use polymnia::schema::{Snapshot, Version};
use polymnia::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::Versioned;
use crate::schema::Place;

/// Is what a dump holds. `schema diff` reads it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Dump {
    pub(super) dialect: String,
    /// The newest version applied.
    pub(super) version: Option<Version>,
    pub(super) fingerprint: String,
    pub(super) objects: Snapshot,
}

impl Dump {
    /// Reads the live schema.
    pub(super) fn of(place: &Place) -> polymnia::Result<Self> {
        let objects = place.schema.dump()?;
        let version = place.schema.current()?.pop();
        Ok(Self { dialect: place.dialect().to_owned(), version, fingerprint: objects.fingerprint(), objects })
    }
}

/// Prints the live schema, or what the migrations up to a version make: a JSON document, indented for people.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, at: Option<&str>) -> Outcome {
    let place = Place::open(context, place, Missing::Refuse)?;
    let dump = match at {
        None => Dump::of(&place)?,
        Some(at) => {
            let objects = place.schema.expected(Some(at))?;
            let version = place.schema.show(at)?.0.version;
            let dialect = place.dialect().to_owned();
            Dump { dialect, version: Some(version), fingerprint: objects.fingerprint(), objects }
        }
    };
    print(context, &dump)
}

/// Prints what one version did to the schema: what is written down of it, else what was recorded when it ran.
pub(super) fn run_delta(context: &mut Context, place: &PlaceArgs, version: &str) -> Outcome {
    let (migration, script) = Place::open(context, place, Missing::Refuse)?.schema.show(version)?;
    let written = script.and_then(|script| script.delta);
    let Some(delta) = written.or_else(|| migration.entry.and_then(|entry| entry.delta)) else {
        let message = format!("nobody knows what {} did to the schema", migration.version);
        let error = Error::new(ErrorKind::NotFound, message);
        return Err(error.with_hint("apply it by `polymnia migrate upgrade`, which records what it does").into());
    };
    // As it stands in a file: without the version of a form.
    let text = match context.format {
        Format::Table => serde_json::to_string_pretty(&delta),
        Format::Json | Format::Ndjson => serde_json::to_string(&delta),
    };
    context.out.line(text.map_err(std::io::Error::from)?)?;
    Ok(Exit::Ok)
}

fn print(context: &mut Context, dump: &Dump) -> Outcome {
    if context.format == Format::Table {
        let text = serde_json::to_string_pretty(&Versioned::new(dump)).map_err(std::io::Error::from)?;
        context.out.line(text)?;
    } else {
        context.out.document(dump)?;
    }
    Ok(Exit::Ok)
}
