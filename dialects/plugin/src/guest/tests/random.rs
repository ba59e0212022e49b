//! Bytes that nobody meant.

use polymnia::spi::Dialect;
use polymnia::{MemoryStore, OpenOptions};
use polymnia_sqlite::Sqlite;
use proptest::prelude::*;

use super::client::{Client, circumstances};
use super::dialects::{naive, sqlite};
use super::requests::{On, Request, requests, session_options};
use crate::abi::{Bytes, Circumstances, FEATURES, STATUS_OK, STATUS_UNSUPPORTED};
use crate::operation::{self as op, ALL};

/// Is a plugin with a database and a session.
#[derive(Clone, Copy, Debug)]
struct Target {
    client: Client,
    database: u64,
    session: u64,
}

impl Target {
    fn of(client: Client, url: &str) -> Self {
        let database = client.open(url);
        let session = client.call::<op::OpenSession>(database, (&session_options(),)).unwrap().handle;
        client.call::<op::SessionPrepare>(session, ()).unwrap();
        Self { client, database, session }
    }

    fn handle(self, on: On) -> u64 {
        match on {
            On::Dialect => 0,
            On::Database => self.database,
            On::Session => self.session,
        }
    }

    /// Asks, and checks that it was answered somehow.
    fn ask(self, handle: u64, code: u32, request: &[u8]) {
        let circumstances = Circumstances { needs: FEATURES, remaining_nanos: 20_000_000, ..circumstances() };
        let answer = self.client.raw(handle, code, Bytes::of(request), &raw const circumstances);
        assert!(answer.status <= STATUS_UNSUPPORTED, "{code}: {}", answer.error());
        if answer.status != STATUS_OK {
            answer.error();
        }
    }
}

/// Returns a target over the oracle, and one over SQLite.
fn targets() -> (Target, Target) {
    let folder = tempfile::tempdir().unwrap().keep();
    let url = format!("sqlite://{}", folder.join("a.db").display());
    MemoryStore::new(Sqlite.open(&OpenOptions::new(&*url)).unwrap()).migrate().unwrap();
    let targets = (Target::of(naive(), "naive:"), Target::of(sqlite(), &url));
    std::fs::remove_dir_all(folder).unwrap();
    targets
}

/// Returns whether a request leads to files by their names, so that a changed one could lead anywhere.
fn names_files(request: &Request) -> bool {
    matches!(request.name, "Backup" | "VerifyBackup" | "Restore" | "Claims")
}

#[test]
fn random_bytes_are_refused() {
    let (oracle, sqlite) = targets();
    let codes: Vec<u32> = ALL.iter().map(|(code, _)| *code).chain([4, 999, u32::MAX]).collect();
    proptest!(|(
        code in prop::sample::select(codes),
        handle in prop_oneof![any::<u64>(), 0..4_u64, (1..3_u64).prop_map(|place| 1 << 32 | place)],
        request in prop::collection::vec(any::<u8>(), 0..200),
    )| {
        for target in [oracle, sqlite] {
            for handle in [handle, target.database, target.session] {
                target.ask(handle, code, &request);
            }
            let (answer, _) = target.client.open_raw(&request, &circumstances());
            prop_assert!(answer.status <= STATUS_UNSUPPORTED);
        }
    });
}

#[test]
fn requests_with_some_bytes_changed_are_answered() {
    let (oracle, sqlite) = targets();
    let requests = requests(std::path::Path::new("/nowhere"));
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    proptest!(|(request in prop::sample::select(requests), changes in changes, cut in any::<prop::sample::Index>())| {
        let mut bytes = request.bytes.clone();
        if bytes.is_empty() {
            bytes.push(0x80);
        }
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        oracle.ask(oracle.handle(request.on), request.code, &bytes);
        bytes.truncate(cut.index(bytes.len()) + 1);
        oracle.ask(oracle.handle(request.on), request.code, &bytes);
        if !names_files(&request) {
            sqlite.ask(sqlite.handle(request.on), request.code, &bytes);
        }
    });
}
