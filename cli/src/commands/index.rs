//! `index`

use polymnia::filter::Step;
use polymnia::{Admin, Error, ErrorKind, IndexDeclaration, IndexName, IndexStatus, Path, Result};
use serde::Serialize;

use crate::args::{CreateIndexArgs, Format, IndexVerb};
use crate::context::Context;
use crate::failure::{Exit, Failure, OfOption as _, Outcome};
use crate::output::{Column, Table, block, grouped, plural};
use crate::progress::Waiting;

#[derive(Serialize)]
struct Created {
    /// Whether it was not there before.
    created: bool,
    #[serde(flatten)]
    index: IndexStatus,
}

#[derive(Serialize)]
struct Listed {
    indexes: Vec<IndexStatus>,
}

#[derive(Serialize)]
struct Dropped {
    name: IndexName,
}

/// Declares, lists and removes indexes on paths of the metadata.
pub(crate) fn run(context: &mut Context, verb: &IndexVerb) -> Outcome {
    match verb {
        IndexVerb::Create(args) => create(context, args),
        IndexVerb::List => list(context),
        IndexVerb::Drop { name } => drop_index(context, IndexName::new(name)?),
    }
}

fn create(context: &mut Context, args: &CreateIndexArgs) -> Outcome {
    let declaration = declaration(args)?;
    let admin = context.open()?.admin();
    let was_there = status(&admin, &declaration.name)?.is_some_and(|status| status.ready);
    let waiting = Waiting::begin(context.quiet, "indexing");
    let created = admin.create_index(&declaration);
    drop(waiting);
    created.map_err(|error| match error.kind() {
        ErrorKind::Cancelled => error.with_hint("the same command makes it anew"),
        ErrorKind::Conflict if error.hint().is_none() => {
            error.with_hint("`polymnia index list` shows what is declared")
        }
        _ => error,
    })?;
    let Some(index) = status(&admin, &declaration.name)? else {
        let message = format!("index {} was dropped by somebody else meanwhile", declaration.name);
        return Err(Error::new(ErrorKind::Conflict, message).into());
    };
    let created = !was_there;
    if context.format != Format::Table {
        context.out.document(Created { created, index })?;
        return Ok(Exit::Ok);
    }
    let IndexStatus { declaration: IndexDeclaration { name, path, kind }, entries, .. } = &index;
    let entries = entries.map(|entries| format!(", {}", plural(entries, "entry", "entries"))).unwrap_or_default();
    let on = format!("on {} ({kind}){entries}", block(&path_text(path)));
    let line =
        if created { format!("created index {name} {on}") } else { format!("index {name} {on} is there already") };
    context.out.line(line)?;
    Ok(Exit::Ok)
}

fn declaration(args: &CreateIndexArgs) -> Result<IndexDeclaration> {
    let path: Path = args.path.parse::<Path>().of_option("--path")?;
    let kind = args.kind.kind();
    match &args.name {
        Some(name) => Ok(IndexDeclaration { name: IndexName::new(name).of_option("--name")?, path, kind }),
        None => IndexDeclaration::new(path, kind).map_err(|error| error.with_hint("name it with --name")),
    }
}

fn status(admin: &Admin, name: &IndexName) -> Result<Option<IndexStatus>> {
    Ok(admin.indexes()?.into_iter().find(|status| status.declaration.name == *name))
}

fn list(context: &mut Context) -> Outcome {
    let indexes = context.open()?.admin().indexes()?;
    match context.format {
        Format::Json => context.out.document(Listed { indexes })?,
        Format::Ndjson => {
            for index in &indexes {
                context.out.json_line(index)?;
            }
        }
        Format::Table if indexes.is_empty() => context.out.line("no index is declared")?,
        Format::Table => {
            let mut table = Table::new([
                Column::Text("name", IndexName::MAX_BYTES),
                Column::Rest("path"),
                Column::Text("type", 8),
                Column::Number("entries"),
                Column::Text("state", 40),
            ]);
            for IndexStatus { declaration: IndexDeclaration { name, path, kind }, ready, entries } in &indexes {
                let state = if *ready { "ready" } else { "not finished: create it again" };
                let entries = entries.map_or_else(|| "-".to_owned(), grouped);
                table.row([name.to_string(), path_text(path), kind.to_string(), entries, state.to_owned()]);
            }
            table.print(&mut context.out)?;
        }
    }
    Ok(Exit::Ok)
}

fn drop_index(context: &mut Context, name: IndexName) -> Outcome {
    if !context.open()?.admin().drop_index(&name)? {
        let error = Error::new(ErrorKind::NotFound, format!("index {name} isn't there"));
        let error = error.with_hint("`polymnia index list` shows those that are");
        return Err(Failure::new(Exit::Failed, error));
    }
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Dropped { name })?,
        Format::Table => context.out.line(format!("dropped index {name}"))?,
    }
    Ok(Exit::Ok)
}

/// Returns a path as one would type it: with dots where that means the same.
fn path_text(path: &Path) -> String {
    let keys: Option<Vec<&str>> = path
        .steps()
        .iter()
        .map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    let dotted = keys.map(|keys| keys.join(".")).filter(|text| text.parse().ok().as_ref() == Some(path));
    dotted.unwrap_or_else(|| path.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_they_can_be_typed() {
        for (path, shown) in [
            (r#"["customer", "score"]"#, "customer.score"),
            (r#"["a.b"]"#, r#"["a.b"]"#),
            (r#"["[x"]"#, r#"["[x"]"#),
            (r#"["items", 0]"#, r#"["items", 0]"#),
            (r#"["a", "", "b"]"#, "a..b"),
        ] {
            let path: Path = path.parse().unwrap();
            assert_eq!(path_text(&path), shown);
            assert_eq!(shown.parse::<Path>().unwrap(), path);
        }
    }
}
