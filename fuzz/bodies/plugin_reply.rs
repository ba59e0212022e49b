//! A plugin that answers whatever it likes, asked for everything a host can ask.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::path::Path;

use polymnia::schema::{BatchCondition, BatchRequest, Begin, Event, LockHolder, ScriptPart, SessionOptions, Version};
use polymnia::spi::{Dialect, Engine, SchemaSession};
use polymnia::{
    Call, Expect, IndexDeclaration, IndexKind, Mutation, Namespace, OpenOptions, Query, Selection, Timestamp, Upkeep,
};
use polymnia_plugin::abi::{Buffer, Bytes, Circumstances, FEATURES, Host, Plugin, Prefix, STATUS_OK};
use polymnia_plugin::host::{LoadOptions, PluginDialect};
use polymnia_plugin::message::Description;
use polymnia_plugin::{operation, wire};

/// Asks for one thing after the other, as the input says, and answers with the rest of it.
///
/// A step is the number of what is asked, the status, a handle, the length of the reply in two bytes, and the reply. What
/// takes several calls takes several steps.
pub(crate) fn run(data: &[u8]) {
    let dialect =
        PluginDialect::linked(&TABLE, &LoadOptions::default().with_max_reply(1 << 16)).expect("it is described");
    STATE.set(State::of(data));
    let options = OpenOptions::new("fuzz://x");
    let mut engine = None;
    while let Some(asked) = STATE.with_borrow(|state| state.steps.front().map(|step| step.asked)) {
        let left = STATE.with_borrow(|state| state.steps.len());
        match &engine {
            None => engine = dialect.open(&options).ok(),
            Some(opened) if asked < 64 => ask(&**opened, asked),
            Some(opened) if asked < 128 => session(&**opened),
            Some(_) => ask_dialect(&dialect, &options),
        }
        // What asked for nothing has had its turn.
        STATE.with_borrow_mut(|state| {
            if state.steps.len() == left {
                state.steps.pop_front();
            }
        });
    }
    drop(engine);
    let state = STATE.take();
    assert_eq!(state.given, state.freed, "each reply goes back, once");
}

fn ask_dialect(dialect: &PluginDialect, options: &OpenOptions) {
    let _ = (dialect.recognizes(options.url()), dialect.claims(options), dialect.source());
}

fn ask(engine: &dyn Engine, asked: u8) {
    let call = &Call::at(Timestamp::MIN);
    let tenant = &Namespace::new("fuzz").expect("a namespace");
    let other = &Namespace::new("other").expect("a namespace");
    let id = polymnia::MemoryId::from_bytes([7; 16]);
    let batch = &[Mutation::Delete { id, expect: Expect::Any }];
    let (query, selection) = (&Query::default(), &Selection::default());
    let (admin, schema) = (engine.admin(), engine.schema());
    let declaration = || IndexDeclaration::new("a".parse().expect("a path"), IndexKind::Text).expect("a declaration");
    let path = Path::new("/nowhere/fuzz");
    let options = &SessionOptions::default();
    match asked {
        0 => drop(engine.get(call, tenant, &[id, id])),
        1 => drop(engine.query(call, tenant, query)),
        2 => drop(engine.count(call, tenant, selection)),
        3 => drop(engine.apply(call, tenant, batch)),
        4 => drop(engine.load(call, tenant, batch)),
        5 => drop(engine.explain(call, tenant, query)),
        6 => drop(engine.delete_matching(call, tenant, selection)),
        7 => drop(engine.stats(call, tenant)),
        8 => drop(admin.ping(call)),
        9 => drop(admin.info(call)),
        10 => drop(admin.namespaces(call, None, 9)),
        11 => drop(admin.rename_namespace(call, tenant, other)),
        12 => drop(admin.delete_namespace(call, tenant)),
        13 => drop(admin.sweep(call, 9)),
        14 => drop(admin.analyze(call)),
        15 => drop(admin.optimize(call, Upkeep::Full)),
        16 => drop(admin.verify(call)),
        17 => drop(admin.indexes(call)),
        18 => drop(admin.create_index(call, &declaration())),
        19 => drop(admin.drop_index(call, &declaration().name)),
        20 => drop(admin.set_change_capture(call, true)),
        21 => drop(admin.changes(call, 0, 9)),
        22 => drop(schema.ledger(call)),
        23 => drop(schema.log(call, 9)),
        24 => drop(schema.snapshot(call).map(|snapshot| snapshot.fingerprint())),
        25 => drop(schema.foreign_ledgers(call)),
        26 => drop(schema.lock_holder(call)),
        27 => {
            let holder = LockHolder { process: 1, description: String::new(), since: None };
            drop(schema.end_lock_holder(call, &holder));
        }
        28 => drop(schema.script(&[ScriptPart::Prepare, ScriptPart::Comment("c")])),
        29 => drop(schema.probe(call)),
        30 => drop(schema.health(call)),
        31 => drop(schema.backup(call, options, path)),
        32 => drop(schema.verify_backup(call, path)),
        33 => drop(schema.restore(call, options, path)),
        34 => {
            if let Ok(scratch) = schema.scratch(call, true) {
                let _ = (scratch.capability(), scratch.schema().source(), scratch.count(call, tenant, selection));
            }
        }
        _ => drop((engine.capability(), schema.source())),
    }
}

fn session(engine: &dyn Engine) {
    let call = &Call::at(Timestamp::MIN);
    let mut heard = 0;
    let mut observer = |event: &Event<'_>| heard += format!("{event:?}").len();
    let Ok(mut session) = engine.schema().session(call, &SessionOptions::default(), &mut observer) else { return };
    let _ = session.is_one_transaction();
    while let Some(asked @ 64..128) = STATE.with_borrow(|state| state.steps.front().map(|step| step.asked)) {
        if asked == 127 {
            return;
        }
        ask_session(&mut *session, asked);
    }
}

fn ask_session(session: &mut dyn SchemaSession, asked: u8) {
    let call = &Call::at(Timestamp::MIN);
    let version = Version::new("20260101000000").expect("a version");
    match asked - 64 {
        0 => drop(session.ledger(call)),
        1 => drop(session.snapshot(call)),
        2 => drop(session.begin(call, Begin::Rebuild)),
        3 => drop(session.commit(call)),
        4 => drop(session.rollback()),
        5 => drop(session.execute(call, "SELECT 1")),
        6 => {
            let (statement, table, alias) = ("DELETE FROM t", "t", "t");
            let condition = BatchCondition::At(13);
            drop(session.batch(call, &BatchRequest { statement, table, alias, condition, after: None, rows: 9 }));
        }
        7 => drop(session.forget(call, &version)),
        8 => drop(session.dismantle(call)),
        9 => drop(session.invalid_indexes(call)),
        10 => drop(session.drop_invalid_index(call, "i")),
        11 => drop(session.has_index(call, "i")),
        12 => drop(session.row_counts(call)),
        13 => drop(session.orphans(call)),
        _ => drop(session.prepare(call)),
    }
}

/// Is one answer.
struct Step {
    asked: u8,
    status: u8,
    handle: u64,
    reply: Vec<u8>,
}

#[derive(Default)]
struct State {
    steps: VecDeque<Step>,
    given: usize,
    freed: usize,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

impl State {
    fn of(mut data: &[u8]) -> Self {
        let mut steps = VecDeque::new();
        while let [asked, status, handle, low, high, rest @ ..] = data {
            let len = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
            let (reply, rest) = rest.split_at(len);
            steps.push_back(Step { asked: *asked, status: *status, handle: u64::from(*handle), reply: reply.to_vec() });
            data = rest;
        }
        Self { steps, given: 0, freed: 0 }
    }
}

static TABLE: Plugin = Plugin {
    prefix: Prefix::of::<Plugin>(),
    describe: Some(describe),
    open: Some(open),
    call: Some(call),
    close: Some(close),
    free: Some(free),
};

/// Gives the next answer. Of the status, three bits are the status; another one tells an event before.
fn answer(circumstances: Option<&Circumstances>, reply: *mut Buffer) -> (u32, u64) {
    let step = STATE.with_borrow_mut(|state| state.steps.pop_front());
    let Some(Step { status, handle, reply: bytes, .. }) = step else { return (STATUS_OK, 0) };
    if let Some(circumstances) = circumstances {
        if let (Some(event), true) = (circumstances.event, status & 8 != 0) {
            // SAFETY: the host's function, during the call, with bytes that outlive it.
            unsafe { event(circumstances.context, Bytes::of(&bytes)) };
        }
        if let Some(interrupted) = circumstances.interrupted {
            // SAFETY: as above.
            unsafe { interrupted(circumstances.context) };
        }
    }
    // A panic is for good, and nothing would be asked from then on.
    let status = match status & 7 {
        3 => 4,
        status => status,
    };
    give(bytes, reply);
    (u32::from(status), handle)
}

fn give(bytes: Vec<u8>, reply: *mut Buffer) {
    STATE.with_borrow_mut(|state| state.given += 1);
    let bytes = Box::leak(bytes.into_boxed_slice());
    let buffer = Buffer { data: bytes.as_mut_ptr(), len: bytes.len(), extra: bytes.len() };
    // SAFETY: the host's place for the reply.
    unsafe { reply.write(buffer) };
}

unsafe extern "C" fn describe(host: *const Host, reply: *mut Buffer) -> u32 {
    // SAFETY: the host's table.
    let host = unsafe { &*host };
    if let Some(log) = host.log {
        // SAFETY: the host's function; the bytes are no text, which it must live with.
        unsafe { log(host.context, 3, Bytes::of(b"fuzz\xff"), Bytes::NONE) };
    }
    let description = Description {
        name: "fuzz".to_owned(),
        version: "1".to_owned(),
        url_schemes: vec!["fuzz".to_owned()],
        operations: operation::ALL.iter().map(|(code, _)| *code).collect(),
        features: FEATURES,
    };
    give(wire::to_bytes(&description).expect("it can be written").0, reply);
    STATUS_OK
}

unsafe extern "C" fn open(_: Bytes, circumstances: *const Circumstances, handle: *mut u64, reply: *mut Buffer) -> u32 {
    // SAFETY: what the host passes is there.
    let (status, opened) = answer(unsafe { circumstances.as_ref() }, reply);
    // SAFETY: the host's place for the handle.
    unsafe { handle.write(opened) };
    status
}

unsafe extern "C" fn call(_: u64, _: u32, _: Bytes, circumstances: *const Circumstances, reply: *mut Buffer) -> u32 {
    // SAFETY: what the host passes is there.
    answer(unsafe { circumstances.as_ref() }, reply).0
}

unsafe extern "C" fn close(_: u64, _: *mut Buffer) -> u32 {
    STATUS_OK
}

unsafe extern "C" fn free(buffer: Buffer) {
    STATE.with_borrow_mut(|state| state.freed += 1);
    // SAFETY: it was leaked above, with this length.
    drop(unsafe { Box::from_raw(std::ptr::slice_from_raw_parts_mut(buffer.data, buffer.extra)) });
}
