//! `explain`

use polymnia::{Access, Explanation, Query};

use crate::args::{ExplainArgs, Format};
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Out, duration, grouped};

/// Runs a search and prints how it was answered.
pub(crate) fn run(context: &mut Context, args: &ExplainArgs) -> Outcome {
    let query = args.query.query(Query::DEFAULT_LIMIT)?;
    let namespace = context.namespace();
    let explanation = context.open()?.explain(&namespace, &query)?;
    if context.format != Format::Table {
        context.out.document(explanation)?;
        return Ok(Exit::Ok);
    }
    print(&mut context.out, &explanation)?;
    if context.verbose {
        print_statements(&mut context.out, &explanation.statements)?;
    } else {
        context.out.flush()?;
        context.note("-v shows the SQL");
    }
    Ok(Exit::Ok)
}

fn print(out: &mut Out, explanation: &Explanation) -> std::io::Result<()> {
    let Explanation {
        dialect,
        access,
        index,
        streamed,
        estimated_candidates,
        candidates,
        rechecks,
        rows,
        elapsed,
        emulated,
        statements: _,
        details,
    } = explanation;
    let streamed = match (access, streamed) {
        (Access::Nothing, _) => "nothing to read",
        (_, true) => "yes: it ends at the limit",
        (_, false) => "no: all are found, then sorted",
    };
    let estimate = estimated_candidates.map(|estimate| format!(" ({} estimated)", grouped(estimate)));
    let mut fields = vec![
        ("dialect", dialect.clone()),
        ("access", how(*access).to_owned()),
        ("index", index.clone().unwrap_or_else(|| "none".to_owned())),
        ("streamed", streamed.to_owned()),
        ("candidates", format!("{}{}", grouped(*candidates), estimate.unwrap_or_default())),
        ("rechecks", grouped(*rechecks)),
        ("rows", grouped(*rows)),
        ("time", duration(*elapsed)),
        ("emulated", if emulated.is_empty() { "nothing".to_owned() } else { emulated.join(", ") }),
    ];
    fields.extend(details.iter().map(|(name, value)| (name.as_str(), value.clone())));
    out.fields(&fields)
}

/// Returns how memories were found, in a few words.
pub(super) fn how(access: Access) -> &'static str {
    match access {
        Access::MetadataIndex => "by the index over metadata",
        Access::DeclaredIndex => "by a declared index",
        Access::FieldIndex => "by an index on the memory's own fields",
        Access::OrderWalk => "in the order asked for, one by one",
        Access::Scan => "by looking at all of them",
        Access::Nothing => "not at all: nothing can match",
        other => other.as_str(),
    }
}

fn print_statements(out: &mut Out, statements: &[String]) -> std::io::Result<()> {
    for statement in statements {
        out.line("")?;
        out.line(statement.trim_end())?;
    }
    Ok(())
}
