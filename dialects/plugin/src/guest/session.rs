//! The operations of a session of migrating.

use std::sync::Mutex;

use polymnia::spi::SchemaSession;

use super::ask::{Ask, Outcome};
use crate::operation::{
    Operation, SessionBatch, SessionBegin, SessionCommit, SessionDismantle, SessionDropInvalidIndex, SessionExecute,
    SessionForget, SessionHasIndex, SessionInvalidIndexes, SessionLedger, SessionLog, SessionOrphans, SessionPrepare,
    SessionRecord, SessionRollback, SessionRowCounts, SessionSnapshot,
};

/// Does an operation in a session, once those before it are done.
pub(super) fn dispatch(session: &Mutex<Option<Box<dyn SchemaSession>>>, ask: &Ask<'_>) -> Outcome {
    let mut guard = ask.lock(session)?;
    match guard.as_deref_mut() {
        Some(session) => go_on(session, ask),
        None => Err(ask.not_open()),
    }
}

fn go_on(session: &mut dyn SchemaSession, ask: &Ask<'_>) -> Outcome {
    let call = &ask.call;
    match ask.operation() {
        SessionPrepare::CODE => ask.answer::<SessionPrepare>(|()| session.prepare(call)),
        SessionLedger::CODE => ask.answer::<SessionLedger>(|()| session.ledger(call)),
        SessionSnapshot::CODE => ask.answer::<SessionSnapshot>(|()| session.snapshot(call)),
        SessionBegin::CODE => ask.answer::<SessionBegin>(|(how,)| session.begin(call, how)),
        SessionCommit::CODE => ask.answer::<SessionCommit>(|()| session.commit(call)),
        SessionRollback::CODE => ask.answer::<SessionRollback>(|()| session.rollback()),
        SessionExecute::CODE => ask.answer::<SessionExecute>(|(statement,)| Ok(session.execute(call, &statement))),
        SessionBatch::CODE => ask.answer::<SessionBatch>(|(request,)| Ok(session.batch(call, &request.as_request()))),
        SessionRecord::CODE => ask.answer::<SessionRecord>(|(entry,)| session.record(call, &entry)),
        SessionForget::CODE => ask.answer::<SessionForget>(|(version,)| session.forget(call, &version)),
        SessionLog::CODE => ask.answer::<SessionLog>(|(line,)| session.log(call, &line)),
        SessionDismantle::CODE => ask.answer::<SessionDismantle>(|()| session.dismantle(call)),
        SessionInvalidIndexes::CODE => ask.answer::<SessionInvalidIndexes>(|()| session.invalid_indexes(call)),
        SessionDropInvalidIndex::CODE => {
            ask.answer::<SessionDropInvalidIndex>(|(name,)| Ok(session.drop_invalid_index(call, &name)))
        }
        SessionHasIndex::CODE => ask.answer::<SessionHasIndex>(|(name,)| session.has_index(call, &name)),
        SessionRowCounts::CODE => ask.answer::<SessionRowCounts>(|()| session.row_counts(call)),
        SessionOrphans::CODE => ask.answer::<SessionOrphans>(|()| session.orphans(call)),
        _ => Err(ask.unknown("a session")),
    }
}
