//! `stats`

use polymnia::{DatabaseInfo, Group, Namespace, NamespaceStats};
use serde::Serialize;

use crate::args::Format;
use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::output::{Column, Out, Table, bytes, grouped, time};

#[derive(Serialize)]
struct Told {
    namespace: Namespace,
    stats: NamespaceStats,
    database: DatabaseInfo,
}

/// Prints what the namespace and the database hold.
pub(crate) fn run(context: &mut Context) -> Outcome {
    let namespace = context.namespace();
    let store = context.open()?;
    let stats = store.stats(&namespace)?;
    let database = store.admin().info()?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Told { namespace, stats, database })?,
        Format::Table => print(&mut context.out, &namespace, &stats, &database)?,
    }
    Ok(Exit::Ok)
}

fn print(out: &mut Out, namespace: &Namespace, stats: &NamespaceStats, database: &DatabaseInfo) -> std::io::Result<()> {
    let mut fields = vec![
        ("namespace", namespace.to_string()),
        ("memories", grouped(stats.memories)),
        ("users", grouped(stats.users)),
        ("threads", grouped(stats.threads)),
        ("content", bytes(stats.content_bytes)),
        ("metadata", bytes(stats.metadata_bytes)),
    ];
    fields.extend(stats.oldest.map(|at| ("oldest", time(at))));
    fields.extend(stats.newest.map(|at| ("newest", time(at))));
    fields.push(("schema version", database.schema_version.clone().unwrap_or_else(|| "none".to_owned())));
    fields.extend(database.bytes.map(|size| ("database", bytes(size))));
    fields.extend(database.unused_indexes.as_ref().map(|names| {
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        ("unused indexes", names)
    }));
    out.fields(&fields)?;
    groups(out, "tier", &stats.by_tier, stats.by_tier.len() as u64, ToString::to_string)?;
    groups(out, "user", &stats.by_user, stats.users, optional)?;
    groups(out, "thread", &stats.by_thread, stats.threads, optional)
}

fn groups<T>(
    out: &mut Out,
    name: &'static str,
    groups: &[Group<T>],
    total: u64,
    text: fn(&T) -> String,
) -> std::io::Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    out.line("")?;
    let mut table = Table::new([Column::Text(name, 60), Column::Number("memories")]);
    for Group { value, memories } in groups {
        table.row([text(value), grouped(*memories)]);
    }
    table.print(out)?;
    let listed = groups.len() as u64;
    if total > listed {
        let line = out.paint().dim(&format!("and {} more", grouped(total - listed)));
        out.line(line)?;
    }
    Ok(())
}

// The shape that `Group<Option<T>>` hands over.
#[allow(clippy::ref_option)]
fn optional<T: ToString>(value: &Option<T>) -> String {
    value.as_ref().map_or_else(|| "(none)".to_owned(), ToString::to_string)
}
