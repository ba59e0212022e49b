/* The right to migrate a database. What is recorded is kept as it came. */

#include "operations.h"

enum { ENTRY_VERSION = 1, ENTRY_POSITION = 3 };

/* Reads the only argument of an operation, whatever it is. */
static span only_argument(struct ask *ask) {
    ask->arguments.fault |= cbor_list(&ask->arguments) != 1;
    return cbor_item(&ask->arguments);
}

static span version_of(span entry, uint64_t *position) {
    cbor_reader reader = cbor_read(entry);
    span version = {NULL, 0};
    for (size_t pairs = cbor_map(&reader); pairs > 0 && !reader.fault; pairs--) {
        switch (cbor_unsigned(&reader)) {
        case ENTRY_VERSION: version = cbor_text(&reader); break;
        case ENTRY_POSITION: *position = cbor_unsigned(&reader); break;
        default: cbor_item(&reader);
        }
    }
    return version;
}

static void forget(struct rows *entries, span version) {
    for (size_t at = entries->len; at > 0; at--) {
        uint64_t position;
        if (span_equals(version_of(entries->items[at - 1], &position), version)) {
            rows_remove(entries, at - 1);
        }
    }
}

uint32_t do_prepare(struct ask *ask) {
    uint32_t status = ask_read(ask);
    if (status == POLYMNIA_STATUS_OK) {
        cbor_put_boolean(&ask->reply, !ask->open->store->records.prepared);
        ask->open->store->records.prepared = true;
    }
    return status;
}

uint32_t do_begin(struct ask *ask) {
    only_argument(ask);
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    if (ask->open->in_transaction) {
        return ask_fail(ask, CONFLICT, "a transaction is open");
    }
    if (!records_copy(&ask->open->before, &ask->open->store->records)) {
        return ask_no_memory(ask);
    }
    ask->open->in_transaction = true;
    return status;
}

uint32_t do_commit(struct ask *ask) {
    uint32_t status = ask_read(ask);
    if (status == POLYMNIA_STATUS_OK) {
        records_clear(&ask->open->before);
        ask->open->in_transaction = false;
    }
    return status;
}

static void roll_back(struct open *session) {
    if (session->in_transaction) {
        records_clear(&session->store->records);
        session->store->records = session->before;
        session->before = (struct records){0};
        session->in_transaction = false;
    }
}

uint32_t do_rollback(struct ask *ask) {
    roll_back(ask->open);
    return ask_read(ask);
}

uint32_t do_record(struct ask *ask) {
    struct rows *entries = &ask->open->store->records.entries;
    span entry = only_argument(ask);
    uint64_t position = 0;
    span version = version_of(entry, &position);
    ask->arguments.fault |= version.len == 0;
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    forget(entries, version);
    size_t at = entries->len;
    for (uint64_t before = 0; at > 0; at--) {
        version_of(entries->items[at - 1], &before);
        if (before <= position) {
            break;
        }
    }
    return rows_insert(entries, at, entry) ? status : ask_no_memory(ask);
}

uint32_t do_forget(struct ask *ask) {
    cbor_reader version = cbor_read(only_argument(ask));
    uint32_t status = ask_read(ask);
    if (status == POLYMNIA_STATUS_OK) {
        forget(&ask->open->store->records.entries, cbor_text(&version));
    }
    return status;
}

uint32_t do_add_to_log(struct ask *ask) {
    struct rows *log = &ask->open->store->records.log;
    span line = only_argument(ask);
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    return rows_insert(log, log->len, line) ? status : ask_no_memory(ask);
}

uint32_t do_dismantle(struct ask *ask) {
    uint32_t status = ask_read(ask);
    if (status == POLYMNIA_STATUS_OK) {
        records_clear(&ask->open->store->records);
        store_clear(ask->open->store);
    }
    return status;
}

uint32_t do_row_counts(struct ask *ask) {
    cbor_put_map(&ask->reply, 1);
    cbor_put_text(&ask->reply, "memories");
    cbor_put_unsigned(&ask->reply, store_count(ask->open->store));
    return ask_read(ask);
}

uint32_t do_has_index(struct ask *ask) {
    only_argument(ask);
    cbor_put_boolean(&ask->reply, false);
    return ask_read(ask);
}

void end_session(struct open *session) {
    roll_back(session);
    session->store->migrating = false;
}
