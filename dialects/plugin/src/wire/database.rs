//! What a database tells of itself and of what it holds.

use polymnia::{
    ChangeOperation, ChangeRecord, DatabaseInfo, Extension, Group, NamespaceStats, NamespaceSummary, PoolStatus,
};

use super::record::{choice, record};

record! {
    DatabaseInfo {
        1 dialect,
        2 server_version,
        3 schema_version or default,
        4 schema_pending,
        5 read_only,
        6 bytes or default,
        7 extensions or default,
        8 unused_indexes or default,
        9 pool,
        10 details or default,
    }
}

record! { Extension { 1 name, 2 version } }

record! { PoolStatus { 1 connections, 2 idle, 3 max_size } }

record! {
    NamespaceStats {
        1 memories,
        2 content_bytes,
        3 metadata_bytes,
        4 oldest or default,
        5 newest or default,
        6 users,
        7 threads,
        8 by_tier or default,
        9 by_user or default,
        10 by_thread or default,
    }
}

record! { Group<T> { 1 value, 2 memories } }

record! { NamespaceSummary { 1 namespace, 2 memories, 3 oldest, 4 newest } }

record! { ChangeRecord { 1 sequence, 2 transaction, 3 namespace, 4 id, 5 operation } }

choice! { ChangeOperation { 0 Write, 1 Delete } }
