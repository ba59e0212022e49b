/**
 * The binary interface: all that C sees. Major version 1.
 *
 * A plugin is a shared library that exports one table, polymnia_plugin, under the name POLYMNIA_ENTRY. Tables grow at
 * their end only; the prefix of each says how long it is, and what lies beyond that end, or is null, is not there.
 * Numbers are in the machine's byte order, pointers and `size_t` in its width.
 *
 * Requests and replies are CBOR (RFC 8949), described in `docs/plugins/wire.md`.
 *
 * # Rules of memory
 *
 * - What the host passes (requests, polymnia_circumstances) is valid until the function returns. The polymnia_host
 *   table is valid for good.
 * - A reply belongs to the plugin. The host copies it and gives it back to polymnia_plugin.free at once, whatever the
 *   status.
 * - No exception and no panic may leave a function, of either side.
 *
 * # Rules of threads
 *
 * Any function may be called on any thread, and several at once. Calls on the handle of a session of migrating, or on a
 * cursor, come one after the other, on any thread.
 */
/* Made from src/abi.rs and src/operation.rs: see tests/header. Not to be edited. */

#ifndef POLYMNIA_PLUGIN_H
#define POLYMNIA_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Makes a symbol visible to the host. */
#if defined(_WIN32)
#define POLYMNIA_EXPORT __declspec(dllexport)
#elif defined(__GNUC__)
#define POLYMNIA_EXPORT __attribute__((visibility("default")))
#else
#define POLYMNIA_EXPORT
#endif

/** The first bytes of every table. */
#define POLYMNIA_MAGIC {'P', 'O', 'L', 'Y', 'M', 'N', 'I', 'A'}

/** The major version: another one is another symbol, and understands nothing of this one. */
#define POLYMNIA_ABI_MAJOR 1u

/** The minor version: a higher one has more operations, features and fields at the end of tables. */
#define POLYMNIA_ABI_MINOR 0u

/** The symbol of the polymnia_plugin table: `polymnia_plugin_v` and the major version. */
#define POLYMNIA_ENTRY "polymnia_plugin_v1"

/** The operation was done; the reply is its result. */
#define POLYMNIA_STATUS_OK 0u

/** It failed; the reply is an error. */
#define POLYMNIA_STATUS_ERROR 1u

/** The operation, or a feature that the request needs, is not known here. Nothing was done. There may be no reply. */
#define POLYMNIA_STATUS_UNSUPPORTED 2u

/** The plugin panicked, now or before; the reply is an error. Nothing more should be asked of it. */
#define POLYMNIA_STATUS_PANICKED 3u

/** The handle of the dialect itself, which is always open. */
#define POLYMNIA_HANDLE_DIALECT UINT64_C(0)

/** No deadline. */
#define POLYMNIA_NO_DEADLINE UINT64_MAX

/** The call goes on. */
#define POLYMNIA_GO_ON 0u

/** The caller cancelled. */
#define POLYMNIA_CANCELLED 1u

/** The deadline passed. */
#define POLYMNIA_TIMED_OUT 2u

/** The request has a condition that is `Filter::Contains`. */
#define POLYMNIA_FEATURE_CONTAINMENT UINT64_C(1)

/** The request has a condition of the rest of the filter language. */
#define POLYMNIA_FEATURE_FILTERS (UINT64_C(1) << UINT64_C(1))

/** The request has a condition on related threads. */
#define POLYMNIA_FEATURE_RELATED_THREADS (UINT64_C(1) << UINT64_C(2))

/** Every feature of this minor version. */
#define POLYMNIA_FEATURES ((POLYMNIA_FEATURE_CONTAINMENT | POLYMNIA_FEATURE_FILTERS) | POLYMNIA_FEATURE_RELATED_THREADS)

/** Begins every table. */
typedef struct polymnia_prefix {
    /** POLYMNIA_MAGIC. */
    uint8_t magic[8];
    /** POLYMNIA_ABI_MAJOR. */
    uint16_t major;
    /** POLYMNIA_ABI_MINOR. */
    uint16_t minor;
    /** The length of the whole table in bytes. */
    uint32_t size;
} polymnia_prefix;

/** Is bytes of somebody else, for the length of a call. `data` may be null if `len` is 0. */
typedef struct polymnia_bytes {
    /** The first byte. */
    const uint8_t *data;
    /** How many there are. */
    size_t len;
} polymnia_bytes;

/**
 * Is a reply: bytes that the plugin allocated, which polymnia_plugin.free takes back. `data` may be null if `len` is 0.
 */
typedef struct polymnia_buffer {
    /** The first byte. */
    uint8_t *data;
    /** How many there are. */
    size_t len;
    /** Whatever the plugin needs to free them, such as the capacity. */
    size_t extra;
} polymnia_buffer;

/** Is what the host offers. Valid for good. */
typedef struct polymnia_host {
    /** Begins the table. */
    polymnia_prefix prefix;
    /** To be passed to each function. */
    void *context;
    /** Returns the greatest level that is logged: 0 for nothing, 1 for errors, up to 5 for traces. */
    uint32_t (*log_level)(void *context);
    /** Logs a message. Target and message are UTF-8, without content of memories and without passwords. */
    void (*log)(void *context, uint32_t level, polymnia_bytes target, polymnia_bytes message);
} polymnia_host;

/** Is the circumstances of one call. Valid until it returns. */
typedef struct polymnia_circumstances {
    /** The length of this table in bytes. */
    uint32_t size;
    /** Not used: 0. */
    uint32_t reserved;
    /** The features that the request needs. Any that the plugin does not know means POLYMNIA_STATUS_UNSUPPORTED. */
    uint64_t needs;
    /** What time it is: microseconds since 1970-01-01T00:00:00Z. */
    int64_t now_micros;
    /** The time left, in nanoseconds, or POLYMNIA_NO_DEADLINE. */
    uint64_t remaining_nanos;
    /** The greatest reply the host accepts, in bytes. */
    uint64_t max_reply;
    /** To be passed to each function. */
    void *context;
    /** Returns POLYMNIA_GO_ON, POLYMNIA_CANCELLED or POLYMNIA_TIMED_OUT. Null if nobody can cancel. */
    uint32_t (*interrupted)(void *context);
    /** Takes an event of a long operation. Null if nobody listens. */
    void (*event)(void *context, polymnia_bytes event);
} polymnia_circumstances;

/** Is a plugin. */
typedef struct polymnia_plugin {
    /** Begins the table. */
    polymnia_prefix prefix;
    /** Describes the plugin; called first, once or more. The plugin may keep the host. */
    uint32_t (*describe)(const polymnia_host *host, polymnia_buffer *reply);
    /** Opens a database and gives it a handle, not 0. */
    uint32_t (*open)(
        polymnia_bytes request,
        const polymnia_circumstances *circumstances,
        uint64_t *handle,
        polymnia_buffer *reply);
    /** Does one operation on what a handle stands for. */
    uint32_t (*call)(
        uint64_t handle,
        uint32_t operation,
        polymnia_bytes request,
        const polymnia_circumstances *circumstances,
        polymnia_buffer *reply);
    /** Closes a handle, of whatever kind. One that isn't open is no error. */
    uint32_t (*close)(uint64_t handle, polymnia_buffer *reply);
    /** Takes a reply back. One without bytes may be given back or not. */
    void (*free)(polymnia_buffer buffer);
} polymnia_plugin;

/*
 * Operations: what can be asked of a handle. The arguments are a list of the items named, and the reply is one item.
 * What the items are is described in docs/plugins/wire.md.
 */

/**
 * Does nothing, on any handle: what a call costs.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_NOTHING 0u

/**
 * Tells whether the dialect opens a connection string without a scheme.
 *
 * Arguments: ConnectionString. Reply: bool.
 */
#define POLYMNIA_OPERATION_RECOGNIZES 1u

/**
 * Lists the files that opening would own.
 *
 * Arguments: OpenOptions. Reply: Vec<PathBuf>.
 */
#define POLYMNIA_OPERATION_CLAIMS 2u

/**
 * Returns the migrations that the dialect brings.
 *
 * Arguments: none. Reply: Source.
 */
#define POLYMNIA_OPERATION_MIGRATIONS 3u

/**
 * Reads memories by id.
 *
 * Arguments: Namespace, Vec<MemoryId>. Reply: Batch.
 */
#define POLYMNIA_OPERATION_GET 16u

/**
 * Reads a page.
 *
 * Arguments: Namespace, Query. Reply: Batch.
 */
#define POLYMNIA_OPERATION_QUERY 17u

/**
 * Reads what a cursor has next; the one that says there is no further cursor closes it.
 *
 * Arguments: none. Reply: Batch.
 */
#define POLYMNIA_OPERATION_MORE 18u

/**
 * Counts.
 *
 * Arguments: Namespace, Selection. Reply: u64.
 */
#define POLYMNIA_OPERATION_COUNT 19u

/**
 * Applies a batch.
 *
 * Arguments: Namespace, Vec<Mutation>. Reply: ApplyReport.
 */
#define POLYMNIA_OPERATION_APPLY 20u

/**
 * Applies a batch of a bulk load.
 *
 * Arguments: Namespace, Vec<Mutation>. Reply: ApplyReport.
 */
#define POLYMNIA_OPERATION_LOAD 21u

/**
 * Tells how a query is answered.
 *
 * Arguments: Namespace, Query. Reply: Explanation.
 */
#define POLYMNIA_OPERATION_EXPLAIN 22u

/**
 * Removes what is selected.
 *
 * Arguments: Namespace, Selection. Reply: u64.
 */
#define POLYMNIA_OPERATION_DELETE_MATCHING 23u

/**
 * Counts what a namespace holds.
 *
 * Arguments: Namespace. Reply: NamespaceStats.
 */
#define POLYMNIA_OPERATION_STATS 24u

/**
 * Asks for a sign of life.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_PING 32u

/**
 * Describes the database.
 *
 * Arguments: none. Reply: DatabaseInfo.
 */
#define POLYMNIA_OPERATION_INFO 33u

/**
 * Lists namespaces.
 *
 * Arguments: Option<Namespace>, u32. Reply: Vec<NamespaceSummary>.
 */
#define POLYMNIA_OPERATION_NAMESPACES 34u

/**
 * Renames a namespace.
 *
 * Arguments: Namespace, Namespace. Reply: u64.
 */
#define POLYMNIA_OPERATION_RENAME_NAMESPACE 35u

/**
 * Removes a namespace.
 *
 * Arguments: Namespace. Reply: u64.
 */
#define POLYMNIA_OPERATION_DELETE_NAMESPACE 36u

/**
 * Removes expired memories.
 *
 * Arguments: u32. Reply: u64.
 */
#define POLYMNIA_OPERATION_SWEEP 37u

/**
 * Refreshes statistics.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_ANALYZE 38u

/**
 * Does upkeep.
 *
 * Arguments: Upkeep. Reply: OptimizeReport.
 */
#define POLYMNIA_OPERATION_OPTIMIZE 39u

/**
 * Compares what is derived.
 *
 * Arguments: none. Reply: VerifyReport.
 */
#define POLYMNIA_OPERATION_VERIFY 40u

/**
 * Lists declared indexes.
 *
 * Arguments: none. Reply: Vec<IndexStatus>.
 */
#define POLYMNIA_OPERATION_INDEXES 41u

/**
 * Declares an index.
 *
 * Arguments: IndexDeclaration. Reply: none.
 */
#define POLYMNIA_OPERATION_CREATE_INDEX 42u

/**
 * Removes a declared index.
 *
 * Arguments: IndexName. Reply: bool.
 */
#define POLYMNIA_OPERATION_DROP_INDEX 43u

/**
 * Switches the recording of changes.
 *
 * Arguments: bool. Reply: none.
 */
#define POLYMNIA_OPERATION_SET_CHANGE_CAPTURE 44u

/**
 * Reads recorded changes.
 *
 * Arguments: i64, u32. Reply: Vec<ChangeRecord>.
 */
#define POLYMNIA_OPERATION_CHANGES 45u

/**
 * Reads what is recorded of migrations.
 *
 * Arguments: none. Reply: Ledger.
 */
#define POLYMNIA_OPERATION_READ_LEDGER 64u

/**
 * Reads the log of migrations.
 *
 * Arguments: u32. Reply: Vec<LogEntry>.
 */
#define POLYMNIA_OPERATION_READ_LOG 65u

/**
 * Reads the live schema.
 *
 * Arguments: none. Reply: Snapshot.
 */
#define POLYMNIA_OPERATION_READ_SNAPSHOT 66u

/**
 * Finds the ledgers of other tools.
 *
 * Arguments: none. Reply: Vec<ForeignLedger>.
 */
#define POLYMNIA_OPERATION_FOREIGN_LEDGERS 67u

/**
 * Opens a session of migrating. Its events are of the wait for the lock.
 *
 * Arguments: SessionOptions. Reply: SessionOpened.
 */
#define POLYMNIA_OPERATION_OPEN_SESSION 68u

/**
 * Tells who holds the lock.
 *
 * Arguments: none. Reply: Option<LockHolder>.
 */
#define POLYMNIA_OPERATION_FIND_LOCK_HOLDER 69u

/**
 * Ends who holds the lock.
 *
 * Arguments: LockHolder. Reply: bool.
 */
#define POLYMNIA_OPERATION_END_LOCK_HOLDER 70u

/**
 * Writes a script.
 *
 * Arguments: Vec<OwnedScriptPart>. Reply: String.
 */
#define POLYMNIA_OPERATION_WRITE_SCRIPT 71u

/**
 * Tries what the schema promises.
 *
 * Arguments: none. Reply: Vec<Probe>.
 */
#define POLYMNIA_OPERATION_PROBES 72u

/**
 * Describes how the database is.
 *
 * Arguments: none. Reply: Health.
 */
#define POLYMNIA_OPERATION_CHECK_HEALTH 73u

/**
 * Writes a backup.
 *
 * Arguments: SessionOptions, PathBuf. Reply: BackupInfo.
 */
#define POLYMNIA_OPERATION_BACKUP 74u

/**
 * Checks a backup.
 *
 * Arguments: PathBuf. Reply: BackupInfo.
 */
#define POLYMNIA_OPERATION_VERIFY_BACKUP 75u

/**
 * Puts a backup back.
 *
 * Arguments: SessionOptions, PathBuf. Reply: none.
 */
#define POLYMNIA_OPERATION_RESTORE 76u

/**
 * Opens a database of its own.
 *
 * Arguments: bool. Reply: ScratchOpened.
 */
#define POLYMNIA_OPERATION_SCRATCH 77u

/**
 * In a session: makes the ledgers.
 *
 * Arguments: none. Reply: bool.
 */
#define POLYMNIA_OPERATION_SESSION_PREPARE 96u

/**
 * In a session: reads the ledgers.
 *
 * Arguments: none. Reply: Ledger.
 */
#define POLYMNIA_OPERATION_SESSION_LEDGER 97u

/**
 * In a session: reads the live schema.
 *
 * Arguments: none. Reply: Snapshot.
 */
#define POLYMNIA_OPERATION_SESSION_SNAPSHOT 98u

/**
 * In a session: begins a transaction.
 *
 * Arguments: Begin. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_BEGIN 99u

/**
 * In a session: commits.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_COMMIT 100u

/**
 * In a session: rolls back.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_ROLLBACK 101u

/**
 * In a session: runs a statement.
 *
 * Arguments: String. Reply: Result<u64, StatementError>.
 */
#define POLYMNIA_OPERATION_SESSION_EXECUTE 102u

/**
 * In a session: runs a batch of a statement.
 *
 * Arguments: OwnedBatchRequest. Reply: Result<BatchDone, StatementError>.
 */
#define POLYMNIA_OPERATION_SESSION_BATCH 103u

/**
 * In a session: records an entry.
 *
 * Arguments: Entry. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_RECORD 104u

/**
 * In a session: removes a version.
 *
 * Arguments: Version. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_FORGET 105u

/**
 * In a session: adds a line to the log.
 *
 * Arguments: LogEntry. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_LOG 106u

/**
 * In a session: removes the ledgers.
 *
 * Arguments: none. Reply: none.
 */
#define POLYMNIA_OPERATION_SESSION_DISMANTLE 107u

/**
 * In a session: lists half-made indexes.
 *
 * Arguments: none. Reply: Vec<String>.
 */
#define POLYMNIA_OPERATION_SESSION_INVALID_INDEXES 108u

/**
 * In a session: removes a half-made index.
 *
 * Arguments: String. Reply: Result<(), StatementError>.
 */
#define POLYMNIA_OPERATION_SESSION_DROP_INVALID_INDEX 109u

/**
 * In a session: tells whether an index is there.
 *
 * Arguments: String. Reply: bool.
 */
#define POLYMNIA_OPERATION_SESSION_HAS_INDEX 110u

/**
 * In a session: counts rows.
 *
 * Arguments: none. Reply: BTreeMap<String, u64>.
 */
#define POLYMNIA_OPERATION_SESSION_ROW_COUNTS 111u

/**
 * In a session: lists rows whose foreign keys lead nowhere.
 *
 * Arguments: none. Reply: Vec<Orphans>.
 */
#define POLYMNIA_OPERATION_SESSION_ORPHANS 112u

/** The plugin's own table: what the host looks for. */
extern POLYMNIA_EXPORT const polymnia_plugin polymnia_plugin_v1;

#ifdef __cplusplus
}
#endif

#endif
