//! How a transaction that writes begins: whether it records its changes, and with whom it shares the namespace.

use diesel::sql_types::{BigInt, Nullable, Text};
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

/// Says with whom a transaction shares a namespace.
///
/// Transactions that come upon the same memories in different orders lock each other out, and a deadlock costs a second
/// before the server ends it. Those that keep to the order of ids go side by side; one that can't keeps the others waiting.
/// A transaction of one memory has nothing to do with this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// With others that keep to the order of ids.
    Shared,
    /// With none that writes several memories.
    Whole,
}

/// The first half of the advisory locks' keys, for claims: "poly" in ASCII. The second half is a hash of the namespace.
const CLAIMS: i64 = 0x706f_6c79;

/// Says who minds the recording of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChangeCapture {
    /// Whoever runs the statement.
    Handled,
    /// Nobody: the statement may change something only if changes are not recorded.
    MustBeOff,
}

/// The number of the transaction if changes are recorded, as a value in a statement.
macro_rules! capture_transaction {
    () => {
        "(SELECT CASE WHEN value = 'on' THEN pg_current_xact_id()::text::bigint END FROM polymnia.settings \
         WHERE name = 'change_capture')"
    };
}

pub(crate) use capture_transaction;

/// How many changes are recorded by one statement.
const CHUNK: usize = 10_000;

impl Capture {
    /// Claims the namespace, for as long as the transaction lasts, and reads the setting, and the transaction's number if it
    /// is on.
    pub(crate) fn claim(session: &mut Session, namespace: &Namespace, claim: Claim) -> Result<Self, Fault> {
        // In one round trip.
        let mut statement = Statement::<(Nullable<BigInt>, Text)>::new(match claim {
            Claim::Shared => concat!("SELECT ", capture_transaction!(), ", pg_advisory_xact_lock_shared("),
            Claim::Whole => concat!("SELECT ", capture_transaction!(), ", pg_advisory_xact_lock("),
        });
        statement.bind(CLAIMS).text("::integer, ").bind(hash(namespace)).text("::integer)::text");
        let (transaction, _): (Option<i64>, String) = session.load_one(statement)?;
        Ok(Self { transaction })
    }

    /// Reads the setting, and the transaction's number if it is on.
    pub(crate) fn read(session: &mut Session) -> Result<Self, Fault> {
        let statement = Statement::<Nullable<BigInt>>::new(concat!("SELECT ", capture_transaction!()));
        Ok(Self { transaction: session.load_one(statement)? })
    }

    /// Returns what a statement said that asked for [`capture_transaction`].
    pub(crate) fn of(transaction: Option<i64>) -> Self {
        Self { transaction }
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

/// Returns 31 bits by which processes of any version tell namespaces apart (FNV-1a). Two with the same bits only wait for
/// each other.
fn hash(namespace: &Namespace) -> i64 {
    let step = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    i64::from(namespace.as_str().bytes().fold(0x811c_9dc5, step) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_stays_what_it_is() {
        assert_eq!(hash(&Namespace::new("a").unwrap()), i64::from(0xe40c_292c_u32 >> 1));
        assert_eq!(hash(&Namespace::new("foobar").unwrap()), i64::from(0xbf9c_f968_u32 >> 1));
    }
}
