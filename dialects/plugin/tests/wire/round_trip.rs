//! What is written reads back as it was.

use std::fmt::Debug;

use polymnia::schema::{
    BackupInfo, Entry, ForeignLedger, Health, Ledger, LockHolder, LogEntry, Orphans, Probe, SessionOptions, Snapshot,
    Source,
};
use polymnia::{
    ApplyReport, Capability, ChangeRecord, DatabaseInfo, Error, Explanation, Filter, IndexStatus, Memory, Mutation,
    NamespaceStats, NamespaceSummary, OpenOptions, OptimizeReport, Query, VerifyReport,
};
use polymnia_plugin::abi::{FEATURE_CONTAINMENT, FEATURE_FILTERS, FEATURE_RELATED_THREADS};
use polymnia_plugin::message::{
    Batch, Description, Opened, OwnedBatchRequest, OwnedScriptPart, ScratchOpened, SessionOpened, Waiting,
};
use polymnia_plugin::wire::{Direction, Read, Write, from_bytes, to_bytes};
use proptest::{prop_assert, prop_assert_eq, proptest};

use crate::any::{Any, Rng, any};
use crate::operations::messages;

fn equal<T: Any + Read + Write + Debug + PartialEq>(rng: &mut Rng) {
    let item: T = any(rng);
    let (bytes, _) = to_bytes(&item).expect("it has a form");
    for direction in [Direction::Request, Direction::Reply] {
        assert_eq!(from_bytes::<T>(&bytes, direction).expect("it reads back"), item);
    }
}

macro_rules! all_equal {
    ($rng:expr; $($type:ty),* $(,)?) => { $(equal::<$type>($rng);)* };
}

proptest! {
    #[test]
    fn every_message_reads_back(seed: u64) {
        let mut rng = Rng::with_seed(seed);
        for message in messages() {
            (message.round_trip)(&mut rng);
        }
    }

    #[test]
    fn every_type_reads_back_equal(seed: u64) {
        all_equal! { &mut Rng::with_seed(seed);
            Memory, Batch, Query, Mutation, ApplyReport, Capability, NamespaceStats, DatabaseInfo, NamespaceSummary,
            ChangeRecord, Explanation, IndexStatus, OptimizeReport, VerifyReport, Source, Ledger, Entry, LogEntry,
            ForeignLedger, Snapshot, SessionOptions, LockHolder, Orphans, Probe, Health, BackupInfo, Description,
            Opened, ScratchOpened, SessionOpened, Waiting, OwnedBatchRequest, OwnedScriptPart,
        }
    }

    #[test]
    fn an_error_says_the_same(seed: u64) {
        let error: Error = any(&mut Rng::with_seed(seed));
        let read: Error = from_bytes(&to_bytes(&error).unwrap().0, Direction::Reply).unwrap();
        let told = |error: &Error| {
            let sources = std::iter::successors(std::error::Error::source(error), |source| source.source());
            let sources: Vec<String> = sources.map(ToString::to_string).collect();
            format!("{:?} {:?} {:?} {error} {:?} {sources:?}", error.kind(), error.retry(), error.operation(), error.hint())
        };
        prop_assert_eq!(told(&read), told(&error));
    }

    #[test]
    fn options_read_back_equal_but_for_what_the_host_keeps(seed: u64) {
        let options: OpenOptions = any(&mut Rng::with_seed(seed));
        let read: OpenOptions = from_bytes(&to_bytes(&options).unwrap().0, Direction::Request).unwrap();
        prop_assert_eq!(read.url(), options.url());
        prop_assert_eq!(read.pool, options.pool);
        prop_assert_eq!(read.statement_timeout, options.statement_timeout);
        prop_assert_eq!(read.connect_timeout, options.connect_timeout);
        prop_assert!(!read.auto_migrate && read.migrations.is_empty());
    }

    #[test]
    fn a_filter_needs_what_is_in_it(seed: u64) {
        let filter: Filter = any(&mut Rng::with_seed(seed));
        let (_, needs) = to_bytes(&filter).unwrap();
        let shown = format!("{filter:?}");
        prop_assert_eq!(needs & FEATURE_CONTAINMENT != 0, shown.contains("Contains("), "{}", shown);
        let others = ["Metadata {", "Field(", "And(", "Or(", "Not("].iter().any(|word| shown.contains(word));
        prop_assert_eq!(needs & FEATURE_FILTERS != 0, others, "{}", shown);
    }
}

#[test]
fn related_threads_of_a_selection_are_a_need_and_those_of_memories_are_not() {
    let mut rng = Rng::with_seed(1);
    let query = Query::new(polymnia::Selection::default().with_related_thread(any(&mut rng)));
    assert_eq!(to_bytes(&query).unwrap().1, FEATURE_RELATED_THREADS);
    assert_eq!(to_bytes(&Query::default()).unwrap().1, 0);
    let memory: Memory =
        Memory { related_threads: polymnia::RelatedThreads::new([any(&mut rng)]).unwrap(), ..any(&mut rng) };
    assert_eq!(to_bytes(&memory).unwrap().1, 0);
}

#[test]
fn every_feature_of_an_engine_crosses() {
    // A feature added to the library must get a number: this engine can do everything.
    let mut capability = Capability::none();
    let fields = format!("{capability:?}").matches(": None").count();
    capability =
        from_bytes(&[&[0xaa][..], &(1..=10).flat_map(|key| [key, 2]).collect::<Vec<_>>()].concat(), Direction::Reply)
            .unwrap();
    assert_eq!(format!("{capability:?}").matches(": Native").count(), fields);
}

#[test]
fn kinds_of_errors_that_are_not_known_are_unexpected() {
    let bytes = [&[0xa3, 0x01, 0x19, 0x27, 0x0f, 0x02, 0x18, 0x63, 0x03, 0x61][..], b"m"].concat();
    let error: Error = from_bytes(&bytes, Direction::Reply).unwrap();
    assert_eq!((error.kind(), error.retry()), (polymnia::ErrorKind::Unexpected, polymnia::Retry::Never));
}
