//! `reset`

use polymnia::Result;
use polymnia::schema::{Backup, RunReport};
use serde::Serialize;

use crate::args::{BackupName, Format, ResetArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{block, plural, shell_line};
use crate::schema::{Place, interruptible};

/// So many namespaces are counted at a time.
const PAGE: u32 = 1_000;

#[derive(Serialize)]
struct Done {
    database_url: String,
    #[serde(flatten)]
    report: RunReport,
}

/// Removes everything of ours from the database, once its name was given.
pub(crate) fn run(context: &mut Context, args: &ResetArgs) -> Outcome {
    let options = args.backup.onto(args.lock.options()?);
    let place = Place::open_to_run(context, &args.place, Missing::Refuse, options)?;
    let name = place.name(context)?;
    if !args.yes || args.confirm.as_deref() != Some(&name) {
        return Err(refusal(&place, &name, args));
    }
    let backup = if args.backup.backup == BackupName::Never || is_empty(&place)? {
        None
    } else {
        let hint = "without a backup: --backup never";
        Some(
            interruptible("polymnia reset", || place.schema.backup())
                .map_err(|error| if error.hint().is_some() { error } else { error.with_hint(hint) })?,
        )
    };
    let report = interruptible("polymnia reset", || place.schema.reset()).map_err(|error| match &backup {
        Some(Backup { path, .. }) if error.context_value("backup").is_none() => {
            error.with_context("backup", path.display())
        }
        _ => error,
    })?;
    let report = RunReport { backup: report.backup.or(backup), ..report };
    match context.format {
        Format::Json | Format::Ndjson => {
            context.out.document(Done { database_url: place.url.to_string(), report })?;
        }
        Format::Table => {
            context.out.line(format!("removed everything of ours from {}: `polymnia init` begins anew", place.url))?;
            if let Some(backup) = &report.backup {
                let path = backup.path.display().to_string();
                context.out.line(format!("backup: {}", block(&path)))?;
                let command = shell_line(["polymnia", "backup", "restore", &path]);
                context.out.line(format!("`{command}` puts it back"))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn is_empty(place: &Place) -> Result<bool> {
    Ok(place.schema.dump()?.0.is_empty())
}

fn refusal(place: &Place, name: &str, args: &ResetArgs) -> Failure {
    // A database without a schema has no namespaces to count.
    let message = match &args.confirm {
        Some(other) if other != name => format!("the database is called {name:?}, not {other:?}: nothing was removed"),
        _ => format!("this would remove everything of ours from {}: {}", place.url, memories(place)),
    };
    Failure::refused(message, format!("add {}", shell_line(["--yes", "--confirm", name])))
}

/// Returns how many memories there are. A database without a schema has none.
fn memories(place: &Place) -> String {
    let admin = place.store.admin();
    let mut found = 0;
    let mut after = None;
    while let Ok(page) = admin.namespaces(after.as_ref(), PAGE) {
        found += page.iter().map(|one| one.memories).sum::<u64>();
        match page.into_iter().last() {
            Some(last) => after = Some(last.namespace),
            None => break,
        }
    }
    plural(found, "memory", "memories")
}
