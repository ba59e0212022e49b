//! Gathers a page from memories that come in the order of their milliseconds, and within one in no order.

use std::collections::BinaryHeap;

use polymnia::spi::Rows;
use polymnia::{Direction, Memory, MemoryId, Result};

/// Gathers a page.
///
/// Memories of one millisecond are sorted once the millisecond is over. However many there are, no more are kept than the
/// page has room for.
#[derive(Debug)]
pub(crate) struct Ties {
    direction: Direction,
    limit: usize,
    max_bytes: usize,
    page: Rows,
    /// The memories of the present millisecond that may be on the page.
    group: Vec<Option<(Rank, Memory)>>,
    /// Places in `group` of what was pushed out.
    gaps: Vec<usize>,
    /// How many of them there are.
    kept: usize,
    millisecond: i64,
    /// Those of `group` by rank, the last one on top, once there are too many.
    last: BinaryHeap<(Rank, usize)>,
    /// What page and group hold of content and metadata.
    bytes: usize,
}

/// Says whether the page can change any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    GoOn,
    Complete,
}

/// Is a place in the order: what comes first is less.
type Rank = (i64, u128);

impl Ties {
    pub(crate) fn new(direction: Direction, limit: u32) -> Self {
        let limit = limit as usize;
        let memories = Vec::with_capacity(limit.min(256));
        Self {
            direction,
            limit,
            max_bytes: Rows::MAX_BYTES,
            page: Rows { memories, more: false },
            group: Vec::new(),
            gaps: Vec::new(),
            kept: 0,
            millisecond: 0,
            last: BinaryHeap::new(),
            bytes: 0,
        }
    }

    /// Takes a memory into account, and decodes it if it may be on the page.
    pub(crate) fn offer(
        &mut self,
        created_at: i64,
        id: MemoryId,
        decode: impl FnOnce() -> Result<Memory>,
    ) -> Result<Progress> {
        let millisecond = created_at.div_euclid(1000);
        if millisecond != self.millisecond {
            self.end_group();
            if self.is_full() {
                self.page.more = true;
                return Ok(Progress::Complete);
            }
            self.millisecond = millisecond;
        }
        let rank = self.rank(created_at, id);
        if self.is_full() && self.last().is_none_or(|(last, _)| rank > last) {
            self.page.more = true;
            return Ok(Progress::GoOn);
        }
        let memory = decode()?;
        self.bytes += size(&memory);
        self.kept += 1;
        let at = self.gaps.pop().unwrap_or(self.group.len());
        if !self.last.is_empty() {
            self.last.push((rank, at));
        }
        match self.group.get_mut(at) {
            Some(gap) => *gap = Some((rank, memory)),
            None => self.group.push(Some((rank, memory))),
        }
        self.push_out();
        Ok(Progress::GoOn)
    }

    /// Returns the page.
    pub(crate) fn into_page(mut self) -> Rows {
        self.end_group();
        self.page
    }

    fn rank(&self, created_at: i64, id: MemoryId) -> Rank {
        let id = u128::from_be_bytes(*id.as_bytes());
        match self.direction {
            Direction::Ascending => (created_at, id),
            Direction::Descending => (!created_at, !id),
        }
    }

    fn is_full(&self) -> bool {
        self.page.memories.len() + self.kept >= self.limit || self.bytes > self.max_bytes
    }

    /// Returns the rank of the last memory of the group, and where it is.
    fn last(&mut self) -> Option<(Rank, usize)> {
        if self.last.is_empty() {
            let ranks = self.group.iter().enumerate();
            self.last = ranks.filter_map(|(at, kept)| kept.as_ref().map(|(rank, _)| (*rank, at))).collect();
        }
        self.last.peek().copied()
    }

    /// Removes from the group what comes after the end of the page.
    fn push_out(&mut self) {
        while self.is_over() {
            let Some((_, at)) = self.last() else { return };
            let bytes = self.bytes - self.group[at].as_ref().map_or(0, |(_, memory)| size(memory));
            // The memory that goes past the bytes is the last one on the page.
            if self.page.memories.len() + self.kept <= self.limit && bytes <= self.max_bytes {
                return;
            }
            self.group[at] = None;
            self.bytes = bytes;
            self.kept -= 1;
            self.last.pop();
            self.gaps.push(at);
            self.page.more = true;
        }
    }

    fn is_over(&self) -> bool {
        self.page.memories.len() + self.kept > self.limit || (self.bytes > self.max_bytes && self.kept > 1)
    }

    /// Moves the group to the page, in order.
    fn end_group(&mut self) {
        self.last.clear();
        self.gaps.clear();
        self.kept = 0;
        if self.group.len() > 1 {
            self.group.sort_unstable_by_key(|kept| kept.as_ref().map(|(rank, _)| *rank));
        }
        self.page.memories.extend(self.group.drain(..).flatten().map(|(_, memory)| memory));
    }
}

fn size(memory: &Memory) -> usize {
    memory.content.as_str().len() + memory.metadata.as_str().len()
}

#[cfg(test)]
mod tests {
    use polymnia::{Order, OrderBy, Record, Timestamp};

    use super::*;

    fn memory(created: i64, id: u128, bytes: usize) -> Memory {
        let record = Record::parse(&format!(r#"{{"content": "{}"}}"#, "x".repeat(bytes))).unwrap();
        let created = Timestamp::from_micros(created).unwrap();
        record.into_memory(created, || MemoryId::from_bytes(id.to_be_bytes()))
    }

    /// Returns the page as it is defined: in order, up to the limit, and up to the memory that goes past the bytes.
    fn expected(mut memories: Vec<Memory>, order: Order, limit: usize, max_bytes: usize) -> Rows {
        memories.sort_by(|left, right| order.compare(left, right));
        let all = memories.len();
        let mut bytes = 0;
        let fit = memories.iter().take(limit).take_while(|memory| {
            let goes_on = bytes <= max_bytes;
            bytes += size(memory);
            goes_on
        });
        let fit = fit.count();
        memories.truncate(fit);
        Rows { memories, more: fit < all }
    }

    #[test]
    fn pages_are_those_of_sorting_everything() {
        let random = &mut fastrand::Rng::with_seed(3);
        for round in 0..3_000 {
            let direction = if random.bool() { Direction::Ascending } else { Direction::Descending };
            let order = Order { by: OrderBy::Created, direction };
            let count = random.usize(..40);
            let spread = [1, 3_000, 30_000][random.usize(..3)];
            let mut memories: Vec<Memory> =
                (0..count).map(|_| memory(random.i64(-spread..spread), random.u128(..), random.usize(1..20))).collect();
            let (limit, max_bytes) = (random.u32(1..12), [0, 10, 50, 10_000][random.usize(..4)]);
            let expected = expected(memories.clone(), order, limit as usize, max_bytes);
            let millisecond = |memory: &Memory| memory.created_at.as_micros().div_euclid(1000);
            match direction {
                Direction::Ascending => memories.sort_by_key(millisecond),
                Direction::Descending => memories.sort_by_key(|memory| std::cmp::Reverse(millisecond(memory))),
            }
            let mut ties = Ties { max_bytes, ..Ties::new(direction, limit) };
            let mut decoded = 0;
            for memory in &memories {
                let offered = ties.offer(memory.created_at.as_micros(), memory.id, || {
                    decoded += 1;
                    Ok(memory.clone())
                });
                if offered.unwrap() == Progress::Complete {
                    break;
                }
                // The last one may be pushed out by the next.
                assert!(ties.group.len() <= limit as usize + 1 && ties.bytes <= max_bytes + 2 * 22, "round {round}");
            }
            assert!(decoded >= expected.memories.len());
            assert_eq!(ties.into_page(), expected, "round {round}");
        }
    }

    #[test]
    fn what_cannot_be_on_the_page_is_not_decoded() {
        let mut ties = Ties::new(Direction::Ascending, 2);
        let offer =
            |ties: &mut Ties, id| ties.offer(5, MemoryId::from_bytes(u128::to_be_bytes(id)), || Ok(memory(5, id, 1)));
        for id in [2, 1] {
            assert_eq!(offer(&mut ties, id).unwrap(), Progress::GoOn);
        }
        let refused = ties.offer(5, MemoryId::from_bytes([9; 16]), || unreachable!("it comes after both"));
        assert_eq!(refused.unwrap(), Progress::GoOn);
        let over = ties.offer(1_000, MemoryId::from_bytes([0; 16]), || unreachable!("the page is complete"));
        assert_eq!(over.unwrap(), Progress::Complete);
        let page = ties.into_page();
        assert!(page.more && page.memories.len() == 2);
    }
}
