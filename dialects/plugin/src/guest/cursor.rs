//! Large results, in parts.

use std::sync::Mutex;
use std::vec::IntoIter;

use polymnia::Memory;

use super::ask::{Ask, Outcome};
use super::handles::Open;
use crate::message::Batch;
use crate::operation::{More, Operation};

/// A part ends once it holds this many bytes: 1 MiB.
const PART: usize = 1 << 20;
/// And once it has this many entries, of which those that weren't found take next to nothing.
const ENTRIES: usize = 10_000;

/// Is the rest of a result, of the moment it was read at.
#[derive(Debug)]
pub(super) struct Cursor {
    rest: IntoIter<Option<Memory>>,
    more: bool,
}

/// Answers with memories: all of them, or the first part and a cursor for the rest.
pub(super) fn answer(ask: &Ask<'_>, memories: Vec<Option<Memory>>, more: bool) -> Outcome {
    let part = part(ask);
    if memories.len() <= ENTRIES && memories.iter().map(|memory| size(memory.as_ref())).sum::<usize>() <= part {
        return ask.reply(&Batch { memories, more, cursor: None });
    }
    let mut cursor = Cursor { rest: memories.into_iter(), more };
    let memories = cursor.take(part);
    if cursor.rest.as_slice().is_empty() {
        return ask.reply(&Batch { memories, more, cursor: None });
    }
    let handle = ask.handles().insert(Open::cursor(cursor));
    ask.reply_opening(handle, &Batch { memories, more, cursor: Some(handle) })
}

/// Answers with the next part; the last one closes the cursor.
pub(super) fn dispatch(cursor: &Mutex<Option<Cursor>>, ask: &Ask<'_>) -> Outcome {
    if ask.operation() != More::CODE {
        return Err(ask.unknown("a cursor"));
    }
    ask.arguments::<More>()?;
    let mut guard = ask.lock(cursor)?;
    let Some(open) = guard.as_mut() else { return Err(ask.not_open()) };
    let memories = open.take(part(ask));
    let (is_last, more) = (open.rest.as_slice().is_empty(), open.more);
    let outcome = ask.reply(&Batch { memories, more, cursor: (!is_last).then_some(ask.handle) });
    if is_last || outcome.is_err() {
        ask.handles().remove(ask.handle);
        *guard = None;
    }
    outcome
}

impl Cursor {
    fn take(&mut self, part: usize) -> Vec<Option<Memory>> {
        let mut taken = 0;
        let len = self.rest.as_slice().iter().take(ENTRIES).take_while(|memory| {
            let goes_on = taken < part;
            taken += size(memory.as_ref());
            goes_on
        });
        let len = len.count();
        self.rest.by_ref().take(len).collect()
    }
}

/// Returns how much goes into a part: what the host accepts has room for it and the memory that goes beyond it, if it can.
fn part(ask: &Ask<'_>) -> usize {
    usize::try_from(ask.max_reply / 2).unwrap_or(usize::MAX).clamp(1, PART)
}

/// Returns about how many bytes a memory takes.
fn size(memory: Option<&Memory>) -> usize {
    const FIXED: usize = 96;
    let Some(memory) = memory else { return 1 };
    let Memory { user_id, agent_id, thread_id, tier, content, metadata, related_threads, .. } = memory;
    let related: usize = related_threads.as_slice().iter().map(|thread| thread.as_str().len() + 2).sum();
    FIXED
        + user_id.as_ref().map_or(0, |id| id.as_str().len())
        + agent_id.as_ref().map_or(0, |id| id.as_str().len())
        + thread_id.as_ref().map_or(0, |id| id.as_str().len())
        + tier.as_str().len()
        + content.as_str().len()
        + metadata.as_str().len()
        + related
}
