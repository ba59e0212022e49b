//! The line form of memories: what import reads and export writes.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::{
    AgentId, Content, Error, Importance, Memory, MemoryId, Metadata, Namespace, RelatedThreads, Result, Revision,
    ThreadId, Tier, Timestamp, UserId,
};

/// Is one memory as a JSON object on one line. Only `content` is required.
///
/// # Examples
///
/// ```
/// use polymnia::Record;
///
/// let record = Record::parse(r#"{"content": "hello", "user_id": "mara", "metadata": {"turn": 1}}"#)?;
/// assert_eq!(record.user_id.unwrap().as_str(), "mara");
///
/// let error = Record::parse(r#"{"content": "hello", "usr": "mara"}"#).unwrap_err();
/// assert!(error.to_string().starts_with("unknown field \"usr\""));
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The tenant, if the line names one.
    pub namespace: Option<Namespace>,
    /// The id, if the line names one.
    pub id: Option<MemoryId>,
    /// The user.
    pub user_id: Option<UserId>,
    /// The agent.
    pub agent_id: Option<AgentId>,
    /// The thread.
    pub thread_id: Option<ThreadId>,
    /// The tier.
    pub tier: Tier,
    /// What it says.
    pub content: Content,
    /// What filters look at.
    pub metadata: Metadata,
    /// How much it matters.
    pub importance: Importance,
    /// Related threads.
    pub related_threads: RelatedThreads,
    /// How often it was written.
    pub revision: Revision,
    /// When it came to be.
    pub created_at: Option<Timestamp>,
    /// When it was last written.
    pub updated_at: Option<Timestamp>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
}

/// The fields of a line, in the order they are written.
const FIELDS: [&str; 14] = [
    "id",
    "namespace",
    "user_id",
    "agent_id",
    "thread_id",
    "tier",
    "content",
    "metadata",
    "importance",
    "related_threads",
    "revision",
    "created_at",
    "updated_at",
    "expires_at",
];

impl Record {
    /// Reads a line. A field that is `null` counts as missing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) naming the field, with its `column` (in characters, from
    /// 1) as context: malformed JSON, an unknown field, a field given twice, or a value that its type refuses.
    pub fn parse(line: &str) -> Result<Self> {
        let Fields(fields) = serde_json::from_str(line).map_err(|error| malformed(line, &error))?;
        let mut record = Slots::default();
        for (at, (name, value)) in fields.iter().enumerate() {
            let offset = value.get().as_ptr() as usize - line.as_ptr() as usize;
            let column = |error: Error| locate(error, line, offset);
            if fields[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(column(Error::invalid_input(format!("field {:?} is given twice", shown(name)))));
            }
            record.set(name, value.get()).map_err(column)?;
        }
        record.finish()
    }

    /// Returns the memory: without an id it takes `id()`, without `created_at` the time `now`, without `updated_at` its
    /// `created_at`.
    pub fn into_memory(self, now: Timestamp, id: impl FnOnce() -> MemoryId) -> Memory {
        let created_at = self.created_at.unwrap_or(now);
        Memory {
            id: self.id.unwrap_or_else(id),
            user_id: self.user_id,
            agent_id: self.agent_id,
            thread_id: self.thread_id,
            tier: self.tier,
            content: self.content,
            metadata: self.metadata,
            importance: self.importance,
            related_threads: self.related_threads,
            revision: self.revision,
            created_at,
            updated_at: self.updated_at.unwrap_or(created_at),
            expires_at: self.expires_at,
        }
    }
}

/// Writes a memory in the line form: fields in a fixed order, absent ones left out, metadata as canonical text.
///
/// # Examples
///
/// ```
/// # let record = polymnia::Record::parse(r#"{"content": "hello", "created_at": "2026-03-02T09:14:00Z"}"#)?;
/// # let now = "2026-03-02T09:14:00Z".parse()?;
/// # let memory = record.into_memory(now, || polymnia::MemoryId::from_bytes([0; 16]));
/// use polymnia::{Namespace, RecordLine};
///
/// let namespace = Namespace::new("acme")?;
/// let line = serde_json::to_string(&RecordLine::new(&namespace, &memory)).unwrap();
/// assert!(line.starts_with(r#"{"id":"00000000-0000-0000-0000-000000000000","namespace":"acme","tier":"short_term""#));
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RecordLine<'a> {
    id: MemoryId,
    namespace: &'a Namespace,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<&'a UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<&'a ThreadId>,
    tier: &'a Tier,
    content: &'a str,
    metadata: &'a Metadata,
    importance: Importance,
    #[serde(skip_serializing_if = "RelatedThreads::is_empty")]
    related_threads: &'a RelatedThreads,
    revision: Revision,
    created_at: Timestamp,
    updated_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl<'a> RecordLine<'a> {
    /// Returns the line of `memory` in `namespace`, to be serialised.
    pub fn new(namespace: &'a Namespace, memory: &'a Memory) -> Self {
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
        Self {
            id: *id,
            namespace,
            user_id: user_id.as_ref(),
            agent_id: agent_id.as_ref(),
            thread_id: thread_id.as_ref(),
            tier,
            content: content.as_str(),
            metadata,
            importance: *importance,
            related_threads,
            revision: *revision,
            created_at: *created_at,
            updated_at: *updated_at,
            expires_at: *expires_at,
        }
    }
}

#[derive(Default)]
struct Slots {
    namespace: Option<Namespace>,
    id: Option<MemoryId>,
    user_id: Option<UserId>,
    agent_id: Option<AgentId>,
    thread_id: Option<ThreadId>,
    tier: Option<Tier>,
    content: Option<Content>,
    metadata: Option<Metadata>,
    importance: Option<Importance>,
    related_threads: Option<RelatedThreads>,
    revision: Option<Revision>,
    created_at: Option<Timestamp>,
    updated_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl Slots {
    fn set(&mut self, name: &str, value: &str) -> Result<()> {
        if !FIELDS.contains(&name) {
            let message = format!("unknown field {:?}: expected one of {}", shown(name), FIELDS.join(", "));
            return Err(Error::invalid_input(message));
        }
        if value == "null" {
            return Ok(());
        }
        match name {
            "id" => self.id = Some(text(name, value)?.parse()?),
            "namespace" => self.namespace = Some(Namespace::new(text(name, value)?)?),
            "user_id" => self.user_id = Some(UserId::new(text(name, value)?)?),
            "agent_id" => self.agent_id = Some(AgentId::new(text(name, value)?)?),
            "thread_id" => self.thread_id = Some(ThreadId::new(text(name, value)?)?),
            "tier" => self.tier = Some(Tier::new(text(name, value)?)?),
            "content" => self.content = Some(Content::new(text(name, value)?)?),
            "metadata" => self.metadata = Some(Metadata::parse(value)?),
            "importance" => self.importance = Some(Importance::new(number(name, value, "a number from 0.0 to 1.0")?)?),
            "related_threads" => {
                let threads: Vec<String> = read(name, value, "an array of texts")?;
                let threads: Vec<ThreadId> = threads.into_iter().map(ThreadId::new).collect::<Result<_>>()?;
                self.related_threads = Some(RelatedThreads::new(threads)?);
            }
            "revision" => self.revision = Some(Revision::new(read(name, value, "an integer from 1")?)?),
            "created_at" => self.created_at = Some(text(name, value)?.parse()?),
            "updated_at" => self.updated_at = Some(text(name, value)?.parse()?),
            "expires_at" => self.expires_at = Some(text(name, value)?.parse()?),
            _ => unreachable!("every field of FIELDS has an arm"),
        }
        Ok(())
    }

    fn finish(self) -> Result<Record> {
        let Some(content) = self.content else {
            return Err(Error::invalid_input("field \"content\" is missing"));
        };
        Ok(Record {
            namespace: self.namespace,
            id: self.id,
            user_id: self.user_id,
            agent_id: self.agent_id,
            thread_id: self.thread_id,
            tier: self.tier.unwrap_or_default(),
            content,
            metadata: self.metadata.unwrap_or_default(),
            importance: self.importance.unwrap_or_default(),
            related_threads: self.related_threads.unwrap_or_default(),
            revision: self.revision.unwrap_or(Revision::FIRST),
            created_at: self.created_at,
            updated_at: self.updated_at,
            expires_at: self.expires_at,
        })
    }
}

/// Holds the members of an object as written, so that metadata keeps its exact numbers and errors name no value.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(FIELDS.len());
                while let Some(entry) = map.next_entry()? {
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Members)
    }
}

fn text(name: &str, value: &str) -> Result<String> {
    if !value.starts_with('"') {
        return Err(Error::invalid_input(format!("field {name:?} is {}: expected text", kind(value))));
    }
    serde_json::from_str(value).map_err(|error| {
        // serde_json names the fault, never the value, in errors about the syntax of a string.
        Error::invalid_input(format!("field {name:?} is no valid text: {}", reason(&error)))
    })
}

fn read<'a, T: Deserialize<'a>>(name: &str, value: &'a str, expected: &str) -> Result<T> {
    serde_json::from_str(value)
        .map_err(|_| Error::invalid_input(format!("field {name:?} can't be read: expected {expected}")))
}

/// Reads a number to the nearest float, so that what was written is read back: `serde_json` may be off in the last
/// bit.
fn number(name: &str, value: &str, expected: &str) -> Result<f64> {
    let is_number = value.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let number = value.parse().ok().filter(|_| is_number);
    number.ok_or_else(|| Error::invalid_input(format!("field {name:?} can't be read: expected {expected}")))
}

/// Names the type of a JSON text by its first character.
pub(crate) fn kind(value: &str) -> &'static str {
    match value.as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(b'"') => "text",
        _ => "a number",
    }
}

fn malformed(line: &str, error: &serde_json::Error) -> Error {
    let at = error.column().saturating_sub(1).min(line.len());
    if error.is_data() {
        return locate(Error::invalid_input("expected a JSON object"), line, 0);
    }
    locate(Error::invalid_input(format!("malformed JSON: {}", reason(error))), line, at)
}

fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

/// Adds the column in the line; an error that has one of its own (of metadata) is moved by where its value begins.
fn locate(error: Error, line: &str, offset: usize) -> Error {
    let start = String::from_utf8_lossy(&line.as_bytes()[..offset]).chars().count();
    let inner = match (error.context_value("line"), error.context_value("column")) {
        (Some("1"), Some(column)) => column.parse::<usize>().ok(),
        _ => None,
    };
    match inner {
        None => error.with_context("column", start + 1),
        Some(column) => {
            let moved = Error::new(error.kind(), error.message());
            moved.with_context("column", start + column)
        }
    }
}

fn shown(name: &str) -> String {
    name.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_with_their_column_and_without_the_value() {
        for (line, expected) in [
            ("", "malformed JSON: EOF while parsing a value (column: 1)"),
            ("[]", "expected a JSON object (column: 1)"),
            (r#"{"content":"a"} x"#, "malformed JSON: trailing characters (column: 17)"),
            (r#"{"content":"a","content":"b"}"#, "field \"content\" is given twice (column: 26)"),
            (r#"{"content":7}"#, "field \"content\" is a number: expected text (column: 12)"),
            ("{}", "field \"content\" is missing"),
            (r#"{"content":null}"#, "field \"content\" is missing"),
            (r#"{"content":"é","metadata":[]}"#, "metadata is an array: expected a JSON object (column: 27)"),
            (
                r#"{"content":"a","importance":"7"}"#,
                "field \"importance\" can't be read: expected a number from 0.0 to 1.0 (column: 29)",
            ),
            (r#"{"content":"a","revision":0}"#, "revision is 0: expected an integer from 1 (column: 27)"),
        ] {
            assert_eq!(Record::parse(line).unwrap_err().to_string(), expected, "{line}");
        }
        let error = Record::parse(r#"{"content":"\ud800"}"#).unwrap_err();
        assert!(error.to_string().contains("\"content\""), "{error}");
    }

    #[test]
    fn every_importance_is_read_back() {
        let mut bits = 0x3FEF_6744_F5B4_0000_u64;
        for _ in 0..2_000 {
            bits = bits.wrapping_add(0x0000_0003_9E37_79B9) & 0x3FEF_FFFF_FFFF_FFFF;
            let value = f64::from_bits(bits);
            let record = Record::parse(&format!(r#"{{"content":"a","importance":{value:?}}}"#)).unwrap();
            assert_eq!(record.importance.as_f64().to_bits(), bits, "{value:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let line = r#"{"id":"40f74ad2-0ef4-5b91-95d8-4589268520b5","namespace":"n","user_id":"u","agent_id":"a","thread_id":"t","tier":"mid","content":"c\n","metadata":{"n": 1.50},"importance":0.25,"related_threads":["a","b"],"revision":3,"created_at":"2023-05-08T13:56:00Z","updated_at":"2023-05-08T13:56:00.5Z","expires_at":"2033-05-08T13:56:00Z"}"#;
        let record = Record::parse(line).unwrap();
        let namespace = record.namespace.clone().unwrap();
        let memory = record.into_memory(Timestamp::MIN, || unreachable!("the line has an id"));
        assert_eq!(serde_json::to_string(&RecordLine::new(&namespace, &memory)).unwrap(), line);
    }
}
