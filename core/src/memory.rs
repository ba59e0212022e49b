//! The memory and the types of its fields.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use uuid::Uuid;

use crate::{AgentId, Content, Error, Json, Result, ThreadId, Tier, Timestamp, UserId};

/// Is one thing an agent remembers.
///
/// Every field's type keeps its own rules, so a `Memory` that exists is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Names the memory within its namespace.
    pub id: MemoryId,
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// The agent that made it.
    pub agent_id: Option<AgentId>,
    /// The thread it belongs to.
    pub thread_id: Option<ThreadId>,
    /// How long it is meant to live.
    pub tier: Tier,
    /// What it says.
    pub content: Content,
    /// What filters look at.
    pub metadata: Metadata,
    /// How much it matters, 0.0 to 1.0.
    pub importance: Importance,
    /// Other threads it concerns.
    pub related_threads: RelatedThreads,
    /// Counts the times it was written, from 1.
    pub revision: Revision,
    /// When it came to be; may be given, then never changes.
    pub created_at: Timestamp,
    /// When it was last written; never goes back.
    pub updated_at: Timestamp,
    /// From when on it is no longer there for reads.
    pub expires_at: Option<Timestamp>,
}

/// Is what a caller says of a memory to be put; the rest (id, revision, times) is the store's.
///
/// # Examples
///
/// ```
/// use polymnia::{Json, NewMemory};
///
/// let memory = NewMemory::new("prefers calls after 14:00")?
///     .with_user("mara".parse()?)
///     .with_metadata(Json::parse(r#"{"kind": "preference"}"#)?.try_into()?);
/// assert_eq!(memory.tier.as_str(), "short_term");
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct NewMemory {
    /// The user it is about.
    pub user_id: Option<UserId>,
    /// The agent that made it.
    pub agent_id: Option<AgentId>,
    /// The thread it belongs to.
    pub thread_id: Option<ThreadId>,
    /// How long it is meant to live; `short_term` unless given.
    pub tier: Tier,
    /// What it says.
    pub content: Content,
    /// What filters look at; `{}` unless given.
    pub metadata: Metadata,
    /// How much it matters; 0.5 unless given.
    pub importance: Importance,
    /// Other threads it concerns.
    pub related_threads: RelatedThreads,
    /// When it came to be, if that isn't now. Putting over an existing memory with a different time is a conflict.
    pub created_at: Option<Timestamp>,
    /// From when on it is no longer there for reads.
    pub expires_at: Option<Timestamp>,
}

impl NewMemory {
    /// Returns a memory that says `content`, everything else being the default.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the content is longer than 1 MiB or holds a NUL.
    pub fn new(content: impl Into<String>) -> Result<Self> {
        Ok(Self::from(Content::new(content)?))
    }

    /// Sets the user.
    #[must_use]
    pub fn with_user(mut self, user_id: UserId) -> Self {
        self.user_id = Some(user_id);
        self
    }

    /// Sets the agent.
    #[must_use]
    pub fn with_agent(mut self, agent_id: AgentId) -> Self {
        self.agent_id = Some(agent_id);
        self
    }

    /// Sets the thread.
    #[must_use]
    pub fn with_thread(mut self, thread_id: ThreadId) -> Self {
        self.thread_id = Some(thread_id);
        self
    }

    /// Sets the tier.
    #[must_use]
    pub fn with_tier(mut self, tier: Tier) -> Self {
        self.tier = tier;
        self
    }

    /// Sets the metadata.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Sets the importance.
    #[must_use]
    pub fn with_importance(mut self, importance: Importance) -> Self {
        self.importance = importance;
        self
    }

    /// Sets the related threads.
    #[must_use]
    pub fn with_related_threads(mut self, related_threads: RelatedThreads) -> Self {
        self.related_threads = related_threads;
        self
    }

    /// Sets when it came to be.
    #[must_use]
    pub fn with_created_at(mut self, created_at: Timestamp) -> Self {
        self.created_at = Some(created_at);
        self
    }

    /// Sets when it expires.
    #[must_use]
    pub fn with_expires_at(mut self, expires_at: Timestamp) -> Self {
        self.expires_at = Some(expires_at);
        self
    }
}

impl From<Content> for NewMemory {
    fn from(content: Content) -> Self {
        Self {
            user_id: None,
            agent_id: None,
            thread_id: None,
            tier: Tier::default(),
            content,
            metadata: Metadata::default(),
            importance: Importance::default(),
            related_threads: RelatedThreads::default(),
            created_at: None,
            expires_at: None,
        }
    }
}

/// Names a memory within its namespace: a UUID, version 7 unless the caller brings its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MemoryId(Uuid);

impl MemoryId {
    /// Returns the id with those 16 bytes (RFC 9562, network order).
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// Returns the 16 bytes (RFC 9562, network order).
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl From<Uuid> for MemoryId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<MemoryId> for Uuid {
    fn from(id: MemoryId) -> Self {
        id.0
    }
}

impl FromStr for MemoryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::try_parse(text).map(Self).map_err(|_| {
            let shown: String = text.chars().take(40).collect();
            Error::invalid_input(format!(
                "id {shown:?} is not a UUID: expected 32 hexadecimal digits, such as 01956f2e-8c3a-7d11-9b52-0242ac120002"
            ))
        })
    }
}

impl fmt::Display for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for MemoryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for MemoryId {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Counts the times a memory was written: 1 to `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Revision(i64);

impl Revision {
    /// The revision of a memory that was written once.
    pub const FIRST: Self = Self(1);

    /// Returns that revision.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) below 1.
    pub fn new(number: i64) -> Result<Self> {
        if number >= 1 {
            Ok(Self(number))
        } else {
            Err(Error::invalid_input(format!("revision is {number}: expected an integer from 1")))
        }
    }

    /// Returns the number.
    pub fn as_i64(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Says how much a memory matters: 0.0 to 1.0, 0.5 unless given. Never NaN; -0 is 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Importance(f64);

impl Importance {
    /// Returns that importance.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) outside 0.0 to 1.0, and for NaN.
    pub fn new(value: f64) -> Result<Self> {
        if (0.0..=1.0).contains(&value) {
            // Adding 0.0 turns -0.0 into 0.0 and leaves the rest as it is.
            Ok(Self(value + 0.0))
        } else {
            Err(Error::invalid_input(format!("importance is {value}: expected 0.0 to 1.0")))
        }
    }

    /// Returns the number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl Default for Importance {
    fn default() -> Self {
        Self(0.5)
    }
}

impl FromStr for Importance {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let value =
            text.parse().map_err(|_| Error::invalid_input("importance is not a number: expected 0.0 to 1.0"))?;
        Self::new(value)
    }
}

/// Is the JSON object that filters look at: up to 1 MiB of canonical text, up to 128 levels deep.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Metadata(Json);

impl Metadata {
    /// Wraps a text that an engine stored itself, without checking it again.
    ///
    /// For implementors of [`Engine`](crate::spi::Engine): the engine vouches that the text came from this type.
    pub fn from_stored(text: String) -> Self {
        Self(Json::from_stored(text))
    }

    /// Reads a JSON object.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) as [`Json::parse`], and for JSON of another type.
    pub fn parse(text: &str) -> Result<Self> {
        Json::parse(text)?.try_into()
    }

    /// Returns the canonical text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the object.
    pub fn as_json(&self) -> &Json {
        &self.0
    }
}

impl Default for Metadata {
    fn default() -> Self {
        Self(Json::empty_object())
    }
}

impl TryFrom<Json> for Metadata {
    type Error = Error;

    fn try_from(json: Json) -> Result<Self> {
        if json.is_object() {
            Ok(Self(json))
        } else {
            Err(Error::invalid_input(format!(
                "metadata is {}: expected a JSON object",
                crate::record::kind(json.as_str())
            )))
        }
    }
}

impl FromStr for Metadata {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::parse(text)
    }
}

/// Is a set of up to 1,000 threads, kept in the order of their bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct RelatedThreads(Vec<ThreadId>);

impl RelatedThreads {
    /// The greatest number of threads in a set.
    pub const MAX: usize = 1_000;

    /// Returns the set of those threads; one named twice counts once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for more than 1,000 different threads.
    pub fn new(threads: impl IntoIterator<Item = ThreadId>) -> Result<Self> {
        let mut threads: Vec<ThreadId> = threads.into_iter().collect();
        threads.sort_unstable();
        threads.dedup();
        if threads.len() > Self::MAX {
            let message = format!("related_threads has {} threads: expected at most {}", threads.len(), Self::MAX);
            return Err(Error::invalid_input(message));
        }
        Ok(Self(threads))
    }

    /// Wraps threads that an engine stored itself, without checking them again.
    ///
    /// For implementors of [`Engine`](crate::spi::Engine): the engine vouches that they came from this type.
    pub fn from_stored(threads: Vec<ThreadId>) -> Self {
        Self(threads)
    }

    /// Returns the threads in the order of their bytes.
    pub fn as_slice(&self) -> &[ThreadId] {
        &self.0
    }

    /// Returns whether the set is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether the thread is in the set.
    pub fn contains(&self, thread: &ThreadId) -> bool {
        self.0.binary_search(thread).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_keeps_its_range() {
        assert!(Importance::new(-0.0).unwrap().as_f64().is_sign_positive());
        for wrong in [-0.1, 1.000_001, f64::NAN, f64::INFINITY] {
            assert!(Importance::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn related_threads_are_a_sorted_set() {
        let threads = ["b", "a", "b"].map(|text| ThreadId::new(text).unwrap());
        let set = RelatedThreads::new(threads).unwrap();
        assert_eq!(set.as_slice().iter().map(ThreadId::as_str).collect::<Vec<_>>(), ["a", "b"]);
        let many = (0..1_001).map(|n| ThreadId::new(n.to_string()).unwrap());
        assert!(RelatedThreads::new(many).is_err());
    }

    #[test]
    fn a_bad_id_is_named() {
        let error = "no-uuid".parse::<MemoryId>().unwrap_err();
        assert!(error.to_string().starts_with("id \"no-uuid\" is not a UUID"), "{error}");
    }
}
