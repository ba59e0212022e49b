//! What to read: selections, orders, limits and pages.

use crate::{AgentId, Cursor, Error, Filter, Memory, Result, ThreadId, Tier, Timestamp, UserId};

/// Says which memories of a namespace are meant. Every condition must hold; the default selects all.
///
/// Expired memories are never selected.
///
/// # Examples
///
/// ```
/// use polymnia::{Filter, Json, Selection, Tier};
///
/// let selection = Selection::default()
///     .with_user("mara".parse()?)
///     .with_tier(Tier::long_term())
///     .with_filter(Filter::Contains(Json::parse(r#"{"kind": "preference"}"#)?));
/// assert!(!selection.is_all());
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The user.
    pub user: Match<UserId>,
    /// The agent.
    pub agent: Match<AgentId>,
    /// The thread.
    pub thread: Match<ThreadId>,
    /// Memories related to any of these threads; empty means no condition.
    pub related_threads: Vec<ThreadId>,
    /// Memories in any of these tiers; empty means no condition.
    pub tiers: Vec<Tier>,
    /// When they came to be.
    pub created: TimeRange,
    /// When they were last written.
    pub updated: TimeRange,
    /// What their metadata holds.
    pub filter: Filter,
}

impl Selection {
    /// Selects memories of this user.
    #[must_use]
    pub fn with_user(mut self, user: UserId) -> Self {
        self.user = Match::Is(user);
        self
    }

    /// Selects memories of this agent.
    #[must_use]
    pub fn with_agent(mut self, agent: AgentId) -> Self {
        self.agent = Match::Is(agent);
        self
    }

    /// Selects memories of this thread.
    #[must_use]
    pub fn with_thread(mut self, thread: ThreadId) -> Self {
        self.thread = Match::Is(thread);
        self
    }

    /// Selects memories of no thread.
    #[must_use]
    pub fn without_thread(mut self) -> Self {
        self.thread = Match::Absent;
        self
    }

    /// Selects memories related to this thread, beside those related to the ones named before.
    #[must_use]
    pub fn with_related_thread(mut self, thread: ThreadId) -> Self {
        self.related_threads.push(thread);
        self
    }

    /// Selects memories in this tier, beside those in the ones named before.
    #[must_use]
    pub fn with_tier(mut self, tier: Tier) -> Self {
        self.tiers.push(tier);
        self
    }

    /// Selects memories created in this range.
    #[must_use]
    pub fn with_created(mut self, created: TimeRange) -> Self {
        self.created = created;
        self
    }

    /// Selects memories last written in this range.
    #[must_use]
    pub fn with_updated(mut self, updated: TimeRange) -> Self {
        self.updated = updated;
        self
    }

    /// Selects memories by their metadata.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Returns whether there is no condition at all.
    pub fn is_all(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether the memory is selected at the time `now`.
    ///
    /// This is the meaning that every engine is tested against.
    pub fn matches(&self, memory: &Memory, now: Timestamp) -> bool {
        let Self { user, agent, thread, related_threads, tiers, created, updated, filter } = self;
        memory.expires_at.is_none_or(|at| at > now)
            && user.matches(memory.user_id.as_ref())
            && agent.matches(memory.agent_id.as_ref())
            && thread.matches(memory.thread_id.as_ref())
            && (related_threads.is_empty() || related_threads.iter().any(|one| memory.related_threads.contains(one)))
            && (tiers.is_empty() || tiers.contains(&memory.tier))
            && created.contains(memory.created_at)
            && updated.contains(memory.updated_at)
            // The meaning of a filter is worked out on a tree of the metadata, which nobody needs here.
            && (filter.is_all() || filter.matches(memory))
    }
}

/// Is a condition on a field that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Match<T> {
    /// No condition.
    #[default]
    Any,
    /// The field is absent.
    Absent,
    /// The field has this value, byte by byte.
    Is(T),
}

impl<T: PartialEq> Match<T> {
    fn matches(&self, field: Option<&T>) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => field.is_none(),
            Self::Is(value) => field == Some(value),
        }
    }
}

/// Is a half-open range of time: from `from` on, before `until`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeRange {
    /// The first time in the range; none means no lower end.
    pub from: Option<Timestamp>,
    /// The first time after the range; none means no upper end.
    pub until: Option<Timestamp>,
}

impl TimeRange {
    /// Returns whether the time lies in the range.
    pub fn contains(&self, time: Timestamp) -> bool {
        self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until)
    }
}

/// Says which memories to read, in which order, and how many.
///
/// # Examples
///
/// ```
/// use polymnia::{Order, Query, Selection};
///
/// let query = Query::new(Selection::default().with_user("mara".parse()?))
///     .with_order(Order::UPDATED_DESC)
///     .with_limit(50)?;
/// assert_eq!(query.limit(), 50);
/// # Ok::<(), polymnia::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which memories.
    pub selection: Selection,
    /// In which order.
    pub order: Order,
    /// After which memory, if this is not the first page.
    pub cursor: Option<Cursor>,
    limit: u32,
}

impl Query {
    /// The number of memories on a page unless given.
    pub const DEFAULT_LIMIT: u32 = 10;
    /// The greatest number of memories on a page.
    pub const MAX_LIMIT: u32 = 10_000;

    /// Returns a query for the newest 10 memories selected.
    pub fn new(selection: Selection) -> Self {
        Self { selection, order: Order::default(), cursor: None, limit: Self::DEFAULT_LIMIT }
    }

    /// Sets the order.
    #[must_use]
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Goes on after the page that gave this cursor.
    #[must_use]
    pub fn with_cursor(mut self, cursor: Cursor) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Sets the greatest number of memories on the page.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) outside 1 to 10,000.
    pub fn with_limit(mut self, limit: u32) -> Result<Self> {
        if !(1..=Self::MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid_input(format!("limit is {limit}: expected 1 to {}", Self::MAX_LIMIT)));
        }
        self.limit = limit;
        Ok(self)
    }

    /// Returns the greatest number of memories on the page, 1 to 10,000.
    pub fn limit(&self) -> u32 {
        self.limit
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::new(Selection::default())
    }
}

/// Is a total order: by a field, then by id the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Order {
    /// The field.
    pub by: OrderBy,
    /// Which way.
    pub direction: Direction,
}

impl Order {
    /// Newest first: the default.
    pub const CREATED_DESC: Self = Self { by: OrderBy::Created, direction: Direction::Descending };
    /// Oldest first.
    pub const CREATED_ASC: Self = Self { by: OrderBy::Created, direction: Direction::Ascending };
    /// Last written first.
    pub const UPDATED_DESC: Self = Self { by: OrderBy::Updated, direction: Direction::Descending };
    /// First written first.
    pub const UPDATED_ASC: Self = Self { by: OrderBy::Updated, direction: Direction::Ascending };
    /// Most important first.
    pub const IMPORTANCE_DESC: Self = Self { by: OrderBy::Importance, direction: Direction::Descending };
    /// Least important first.
    pub const IMPORTANCE_ASC: Self = Self { by: OrderBy::Importance, direction: Direction::Ascending };

    /// Every order.
    pub const ALL: [Self; 6] = [
        Self::CREATED_DESC,
        Self::CREATED_ASC,
        Self::UPDATED_DESC,
        Self::UPDATED_ASC,
        Self::IMPORTANCE_DESC,
        Self::IMPORTANCE_ASC,
    ];

    /// Returns how `left` and `right` stand to each other in this order.
    ///
    /// This is the order that every engine is tested against.
    pub fn compare(self, left: &Memory, right: &Memory) -> std::cmp::Ordering {
        let by_field = match self.by {
            OrderBy::Created => left.created_at.cmp(&right.created_at),
            OrderBy::Updated => left.updated_at.cmp(&right.updated_at),
            OrderBy::Importance => left.importance.as_f64().total_cmp(&right.importance.as_f64()),
        };
        let ascending = by_field.then_with(|| left.id.cmp(&right.id));
        match self.direction {
            Direction::Ascending => ascending,
            Direction::Descending => ascending.reverse(),
        }
    }
}

impl Default for Order {
    fn default() -> Self {
        Self::CREATED_DESC
    }
}

/// Is a field that orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrderBy {
    /// `created_at`.
    Created,
    /// `updated_at`.
    Updated,
    /// `importance`.
    Importance,
}

/// Is one of the two ways to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Smallest, oldest first.
    Ascending,
    /// Greatest, newest first.
    Descending,
}

/// Is a part of the memories selected, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The memories.
    pub memories: Vec<Memory>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}
