//! Changes to memories and what became of them.

use polymnia::{ApplyReport, Change, Effect, Expect, Mutation, OnConflict, Outcome, Patch};

use super::record::{choice, record};

choice! {
    Mutation {
        0 Put { id, memory, expect },
        1 Update { id, patch, expect },
        2 Delete { id, expect },
        3 Restore { memory, on_conflict },
    }
}

choice! { Expect { 0 Any, 1 Absent, 2 Revision(revision) } }

choice! { OnConflict { 0 Fail, 1 Skip, 2 Replace } }

// The numbers are those of the same fields of a memory.
record! {
    Patch {
        2 user_id or default,
        3 agent_id or default,
        4 thread_id or default,
        5 tier or default,
        6 content or default,
        7 metadata or default,
        8 importance or default,
        9 related_threads or default,
        13 expires_at or default,
    }
}

choice! { Change<T> { 0 Keep, 1 Clear, 2 Set(value) } }

record! { ApplyReport { 1 outcomes } }

record! { Outcome { 1 id, 2 effect, 3 revision or default } }

choice! { Effect { 0 Created, 1 Updated, 2 Deleted, 3 Missing, 4 Skipped } }
