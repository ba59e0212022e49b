//! The memories that are measured on.

use polymnia::{Expect, MemoryStore};
use polymnia::{Memory, MemoryId, Mutation, Namespace, NewMemory, OnConflict, Record, Timestamp};

const USERS: usize = 20;
const THREADS: usize = 10;

/// How many batches each side writes in a sitting, beside some to warm up.
pub(crate) const WRITES: usize = 8;

/// Returns batches of 1,000 numbers of memories that are not stored yet, for one side of one sitting.
pub(crate) fn fresh_batches(memories: usize, sitting: usize, side: usize) -> Vec<Vec<usize>> {
    let batches = WRITES * 2;
    (0..batches)
        .map(|batch| {
            let start = memories + ((sitting * 2 + side) * batches + batch) * 1_000;
            (start..start + 1_000).collect()
        })
        .collect()
}

/// Returns the namespace that is measured.
pub(crate) fn namespace() -> Namespace {
    Namespace::new("bench").expect("a valid name")
}

/// Returns the user and the thread of memory `number`.
pub(crate) fn place(number: usize) -> (String, String) {
    (format!("user-{:02}", number % USERS), format!("thread-{:02}", number / USERS % THREADS))
}

/// Returns the id of memory `number`, spread over the key as random UUIDs are.
pub(crate) fn id(number: usize) -> MemoryId {
    let mixed = (number as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    MemoryId::from_bytes(mixed.to_be_bytes())
}

/// Returns memory `number`: 120 bytes of content, 255 of metadata with 14 leaves.
pub(crate) fn memory(number: usize) -> Memory {
    let (user, thread) = place(number);
    let line = format!(
        r#"{{"user_id":"{user}","agent_id":"agent","thread_id":"{thread}","content":"memory {number:>8}: {}","metadata":{}}}"#,
        "what was said, and what it may mean for the next time they meet. ".repeat(2).get(..103).unwrap_or_default(),
        metadata(number),
    );
    let created = Timestamp::from_micros(1_700_000_000_000_000 + 1_000_000 * i64::try_from(number).expect("small"))
        .expect("in range");
    Record::parse(&line).expect("a valid line").into_memory(created, || id(number))
}

/// Returns a put of memory `number`.
pub(crate) fn put(number: usize) -> Mutation {
    let memory = memory(number);
    let put = NewMemory {
        user_id: memory.user_id,
        agent_id: memory.agent_id,
        thread_id: memory.thread_id,
        tier: memory.tier,
        content: memory.content,
        metadata: memory.metadata,
        importance: memory.importance,
        related_threads: memory.related_threads,
        created_at: Some(memory.created_at),
        expires_at: None,
    };
    Mutation::Put { id: memory.id, memory: put, expect: Expect::Any }
}

/// Loads the first `memories` memories.
pub(crate) fn load(store: &MemoryStore, memories: usize) {
    store.migrate().expect("an empty database migrates");
    let numbers: Vec<usize> = (0..memories).collect();
    for chunk in numbers.chunks(1_000) {
        let batch: Vec<Mutation> = chunk
            .iter()
            .map(|number| Mutation::Restore { memory: memory(*number), on_conflict: OnConflict::Fail })
            .collect();
        store.apply(&namespace(), &batch).expect("the sample loads");
    }
    store.admin().analyze().expect("a loaded database can be analysed");
}

fn metadata(number: usize) -> String {
    format!(
        r#"{{"role":"user","lang":"en","turn":{turn},"session":{session},"topic":"topic-{topic}","score":{score}.25,"seen":true,"source":{{"app":"chat","build":"{build}","region":"eu"}},"tags":["t{tag}","all","x{number}"],"customer":"c{customer:06}"}}"#,
        turn = number % 40,
        session = number / 40,
        topic = number % 6,
        score = number % 100,
        build = number % 1_000,
        tag = number % 50,
        customer = number % 10_000,
    )
}
