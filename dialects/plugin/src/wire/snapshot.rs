//! Schemas as they are.

use polymnia::schema::{Delta, Object, ObjectKind, ObjectName, Snapshot};

use super::collection::{read_pairs, write_pairs};
use super::record::{choice, record};
use super::{Fault, Read, Reader, Write, Writer};

impl Write for Snapshot {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        write_pairs(&self.0, writer)
    }
}

impl Read for Snapshot {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_pairs(reader).map(Self)
    }
}

impl Write for Delta {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        write_pairs(&self.0, writer)
    }
}

impl Read for Delta {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_pairs(reader).map(Self)
    }
}

record! { ObjectName { 1 table, 2 kind, 3 name or default } }

choice! {
    ObjectKind {
        0 Schema,
        1 Type,
        2 Sequence,
        3 Function,
        4 View,
        5 Table,
        6 Column,
        7 Constraint,
        8 Index,
        9 Trigger,
    }
}

record! { Object { 1 ours or default, 2 attributes or default } }
