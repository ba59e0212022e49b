//! `migrate check`

use polymnia::Error;
use polymnia::schema::{Problem, SchemaFault, Status, Version};
use serde::Serialize;

use crate::args::{Format, PlaceArgs};
use crate::context::{Context, Missing};
use crate::failure::{Exit, Outcome};
use crate::schema::{self, Place, versions};

#[derive(Serialize)]
struct Checked<'a> {
    ok: bool,
    current: &'a [Version],
    pending: &'a [Version],
    changed: Vec<&'a Version>,
    unfinished: &'a [Version],
    unknown: &'a [Version],
    not_adopted: &'a [Version],
    problems: &'a [Problem],
}

/// Fails unless the history is sound, no script has changed and nothing is pending.
pub(super) fn run(context: &mut Context, place: &PlaceArgs) -> Outcome {
    let status = Place::open(context, place, Missing::Refuse)?.schema.status()?;
    // A version that another dialect lacks is none of this database's, but CI is for all.
    let faults = match context.settings.migrations(place.migrations.as_deref()) {
        Some(folder) => schema::faults(&folder.value)?,
        None => Vec::new(),
    };
    let fault = faults.into_iter().next().or_else(|| fault(&status));
    let Status { current, pending, changed, unfinished, unknown, not_adopted, problems, .. } = &status;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Checked {
            ok: fault.is_none(),
            current,
            pending,
            changed: changed.iter().map(|changed| &changed.version).collect(),
            unfinished,
            unknown,
            not_adopted,
            problems,
        })?,
        // The first is the error's; the others are told before it.
        Format::Table if problems.len() > 1 => schema::problems(&mut context.out, &problems[1..])?,
        Format::Table if fault.is_none() => {
            context.out.line(format!("schema version {}: nothing pending, the history is sound", versions(current)))?;
            if !unknown.is_empty() {
                let unknown = versions(unknown);
                context.note(format!("{unknown} of an application, which --migrations names, are not looked at"));
            }
        }
        Format::Table => {}
    }
    context.out.flush()?;
    fault.map_or(Ok(Exit::Ok), |error| Err(error.into()))
}

/// Returns what is wrong, the gravest first: the history, then scripts, then what is pending. Versions of an application that
/// nobody named are none of it.
pub(super) fn fault(status: &Status) -> Option<Error> {
    let Status { pending, changed, unfinished, problems, .. } = status;
    let known = |problem: &Problem| SchemaFault::ALL.into_iter().find(|fault| fault.code() == problem.code);
    let of_history = |fault: SchemaFault| Exit::of_fault(fault) == Exit::History;
    let mut problems: Vec<(SchemaFault, &Problem)> =
        problems.iter().filter_map(|problem| Some((known(problem)?, problem))).collect();
    problems.sort_by_key(|(fault, _)| !of_history(*fault));
    if let Some((fault, problem)) = problems.first() {
        let error = fault.error(&problem.message);
        return Some(match &problem.hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        });
    }
    if let Some(first) = unfinished.first() {
        // What is half taken back is applied still: it is completed downwards.
        let way = if pending.contains(first) { "upgrade" } else { "downgrade" };
        let message = format!("migration {} stopped half-way", versions(unfinished));
        let hint = format!(
            "run `polymnia migrate {way}` to complete it, or mend it by hand and run `polymnia migrate resolve {first} --applied` \
             or `--rolled-back`"
        );
        return Some(SchemaFault::Unfinished.error(message).with_hint(hint));
    }
    if let Some(changed) = changed.first() {
        let message = format!("the script of {} is not the one that was applied", changed.version);
        let hint = "put the script back as it was, or accept it with `polymnia migrate repair`";
        let error = SchemaFault::ScriptChanged.error(message).with_context("place", &changed.folder);
        return Some(error.with_context("diff", &changed.diff).with_hint(hint));
    }
    if pending.is_empty() {
        return None;
    }
    let message = format!("migrations are pending: {}", versions(pending));
    Some(SchemaFault::Pending.error(message).with_hint("run `polymnia migrate upgrade`"))
}

#[cfg(test)]
mod tests {
    use polymnia::schema::ChangedScript;

    use super::*;

    #[test]
    fn the_gravest_fault_decides() {
        let version = Version::new("20261121000100").unwrap();
        let mut status = Status::default();
        assert!(fault(&status).is_none());
        let code = |status: &Status| Exit::of(&fault(status).unwrap()) as u8;
        status.pending = vec![version.clone()];
        assert_eq!(code(&status), 3);
        let diff = "-a\n+b\n".to_owned();
        status.changed = vec![ChangedScript { version: version.clone(), folder: "f".to_owned(), diff }];
        assert_eq!(code(&status), 4);
        assert_eq!(fault(&status).unwrap().context_value("diff"), Some("-a\n+b\n"));
        status.unfinished = vec![version];
        let unfinished = fault(&status).unwrap();
        assert_eq!(unfinished.context_value("code"), Some("unfinished"));
        assert!(unfinished.hint().unwrap().starts_with("run `polymnia migrate upgrade`"));
        status.pending.clear();
        assert!(fault(&status).unwrap().hint().unwrap().starts_with("run `polymnia migrate downgrade`"));
        let problem = |code| Problem { code, message: "m".to_owned(), hint: Some("h".to_owned()) };
        status.problems = vec![problem("script_changed"), problem("several_heads")];
        assert_eq!(fault(&status).unwrap().context_value("code"), Some("several_heads"));
        assert_eq!(code(&status), 5);
    }
}
