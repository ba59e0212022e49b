//! The operations on the schema.

use polymnia::schema::{Event, ScriptPart};
use polymnia::spi::SchemaEngine;

use super::ask::{Ask, Outcome};
use super::dialect::opened;
use super::handles::Open;
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
            let parts: Vec<ScriptPart<'_>> = parts.iter().map(borrow).collect();
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
            let opened = opened(&*engine);
            let handle = ask.handles().insert(Open::Engine(engine));
            ask.reply_opening(handle, &ScratchOpened { handle, opened })
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
    let session = schema.session(&ask.call, &options, &mut observer)?;
    let is_one_transaction = session.is_one_transaction();
    let handle = ask.handles().insert(Open::session(session));
    ask.reply_opening(handle, &SessionOpened { handle, is_one_transaction })
}

fn borrow(part: &OwnedScriptPart) -> ScriptPart<'_> {
    match part {
        OwnedScriptPart::Comment(text) => ScriptPart::Comment(text),
        OwnedScriptPart::Guard(versions) => ScriptPart::Guard(versions.iter().collect()),
        OwnedScriptPart::Prepare => ScriptPart::Prepare,
        OwnedScriptPart::Begin(how) => ScriptPart::Begin(*how),
        OwnedScriptPart::Statement(text) => ScriptPart::Statement(text),
        OwnedScriptPart::Record(entry) => ScriptPart::Record(entry),
        OwnedScriptPart::Forget(version) => ScriptPart::Forget(version),
        OwnedScriptPart::Log(line) => ScriptPart::Log(line),
        OwnedScriptPart::Commit => ScriptPart::Commit,
    }
}
