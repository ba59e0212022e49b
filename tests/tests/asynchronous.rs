//! The async facade, on both dialects.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use polymnia::{AsyncMemoryStore, Filter, Json, Mutation, Namespace, NewMemory, Query, Selection};
use polymnia_conformance::{Fixture, Subject};
use polymnia_tests::databases::{Postgres, SqliteFile};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_answers_many_futures_at_once() {
    many_at_once::<SqliteFile>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_answers_many_futures_at_once() {
    many_at_once::<Postgres>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_ends_what_is_dropped() {
    dropped_is_cancelled::<SqliteFile>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_ends_what_is_dropped() {
    dropped_is_cancelled::<Postgres>().await;
}

async fn many_at_once<F: Fixture>() {
    let (_subject, store) = open::<F>().await;
    let namespace = Namespace::new("async").unwrap();
    let puts: Vec<_> = (0..50)
        .map(|n| {
            let (store, namespace) = (store.clone(), namespace.clone());
            let memory = NewMemory::new(format!("memory {n}")).unwrap();
            tokio::spawn(async move { store.put(namespace, memory).await })
        })
        .collect();
    for put in puts {
        put.await.unwrap().unwrap();
    }
    assert_eq!(store.count(namespace.clone(), Selection::default()).await.unwrap(), 50);
    let page = store.query(namespace, Query::default()).await.unwrap();
    assert_eq!(page.memories.len(), 10);
    assert!(page.next.is_some());
}

/// A count that would take very long ends soon after its future is dropped: a pool of one connection is free again.
async fn dropped_is_cancelled<F: Fixture>() {
    let (_subject, store) = open::<F>().await;
    let namespace = Namespace::new("async").unwrap();
    // Each match walks a long array for each element of the needle: slow on purpose, on any database.
    let elements: Vec<String> = (0..2_000).map(|n| format!("[{n}]")).collect();
    let metadata = format!(r#"{{"a": [{}]}}"#, elements.join(", "));
    let memory = NewMemory::new("slow").unwrap().with_metadata(metadata.parse().unwrap());
    let batch: Vec<_> = (0..200)
        .map(|_| Mutation::Put {
            id: store.blocking().next_id(),
            memory: memory.clone(),
            expect: polymnia::Expect::Any,
        })
        .collect();
    store.apply(namespace.clone(), batch).await.unwrap();
    let slow = Selection::default().with_filter(Filter::Contains(Json::parse(&metadata).unwrap()));

    let started = Instant::now();
    let outcome = tokio::time::timeout(Duration::from_millis(50), store.count(namespace.clone(), slow)).await;
    assert!(outcome.is_err(), "the count was meant to be slow, and took {:?}", started.elapsed());
    let quick = tokio::time::timeout(Duration::from_secs(5), store.count(namespace, Selection::default())).await;
    assert_eq!(quick.unwrap().unwrap(), 200);
}

async fn open<F: Fixture>() -> (Subject, AsyncMemoryStore) {
    tokio::task::spawn_blocking(|| {
        let subject = Subject::fresh::<F>();
        let single = polymnia::PoolOptions::single();
        let store = subject.store_with(|options| options.with_pool(single));
        (subject, AsyncMemoryStore::new(store))
    })
    .await
    .unwrap()
}
