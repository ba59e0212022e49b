//! `init`

use serde::Serialize;

use crate::args::Format;
use crate::context::{Context, Missing, OnInterrupt};
use crate::failure::{Exit, Outcome};
use crate::output::plural;

#[derive(Serialize)]
struct Done {
    database_url: String,
    #[serde(flatten)]
    report: polymnia::MigrateReport,
}

/// Creates the database if need be, brings its schema to the newest version and says what it did.
pub(crate) fn run(context: &mut Context) -> Outcome {
    let url = context.settings.database_url.value.clone();
    let store = context.open_url(&url, Missing::Create, OnInterrupt::Finish)?;
    let report = store.migrate()?;
    let version = report.version.as_deref().unwrap_or("none");
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Done { database_url: url.to_string(), report })?,
        Format::Table => {
            let applied = plural(report.applied.len() as u64, "migration", "migrations");
            let line = match (report.created, report.applied.is_empty()) {
                (true, _) => format!("initialised {url}: {applied}, schema version {version}"),
                (false, false) => format!("brought {url} up to date: {applied}, schema version {version}"),
                (false, true) => format!("{url} is up to date: schema version {version}"),
            };
            context.out.line(line)?;
        }
    }
    Ok(Exit::Ok)
}
