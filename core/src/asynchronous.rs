//! A thin async facade over the blocking store.

use crate::{
    ApplyReport, CancelToken, Error, ErrorKind, Expect, Memory, MemoryId, MemoryStore, MigrateReport, Mutation,
    Namespace, NamespaceStats, NewMemory, Outcome, Page, Patch, Query, Result, Selection,
};

/// Runs the operations of a [`MemoryStore`] on tokio's threads for blocking work.
///
/// A future that is dropped cancels its operation; one that had already been committed stays.
///
/// # Panics
///
/// Every method panics outside a tokio runtime.
#[derive(Clone, Debug)]
pub struct AsyncMemoryStore {
    store: MemoryStore,
}

macro_rules! forward {
    ($($(#[$docs:meta])* $name:ident($($argument:ident: $type:ty => $pass:expr),*) -> $answer:ty;)*) => {$(
        $(#[$docs])*
        ///
        /// # Errors
        ///
        #[doc = concat!("As [`MemoryStore::", stringify!($name), "`].")]
        pub async fn $name(&self, $($argument: $type),*) -> Result<$answer> {
            self.run(move |store| store.$name($($pass),*)).await
        }
    )*};
}

impl AsyncMemoryStore {
    /// Wraps a store.
    pub fn new(store: MemoryStore) -> Self {
        Self { store }
    }

    /// Returns the blocking store.
    pub fn blocking(&self) -> &MemoryStore {
        &self.store
    }

    forward! {
        /// Brings the schema to the newest version this build knows.
        migrate() -> MigrateReport;
        /// Stores a new memory under an id of its own.
        put(namespace: Namespace => &namespace, memory: NewMemory => memory) -> Outcome;
        /// Stores a memory under this id.
        put_at(
            namespace: Namespace => &namespace, id: MemoryId => id, memory: NewMemory => memory, expect: Expect => expect
        ) -> Outcome;
        /// Changes some fields of a memory.
        update(
            namespace: Namespace => &namespace, id: MemoryId => id, patch: Patch => patch, expect: Expect => expect
        ) -> Outcome;
        /// Removes a memory and returns whether it was there.
        delete(namespace: Namespace => &namespace, id: MemoryId => id) -> bool;
        /// Applies a batch: all of it or nothing.
        apply(namespace: Namespace => &namespace, batch: Vec<Mutation> => &batch) -> ApplyReport;
        /// Reads a memory.
        get(namespace: Namespace => &namespace, id: MemoryId => id) -> Option<Memory>;
        /// Reads memories, one entry for each id.
        get_many(namespace: Namespace => &namespace, ids: Vec<MemoryId> => &ids) -> Vec<Option<Memory>>;
        /// Reads a page of the selected memories.
        query(namespace: Namespace => &namespace, query: Query => &query) -> Page;
        /// Counts the selected memories.
        count(namespace: Namespace => &namespace, selection: Selection => &selection) -> u64;
        /// Removes the selected memories and returns how many there were.
        delete_matching(namespace: Namespace => &namespace, selection: Selection => &selection) -> u64;
        /// Counts what the namespace holds.
        stats(namespace: Namespace => &namespace) -> NamespaceStats;
    }

    async fn run<T: Send + 'static>(
        &self,
        operation: impl FnOnce(&MemoryStore) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let token = CancelToken::new();
        let store = self.store.clone().with_cancel(token.clone());
        let guard = CancelOnDrop(token);
        let result = tokio::task::spawn_blocking(move || operation(&store)).await;
        drop(guard);
        result.unwrap_or_else(|error| {
            Err(Error::new(ErrorKind::Unexpected, "the thread of the operation ended before it did").with_source(error))
        })
    }
}

struct CancelOnDrop(CancelToken);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
