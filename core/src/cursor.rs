//! Keyset cursors: where the next page begins.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::{
    Direction, Error, Filter, Importance, Match, Memory, MemoryId, Namespace, Order, OrderBy, Query, Result, Selection,
    TimeRange, Timestamp,
};

/// The first byte of every cursor. A change of the form takes another.
const VERSION: u8 = 1;
const LENGTH: usize = 1 + 8 + 8 + 16;

/// Marks a place between two memories of a query's answer: the next page begins after it.
///
/// It belongs to one namespace, selection and order, and is refused with any other; the limit may change. As text it is
/// opaque, URL-safe, and does not change between versions of this library that share its first character.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    digest: [u8; 8],
    key: i64,
    id: MemoryId,
}

/// Is the memory a page begins after: the value of the field that orders, and the id.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position {
    /// The value of the field that orders.
    pub key: PositionKey,
    /// The memory's id.
    pub id: MemoryId,
}

/// Is the value of the field that orders.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PositionKey {
    /// `created_at` or `updated_at`.
    Time(Timestamp),
    /// `importance`.
    Importance(Importance),
}

impl Cursor {
    /// The length of a cursor as bytes.
    pub const BYTES: usize = LENGTH;

    /// Returns the cursor as bytes: a version (1), a digest of the query (8), the value of the field that orders (8, the
    /// microseconds of a time or the bits of a float) and the id (16), numbers with the most significant byte first.
    pub fn to_bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [VERSION; LENGTH];
        bytes[1..9].copy_from_slice(&self.digest);
        bytes[9..17].copy_from_slice(&self.key.to_be_bytes());
        bytes[17..].copy_from_slice(self.id.as_bytes());
        bytes
    }

    /// Returns the cursor that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for a version that isn't known.
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Result<Self> {
        let [version, rest @ ..] = bytes;
        if version != VERSION {
            return Err(malformed());
        }
        let (digest, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
        let (key, rest) = rest.split_first_chunk().ok_or_else(malformed)?;
        let id = rest.try_into().map_err(|_| malformed())?;
        Ok(Self { digest: *digest, key: i64::from_be_bytes(*key), id: MemoryId::from_bytes(id) })
    }

    /// Returns the cursor after `memory` in the answer to `query`.
    pub(crate) fn after(memory: &Memory, namespace: &Namespace, query: &Query) -> Self {
        let key = match query.order.by {
            OrderBy::Created => memory.created_at.as_micros(),
            OrderBy::Updated => memory.updated_at.as_micros(),
            OrderBy::Importance => memory.importance.as_f64().to_bits().cast_signed(),
        };
        Self { digest: digest(namespace, query), key, id: memory.id }
    }

    /// Checks that the cursor came from this very query.
    pub(crate) fn check(&self, namespace: &Namespace, query: &Query) -> Result<()> {
        if self.digest != digest(namespace, query) {
            return Err(Error::invalid_input(
                "the cursor belongs to another query: expected one that the same namespace, conditions and order gave",
            ));
        }
        self.position(query.order).map(|_| ())
    }

    /// Returns the memory the page begins after, for implementors of [`Engine`](crate::spi::Engine).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if the key is no value of the field that orders.
    pub fn position(&self, order: Order) -> Result<Position> {
        let key = match order.by {
            OrderBy::Created | OrderBy::Updated => Timestamp::from_micros(self.key).map(PositionKey::Time),
            OrderBy::Importance => {
                Importance::new(f64::from_bits(self.key.cast_unsigned())).map(PositionKey::Importance)
            }
        };
        Ok(Position { key: key.map_err(|_| malformed())?, id: self.id })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(self.to_bytes()))
    }
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bytes = BASE64.decode(text).map_err(|_| malformed())?;
        let bytes = bytes.try_into().map_err(|_| malformed())?;
        Self::from_bytes(bytes)
    }
}

fn malformed() -> Error {
    Error::invalid_input("the cursor can't be read: expected one that an earlier page gave")
}

/// Returns 8 bytes that tell one query's cursors from another's. It guards against mistakes, not against forgery: a
/// cursor grants nothing, for the namespace and the conditions always come from the query.
fn digest(namespace: &Namespace, query: &Query) -> [u8; 8] {
    let Query { selection, order, cursor: _, .. } = query;
    let Selection { user, agent, thread, related_threads, tiers, created, updated, filter } = selection;
    let mut hash = Hasher(Sha256::new());
    hash.text(namespace.as_str());
    hash.field(user);
    hash.field(agent);
    hash.field(thread);
    hash.set(related_threads);
    hash.set(tiers);
    hash.range(*created);
    hash.range(*updated);
    match filter {
        Filter::All => hash.tag(0),
        Filter::Contains(needle) => {
            hash.tag(1);
            hash.text(needle.as_str());
        }
        // The JSON form is frozen by this: of another text for the same filter, cursors given before would be refused.
        other => {
            hash.tag(2);
            hash.text(other.to_json().as_str());
        }
    }
    hash.tag(match order.by {
        OrderBy::Created => 0,
        OrderBy::Updated => 1,
        OrderBy::Importance => 2,
    });
    hash.tag(match order.direction {
        Direction::Ascending => 0,
        Direction::Descending => 1,
    });
    let full = hash.0.finalize();
    *full.first_chunk().expect("SHA-256 gives 32 bytes")
}

struct Hasher(Sha256);

impl Hasher {
    fn tag(&mut self, tag: u8) {
        self.0.update([tag]);
    }

    fn text(&mut self, text: &str) {
        // The length first, so that no two lists of texts give the same bytes.
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text.as_bytes());
    }

    fn field<T: AsRef<str>>(&mut self, field: &Match<T>) {
        match field {
            Match::Any => self.tag(0),
            Match::Absent => self.tag(1),
            Match::Is(value) => {
                self.tag(2);
                self.text(value.as_ref());
            }
        }
    }

    fn set<T: AsRef<str>>(&mut self, texts: &[T]) {
        let mut sorted: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        sorted.sort_unstable();
        sorted.dedup();
        self.0.update((sorted.len() as u64).to_be_bytes());
        for text in sorted {
            self.text(text);
        }
    }

    fn range(&mut self, TimeRange { from, until }: TimeRange) {
        for end in [from, until] {
            match end {
                None => self.tag(0),
                Some(time) => {
                    self.tag(1);
                    self.0.update(time.as_micros().to_be_bytes());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Json;

    fn cursor() -> Cursor {
        Cursor { digest: [7; 8], key: -5, id: MemoryId::from_bytes([9; 16]) }
    }

    #[test]
    fn text_round_trips() {
        let text = cursor().to_string();
        assert_eq!(text.parse::<Cursor>().unwrap(), cursor());
        for wrong in ["", "x", "!!", &text[1..], &format!("{text}AAAA")] {
            assert!(wrong.parse::<Cursor>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cursor_of_another_query_is_refused() {
        let namespace = Namespace::new("a").unwrap();
        let query = Query::default();
        let cursor = Cursor { digest: digest(&namespace, &query), ..cursor() };
        assert!(cursor.check(&namespace, &query).is_ok());
        assert!(cursor.check(&namespace, &query.clone().with_limit(7).unwrap()).is_ok());
        assert!(cursor.check(&Namespace::new("b").unwrap(), &query).is_err());
        assert!(cursor.check(&namespace, &query.clone().with_order(Order::CREATED_ASC)).is_err());
        let narrower = Query::new(Selection::default().without_thread());
        assert!(cursor.check(&namespace, &narrower).is_err());
    }

    #[test]
    fn digests_stay_as_they_are() {
        let namespace = Namespace::new("a").unwrap();
        let of = |filter: Filter| {
            let query = Query::new(Selection::default().with_filter(filter));
            digest(&namespace, &query).map(|byte| format!("{byte:02x}")).concat()
        };
        assert_eq!(of(Filter::All), "3e7266542bf85cd3");
        assert_eq!(of(Filter::Contains(Json::parse(r#"{"b": [1], "a": 2}"#).unwrap())), "03a0d9c3f47c28c5");
        let of_text = |text: &str| of(Filter::parse(text).unwrap());
        let language = r#"{"tags": {"$any": ["x", 1.0]}, "$not": {"$user": "mara"}, "a": {"b": {"$gte": 5}}}"#;
        assert_eq!(of_text(language), "e49c0b9e68df13fe");
        assert_eq!(of_text(&language.replace(": ", ":\n")), of_text(language));
        // Another spelling of a number is another text, and so another filter.
        assert_ne!(of_text(&language.replace("1.0", "1")), of_text(language));
        assert_ne!(of_text(r#"{"a": 1}"#), of_text(r#"{"$contains": {"a": 1}}"#));
    }
}
