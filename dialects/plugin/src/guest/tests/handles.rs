//! Handles that are open, closed and made up.

use std::sync::Arc;

use polymnia_conformance::Oracle;
use proptest::prelude::*;

use super::dialects::naive;
use super::requests::{namespace, session_options};
use crate::abi::{STATUS_ERROR, STATUS_OK};
use crate::guest::handles::{Handles, Open};
use crate::operation::{self as op, Operation};

#[test]
fn a_closed_handle_leads_nowhere_even_when_its_place_is_taken_again() {
    let client = naive();
    let first = client.open("naive:");
    let session = client.call::<op::OpenSession>(first, (&session_options(),)).unwrap().handle;
    for handle in [session, first] {
        assert_eq!(client.close(handle).status, STATUS_OK);
        assert_eq!(client.close(handle).status, STATUS_OK, "closing twice is no error");
    }
    let (second, third) = (client.open("naive:"), client.open("naive:"));
    assert!(![second, third].contains(&first) && ![second, third].contains(&session));
    for handle in [first, session] {
        let answer = client.bytes(handle, op::Ping::CODE, &[]);
        assert_eq!(answer.status, STATUS_ERROR);
        assert!(answer.error().message().contains("not open"), "{}", answer.error());
    }
    client.call::<op::Ping>(second, ()).unwrap();
}

#[test]
fn a_session_outlives_its_database() {
    let client = naive();
    let database = client.open("naive:");
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    client.close(database);
    client.call::<op::SessionPrepare>(session, ()).unwrap();
    client.close(session);
    assert_eq!(client.open_handles(), 0);
}

#[test]
fn a_database_that_is_closed_during_a_call_is_closed_after_it() {
    let client = naive();
    let database = client.open("naive:");
    // The thread that opens a session waits for the first to end.
    let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.call::<op::OpenSession>(database, (&session_options(),)));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert_eq!(client.close(database).status, STATUS_OK);
        assert_eq!(client.close(session).status, STATUS_OK);
        let session = waiting.join().unwrap().unwrap().handle;
        client.call::<op::SessionPrepare>(session, ()).unwrap();
    });
    let (status, _) = client.call::<op::Stats>(database, (&namespace(),)).unwrap_err();
    assert_eq!(status, STATUS_ERROR);
}

proptest! {
    #[test]
    fn the_table_keeps_what_a_map_keeps(steps in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 0..200)) {
        let handles = Handles::new();
        let mut open: Vec<(u64, Arc<Oracle>)> = Vec::new();
        let mut closed: Vec<u64> = Vec::new();
        for (insert, pick) in steps {
            if insert || open.is_empty() {
                let engine = Arc::new(Oracle::default());
                let handle = handles.insert(Open::Engine(engine.clone()));
                prop_assert!(handle != 0 && !closed.contains(&handle) && open.iter().all(|(other, _)| *other != handle));
                open.push((handle, engine));
            } else {
                let (handle, engine) = open.swap_remove(pick.index(open.len()));
                let removed = handles.remove(handle);
                prop_assert!(matches!(&removed, Some(Open::Engine(_))));
                drop(removed);
                prop_assert_eq!(Arc::strong_count(&engine), 1);
                closed.push(handle);
            }
            prop_assert!(open.iter().all(|(handle, _)| handles.find(*handle).is_some()));
            prop_assert!(closed.iter().all(|handle| handles.find(*handle).is_none() && handles.remove(*handle).is_none()));
        }
        prop_assert_eq!(handles.len(), open.len());
    }
}
