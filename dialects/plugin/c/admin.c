/* What goes across tenants: as much of it as a skeleton needs. */

#include "operations.h"

#include <stdlib.h>
#include <string.h>

uint32_t do_ping(struct ask *ask) {
    return ask_read(ask);
}

uint32_t do_info(struct ask *ask) {
    cbor_writer *reply = &ask->reply;
    bool migrated = is_migrated(ask->open->store);
    cbor_put_map(reply, migrated ? 6 : 5);
    cbor_put_unsigned(reply, 1); /* dialect */
    cbor_put_text(reply, DIALECT_NAME);
    cbor_put_unsigned(reply, 2); /* server_version */
    cbor_put_text(reply, "1");
    if (migrated) {
        cbor_put_unsigned(reply, 3); /* schema_version */
        cbor_put_text(reply, SCHEMA_VERSION);
    }
    cbor_put_unsigned(reply, 4); /* schema_pending */
    cbor_put_unsigned(reply, migrated ? 0 : 1);
    cbor_put_unsigned(reply, 5); /* read_only */
    cbor_put_boolean(reply, false);
    cbor_put_unsigned(reply, 9); /* pool: connections, idle, max_size */
    cbor_put_map(reply, 3);
    for (unsigned field = 1; field <= 3; field++) {
        cbor_put_unsigned(reply, field);
        cbor_put_unsigned(reply, 1);
    }
    return ask_read(ask);
}

static int compare_spaces(const void *left, const void *right) {
    const struct space *one = *(const struct space *const *) left;
    const struct space *other = *(const struct space *const *) right;
    size_t len = one->name_len < other->name_len ? one->name_len : other->name_len;
    int order = memcmp(one->name, other->name, len);
    return order != 0 ? order : (one->name_len > other->name_len) - (one->name_len < other->name_len);
}

static void write_summary(const struct space *space, cbor_writer *reply) {
    int64_t oldest = INT64_MAX;
    int64_t newest = INT64_MIN;
    for (size_t at = 0; at < space->len; at++) {
        int64_t created_at = space->memories[at].created_at;
        oldest = created_at < oldest ? created_at : oldest;
        newest = created_at > newest ? created_at : newest;
    }
    cbor_put_map(reply, 4);
    cbor_put_unsigned(reply, 1);
    cbor_put_name(reply, (span){space->name, space->name_len});
    cbor_put_unsigned(reply, 2);
    cbor_put_unsigned(reply, space->len);
    cbor_put_unsigned(reply, 3);
    cbor_put_signed(reply, oldest);
    cbor_put_unsigned(reply, 4);
    cbor_put_signed(reply, newest);
}

uint32_t do_namespaces(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    const struct store *store = ask->open->store;
    size_t arguments = cbor_list(reader);
    bool from_first = cbor_null(reader);
    span after = from_first ? (span){NULL, 0} : cbor_text(reader);
    uint64_t limit = cbor_unsigned(reader);
    reader->fault |= arguments != 2;
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    const struct space **found = malloc((store->space_count + 1) * sizeof *found);
    if (found == NULL) {
        return ask_no_memory(ask);
    }
    const struct space place = {.name = (uint8_t *) (uintptr_t) after.data, .name_len = after.len};
    const struct space *begin = &place;
    size_t len = 0;
    for (size_t at = 0; at < store->space_count; at++) {
        const struct space *space = &store->spaces[at];
        if (space->len > 0 && (from_first || compare_spaces(&space, &begin) > 0)) {
            found[len++] = space;
        }
    }
    qsort(found, len, sizeof *found, compare_spaces);
    len = len < limit ? len : (size_t) limit;
    cbor_put_list(&ask->reply, len);
    for (size_t at = 0; at < len; at++) {
        write_summary(found[at], &ask->reply);
    }
    free(found);
    return POLYMNIA_STATUS_OK;
}

uint32_t do_delete_namespace(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    struct space *space = store_space(ask->open->store, cbor_text(reader), false);
    reader->fault |= arguments != 1;
    uint32_t status = ask_read(ask);
    if (status == POLYMNIA_STATUS_OK) {
        cbor_put_unsigned(&ask->reply, space == NULL ? 0 : space->len);
        for (; space != NULL && space->len > 0; space->len--) {
            memory_free(&space->memories[space->len - 1]);
        }
    }
    return status;
}

uint32_t do_rename_namespace(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    span from = cbor_text(reader);
    span to = cbor_text(reader);
    reader->fault |= arguments != 2;
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    struct store *store = ask->open->store;
    struct space *space = store_space(store, from, false);
    struct space *other = store_space(store, to, false);
    if (span_equals(from, to)) {
        return ask_fail(
            ask, CONFLICT, "namespace \"%.*s\" has that name already: expected another", (int) from.len, (const char *) from.data);
    }
    if (space == NULL || space->len == 0) {
        return ask_fail(ask, NOT_FOUND, "namespace \"%.*s\" holds no memory", (int) from.len, (const char *) from.data);
    }
    if (other != NULL && other->len > 0) {
        return ask_fail(
            ask, CONFLICT, "namespace \"%.*s\" holds memories: expected a name that holds nothing", (int) to.len,
            (const char *) to.data);
    }
    if (other == NULL) {
        other = store_space(store, to, true);
        space = store_space(store, from, false);
    }
    if (other == NULL) {
        return ask_no_memory(ask);
    }
    /* The two change what they hold, and keep their names. */
    struct space moved = *space;
    space->memories = other->memories;
    space->len = other->len;
    space->capacity = other->capacity;
    other->memories = moved.memories;
    other->len = moved.len;
    other->capacity = moved.capacity;
    cbor_put_unsigned(&ask->reply, other->len);
    return status;
}

uint32_t do_sweep(struct ask *ask) {
    size_t arguments = cbor_list(&ask->arguments);
    uint64_t limit = cbor_unsigned(&ask->arguments);
    ask->arguments.fault |= arguments != 1;
    uint32_t status = ask_read(ask);
    uint64_t swept = 0;
    for (size_t at = 0; status == POLYMNIA_STATUS_OK && at < ask->open->store->space_count; at++) {
        struct space *space = &ask->open->store->spaces[at];
        size_t kept = 0;
        for (size_t one = 0; one < space->len; one++) {
            if (swept == limit || memory_is_live(&space->memories[one], ask->circumstances->now_micros)) {
                space->memories[kept++] = space->memories[one];
            } else {
                memory_free(&space->memories[one]);
                swept++;
            }
        }
        space->len = kept;
    }
    cbor_put_unsigned(&ask->reply, swept);
    return status;
}

uint32_t do_optimize(struct ask *ask) {
    size_t arguments = cbor_list(&ask->arguments);
    ask->arguments.fault |= arguments != 1 || cbor_unsigned(&ask->arguments) > 1;
    cbor_put_map(&ask->reply, 2);
    for (unsigned field = 1; field <= 2; field++) {
        cbor_put_unsigned(&ask->reply, field);
        cbor_put_unsigned(&ask->reply, 0);
    }
    return ask_read(ask);
}

uint32_t do_verify(struct ask *ask) {
    cbor_put_map(&ask->reply, 4);
    for (unsigned field = 1; field <= 4; field++) {
        cbor_put_unsigned(&ask->reply, field);
        cbor_put_unsigned(&ask->reply, field == 1 ? store_count(ask->open->store) : 0);
    }
    return ask_read(ask);
}

uint32_t do_drop_index(struct ask *ask) {
    size_t arguments = cbor_list(&ask->arguments);
    cbor_text(&ask->arguments);
    ask->arguments.fault |= arguments != 1;
    cbor_put_boolean(&ask->reply, false);
    return ask_read(ask);
}
