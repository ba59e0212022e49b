//! The operations on the schema.

use std::sync::{Arc, Mutex};

use polymnia::schema::{Event, ScriptPart};
use polymnia::spi::SchemaEngine;

use super::ask::{Ask, Outcome};
use super::dialect::opened;
use super::handles::{Open, waiting};
use crate::message::{OwnedScriptPart, ScratchOpened, SessionOpened, Waiting};
use crate::operation::{
    Backup, CheckHealth, EndLockHolder, FindLockHolder, ForeignLedgers, OpenSession, Operation, Probes, ReadLedger,
    ReadLog, ReadSnapshot, Restore, Scratch, VerifyBackup, WriteScript,
};

/// Does an operation on a schema.
pub(super) fn dispatch(schema: &dyn SchemaEngine, ask: &Ask<'_>) -> Outcome {
    let call = &ask.call;
    match ask.operation() {
        ReadLedger::CODE => ask.answer::<ReadLedger>(|()| schema.ledger(call)),
        ReadLog::CODE => ask.answer::<ReadLog>(|(limit,)| schema.log(call, limit)),
        ReadSnapshot::CODE => ask.answer::<ReadSnapshot>(|()| schema.snapshot(call)),
        ForeignLedgers::CODE => ask.answer::<ForeignLedgers>(|()| schema.foreign_ledgers(call)),
        OpenSession::CODE => open_session(schema, ask),
        FindLockHolder::CODE => ask.answer::<FindLockHolder>(|()| schema.lock_holder(call)),
        EndLockHolder::CODE => ask.answer::<EndLockHolder>(|(holder,)| schema.end_lock_holder(call, &holder)),
        WriteScript::CODE => ask.answer::<WriteScript>(|(parts,)| {
            let parts: Vec<ScriptPart<'_>> = parts.iter().map(OwnedScriptPart::as_part).collect();
            schema.script(&parts)
        }),
        Probes::CODE => ask.answer::<Probes>(|()| schema.probe(call)),
        CheckHealth::CODE => ask.answer::<CheckHealth>(|()| schema.health(call)),
        Backup::CODE => ask.answer::<Backup>(|(options, to)| schema.backup(call, &options, &to)),
        VerifyBackup::CODE => ask.answer::<VerifyBackup>(|(from,)| schema.verify_backup(call, &from)),
        Restore::CODE => ask.answer::<Restore>(|(options, from)| schema.restore(call, &options, &from)),
        Scratch::CODE => {
            let (copy,) = ask.arguments::<Scratch>()?;
            let engine = schema.scratch(call, copy)?;
            let handle = ask.handles().insert(Open::Engine(Arc::clone(&engine)));
            ask.reply_opening(handle, &ScratchOpened { handle, opened: opened(&*engine) })
        }
        _ => Err(ask.unknown("a database")),
    }
}

fn open_session(schema: &dyn SchemaEngine, ask: &Ask<'_>) -> Outcome {
    let (options,) = ask.arguments::<OpenSession>()?;
    let mut observer = |event: &Event<'_>| {
        if let Event::Waiting { holder, millis } = event {
            ask.events.send(&Waiting { holder: holder.cloned(), millis: *millis });
        }
    };
    let session = Arc::new(Mutex::new(Some(schema.session(&ask.call, &options, &mut observer)?)));
    // Kept before it is asked anything: were it to panic, it must not be dropped by the unwinding, too.
    let handle = ask.handles().insert(Open::Session(Arc::clone(&session)));
    let is_one_transaction = waiting(&session).as_ref().is_some_and(|session| session.is_one_transaction());
    ask.reply_opening(handle, &SessionOpened { handle, is_one_transaction })
}
