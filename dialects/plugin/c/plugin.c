/* The plugin: the table that the host looks for, handles, and which operation is which function. */

#define _POSIX_C_SOURCE 200809L

#include "operations.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What tests change: another version, a table of another length, functions that are not there. */
#ifndef PLUGIN_MAJOR
#define PLUGIN_MAJOR POLYMNIA_ABI_MAJOR
#endif
#ifndef PLUGIN_MINOR
#define PLUGIN_MINOR POLYMNIA_ABI_MINOR
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(polymnia_plugin)
#endif
#ifndef PLUGIN_DESCRIBE
#define PLUGIN_DESCRIBE plugin_describe
#endif
#ifndef PLUGIN_OPEN
#define PLUGIN_OPEN plugin_open
#endif
#ifndef PLUGIN_CALL
#define PLUGIN_CALL plugin_call
#endif
#ifndef PLUGIN_CLOSE
#define PLUGIN_CLOSE plugin_close
#endif
#ifndef PLUGIN_FREE
#define PLUGIN_FREE plugin_free
#endif

/* The features of requests that are known: no filters, no related threads. */
#define FEATURES UINT64_C(0)
#define DEFAULT_TIMEOUT UINT64_C(30000000000)

/* One at a time: the host calls on any thread, and several at once. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static const polymnia_host *host;

enum where { ON_DIALECT, ON_ENGINE, ON_SCHEMA, ON_SESSION };

static uint32_t open_session(struct ask *ask);
static uint32_t open_scratch(struct ask *ask);

/* On an engine memories need the schema to be there; what concerns the schema itself does not. */
static const struct operation {
    uint32_t code;
    enum where where;
    uint32_t (*function)(struct ask *ask);
} operations[] = {
    {POLYMNIA_OPERATION_MIGRATIONS, ON_DIALECT, do_migrations},
    {POLYMNIA_OPERATION_GET, ON_ENGINE, do_get},
    {POLYMNIA_OPERATION_QUERY, ON_ENGINE, do_query},
    {POLYMNIA_OPERATION_COUNT, ON_ENGINE, do_count},
    {POLYMNIA_OPERATION_APPLY, ON_ENGINE, do_apply},
    {POLYMNIA_OPERATION_DELETE_MATCHING, ON_ENGINE, do_delete_matching},
    {POLYMNIA_OPERATION_EXPLAIN, ON_ENGINE, do_explain},
    {POLYMNIA_OPERATION_STATS, ON_ENGINE, do_stats},
    {POLYMNIA_OPERATION_PING, ON_SCHEMA, do_ping},
    {POLYMNIA_OPERATION_INFO, ON_SCHEMA, do_info},
    {POLYMNIA_OPERATION_NAMESPACES, ON_ENGINE, do_namespaces},
    {POLYMNIA_OPERATION_DELETE_NAMESPACE, ON_ENGINE, do_delete_namespace},
    {POLYMNIA_OPERATION_RENAME_NAMESPACE, ON_ENGINE, do_rename_namespace},
    {POLYMNIA_OPERATION_SWEEP, ON_ENGINE, do_sweep},
    {POLYMNIA_OPERATION_ANALYZE, ON_ENGINE, do_ping},
    {POLYMNIA_OPERATION_OPTIMIZE, ON_ENGINE, do_optimize},
    {POLYMNIA_OPERATION_VERIFY, ON_ENGINE, do_verify},
    {POLYMNIA_OPERATION_INDEXES, ON_ENGINE, do_nothing_listed},
    {POLYMNIA_OPERATION_DROP_INDEX, ON_ENGINE, do_drop_index},
    {POLYMNIA_OPERATION_READ_LEDGER, ON_SCHEMA, do_ledger},
    {POLYMNIA_OPERATION_READ_LOG, ON_SCHEMA, do_log},
    {POLYMNIA_OPERATION_READ_SNAPSHOT, ON_SCHEMA, do_nothing_listed},
    {POLYMNIA_OPERATION_FOREIGN_LEDGERS, ON_SCHEMA, do_nothing_listed},
    {POLYMNIA_OPERATION_OPEN_SESSION, ON_SCHEMA, open_session},
    {POLYMNIA_OPERATION_FIND_LOCK_HOLDER, ON_SCHEMA, do_lock_holder},
    {POLYMNIA_OPERATION_PROBES, ON_SCHEMA, do_nothing_listed},
    {POLYMNIA_OPERATION_CHECK_HEALTH, ON_SCHEMA, do_health},
    {POLYMNIA_OPERATION_SCRATCH, ON_SCHEMA, open_scratch},
    {POLYMNIA_OPERATION_SESSION_PREPARE, ON_SESSION, do_prepare},
    {POLYMNIA_OPERATION_SESSION_LEDGER, ON_SESSION, do_ledger},
    {POLYMNIA_OPERATION_SESSION_SNAPSHOT, ON_SESSION, do_nothing_listed},
    {POLYMNIA_OPERATION_SESSION_BEGIN, ON_SESSION, do_begin},
    {POLYMNIA_OPERATION_SESSION_COMMIT, ON_SESSION, do_commit},
    {POLYMNIA_OPERATION_SESSION_ROLLBACK, ON_SESSION, do_rollback},
    {POLYMNIA_OPERATION_SESSION_RECORD, ON_SESSION, do_record},
    {POLYMNIA_OPERATION_SESSION_FORGET, ON_SESSION, do_forget},
    {POLYMNIA_OPERATION_SESSION_LOG, ON_SESSION, do_add_to_log},
    {POLYMNIA_OPERATION_SESSION_DISMANTLE, ON_SESSION, do_dismantle},
    {POLYMNIA_OPERATION_SESSION_INVALID_INDEXES, ON_SESSION, do_nothing_listed},
    {POLYMNIA_OPERATION_SESSION_HAS_INDEX, ON_SESSION, do_has_index},
    {POLYMNIA_OPERATION_SESSION_ROW_COUNTS, ON_SESSION, do_row_counts},
    {POLYMNIA_OPERATION_SESSION_ORPHANS, ON_SESSION, do_nothing_listed},
};

#define OPERATION_COUNT (sizeof operations / sizeof *operations)

/* What is open. A handle is the place here, from 1, and in the upper half the generation of the place. Places are kept one
 * by one, for a session that waits holds on to its own while others come and go. */
static struct open **handles;
static size_t handle_count;

static uint64_t insert(enum where where, struct store *store, uint64_t timeout_nanos) {
    size_t at = 0;
    while (at < handle_count && handles[at]->kind != CLOSED) {
        at++;
    }
    if (at == handle_count) {
        struct open **more = at < UINT32_MAX - 1 ? realloc(handles, (at + 1) * sizeof *more) : NULL;
        if (more == NULL) {
            return 0;
        }
        handles = more;
        handles[at] = calloc(1, sizeof **handles);
        if (handles[at] == NULL) {
            return 0;
        }
        handle_count++;
    }
    *handles[at] = (struct open){
        .kind = where == ON_SESSION ? SESSION : ENGINE,
        .generation = handles[at]->generation + 1,
        .store = store,
        .timeout_nanos = timeout_nanos,
    };
    return (uint64_t) handles[at]->generation << 32 | (at + 1);
}

static struct open *find(uint64_t handle) {
    uint64_t at = handle & UINT32_MAX;
    if (at == 0 || at > handle_count) {
        return NULL;
    }
    struct open *open = handles[at - 1];
    return open->kind != CLOSED && open->generation == handle >> 32 ? open : NULL;
}

/* Waits for the lock of migrating, and lets others in meanwhile. */
static uint32_t open_session(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    uint64_t lock_wait = 0;
    reader->fault |= cbor_list(reader) != 1;
    for (size_t pairs = cbor_map(reader); pairs > 0 && !reader->fault; pairs--) {
        switch (cbor_unsigned(reader)) {
        case 1: lock_wait = cbor_unsigned(reader); break;
        case 2: cbor_item(reader); break;
        default: reader->fault = true;
        }
    }
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    struct store *store = ask->open->store;
    uint64_t timeout_nanos = ask->open->timeout_nanos;
    /* Ours as long as we wait: the engine may be closed meanwhile. */
    store->uses++;
    struct ask waiting = {.circumstances = ask->circumstances, .deadline = UINT64_MAX};
    ask_limit(&waiting, lock_wait);
    while (store->migrating && status == POLYMNIA_STATUS_OK) {
        const struct timespec pause = {.tv_nsec = 1000000};
        pthread_mutex_unlock(&lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&lock);
        status = ask_check(ask);
        if (status == POLYMNIA_STATUS_OK && store->migrating && ask_check(&waiting) != POLYMNIA_STATUS_OK) {
            status = ask_fail_with(ask, UNAVAILABLE, "another thread of this process migrates", "code", "locked", NULL);
        }
    }
    free(waiting.reply.data);
    uint64_t handle = status == POLYMNIA_STATUS_OK ? insert(ON_SESSION, store, timeout_nanos) : 0;
    if (handle == 0) {
        store_close(store);
        return status == POLYMNIA_STATUS_OK ? ask_no_memory(ask) : status;
    }
    store->migrating = true;
    cbor_put_map(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, handle);
    return status;
}

static uint32_t open_scratch(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    reader->fault |= cbor_list(reader) != 1;
    bool is_copy = cbor_boolean(reader);
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    struct store *store = store_scratch(is_copy ? ask->open->store : NULL);
    uint64_t handle = store == NULL ? 0 : insert(ON_ENGINE, store, ask->open->timeout_nanos);
    if (handle == 0) {
        if (store != NULL) {
            store_close(store);
        }
        return ask_no_memory(ask);
    }
    cbor_put_map(&ask->reply, 2);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, handle);
    cbor_put_unsigned(&ask->reply, 2);
    write_opened(&ask->reply);
    return status;
}

static uint32_t plugin_describe(const polymnia_host *from, polymnia_buffer *reply) {
    pthread_mutex_lock(&lock);
    host = from;
    pthread_mutex_unlock(&lock);
    cbor_writer writer = {0};
    cbor_put_map(&writer, 5);
    cbor_put_unsigned(&writer, 1); /* name */
    cbor_put_text(&writer, DIALECT_NAME);
    cbor_put_unsigned(&writer, 2); /* version */
    cbor_put_text(&writer, "1.0.0");
    cbor_put_unsigned(&writer, 3); /* URL schemes */
    cbor_put_list(&writer, 1);
    cbor_put_text(&writer, DIALECT_NAME);
    cbor_put_unsigned(&writer, 4); /* operations */
    cbor_put_list(&writer, OPERATION_COUNT + 1);
    cbor_put_unsigned(&writer, POLYMNIA_OPERATION_NOTHING);
    for (size_t at = 0; at < OPERATION_COUNT; at++) {
        cbor_put_unsigned(&writer, operations[at].code);
    }
    cbor_put_unsigned(&writer, 5); /* features */
    cbor_put_unsigned(&writer, FEATURES);
    *reply = (polymnia_buffer){.data = writer.data, .len = writer.len};
    return writer.failed ? POLYMNIA_STATUS_ERROR : POLYMNIA_STATUS_OK;
}

static void say(uint32_t level, const char *message) {
    static const char target[] = "mem_c";
    if (host != NULL && host->log != NULL && host->log_level != NULL && host->log_level(host->context) >= level) {
        polymnia_bytes where = {(const uint8_t *) target, sizeof target - 1};
        polymnia_bytes what = {(const uint8_t *) message, strlen(message)};
        host->log(host->context, level, where, what);
    }
}

/* Reads `mem-c://NAME`. */
static span name_of(span url) {
    static const char scheme[] = DIALECT_NAME "://";
    size_t len = sizeof scheme - 1;
    if (url.len <= len || memcmp(url.data, scheme, len) != 0) {
        return (span){NULL, 0};
    }
    for (size_t at = len; at < url.len; at++) {
        uint8_t c = url.data[at];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return (span){NULL, 0};
        }
    }
    return (span){url.data + len, url.len - len};
}

static uint32_t open_store(struct ask *ask, uint64_t *handle) {
    cbor_reader *reader = &ask->arguments;
    span url = {NULL, 0};
    uint64_t timeout = DEFAULT_TIMEOUT;
    reader->fault |= cbor_list(reader) != 1;
    for (size_t pairs = cbor_map(reader); pairs > 0 && !reader->fault; pairs--) {
        switch (cbor_unsigned(reader)) {
        case 1: url = cbor_text(reader); break;
        case 3: timeout = cbor_unsigned(reader); break;
        case 2: /* the pool: there are no connections */
        case 4: cbor_item(reader); break;
        default: reader->fault = true;
        }
    }
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    span name = name_of(url);
    if (name.len == 0) {
        return ask_fail(ask, CONFIG, "the database URL is not " DIALECT_NAME "://NAME: expected letters, digits, - and _");
    }
    struct store *store = store_open(name);
    *handle = store == NULL ? 0 : insert(ON_ENGINE, store, timeout);
    if (*handle == 0) {
        if (store != NULL) {
            store_close(store);
        }
        return ask_no_memory(ask);
    }
    write_opened(&ask->reply);
    return status;
}

static uint32_t plugin_open(
    polymnia_bytes request, const polymnia_circumstances *circumstances, uint64_t *handle, polymnia_buffer *reply) {
    *handle = 0;
    *reply = (polymnia_buffer){0};
    if ((circumstances->needs & ~FEATURES) != 0) {
        return POLYMNIA_STATUS_UNSUPPORTED;
    }
    struct ask ask;
    ask_begin(&ask, request, circumstances);
    pthread_mutex_lock(&lock);
    uint32_t status = open_store(&ask, handle);
    pthread_mutex_unlock(&lock);
    /* Without the lock: whoever listens may ask something. */
    say(4, status == POLYMNIA_STATUS_OK ? "opened a database" : "did not open a database");
    return ask_end(&ask, status, reply);
}

static uint32_t run(struct ask *ask, const struct operation *operation, uint64_t handle) {
    ask->open = handle == POLYMNIA_HANDLE_DIALECT ? NULL : find(handle);
    if (handle != POLYMNIA_HANDLE_DIALECT && ask->open == NULL) {
        return ask_fail(ask, INVALID_INPUT, "the handle is not open");
    }
    enum where kind = ask->open == NULL ? ON_DIALECT : ask->open->kind == SESSION ? ON_SESSION : ON_ENGINE;
    if ((operation->where == ON_SCHEMA ? ON_ENGINE : operation->where) != kind) {
        return ask_fail(ask, INVALID_INPUT, "the handle is not of the kind that the operation is for");
    }
    if (operation->where == ON_ENGINE) {
        ask_limit(ask, ask->open->timeout_nanos);
    }
    /* What is open is given back even when the time is over. */
    uint32_t status = operation->code == POLYMNIA_OPERATION_SESSION_ROLLBACK ? POLYMNIA_STATUS_OK : ask_check(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    if (operation->where == ON_ENGINE && !is_migrated(ask->open->store)) {
        return ask_fail_with(ask, MIGRATION, "the schema is not initialised", NULL, NULL, "run `polymnia init`");
    }
    return operation->function(ask);
}

static uint32_t plugin_call(
    uint64_t handle, uint32_t code, polymnia_bytes request, const polymnia_circumstances *circumstances,
    polymnia_buffer *reply) {
    *reply = (polymnia_buffer){0};
    if (code == POLYMNIA_OPERATION_NOTHING) {
        return POLYMNIA_STATUS_OK;
    }
    const struct operation *operation = NULL;
    for (size_t at = 0; at < OPERATION_COUNT; at++) {
        operation = operations[at].code == code ? &operations[at] : operation;
    }
    if (operation == NULL || (circumstances->needs & ~FEATURES) != 0) {
        return POLYMNIA_STATUS_UNSUPPORTED;
    }
    struct ask ask;
    ask_begin(&ask, request, circumstances);
    pthread_mutex_lock(&lock);
    uint32_t status = run(&ask, operation, handle);
    pthread_mutex_unlock(&lock);
    return ask_end(&ask, status, reply);
}

static uint32_t plugin_close(uint64_t handle, polymnia_buffer *reply) {
    *reply = (polymnia_buffer){0};
    pthread_mutex_lock(&lock);
    struct open *open = find(handle);
    if (open != NULL) {
        if (open->kind == SESSION) {
            end_session(open);
        }
        store_close(open->store);
        open->kind = CLOSED;
    }
    pthread_mutex_unlock(&lock);
    return POLYMNIA_STATUS_OK;
}

static void plugin_free(polymnia_buffer buffer) {
    free(buffer.data);
}

/* So that a table without one of them compiles all the same. */
__attribute__((unused)) static const void *const functions[] = {
    (const void *) (uintptr_t) plugin_describe, (const void *) (uintptr_t) plugin_open,
    (const void *) (uintptr_t) plugin_call,     (const void *) (uintptr_t) plugin_close,
    (const void *) (uintptr_t) plugin_free,
};

const polymnia_plugin polymnia_plugin_v1 = {
    .prefix = {.magic = POLYMNIA_MAGIC, .major = PLUGIN_MAJOR, .minor = PLUGIN_MINOR, .size = PLUGIN_SIZE},
    .describe = PLUGIN_DESCRIBE,
    .open = PLUGIN_OPEN,
    .call = PLUGIN_CALL,
    .close = PLUGIN_CLOSE,
    .free = PLUGIN_FREE,
};
