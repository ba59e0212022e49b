//! `namespace`

use polymnia::{Admin, Error, ErrorKind, Namespace, NamespaceSummary};
use serde::Serialize;

use crate::args::{Format, NamespaceVerb};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Column, Table, grouped, plural, time};

#[derive(Serialize)]
struct Listed {
    namespaces: Vec<NamespaceSummary>,
}

#[derive(Serialize)]
struct Renamed {
    from: Namespace,
    to: Namespace,
    memories: u64,
}

#[derive(Serialize)]
struct Deleted {
    namespace: Namespace,
    memories: u64,
}

/// Works across tenants.
pub(crate) fn run(context: &mut Context, verb: &NamespaceVerb) -> Outcome {
    match verb {
        NamespaceVerb::List => list(context),
        NamespaceVerb::Rename { from, to } => rename(context, Namespace::new(from)?, Namespace::new(to)?),
        NamespaceVerb::Delete { name, yes: true } => delete(context, Namespace::new(name)?),
        NamespaceVerb::Delete { name, yes: false } => refuse_delete(context, &Namespace::new(name)?),
    }
}

fn list(context: &mut Context) -> Outcome {
    let admin = context.open()?.admin();
    let mut namespaces: Vec<NamespaceSummary> = Vec::new();
    loop {
        let page = admin.namespaces(namespaces.last().map(|last| &last.namespace), Admin::MAX_LIMIT)?;
        let more = page.len() == Admin::MAX_LIMIT as usize;
        namespaces.extend(page);
        if !more {
            break;
        }
    }
    match context.format {
        Format::Json => context.out.document(Listed { namespaces })?,
        Format::Ndjson => {
            for namespace in &namespaces {
                context.out.json_line(namespace)?;
            }
        }
        Format::Table if namespaces.is_empty() => context.out.line("no namespace holds a memory")?,
        Format::Table => {
            let mut table = Table::new([
                Column::Text("namespace", 60),
                Column::Number("memories"),
                Column::Text("oldest", 16),
                Column::Text("newest", 16),
            ]);
            for NamespaceSummary { namespace, memories, oldest, newest } in &namespaces {
                table.row([namespace.to_string(), grouped(*memories), time(*oldest), time(*newest)]);
            }
            table.print(&mut context.out)?;
        }
    }
    Ok(Exit::Ok)
}

fn rename(context: &mut Context, from: Namespace, to: Namespace) -> Outcome {
    let memories = context.open()?.admin().rename_namespace(&from, &to)?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Renamed { from, to, memories })?,
        Format::Table => {
            let memories = plural(memories, "memory", "memories");
            context.out.line(format!("renamed namespace {from:?} to {to:?}: {memories}"))?;
        }
    }
    Ok(Exit::Ok)
}

fn delete(context: &mut Context, namespace: Namespace) -> Outcome {
    let memories = context.open()?.admin().delete_namespace(&namespace)?;
    if memories == 0 {
        return Err(nothing_there(&namespace));
    }
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Deleted { namespace, memories })?,
        Format::Table => {
            let memories = plural(memories, "memory", "memories");
            context.out.line(format!("deleted namespace {namespace:?}: {memories}"))?;
        }
    }
    Ok(Exit::Ok)
}

fn refuse_delete(context: &mut Context, namespace: &Namespace) -> Outcome {
    let stats = context.open()?.stats(namespace)?;
    if stats.memories == 0 {
        return Err(Failure::refused(
            format!("namespace {namespace:?} shows no memories; this would remove expired ones that may be left"),
            "add --yes to remove them",
        ));
    }
    let message = format!(
        "this would remove namespace {namespace:?}: {} of {} in {}",
        plural(stats.memories, "memory", "memories"),
        plural(stats.users, "user", "users"),
        plural(stats.threads, "thread", "threads"),
    );
    Err(Failure::refused(message, "add --yes to remove it"))
}

fn nothing_there(namespace: &Namespace) -> Failure {
    let message = format!("namespace {namespace:?} holds nothing");
    let hint = "`polymnia namespace list` shows those that do";
    Failure::new(Exit::Failed, Error::new(ErrorKind::NotFound, message).with_hint(hint))
}
