/* Counts of what a namespace holds. */

#include "operations.h"

#include <stdlib.h>
#include <string.h>

/* How many users and threads are listed. */
#define MAX_GROUPS 20

/* A value that memories have in common; nothing for those without one. */
struct group {
    span value;
    uint64_t memories;
};

static int compare_values(const void *left, const void *right) {
    span one = ((const struct group *) left)->value;
    span other = ((const struct group *) right)->value;
    if (one.data == NULL || other.data == NULL) {
        return (one.data == NULL) - (other.data == NULL);
    }
    size_t len = one.len < other.len ? one.len : other.len;
    int order = memcmp(one.data, other.data, len);
    return order != 0 ? order : (one.len > other.len) - (one.len < other.len);
}

/* Most first, then by the value, without one last. */
static int compare_groups(const void *left, const void *right) {
    uint64_t one = ((const struct group *) left)->memories;
    uint64_t other = ((const struct group *) right)->memories;
    return one != other ? (one < other ? 1 : -1) : compare_values(left, right);
}

static span value_of(const struct memory *memory, uint64_t field) {
    span item = memory_field(memory, field);
    cbor_reader reader = cbor_read(item);
    return item.len == 0 ? item : cbor_text(&reader);
}

/* Counts equal values in place of the memories, and returns how many different ones there are. */
static size_t count_groups(struct group *groups, const struct memory *const *memories, size_t len, uint64_t field) {
    for (size_t at = 0; at < len; at++) {
        groups[at] = (struct group){value_of(memories[at], field), 1};
    }
    qsort(groups, len, sizeof *groups, compare_values);
    size_t different = 0;
    for (size_t at = 0; at < len; at++) {
        if (different > 0 && compare_values(&groups[different - 1], &groups[at]) == 0) {
            groups[different - 1].memories++;
        } else {
            groups[different++] = groups[at];
        }
    }
    qsort(groups, different, sizeof *groups, compare_groups);
    return different;
}

static size_t with_value(const struct group *groups, size_t len) {
    size_t count = 0;
    for (size_t at = 0; at < len; at++) {
        count += groups[at].value.data != NULL ? 1 : 0;
    }
    return count;
}

static void write_groups(cbor_writer *reply, const struct group *groups, size_t len) {
    cbor_put_list(reply, len);
    for (size_t at = 0; at < len; at++) {
        cbor_put_map(reply, 2);
        cbor_put_unsigned(reply, 1);
        if (groups[at].value.data == NULL) {
            cbor_put_null(reply);
        } else {
            cbor_put_name(reply, groups[at].value);
        }
        cbor_put_unsigned(reply, 2);
        cbor_put_unsigned(reply, groups[at].memories);
    }
}

static void write_stats(struct ask *ask, const struct memory *const *memories, size_t len, struct group *groups) {
    cbor_writer *reply = &ask->reply;
    uint64_t content = 0;
    uint64_t metadata = 0;
    int64_t oldest = INT64_MAX;
    int64_t newest = INT64_MIN;
    for (size_t at = 0; at < len; at++) {
        content += value_of(memories[at], FIELD_CONTENT).len;
        metadata += value_of(memories[at], FIELD_METADATA).len;
        oldest = memories[at]->created_at < oldest ? memories[at]->created_at : oldest;
        newest = memories[at]->created_at > newest ? memories[at]->created_at : newest;
    }
    uint64_t numbers[] = {len, content, metadata};
    cbor_put_map(reply, len == 0 ? 8 : 10);
    for (unsigned field = 1; field <= 3; field++) {
        cbor_put_unsigned(reply, field);
        cbor_put_unsigned(reply, numbers[field - 1]);
    }
    if (len > 0) {
        cbor_put_unsigned(reply, 4);
        cbor_put_signed(reply, oldest);
        cbor_put_unsigned(reply, 5);
        cbor_put_signed(reply, newest);
    }
    static const unsigned fields[] = {FIELD_TIER, FIELD_USER, FIELD_THREAD};
    for (unsigned at = 0; at < 3; at++) {
        size_t different = count_groups(groups, memories, len, fields[at]);
        if (fields[at] != FIELD_TIER) {
            cbor_put_unsigned(reply, 5 + at); /* users, threads */
            cbor_put_unsigned(reply, with_value(groups, different));
            different = different < MAX_GROUPS ? different : MAX_GROUPS;
        }
        cbor_put_unsigned(reply, 8 + at);
        write_groups(reply, groups, different);
    }
}

uint32_t do_stats(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    const struct space *space = store_space(ask->open->store, cbor_text(reader), false);
    reader->fault |= arguments != 1;
    uint32_t status = ask_read(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    size_t all = space == NULL ? 0 : space->len;
    const struct memory **memories = malloc((all + 1) * sizeof *memories);
    struct group *groups = malloc((all + 1) * sizeof *groups);
    if (memories == NULL || groups == NULL) {
        free(memories);
        free(groups);
        return ask_no_memory(ask);
    }
    size_t len = 0;
    for (size_t at = 0; at < all; at++) {
        if (memory_is_live(&space->memories[at], ask->circumstances->now_micros)) {
            memories[len++] = &space->memories[at];
        }
    }
    write_stats(ask, memories, len, groups);
    free(memories);
    free(groups);
    return status;
}
