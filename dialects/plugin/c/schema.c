/* The schema: one version, which makes nothing. What is recorded of it is all there is. */

#define _POSIX_C_SOURCE 200809L

#include "operations.h"

#include <unistd.h>

/* The fields of an entry that are looked at; the rest is kept as it came. */
enum { ENTRY_VERSION = 1, ENTRY_STATE = 4 };
enum { STATE_APPLIED = 1, STATE_REVERTING = 3 };

static const char NOTHING[] = "-- polymnia:noop arrays need no tables\n";

void write_opened(cbor_writer *reply) {
    cbor_put_map(reply, 2);
    cbor_put_unsigned(reply, 1); /* capability: interruption, emulated */
    cbor_put_map(reply, 1);
    cbor_put_unsigned(reply, 9);
    cbor_put_unsigned(reply, 1);
    cbor_put_unsigned(reply, 2); /* source */
    write_source(reply);
}

void write_source(cbor_writer *reply) {
    cbor_put_map(reply, 3);
    cbor_put_unsigned(reply, 1); /* prefix */
    cbor_put_text(reply, "");
    cbor_put_unsigned(reply, 2); /* dialect */
    cbor_put_text(reply, DIALECT_NAME);
    cbor_put_unsigned(reply, 3); /* scripts */
    cbor_put_list(reply, 1);
    cbor_put_map(reply, 7);
    cbor_put_unsigned(reply, 1); /* version */
    cbor_put_text(reply, SCHEMA_VERSION);
    cbor_put_unsigned(reply, 2); /* name */
    cbor_put_text(reply, "memories");
    cbor_put_unsigned(reply, 3); /* up */
    cbor_put_text(reply, NOTHING);
    cbor_put_unsigned(reply, 4); /* down */
    cbor_put_text(reply, NOTHING);
    cbor_put_unsigned(reply, 5); /* metadata: run_in_transaction */
    cbor_put_map(reply, 1);
    cbor_put_unsigned(reply, 1);
    cbor_put_boolean(reply, true);
    cbor_put_unsigned(reply, 6); /* delta */
    cbor_put_list(reply, 0);
    cbor_put_unsigned(reply, 7); /* folder */
    cbor_put_text(reply, "migrations/" DIALECT_NAME "/" SCHEMA_VERSION "_memories");
}

/* Returns the version of an entry if it is one that diesel's ledger has. */
static span applied_version(span entry) {
    cbor_reader reader = cbor_read(entry);
    span version = {NULL, 0};
    uint64_t state = 0;
    for (size_t pairs = cbor_map(&reader); pairs > 0 && !reader.fault; pairs--) {
        switch (cbor_unsigned(&reader)) {
        case ENTRY_VERSION: version = cbor_text(&reader); break;
        case ENTRY_STATE: state = cbor_unsigned(&reader); break;
        default: cbor_item(&reader);
        }
    }
    return state == STATE_APPLIED || state == STATE_REVERTING ? version : (span){NULL, 0};
}

bool is_migrated(const struct store *store) {
    const span ours = {(const uint8_t *) SCHEMA_VERSION, sizeof SCHEMA_VERSION - 1};
    for (size_t at = 0; at < store->records.entries.len; at++) {
        if (span_equals(applied_version(store->records.entries.items[at]), ours)) {
            return true;
        }
    }
    return false;
}

uint32_t do_migrations(struct ask *ask) {
    write_source(&ask->reply);
    return ask_read(ask);
}

uint32_t do_nothing_listed(struct ask *ask) {
    cbor_put_list(&ask->reply, 0);
    return ask_read(ask);
}

uint32_t do_ledger(struct ask *ask) {
    const struct records *records = &ask->open->store->records;
    if (!records->prepared) {
        cbor_put_map(&ask->reply, 0);
        return ask_read(ask);
    }
    size_t applied = 0;
    for (size_t at = 0; at < records->entries.len; at++) {
        applied += applied_version(records->entries.items[at]).len > 0 ? 1 : 0;
    }
    cbor_put_map(&ask->reply, 2);
    cbor_put_unsigned(&ask->reply, 1); /* diesel's */
    cbor_put_list(&ask->reply, applied);
    for (size_t at = 0; at < records->entries.len; at++) {
        span version = applied_version(records->entries.items[at]);
        if (version.len > 0) {
            cbor_put_name(&ask->reply, version);
        }
    }
    cbor_put_unsigned(&ask->reply, 2); /* ours */
    cbor_put_list(&ask->reply, records->entries.len);
    for (size_t at = 0; at < records->entries.len; at++) {
        cbor_put_raw(&ask->reply, records->entries.items[at]);
    }
    return ask_read(ask);
}

uint32_t do_log(struct ask *ask) {
    const struct rows *log = &ask->open->store->records.log;
    size_t arguments = cbor_list(&ask->arguments);
    uint64_t limit = cbor_unsigned(&ask->arguments);
    ask->arguments.fault |= arguments != 1;
    size_t len = log->len < limit ? log->len : (size_t) limit;
    cbor_put_list(&ask->reply, len);
    for (size_t at = 0; at < len; at++) {
        cbor_put_raw(&ask->reply, log->items[log->len - 1 - at]);
    }
    return ask_read(ask);
}

uint32_t do_lock_holder(struct ask *ask) {
    if (!ask->open->store->migrating) {
        cbor_put_null(&ask->reply);
        return ask_read(ask);
    }
    cbor_put_map(&ask->reply, 2);
    cbor_put_unsigned(&ask->reply, 1); /* process */
    cbor_put_signed(&ask->reply, getpid());
    cbor_put_unsigned(&ask->reply, 2); /* description */
    cbor_put_text(&ask->reply, "another thread of this process");
    return ask_read(ask);
}

uint32_t do_health(struct ask *ask) {
    cbor_put_map(&ask->reply, 0);
    return ask_read(ask);
}
