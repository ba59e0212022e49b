//! The record of changes, for those who follow: written in the transaction that makes them, while it is switched on.

use polymnia::{ChangeOperation, MemoryId, Namespace, Result};

use crate::connection::Connection;
use crate::row::{Integers, OneText};
use crate::statement::{Sql, Value, fixed, statements};

/// Records the changes of one transaction.
#[derive(Debug)]
pub(crate) struct Capture {
    on: bool,
    /// The sequence number of the transaction's first change, once there is one.
    transaction: Option<i64>,
}

statements! {
    Setting = "SELECT value FROM polymnia_settings WHERE name = 'change_capture'";
    /// AUTOINCREMENT never gives a number again, so the greatest ever given is in `sqlite_sequence`.
    NextSequence =
        "SELECT max(coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'polymnia_changes'), 0), ",
        "coalesce((SELECT max(seq) FROM polymnia_changes), 0)) + 1";
    Record = "INSERT INTO polymnia_changes (txid, namespace, id, op) VALUES (?, ?, ?, ?)";
}

impl Capture {
    /// Asks whether changes are recorded. Requires the write lock, under which the answer stays true.
    pub(crate) fn begin(connection: &mut Connection) -> Result<Self> {
        let setting: Option<OneText> = connection.one(fixed::<Setting, 0>([]))?;
        Ok(Self { on: setting.is_some_and(|word| word.0 == "on"), transaction: None })
    }

    /// Returns whether changes are recorded.
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Records one change.
    pub(crate) fn record(
        &mut self,
        connection: &mut Connection,
        namespace: &Namespace,
        id: MemoryId,
        operation: ChangeOperation,
    ) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        let transaction = self.transaction(connection)?;
        connection.execute(fixed::<Record, 4>([
            Value::Integer(transaction),
            Value::Text(namespace.as_str()),
            Value::Blob(id.as_bytes()),
            Value::Text(operation.code()),
        ]))?;
        Ok(())
    }

    /// Records a change of each row that a statement selects. `push` adds what follows `SELECT ?, `: the namespace, the
    /// id and the operation.
    pub(crate) fn record_all<'a>(
        &mut self,
        connection: &mut Connection,
        push: impl FnOnce(&mut Sql<'a>),
    ) -> Result<()> {
        if !self.on {
            return Ok(());
        }
        let mut sql = Sql::new("INSERT INTO polymnia_changes (txid, namespace, id, op) SELECT ");
        sql.bind(Value::Integer(self.transaction(connection)?)).push(", ");
        push(&mut sql);
        connection.execute(sql)?;
        Ok(())
    }

    fn transaction(&mut self, connection: &mut Connection) -> Result<i64> {
        if let Some(number) = self.transaction {
            return Ok(number);
        }
        let next: Option<Integers<1>> = connection.one(fixed::<NextSequence, 0>([]))?;
        let number = next.map_or(1, |next| next.0[0]);
        self.transaction = Some(number);
        Ok(number)
    }
}
