//! `init`

use polymnia::ConnectionString;
use polymnia::schema::{Backup, RunReport, StepReport, Target, Version};
use serde::Serialize;

use crate::args::{Format, InitArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::plural;
use crate::schema::{Place, interruptible};

#[derive(Serialize)]
struct Done<'a> {
    database_url: String,
    /// Whether there was no schema before.
    created: bool,
    /// The versions applied now.
    applied: Vec<&'a Version>,
    /// The newest version applied.
    version: Option<&'a Version>,
    steps: &'a [StepReport],
    adopted: &'a [Version],
    backup: Option<&'a Backup>,
    millis: u64,
}

/// Creates the database if need be, brings its schema to the newest version and says what it did.
pub(crate) fn run(context: &mut Context, args: &InitArgs) -> Outcome {
    let place = Place::open_to_run(context, &args.place, Missing::Create, args.run.options()?)?;
    let report = interruptible("polymnia init", || {
        if args.no_migrate { place.schema.initialize() } else { place.schema.upgrade(&Target::Head) }
    })?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Done::new(&place.url, &report))?,
        Format::Table => context.out.line(told(&place.url, &report, args.no_migrate))?,
    }
    Ok(Exit::Ok)
}

fn told(url: &ConnectionString, report: &RunReport, no_migrate: bool) -> String {
    let version = report.to.as_ref().map_or("none", Version::as_str);
    let applied = plural(report.steps.len() as u64, "migration", "migrations");
    match (no_migrate, report.created, report.steps.is_empty()) {
        (true, true, _) => format!("initialised {url} without a migration: `polymnia migrate upgrade` applies them"),
        (true, false, _) => format!("{url} is initialised already: schema version {version}"),
        (false, true, _) => format!("initialised {url}: {applied}, schema version {version}"),
        (false, false, false) => format!("brought {url} up to date: {applied}, schema version {version}"),
        (false, false, true) => format!("{url} is up to date: schema version {version}"),
    }
}

impl<'a> Done<'a> {
    fn new(url: &ConnectionString, report: &'a RunReport) -> Self {
        let RunReport { created, from: _, to, steps, adopted, backup, millis } = report;
        Self {
            database_url: url.to_string(),
            created: *created,
            applied: steps.iter().map(|step| &step.version).collect(),
            version: to.as_ref(),
            steps,
            adopted,
            backup: backup.as_ref(),
            millis: *millis,
        }
    }
}
