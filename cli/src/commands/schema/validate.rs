//! `schema validate`

use polymnia::Error;
use polymnia::schema::{ChangedScript, Probe, SchemaFault, Validation, Version};

use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::output::{Out, block, plural};
use crate::schema::{self, Place};

/// Compares the live schema with what the applied migrations make, and tries what it promises.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let validation = Place::open(context, place, Missing::Refuse)?.schema.validate()?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(&validation)?,
        Format::Table => print(&mut context.out, &validation)?,
    }
    context.out.flush()?;
    if validation.valid { Ok(Exit::Ok) } else { Err(fault(&validation).into()) }
}

fn print(out: &mut Out, validation: &Validation) -> std::io::Result<()> {
    let Validation { valid, version, fingerprint, expected, drift, probes, changed, problems } = validation;
    let held = probes.iter().filter(|probe| probe.holds).count();
    let mut fields = vec![
        ("schema version", version.as_ref().map_or("none", Version::as_str).to_owned()),
        ("fingerprint", fingerprint.clone()),
    ];
    if fingerprint != expected {
        fields.push(("expected", expected.clone()));
    }
    fields.push(("promises tried", format!("{} held of {}", held, probes.len())));
    out.fields(&fields)?;
    schema::drifts(out, drift, ["expected", "found   "])?;
    for Probe { name, detail, .. } in probes.iter().filter(|probe| !probe.holds) {
        out.line(format!("{} {}: {}", out.paint().error("not so:"), block(name), block(detail)))?;
    }
    for ChangedScript { version, diff, .. } in changed {
        out.line(format!("the script of {version} is not the one that was applied"))?;
        out.line(block(diff.trim_end()))?;
    }
    // One that stands alone is the error.
    if problems.len() > 1 || !drift.is_empty() {
        schema::problems(out, problems)?;
    }
    if *valid { out.line("the schema is what its migrations make") } else { Ok(()) }
}

fn fault(validation: &Validation) -> Error {
    let Validation { drift, probes, changed, problems, .. } = validation;
    let broken = probes.iter().filter(|probe| !probe.holds).count() as u64;
    let counted = [
        (drift.len() as u64, "difference", "differences"),
        (broken, "broken promise", "broken promises"),
        (changed.len() as u64, "changed script", "changed scripts"),
        (problems.len() as u64, "problem of the history", "problems of the history"),
    ];
    let counted: Vec<String> = counted
        .into_iter()
        .filter(|(number, ..)| *number > 0)
        .map(|(number, one, many)| plural(number, one, many))
        .collect();
    let message = format!("the schema is not what its migrations make: {}", counted.join(", "));
    if drift.is_empty()
        && broken == 0
        && changed.is_empty()
        && let Some(problem) = problems.first()
        && let Some(fault) = SchemaFault::ALL.into_iter().find(|fault| fault.code() == problem.code)
    {
        let error = fault.error(&problem.message);
        return problem.hint.iter().fold(error, Error::with_hint);
    }
    if drift.is_empty() && broken == 0 && !changed.is_empty() {
        return SchemaFault::ScriptChanged
            .error(message)
            .with_hint("put the scripts back as they were, or accept them with `polymnia migrate repair`");
    }
    SchemaFault::Drift.error(message).with_hint("undo what was changed by hand, or make a migration of it")
}
