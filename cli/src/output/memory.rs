//! Memories for people.

use std::io;

use polymnia::{Memory, Namespace, ThreadId, UserId};

use super::{Column, Out, Table, block, one_line, time};

/// Names take so much, at most.
const MAX_NAME: usize = 24;
/// What is always there takes so much: created, id, and the gaps between them and the content.
const FIXED: usize = 16 + 36 + 2 * 3;
/// With less room than this for the content, columns are left out.
const MIN_CONTENT: usize = 36;

/// Says whether a table begins with the names of its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    Shown,
    /// It goes on from one that did.
    Hidden,
}

/// Writes memories, a line each, or two where a line has no room.
pub(crate) fn print_memories(out: &mut Out, memories: &[Memory], header: Header) -> io::Result<()> {
    let Some(columns) = Columns::fitting(memories, out.width()) else {
        return memories.iter().try_for_each(|memory| print_stacked(out, memory));
    };
    let table = columns.table(memories);
    match header {
        Header::Shown => table.print(out),
        Header::Hidden => table.without_header().print(out),
    }
}

fn print_stacked(out: &mut Out, memory: &Memory) -> io::Result<()> {
    let Memory { id, user_id, thread_id, content, created_at, .. } = memory;
    let names = [user_id.as_ref().map(UserId::as_str), thread_id.as_ref().map(ThreadId::as_str)];
    let names = names.into_iter().flatten().map(|name| format!("  {}", one_line(name, MAX_NAME)));
    let line = format!("{}  {id}{}", time(*created_at), names.collect::<String>());
    out.line(line)?;
    let mut table = Table::new([Column::Rest("content")]).without_header().indented(2);
    table.row([content.as_str().to_owned()]);
    table.print(out)
}

/// Says which columns a table has beside the time, the content and the id.
#[derive(Clone, Copy, Debug)]
struct Columns {
    user: bool,
    thread: bool,
    tier: bool,
}

impl Columns {
    /// Returns the columns that there is room for: what tells least is left out first. None if even the users don't fit.
    fn fitting(memories: &[Memory], width: usize) -> Option<Self> {
        // What a column takes, if it is there, with its name and the gap after it.
        let column = |name: fn(&Memory) -> Option<&str>| {
            let widest = memories.iter().filter_map(name).map(|name| name.chars().count()).max();
            widest.map_or(0, |widest| widest.clamp(6, MAX_NAME) + 2)
        };
        let user = column(|memory| memory.user_id.as_ref().map(UserId::as_str));
        let thread = column(|memory| memory.thread_id.as_ref().map(ThreadId::as_str));
        let tier = column(|memory| Some(memory.tier.as_str()));
        let fits = |columns: usize| width >= FIXED + MIN_CONTENT + columns;
        let thread_fits = fits(user + thread);
        fits(user).then_some(Self {
            user: user > 0,
            thread: thread > 0 && thread_fits,
            tier: thread_fits && fits(user + thread + tier),
        })
    }

    fn table(self, memories: &[Memory]) -> Table {
        let mut columns = vec![Column::Text("created", 16)];
        columns.extend(self.user.then_some(Column::Text("user", MAX_NAME)));
        columns.extend(self.thread.then_some(Column::Text("thread", MAX_NAME)));
        columns.extend(self.tier.then_some(Column::Text("tier", MAX_NAME)));
        columns.extend([Column::Rest("content"), Column::Text("id", 36)]);
        let mut table = Table::new(columns);
        for memory in memories {
            let Memory { id, user_id, thread_id, tier, content, created_at, .. } = memory;
            let mut row = vec![time(*created_at)];
            row.extend(self.user.then(|| user_id.as_ref().map(ToString::to_string).unwrap_or_default()));
            row.extend(self.thread.then(|| thread_id.as_ref().map(ToString::to_string).unwrap_or_default()));
            row.extend(self.tier.then(|| tier.to_string()));
            row.extend([content.as_str().to_owned(), id.to_string()]);
            table.row(row);
        }
        table
    }
}

/// Returns every field of a memory that is there, with its name.
pub(crate) fn memory_fields(namespace: &Namespace, memory: &Memory) -> Vec<(&'static str, String)> {
    let Memory {
        id,
        user_id,
        agent_id,
        thread_id,
        tier,
        content,
        metadata,
        importance,
        related_threads,
        revision,
        created_at,
        updated_at,
        expires_at,
    } = memory;
    let threads: Vec<&str> = related_threads.as_slice().iter().map(AsRef::as_ref).collect();
    let mut fields = vec![("id", id.to_string()), ("namespace", block(namespace.as_str()))];
    let optional = [
        ("user", user_id.as_ref().map(|id| block(id.as_str()))),
        ("agent", agent_id.as_ref().map(|id| block(id.as_str()))),
        ("thread", thread_id.as_ref().map(|id| block(id.as_str()))),
        ("related threads", (!threads.is_empty()).then(|| block(&threads.join(", ")))),
    ];
    fields.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    fields.extend([
        ("tier", block(tier.as_str())),
        ("importance", importance.as_f64().to_string()),
        ("revision", revision.to_string()),
        ("created", created_at.to_string()),
        ("updated", updated_at.to_string()),
    ]);
    fields.extend(expires_at.map(|at| ("expires", at.to_string())));
    fields.extend([("metadata", block(metadata.as_str())), ("content", block(content.as_str()))]);
    fields
}
