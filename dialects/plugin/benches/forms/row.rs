//! A memory as structs of strings, for the other crates.

use polymnia::Memory;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// Is a memory whose metadata is a text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    id: Uuid,
    user_id: Option<String>,
    agent_id: Option<String>,
    thread_id: Option<String>,
    tier: String,
    content: String,
    metadata: String,
    importance: f64,
    related_threads: Vec<String>,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
}

/// Is a memory whose metadata is JSON as it is written.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct JsonRow {
    id: Uuid,
    user_id: Option<String>,
    agent_id: Option<String>,
    thread_id: Option<String>,
    tier: String,
    content: String,
    metadata: Box<RawValue>,
    importance: f64,
    related_threads: Vec<String>,
    revision: i64,
    created_at: i64,
    updated_at: i64,
    expires_at: Option<i64>,
}

impl Row {
    /// Returns the memory.
    pub(crate) fn of(memory: &Memory) -> Self {
        let text = |text: &str| text.to_owned();
        Self {
            id: memory.id.into(),
            user_id: memory.user_id.as_ref().map(|user| text(user.as_str())),
            agent_id: memory.agent_id.as_ref().map(|agent| text(agent.as_str())),
            thread_id: memory.thread_id.as_ref().map(|thread| text(thread.as_str())),
            tier: text(memory.tier.as_str()),
            content: text(memory.content.as_str()),
            metadata: text(memory.metadata.as_str()),
            importance: memory.importance.as_f64(),
            related_threads: Vec::new(),
            revision: memory.revision.as_i64(),
            created_at: memory.created_at.as_micros(),
            updated_at: memory.updated_at.as_micros(),
            expires_at: memory.expires_at.map(polymnia::Timestamp::as_micros),
        }
    }
}

impl JsonRow {
    /// Returns the memory.
    pub(crate) fn of(row: &Row) -> Self {
        let row = row.clone();
        Self {
            id: row.id,
            user_id: row.user_id,
            agent_id: row.agent_id,
            thread_id: row.thread_id,
            tier: row.tier,
            content: row.content,
            metadata: RawValue::from_string(row.metadata).expect("metadata is JSON"),
            importance: row.importance,
            related_threads: row.related_threads,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}
