//! What passes between a run of migrations and the dialect's session.

use polymnia::schema::{
    BackupInfo, BatchCondition, BatchDone, BatchRequest, Begin, Health, IndexHealth, LockHealth, LockHolder, Orphans,
    Probe, ScriptPart, SessionOptions, StatementError, TableHealth,
};

use super::record::{choice, read_choice, read_fields, record, write_choice, write_fields};
use super::{Fault, Read, Reader, Write, Writer};
use crate::message::{OwnedBatchRequest, OwnedScriptPart};

record! { SessionOptions { 1 lock_wait, 2 lock_timeout } }

record! { LockHolder { 1 process, 2 description, 3 since or default } }

choice! { Begin { 0 Plain, 1 Rebuild } }

record! { StatementError { 1 error, 2 offset or default, 3 lock_timeout or default } }

impl Write for BatchRequest<'_> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        let Self { statement, table, alias, condition, after, rows } = self;
        write_fields!(writer { 1 statement, 2 table, 3 alias, 4 condition, 5 after or default, 6 rows });
        Ok(())
    }
}

impl Write for OwnedBatchRequest {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_request().write(writer)
    }
}

impl Read for OwnedBatchRequest {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_fields!(reader BatchRequest { 1 statement, 2 table, 3 alias, 4 condition, 5 after or default, 6 rows });
        let request = Self { statement, table, alias, condition, after, rows };
        // An engine cuts the statement there.
        let fits = match &request.condition {
            BatchCondition::Within(range) => request.statement.get(range.clone()).is_some(),
            BatchCondition::At(at) => request.statement.is_char_boundary(*at),
        };
        if fits { Ok(request) } else { Err(reader.malformed("a place within the statement")) }
    }
}

impl Write for BatchCondition {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        match self {
            Self::Within(range) => {
                writer.choice(0, 2);
                range.start.write(writer)?;
                range.end.write(writer)
            }
            Self::At(at) => {
                writer.choice(1, 1);
                at.write(writer)
            }
        }
    }
}

impl Read for BatchCondition {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match reader.choice()? {
            (0, 2) => Ok(Self::Within(reader.read()?..reader.read()?)),
            (1, 1) => reader.read().map(Self::At),
            (0 | 1, _) => Err(reader.malformed("the items of BatchCondition")),
            (number, _) => Err(Fault::Unknown { what: "BatchCondition", number }),
        }
    }
}

record! { BatchDone { 1 key or default, 2 looked_at, 3 changed, 4 total or default } }

record! { Orphans { 1 table, 2 parent, 3 rows } }

impl Write for ScriptPart<'_> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        write_choice!(self writer ScriptPart {
            0 Comment(text),
            1 Guard(versions),
            2 Prepare,
            3 Begin(how),
            4 Statement(text),
            5 Record(entry),
            6 Forget(version),
            7 Log(line),
            8 Commit,
        });
        Ok(())
    }
}

impl Write for OwnedScriptPart {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        self.as_part().write(writer)
    }
}

impl Read for OwnedScriptPart {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        read_choice!(reader ScriptPart {
            0 Comment(text),
            1 Guard(versions),
            2 Prepare,
            3 Begin(how),
            4 Statement(text),
            5 Record(entry),
            6 Forget(version),
            7 Log(line),
            8 Commit,
        })
    }
}

record! { Probe { 1 name, 2 holds, 3 detail } }

record! { Health { 1 tables or default, 2 indexes or default, 3 locks or default, 4 advice or default } }

record! { TableHealth { 1 name, 2 rows or default, 3 bytes or default } }

record! { IndexHealth { 1 name, 2 table, 3 bytes or default, 4 scans or default, 5 valid } }

record! { LockHealth { 1 object, 2 mode, 3 holder, 4 millis or default, 5 waiting } }

record! {
    BackupInfo { 1 dialect, 2 version or default, 3 fingerprint or default, 4 memories or default, 5 bytes, 6 sha256 }
}

/// What a statement gave: 0 or a list of 0 and a value, a list of 1 and an error.
macro_rules! outcome {
    ($($value:ty),*) => {$(
        impl Write for Result<$value, StatementError> {
            fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
                match self {
                    Ok(value) => {
                        writer.choice(0, 1);
                        value.write(writer)
                    }
                    Err(error) => {
                        writer.choice(1, 1);
                        error.write(writer)
                    }
                }
            }
        }

        impl Read for Result<$value, StatementError> {
            fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
                match reader.choice()? {
                    (0, 1) => reader.read().map(Ok),
                    (1, 1) => reader.read().map(Err),
                    (0 | 1, _) => Err(reader.malformed("the items of an outcome")),
                    (number, _) => Err(Fault::Unknown { what: "outcome", number }),
                }
            }
        }
    )*};
}

outcome!(u64, BatchDone);

impl Write for Result<(), StatementError> {
    fn write(&self, writer: &mut Writer) -> Result<(), Fault> {
        match self {
            Ok(()) => {
                writer.choice(0, 0);
                Ok(())
            }
            Err(error) => {
                writer.choice(1, 1);
                error.write(writer)
            }
        }
    }
}

impl Read for Result<(), StatementError> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        match reader.choice()? {
            (0, 0) => Ok(Ok(())),
            (1, 1) => reader.read().map(Err),
            (0 | 1, _) => Err(reader.malformed("the items of an outcome")),
            (number, _) => Err(Fault::Unknown { what: "outcome", number }),
        }
    }
}
