//! Whatever a plugin answers, the host goes on.

use polymnia::schema::{Begin, SessionOptions, Version};
use polymnia::spi::Dialect;
use polymnia::{Error, ErrorKind, Expect, Mutation, OpenOptions, Query, Selection, Upkeep};
use proptest::prelude::*;

use super::fake::{self, Answer, Fake, Reply};
use super::{call, engine, id, nobody, tenant};
use crate::message::{Batch, SessionOpened};
use crate::wire::{self, Write};

fn bytes(item: &(impl Write + ?Sized)) -> Vec<u8> {
    wire::to_bytes(item).unwrap().0
}

/// Makes replies from which small changes make other replies.
fn seed() -> impl Strategy<Value = Vec<u8>> {
    let batch = Batch { memories: vec![Some(super::memory(1)), None], more: true, cursor: Some(9) };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        Just(bytes(&batch)),
        Just(bytes(&super::opened())),
        Just(bytes(&SessionOpened { handle: 6, is_one_transaction: false })),
        Just(bytes(&Error::new(ErrorKind::Conflict, "no").with_hint("h").with_context("k", "v"))),
        Just(bytes(&vec![tenant()])),
        Just(vec![7]),
    ]
}

prop_compose! {
    fn reply()(mut bytes in seed(), changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3), cut in 0..4_usize)
        -> Reply
    {
        if bytes.is_empty() {
            return Reply::Empty;
        }
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(bytes.len() - cut.min(bytes.len()));
        Reply::Bytes(bytes)
    }
}

fn any_reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        8 => reply(),
        1 => prop::num::usize::ANY.prop_map(Reply::Nowhere),
        1 => ((256 << 20) + 1..usize::MAX).prop_map(Reply::Lie),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn no_reply_ends_the_host(answers in prop::collection::vec((0..3_u32, any_reply()), 60)) {
        fake::forget_answers();
        let fake = Fake::new();
        let engine = engine(fake);
        for (status, reply) in answers {
            fake::push(Answer::new(status, reply));
        }
        let (call, tenant, options) = (call(), tenant(), SessionOptions::default());
        let (admin, schema) = (engine.admin(), engine.schema());
        // What comes back is right or an error; that nothing panics and that all is given back is what is tested.
        let _ = engine.get(&call, &tenant, &[id(1), id(2)]);
        let _ = engine.query(&call, &tenant, &Query::default());
        let _ = engine.count(&call, &tenant, &Selection::default());
        let _ = engine.apply(&call, &tenant, &[Mutation::Delete { id: id(1), expect: Expect::Any }]);
        let _ = engine.explain(&call, &tenant, &Query::default());
        let _ = engine.stats(&call, &tenant);
        let _ = (admin.info(&call), admin.namespaces(&call, None, 9), admin.optimize(&call, Upkeep::Full));
        let _ = (admin.verify(&call), admin.indexes(&call), admin.changes(&call, 0, 9));
        let _ = (schema.ledger(&call), schema.log(&call, 9), schema.snapshot(&call), schema.foreign_ledgers(&call));
        let _ = (schema.lock_holder(&call), schema.script(&[]), schema.probe(&call), schema.health(&call));
        let _ = (schema.scratch(&call, true), schema.verify_backup(&call, "/b".as_ref()));
        if let Ok(mut session) = schema.session(&call, &options, &mut nobody) {
            let _ = (session.prepare(&call), session.ledger(&call), session.snapshot(&call));
            let _ = (session.begin(&call, Begin::Plain), session.execute(&call, "SELECT 1"), session.rollback());
            let _ = (session.forget(&call, &Version::new("20260101000000").unwrap()), session.has_index(&call, "i"));
            let _ = (session.row_counts(&call), session.orphans(&call), session.invalid_indexes(&call));
        }
        let dialect = fake.dialect();
        let _ = (dialect.recognizes(&":memory:".into()), dialect.source(), dialect.open(&OpenOptions::new("fake://x")));
        drop(engine);
        fake::forget_answers();
        fake::assert_all_freed();
    }
}
