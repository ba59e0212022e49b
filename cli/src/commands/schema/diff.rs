//! `schema diff`

use polymnia::schema::{Drift, SchemaFault};
use serde::Serialize;

use super::side::Given;
use crate::args::{Format, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::schema;

#[derive(Serialize)]
struct Compared<'a> {
    first: &'a str,
    second: &'a str,
    equal: bool,
    /// What the second has other than the first: `expected` is the first's, `found` the second's.
    differences: &'a [Drift],
}

/// Tells two schemas apart, object by object.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, sides: [&str; 2]) -> Outcome {
    let [first, second] = sides.map(Given::read);
    // A version is of the dialect that the other side is of.
    let (first, second) = if first.needs_dialect() {
        let second = second.side(context, place, None)?;
        (first.side(context, place, Some(&second.dialect))?, second)
    } else {
        let first = first.side(context, place, None)?;
        let second = second.side(context, place, Some(&first.dialect))?;
        (first, second)
    };
    if first.dialect != second.dialect {
        context.note("the dialects differ, and so do all names: `polymnia migrate parity` compares what they mean");
    }
    let differences = second.objects.drift_from(&first.objects);
    let equal = differences.is_empty();
    let (first, second) = (first.name.as_str(), second.name.as_str());
    match context.format {
        Format::Json => context.out.document(Compared { first, second, equal, differences: &differences })?,
        Format::Ndjson => {
            for difference in &differences {
                context.out.json_line(difference)?;
            }
        }
        Format::Table if equal => context.out.line(format!("{first} and {second} are the same"))?,
        Format::Table => {
            context.out.line(format!("from {first} to {second}:"))?;
            let said = differences.iter().map(|drift| Drift { what: said(&drift.what).to_owned(), ..drift.clone() });
            schema::drifts(&mut context.out, &said.collect::<Vec<_>>(), ["-", "+"])?;
        }
    }
    if equal { Ok(Exit::Ok) } else { Err(Failure::silent(Exit::of_fault(SchemaFault::Drift))) }
}

/// Neither side is what is expected.
fn said(what: &str) -> &str {
    match what {
        "missing" => "only in the first",
        "unexpected" => "only in the second",
        attribute => attribute,
    }
}
