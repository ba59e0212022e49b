//! `migrate parity`

use polymnia::schema::{Divergence, SchemaFault, Source, parity};
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Out, block, plural};
use crate::schema;

#[derive(Serialize)]
struct Compared<'a> {
    first: &'a str,
    second: &'a str,
    divergences: &'a [Divergence],
}

/// Compares the dialects after each version.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let [first, second] = match context.settings.migrations(place.migrations.as_deref()) {
        Some(folder) => schema::known().map(|dialect| schema::application(&folder.value, dialect)),
        None => schema::known().map(schema::ours),
    };
    let (first, second): (Source, Source) = (first?, second?);
    let divergences = parity(&first, &second)?;
    match context.format {
        Format::Json | Format::Ndjson => {
            let (first, second) = (first.dialect.as_str(), second.dialect.as_str());
            context.out.document(Compared { first, second, divergences: &divergences })?;
        }
        Format::Table => print(&mut context.out, [&first, &second], &divergences)?,
    }
    context.out.flush()?;
    let Some(divergence) = divergences.first() else { return Ok(Exit::Ok) };
    let message = format!(
        "{} and {} diverge after {}: {}",
        first.dialect,
        second.dialect,
        divergence.version,
        plural(divergences.len() as u64, "difference", "differences")
    );
    let hint = "make the versions alike, or name what one dialect has alone in `apart` of its metadata.toml";
    Err(SchemaFault::Drift.error(message).with_hint(hint).into())
}

fn print(out: &mut Out, [first, second]: [&Source; 2], divergences: &[Divergence]) -> std::io::Result<()> {
    if divergences.is_empty() {
        let versions = plural(first.scripts.len() as u64, "version", "versions");
        return out.line(format!("{} and {} agree after each of {versions}", first.dialect, second.dialect));
    }
    for Divergence { version, object, what, first: of_first, second: of_second } in divergences {
        out.line(format!("{version} {}: {}", block(object), block(what)))?;
        for (dialect, value) in [(&first.dialect, of_first), (&second.dialect, of_second)] {
            let value = value.as_deref().unwrap_or("-");
            out.line(format!("  {} {}", out.paint().dim(&format!("{dialect}:")), block(value)))?;
        }
    }
    Ok(())
}
