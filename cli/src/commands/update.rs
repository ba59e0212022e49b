//! `update`

use polymnia::{Change, Error, ErrorKind, Expect, MemoryId, Patch, RelatedThreads, Result, Revision, ThreadId};
use serde::Serialize;

use super::write::content;
use crate::args::{Format, UpdateArgs};
use crate::context::Context;
use crate::failure::{Exit, OfOption as _, Outcome};
use crate::moment::{Way, moment};

#[derive(Serialize)]
struct Updated {
    id: MemoryId,
    revision: Option<Revision>,
}

/// Changes some fields of a memory and tells its revision.
pub(crate) fn run(context: &mut Context, args: &UpdateArgs) -> Outcome {
    let id: MemoryId = args.id.parse()?;
    let expect = match args.if_revision {
        Some(number) => Expect::Revision(Revision::new(number).of_option("--if-revision")?),
        None => Expect::Any,
    };
    let patch = patch(args)?;
    if patch.is_empty() {
        let error = Error::invalid_input("the update changes nothing: expected at least one field");
        return Err(error.with_hint("`polymnia update --help` lists the fields").into());
    }
    let store = context.open()?;
    let outcome = store.update(&context.namespace(), id, patch, expect).map_err(|error| match error.kind() {
        ErrorKind::Conflict => error.with_hint(format!("see what it is now with `polymnia get {id}`")),
        _ => error,
    })?;
    match context.format {
        Format::Json | Format::Ndjson => context.out.document(Updated { id, revision: outcome.revision })?,
        Format::Table => {
            let revision = outcome.revision.map_or_else(String::new, |revision| format!(", revision {revision}"));
            context.out.line(format!("updated {id}{revision}"))?;
        }
    }
    Ok(Exit::Ok)
}

fn patch(args: &UpdateArgs) -> Result<Patch> {
    let threads: Vec<ThreadId> = args
        .related_threads
        .iter()
        .map(|text| ThreadId::new(text.as_str()))
        .collect::<Result<_>>()
        .of_option("--related-thread")?;
    let related_threads = RelatedThreads::new(threads).of_option("--related-thread")?;
    let expires_at = args.expires_at.as_deref().map(|text| moment(text, Way::Ahead)).transpose();
    Ok(Patch {
        user_id: change(args.user.as_deref(), args.no_user).of_option("--user")?,
        agent_id: change(args.agent.as_deref(), args.no_agent).of_option("--agent")?,
        thread_id: change(args.thread.as_deref(), args.no_thread).of_option("--thread")?,
        tier: args.tier.as_deref().map(str::parse).transpose().of_option("--tier")?,
        metadata: args.metadata.as_deref().map(str::parse).transpose().of_option("--metadata")?,
        importance: args.importance.as_deref().map(str::parse).transpose().of_option("--importance")?,
        related_threads: (!related_threads.is_empty() || args.no_related_threads).then_some(related_threads),
        expires_at: match expires_at.of_option("--expires-at")? {
            Some(time) => Change::Set(time),
            None if args.no_expires_at => Change::Clear,
            None => Change::Keep,
        },
        // Last: it may wait for standard input.
        content: args.content.as_deref().map(content).transpose()?,
    })
}

fn change<T: std::str::FromStr<Err = Error>>(value: Option<&str>, clear: bool) -> Result<Change<T>> {
    match value {
        Some(value) => value.parse().map(Change::Set),
        None if clear => Ok(Change::Clear),
        None => Ok(Change::Keep),
    }
}
