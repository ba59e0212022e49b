//! `add`

use polymnia::{ErrorKind, Expect, NewMemory, RecordLine, RelatedThreads, Result, ThreadId};
use serde::Serialize;

use super::write::content;
use crate::args::{AddArgs, Format};
use crate::context::Context;
use crate::failure::{Exit, OfOption as _, Outcome};
use crate::moment::{Way, moment};

#[derive(Serialize)]
struct Added<'a> {
    /// Absent if it has expired already.
    memory: Option<RecordLine<'a>>,
}

/// Stores one memory and prints its id.
pub(crate) fn run(context: &mut Context, args: &AddArgs) -> Outcome {
    let memory = memory(args)?;
    let id = args.id.as_deref().map(str::parse).transpose().of_option("--id")?;
    let namespace = context.namespace();
    let store = context.open()?;
    let id = id.unwrap_or_else(|| store.next_id());
    store.put_at(&namespace, id, memory, Expect::Absent).map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.with_hint(format!("change it with `polymnia update {id}`, or leave --id out")),
        _ => error,
    })?;
    if context.format == Format::Table {
        context.out.line(id.to_string())?;
        return Ok(Exit::Ok);
    }
    let stored = store.get(&namespace, id)?;
    let line = stored.as_ref().map(|memory| RecordLine::new(&namespace, memory));
    match (context.format, line) {
        (Format::Ndjson, Some(line)) => context.out.json_line(&line)?,
        (_, memory) => context.out.document(Added { memory })?,
    }
    Ok(Exit::Ok)
}

fn memory(args: &AddArgs) -> Result<NewMemory> {
    let threads: Vec<ThreadId> = args
        .related_threads
        .iter()
        .map(|text| ThreadId::new(text.as_str()))
        .collect::<Result<_>>()
        .of_option("--related-thread")?;
    let time =
        |text: &Option<String>, way, name| text.as_deref().map(|text| moment(text, way)).transpose().of_option(name);
    Ok(NewMemory {
        user_id: args.user.as_deref().map(str::parse).transpose().of_option("--user")?,
        agent_id: args.agent.as_deref().map(str::parse).transpose().of_option("--agent")?,
        thread_id: args.thread.as_deref().map(str::parse).transpose().of_option("--thread")?,
        tier: args.tier.as_deref().map(str::parse).transpose().of_option("--tier")?.unwrap_or_default(),
        metadata: args.metadata.as_deref().map(str::parse).transpose().of_option("--metadata")?.unwrap_or_default(),
        importance: args
            .importance
            .as_deref()
            .map(str::parse)
            .transpose()
            .of_option("--importance")?
            .unwrap_or_default(),
        related_threads: RelatedThreads::new(threads).of_option("--related-thread")?,
        created_at: time(&args.created_at, Way::Ago, "--created-at")?,
        expires_at: time(&args.expires_at, Way::Ahead, "--expires-at")?,
        // Last: it may wait for standard input, and what is wrong with the options should show before.
        content: content(&args.content)?,
    })
}
