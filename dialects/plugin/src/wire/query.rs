//! What is read: selections, orders, pages.

use polymnia::{Cursor, Direction, Match, Order, OrderBy, Query, Selection, TimeRange};

use super::record::{choice, read_fields, record, write_fields};
use super::{Fault, Read, Reader, Write, Writer};
use crate::abi::FEATURE_RELATED_THREADS;

impl Write for Selection {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let Self { user, agent, thread, related_threads, tiers, created, updated, filter } = self;
        if !related_threads.is_empty() {
            writer.need(FEATURE_RELATED_THREADS);
        }
        write_fields!(writer {
            1 user or default,
            2 agent or default,
            3 thread or default,
            4 related_threads or default,
            5 tiers or default,
            6 created or default,
            7 updated or default,
            8 filter or default,
        });
        Ok(())
    }
}

impl Read for Selection {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader Selection {
            1 user or default,
            2 agent or default,
            3 thread or default,
            4 related_threads or default,
            5 tiers or default,
            6 created or default,
            7 updated or default,
            8 filter or default,
        });
        Ok(Self { user, agent, thread, related_threads, tiers, created, updated, filter })
    }
}

choice! { Match<T> { 0 Any, 1 Absent, 2 Is(value) } }

record! { TimeRange { 1 from or default, 2 until or default } }

impl Write for Query {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let Self { selection, order, cursor, .. } = self;
        let limit = &self.limit();
        write_fields!(writer { 1 selection or default, 2 order or default, 3 cursor or default, 4 limit });
        Ok(())
    }
}

impl Read for Query {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader Query { 1 selection or default, 2 order or default, 3 cursor or default, 4 limit });
        let mut query = Self::new(selection).with_order(order).with_limit(limit)?;
        query.cursor = cursor;
        Ok(query)
    }
}

record! { Order { 1 by, 2 direction } }

choice! { OrderBy { 0 Created, 1 Updated, 2 Importance } }

choice! { Direction { 0 Ascending, 1 Descending } }

impl Write for Cursor {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.bytes(&self.to_bytes());
        Ok(())
    }
}

impl Read for Cursor {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let bytes = reader.bytes()?.try_into().map_err(|_| reader.malformed("a cursor of 33 bytes"))?;
        Ok(Self::from_bytes(bytes)?)
    }
}
