//! `migrate status`

use polymnia::ConnectionString;
use polymnia::schema::{ChangedScript, Compatibility, ForeignLedger, LockHolder, Status};

use super::check;
use crate::args::{Format, PlaceArgs, StatusArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Out, block, plural, time};
use crate::schema::{self, Place, versions};

/// Tells where the database stands.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: StatusArgs) -> Outcome {
    let place = Place::open(context, place, Missing::Refuse)?;
    let status = place.schema.status()?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(&status)?,
        Format::Table => print(&mut context.out, &place.url, &status)?,
    }
    match check::fault(&status) {
        Some(error) if args.exit_code => Err(Failure::silent(Exit::of(&error))),
        _ => Ok(Exit::Ok),
    }
}

fn print(out: &mut Out, url: &ConnectionString, status: &Status) -> std::io::Result<()> {
    let Status { initialised, current, heads, pending, unknown, access, unfinished, not_adopted, .. } = status;
    let stand = match (initialised, pending.len() as u64) {
        (false, _) => "not initialised".to_owned(),
        (true, 0) => "nothing pending".to_owned(),
        (true, number) => format!("{} pending", plural(number, "migration", "migrations")),
    };
    let mut fields = vec![
        ("database", url.to_string()),
        ("schema version", format!("{} ({stand})", versions(current))),
        ("newest known", versions(heads)),
    ];
    let listed =
        [("stopped half-way", unfinished), ("unknown to this build", unknown), ("done by other tools", not_adopted)];
    fields.extend(listed.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name, versions(list))));
    fields.extend((*access != Compatibility::Full).then(|| {
        let may = match access {
            Compatibility::ReadOnly => "only read from it",
            _ => "do nothing with it",
        };
        ("this build may", may.to_owned())
    }));
    fields.extend(status.lock_holder.as_ref().map(|LockHolder { process, description, since }| {
        let since = since.map(|since| format!(", since {}", time(since))).unwrap_or_default();
        ("migrating now", format!("process {process} ({}{since})", block(description)))
    }));
    fields.extend(status.foreign.iter().map(|ForeignLedger { tool, table, version }| {
        let version = version.as_ref().map(|version| format!(" at {}", block(version))).unwrap_or_default();
        ("also a ledger of", format!("{tool}{version}, in {}", block(table)))
    }));
    out.fields(&fields)?;
    for ChangedScript { version, folder, diff } in &status.changed {
        out.line(format!(
            "\n{} the script of {version} is not the one that was applied",
            out.paint().error("changed:")
        ))?;
        out.line(block(folder))?;
        out.line(block(diff.trim_end()))?;
    }
    if !status.problems.is_empty() {
        out.line("")?;
        schema::problems(out, &status.problems)?;
    }
    match &status.plan {
        Some(plan) if !plan.steps.is_empty() => {
            out.line("")?;
            schema::plan(out, plan)?;
            let hint = out.paint().command("polymnia migrate upgrade");
            out.line(format!("`{hint}` applies what is pending"))
        }
        _ => Ok(()),
    }
}
