//! Memories.

use polymnia::{
    AgentId, Content, Importance, Json, Memory, MemoryId, Metadata, Namespace, NewMemory, RelatedThreads, Revision,
    ThreadId, Tier, Timestamp, UserId,
};

use super::record::{record, text};
use super::{Direction, Fault, Read, Reader, Write, Writer};

record! {
    Memory {
        1 id,
        2 user_id or default,
        3 agent_id or default,
        4 thread_id or default,
        5 tier,
        6 content,
        7 metadata,
        8 importance,
        9 related_threads or default,
        10 revision,
        11 created_at,
        12 updated_at,
        13 expires_at or default,
    }
}

// The numbers of the same fields are the same.
record! {
    NewMemory {
        2 user_id or default,
        3 agent_id or default,
        4 thread_id or default,
        5 tier,
        6 content,
        7 metadata,
        8 importance,
        9 related_threads or default,
        11 created_at or default,
        13 expires_at or default,
    }
}

text!(Namespace, UserId, AgentId, ThreadId, Tier, Content);

impl Write for MemoryId {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.bytes(self.as_bytes());
        Ok(())
    }
}

impl Read for MemoryId {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let bytes = reader.bytes()?.try_into().map_err(|_| reader.malformed("an id of 16 bytes"))?;
        Ok(Self::from_bytes(bytes))
    }
}

impl Write for Json {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.text(self.as_str());
        Ok(())
    }
}

impl Read for Json {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let text = reader.text()?;
        match reader.direction() {
            Direction::Request => Ok(Self::parse(text)?),
            Direction::Reply => Ok(Self::from_stored(text.to_owned())),
        }
    }
}

impl Write for Metadata {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_json().write(writer)
    }
}

impl Read for Metadata {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let json: Json = reader.read()?;
        Ok(Self::try_from(json)?)
    }
}

impl Write for Importance {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.real(self.as_f64());
        Ok(())
    }
}

impl Read for Importance {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self::new(reader.real()?)?)
    }
}

impl Write for RelatedThreads {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_slice().write(writer)
    }
}

impl Read for RelatedThreads {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let threads: Vec<ThreadId> = reader.read()?;
        Ok(Self::new(threads)?)
    }
}

impl Write for Revision {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.signed(self.as_i64());
        Ok(())
    }
}

impl Read for Revision {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self::new(reader.signed()?)?)
    }
}

impl Write for Timestamp {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        writer.signed(self.as_micros());
        Ok(())
    }
}

impl Read for Timestamp {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        Ok(Self::from_micros(reader.signed()?)?)
    }
}
