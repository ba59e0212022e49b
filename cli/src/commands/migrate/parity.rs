//! `migrate parity`

use polymnia::schema::{Divergence, SchemaFault, Source, parity};
use polymnia::{Error, ErrorKind, Result};
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Out, block, plural};
use crate::plugins;
use crate::schema;

#[derive(Serialize)]
struct Compared<'a> {
    first: &'a str,
    second: &'a str,
    divergences: &'a [Divergence],
    /// The first beside further dialects, where plugins bring some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Compared<'a>>,
}

/// Compares the dialects after each version: the first with each of the others.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let sources = match context.settings.migrations(place.migrations.as_deref()) {
        Some(folder) => schema::known(context)?
            .into_iter()
            .map(|dialect| schema::application(&folder.value, dialect))
            .collect::<Result<_>>()?,
        None => schema::of_all(context)?,
    };
    let [first, others @ ..] = sources.as_slice() else { return Err(alone(&sources).into()) };
    if others.is_empty() {
        return Err(alone(&sources).into());
    }
    let compare = |second| Ok((second, parity(first, second)?));
    let pairs: Vec<(&Source, Vec<Divergence>)> = others.iter().map(compare).collect::<Result<_>>()?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(compared(first, &pairs))?,
        Format::Table => {
            for (second, divergences) in &pairs {
                print(&mut context.out, [first, second], divergences)?;
            }
        }
    }
    context.out.flush()?;
    let diverging = pairs.iter().find_map(|(second, divergences)| Some((second, divergences, divergences.first()?)));
    let Some((second, divergences, divergence)) = diverging else { return Ok(Exit::Ok) };
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

/// Returns the comparisons as one document: that of the first two dialects, which holds the others.
fn compared<'a>(first: &'a Source, pairs: &'a [(&'a Source, Vec<Divergence>)]) -> Option<Compared<'a>> {
    let of = |(second, divergences): &'a (&'a Source, Vec<Divergence>)| Compared {
        first: &first.dialect,
        second: &second.dialect,
        divergences,
        others: Vec::new(),
    };
    let (pair, others) = pairs.split_first()?;
    Some(Compared { others: others.iter().map(of).collect(), ..of(pair) })
}

/// Returns the error for too few dialects.
fn alone(sources: &[Source]) -> Error {
    let names: Vec<&str> = sources.iter().map(|source| source.dialect.as_str()).collect();
    let names = if names.is_empty() { "none" } else { &names.join(", ") };
    let message = format!("it takes two dialects to compare, and what is here is {names}");
    Error::new(ErrorKind::Config, message).with_hint(plugins::HINT)
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
