//! The memories as a rival is told of them.

use serde_json::{Value, json};

use crate::data;

/// Returns memory `number` with the metadata of memory `metadata_of`.
pub(crate) fn memory(number: usize, metadata_of: usize) -> Value {
    let memory = data::memory(number);
    let (user, thread) = data::place(number);
    let metadata: Value =
        data::memory(metadata_of).metadata.as_json().deserialize().expect("metadata is JSON without huge numbers");
    json!({
        "number": number,
        "key": memory.id.to_string(),
        "user": user,
        "thread": thread,
        "content": memory.content.as_str(),
        "metadata": metadata,
        "created": memory.created_at.as_micros() / 1_000_000,
    })
}

/// Returns the number that the content of a memory begins with.
pub(crate) fn number_of(content: &str) -> usize {
    content[7..15].trim_start().parse().expect("the content of a memory begins with its number")
}
