//! `delete`

use polymnia::{Effect, Error, Expect, MemoryId, MemoryStore, Mutation, Namespace, Result};
use serde::Serialize;

use super::get::missing_error;
use crate::args::{DeleteArgs, Format, selects_all};
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::plural;

#[derive(Serialize)]
struct Deleted {
    /// How many went, or would go.
    memories: u64,
    dry_run: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<MemoryId>,
}

/// Removes memories by id, or those that the conditions select.
pub(crate) fn run(context: &mut Context, args: &DeleteArgs) -> Outcome {
    let selection = args.selection.selection()?;
    if !args.ids.is_empty() {
        if !selection.is_all() || args.selection.filter.is_some() {
            let message = "ids and conditions are given: expected one or the other";
            return Err(Error::invalid_input(message).into());
        }
        return by_id(context, args);
    }
    if selects_all(&selection) {
        return Err(Failure::refused(
            "neither an id nor a condition is given: that would remove every memory of the namespace",
            "remove a whole namespace with `polymnia namespace delete NAME --yes`",
        ));
    }
    let namespace = context.namespace();
    let store = context.open()?;
    if args.yes && !args.dry_run {
        let memories = store.delete_matching(&namespace, &selection)?;
        return print(context, Deleted { memories, dry_run: false, missing: Vec::new() });
    }
    let memories = store.count(&namespace, &selection)?;
    if args.dry_run {
        return print(context, Deleted { memories, dry_run: true, missing: Vec::new() });
    }
    let message = format!("this would remove {} from namespace {namespace:?}", plural(memories, "memory", "memories"));
    Err(Failure::refused(message, "add --yes to remove them, or --dry-run to count only"))
}

fn by_id(context: &mut Context, args: &DeleteArgs) -> Outcome {
    let mut ids: Vec<MemoryId> = args.ids.iter().map(|text| text.parse()).collect::<Result<_>>()?;
    ids.sort_unstable();
    ids.dedup();
    let namespace = context.namespace();
    let store = context.open()?;
    let missing = if args.dry_run { absent(&store, &namespace, &ids)? } else { remove(&store, &namespace, &ids)? };
    let error = missing_error(&missing, &namespace);
    let memories = (ids.len() - missing.len()) as u64;
    print(context, Deleted { memories, dry_run: args.dry_run, missing })?;
    context.out.flush()?;
    match error {
        Some(error) => Err(Failure::new(Exit::Failed, error)),
        None => Ok(Exit::Ok),
    }
}

/// Removes the memories and returns the ids of those that weren't there.
fn remove(store: &MemoryStore, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<MemoryId>> {
    let mut missing = Vec::new();
    for chunk in ids.chunks(MemoryStore::MAX_BATCH) {
        let batch: Vec<Mutation> = chunk.iter().map(|id| Mutation::Delete { id: *id, expect: Expect::Any }).collect();
        let outcomes = store.apply(namespace, &batch)?.outcomes;
        missing.extend(outcomes.iter().filter(|outcome| outcome.effect == Effect::Missing).map(|outcome| outcome.id));
    }
    Ok(missing)
}

fn absent(store: &MemoryStore, namespace: &Namespace, ids: &[MemoryId]) -> Result<Vec<MemoryId>> {
    let mut missing = Vec::new();
    for chunk in ids.chunks(MemoryStore::MAX_IDS) {
        let found = store.get_many(namespace, chunk)?;
        missing.extend(chunk.iter().zip(found).filter(|(_, memory)| memory.is_none()).map(|(id, _)| *id));
    }
    Ok(missing)
}

fn print(context: &mut Context, deleted: Deleted) -> Outcome {
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(deleted)?,
        Format::Table => {
            let memories = plural(deleted.memories, "memory", "memories");
            let what = if deleted.dry_run { "would delete" } else { "deleted" };
            context.out.line(format!("{what} {memories}"))?;
        }
    }
    Ok(Exit::Ok)
}
