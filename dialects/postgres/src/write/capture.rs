//! The recording of changes, in the transaction that makes them.

use diesel::sql_types::{BigInt, Nullable};
use polymnia::{ChangeOperation, Namespace, Result};

use crate::error::Fault;
use crate::session::Session;
use crate::sql::Statement;

/// Is whether a transaction's changes are to be recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Capture {
    /// The transaction's number; none if changes are not recorded.
    transaction: Option<i64>,
}

/// Says who minds the recording of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeCapture {
    /// Whoever runs the statement.
    Handled,
    /// Nobody: the statement may change something only if changes are not recorded.
    MustBeOff,
}

/// How many changes are recorded by one statement.
const CHUNK: usize = 10_000;

impl Capture {
    /// Reads the setting, and the transaction's number if it is on.
    pub(crate) fn read(session: &mut Session) -> Result<Self, Fault> {
        let rows: Vec<Option<i64>> = session.load(Statement::<Nullable<BigInt>>::new(
            "SELECT CASE WHEN value = 'on' THEN pg_current_xact_id()::text::bigint END FROM polymnia.settings \
             WHERE name = 'change_capture'",
        ))?;
        Ok(Self { transaction: rows.into_iter().next().flatten() })
    }

    /// Returns whether changes are not recorded.
    pub(crate) fn is_off(self) -> bool {
        self.transaction.is_none()
    }

    /// Records changes, in this order, if they are to be recorded.
    pub(crate) fn record(
        self,
        session: &mut Session,
        namespace: &Namespace,
        changes: impl Iterator<Item = (uuid::Uuid, ChangeOperation)>,
    ) -> Result<(), Fault> {
        let Some(transaction) = self.transaction else { return Ok(()) };
        let changes: Vec<(uuid::Uuid, &str)> = changes.map(|(id, operation)| (id, operation.code())).collect();
        for chunk in changes.chunks(CHUNK) {
            let (ids, operations): (Vec<uuid::Uuid>, Vec<&str>) = chunk.iter().copied().unzip();
            let mut statement: Statement<'_> =
                Statement::new("INSERT INTO polymnia.changes (namespace, txid, id, op) SELECT ");
            statement.bind(namespace.as_str()).text(", ").bind(transaction).text(", n.id, n.op FROM unnest(");
            statement
                .bind(ids)
                .text(", ")
                .bind(operations)
                .text(") WITH ORDINALITY AS n (id, op, place) ORDER BY n.place");
            session.execute(&statement)?;
        }
        Ok(())
    }
}
