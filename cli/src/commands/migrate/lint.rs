//! `migrate lint`

use std::path::Path;

use polymnia::schema::SchemaFault;
use polymnia::schema::lint::{Finding, RULES, Rule, Severity, lint};
use serde::Serialize;

use crate::args::{Format, LintArgs, PlaceArgs};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{block, plural};
use crate::schema;

#[derive(Serialize)]
struct Linted<'a> {
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct Rules {
    rules: &'static [Rule],
}

/// Finds dangerous statements in the migrations of a folder, or in ours.
pub(super) fn run(context: &mut Context, place: &PlaceArgs, args: &LintArgs) -> Outcome {
    if args.rules {
        return rules(context);
    }
    let folder = context.settings.migrations(args.folder.as_deref().or(place.migrations.as_deref()));
    let sources = match &folder {
        Some(folder) => {
            refuse_malformed(context, &folder.value)?;
            let dialects = schema::dialects(&folder.value)?;
            dialects.iter().map(|dialect| schema::application(&folder.value, dialect)).collect::<Result<Vec<_>, _>>()?
        }
        None => schema::of_all(context)?,
    };
    let findings: Vec<Finding> = sources.iter().flat_map(lint).collect();
    let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count() as u64;
    match context.format {
        Format::Json => context.out.document(Linted { findings: &findings })?,
        Format::Ndjson => {
            for finding in &findings {
                context.out.json_line(finding)?;
            }
        }
        Format::Table => {
            for finding in &findings {
                print(context, finding)?;
            }
            if errors == 0 {
                let migrations = sources.iter().map(|source| source.scripts.len() as u64).sum();
                let warnings = plural(findings.len() as u64, "warning", "warnings");
                context.out.line(format!("{}: {warnings}", plural(migrations, "script", "scripts")))?;
            }
        }
    }
    context.out.flush()?;
    if errors == 0 {
        return Ok(Exit::Ok);
    }
    let message = format!("{} found", plural(errors, "dangerous statement", "dangerous statements"));
    let hint = "change it, or put `-- polymnia:allow RULE REASON` before the statement";
    Err(SchemaFault::Lint.error(message).with_hint(hint).into())
}

fn rules(context: &mut Context) -> Outcome {
    match context.format {
        Format::Json => context.out.document(Rules { rules: RULES })?,
        Format::Ndjson => {
            for rule in RULES {
                context.out.json_line(rule)?;
            }
        }
        Format::Table => {
            for Rule { name, severity, why, instead, .. } in RULES {
                let severity = context.out.paint().dim(word(*severity));
                context.out.line(format!("{name} ({severity}): {why}"))?;
                context.out.line(format!("  instead: {instead}"))?;
            }
        }
    }
    Ok(Exit::Ok)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// Tells everything that is wrong with the files of a folder, which can't be looked at more closely then.
fn refuse_malformed(context: &mut Context, folder: &Path) -> Outcome<()> {
    let mut faults = schema::faults(folder)?.into_iter();
    let Some(first) = faults.next() else { return Ok(()) };
    if context.format == Format::Table {
        for other in faults {
            let place = other.context_value("place").map(|place| format!("{place}: ")).unwrap_or_default();
            context.out.line(block(&format!("{place}{}", other.message())))?;
        }
    }
    context.out.flush()?;
    Err(first.into())
}

fn print(context: &mut Context, finding: &Finding) -> std::io::Result<()> {
    let Finding { rule, severity, message, instead, place, statement, sql, .. } = finding;
    let out = &mut context.out;
    let paint = out.paint();
    let severity = match severity {
        Severity::Error => paint.error(word(*severity)),
        Severity::Warning => paint.command(word(*severity)),
    };
    out.line(format!("{}: {severity} {rule}: {}", block(place), block(message)))?;
    out.line(format!("  {} {}", paint.dim(&format!("statement {statement}:")), block(sql)))?;
    out.line(format!("  {} {}", paint.dim("instead:"), block(instead)))
}
