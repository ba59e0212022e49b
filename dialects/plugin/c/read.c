/* Reading memories: by id, by conditions, page by page. */

#include "operations.h"

#include <stdlib.h>
#include <string.h>

/* A page ends once it holds more than this of content and metadata. */
#define PAGE_BYTES (16u << 20)

enum { ANY, ABSENT, IS };

/* Conditions. Those on metadata and on related threads are features, which nobody asks of a plugin that lacks them. */
struct selection {
    uint64_t match[3]; /* user, agent, thread */
    span is[3];
    span tiers; /* a list, or nothing */
    int64_t from[2]; /* created, updated */
    int64_t until[2];
};

static void read_range(cbor_reader *reader, int64_t *from, int64_t *until) {
    for (size_t pairs = cbor_map(reader); pairs > 0; pairs--) {
        switch (cbor_unsigned(reader)) {
        case 1: *from = cbor_signed(reader); break;
        case 2: *until = cbor_signed(reader); break;
        default: reader->fault = true;
        }
    }
}

/* What is not known here is a fault: a condition that is skipped would widen the selection. */
static struct selection read_selection(cbor_reader *reader) {
    struct selection selection = {.from = {INT64_MIN, INT64_MIN}, .until = {INT64_MAX, INT64_MAX}};
    for (size_t pairs = cbor_map(reader); pairs > 0 && !reader->fault; pairs--) {
        uint64_t field = cbor_unsigned(reader);
        size_t items;
        switch (field) {
        case 1:
        case 2:
        case 3:
            selection.match[field - 1] = cbor_choice(reader, &items);
            if (items == 1 && selection.match[field - 1] == IS) {
                selection.is[field - 1] = cbor_text(reader);
            } else if (items != 0 || selection.match[field - 1] > ABSENT) {
                reader->fault = true;
            }
            break;
        case 5: selection.tiers = cbor_item(reader); break;
        case 6:
        case 7: read_range(reader, &selection.from[field - 6], &selection.until[field - 6]); break;
        default: reader->fault = true;
        }
    }
    return selection;
}

static bool is_any_of(span list, span text) {
    cbor_reader reader = cbor_read(list);
    for (size_t items = cbor_list(&reader); items > 0; items--) {
        if (span_equals(cbor_text(&reader), text)) {
            return true;
        }
    }
    return false;
}

static span text_field(const struct memory *memory, uint64_t field) {
    cbor_reader reader = cbor_read(memory_field(memory, field));
    return cbor_text(&reader);
}

static bool matches(const struct selection *selection, const struct memory *memory, int64_t now) {
    if (!memory_is_live(memory, now)) {
        return false;
    }
    for (unsigned at = 0; at < 3; at++) {
        span field = memory_field(memory, FIELD_USER + at);
        if ((selection->match[at] == ABSENT && field.len > 0)
            || (selection->match[at] == IS && !span_equals(text_field(memory, FIELD_USER + at), selection->is[at]))) {
            return false;
        }
    }
    if (selection->tiers.len > 0 && !is_any_of(selection->tiers, text_field(memory, FIELD_TIER))) {
        return false;
    }
    int64_t times[2] = {memory->created_at, memory->updated_at};
    for (unsigned at = 0; at < 2; at++) {
        /* No time is INT64_MAX: the last one is in the year 9999. */
        if (times[at] < selection->from[at] || times[at] >= selection->until[at]) {
            return false;
        }
    }
    return true;
}

/* A memory and where it stands in the order. */
struct place {
    int64_t key;
    const struct memory *memory;
};

static int compare(int64_t left_key, const uint8_t *left, int64_t right_key, const uint8_t *right) {
    return left_key != right_key ? (left_key < right_key ? -1 : 1) : memcmp(left, right, ID_BYTES);
}

static int compare_places(const void *left, const void *right) {
    const struct place *one = left;
    const struct place *other = right;
    return compare(one->key, one->memory->id, other->key, other->memory->id);
}

static int64_t key_of(const struct memory *memory, uint64_t by) {
    if (by == 2) {
        /* Of floats that are not negative the bits have the order of the numbers. */
        cbor_reader reader = cbor_read(memory_field(memory, FIELD_IMPORTANCE));
        return (int64_t) cbor_real(&reader);
    }
    return by == 0 ? memory->created_at : memory->updated_at;
}

/* Selects memories, into memory that is the caller's. */
static uint32_t select_places(
    struct ask *ask, const struct space *space, const struct selection *selection, uint64_t by, struct place **places,
    size_t *len) {
    *len = 0;
    *places = malloc((space == NULL || space->len == 0 ? 1 : space->len) * sizeof **places);
    if (*places == NULL) {
        return ask_no_memory(ask);
    }
    for (size_t at = 0; space != NULL && at < space->len; at++) {
        uint32_t status = at % 256 == 0 ? ask_check(ask) : POLYMNIA_STATUS_OK;
        if (status != POLYMNIA_STATUS_OK) {
            free(*places);
            return status;
        }
        const struct memory *memory = &space->memories[at];
        if (matches(selection, memory, ask->circumstances->now_micros)) {
            (*places)[(*len)++] = (struct place){key_of(memory, by), memory};
        }
    }
    return POLYMNIA_STATUS_OK;
}

uint32_t do_get(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    const struct space *space = store_space(ask->open->store, cbor_text(reader), false);
    size_t ids = cbor_list(reader);
    cbor_put_map(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_list(&ask->reply, ids);
    for (; ids > 0 && !reader->fault; ids--) {
        span id = cbor_bytes(reader);
        bool found = false;
        size_t at = space != NULL && id.len == ID_BYTES ? space_find(space, id.data, &found) : 0;
        if (found && memory_is_live(&space->memories[at], ask->circumstances->now_micros)) {
            memory_write(&space->memories[at], &ask->reply);
        } else {
            cbor_put_null(&ask->reply);
        }
    }
    reader->fault |= arguments != 2;
    return ask_read(ask);
}

/* Where a page begins. */
struct cursor {
    bool is_given;
    int64_t key;
    const uint8_t *id;
};

static struct cursor read_cursor(cbor_reader *reader) {
    /* A version, 8 bytes that core has checked, the key in big-endian order, the id. */
    span bytes = cbor_bytes(reader);
    if (bytes.len != 33 || bytes.data[0] != 1) {
        reader->fault = true;
        return (struct cursor){0};
    }
    uint64_t key = 0;
    for (size_t at = 9; at < 17; at++) {
        key = key << 8 | bytes.data[at];
    }
    return (struct cursor){true, (int64_t) key, bytes.data + 17};
}

static bool is_after(const struct place *place, const struct cursor *cursor, bool descending) {
    int order = compare(place->key, place->memory->id, cursor->key, cursor->id);
    return descending ? order < 0 : order > 0;
}

uint32_t do_query(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    const struct space *space = store_space(ask->open->store, cbor_text(reader), false);
    struct selection selection = {.from = {INT64_MIN, INT64_MIN}, .until = {INT64_MAX, INT64_MAX}};
    struct cursor cursor = {0};
    uint64_t by = 0;
    bool descending = true;
    uint64_t limit = 0;
    for (size_t pairs = cbor_map(reader); pairs > 0 && !reader->fault; pairs--) {
        switch (cbor_unsigned(reader)) {
        case 1: selection = read_selection(reader); break;
        case 2:
            for (size_t fields = cbor_map(reader); fields > 0; fields--) {
                switch (cbor_unsigned(reader)) {
                case 1: by = cbor_unsigned(reader); break;
                case 2: descending = cbor_unsigned(reader) == 1; break;
                default: reader->fault = true;
                }
            }
            break;
        case 3: cursor = read_cursor(reader); break;
        case 4: limit = cbor_unsigned(reader); break;
        default: reader->fault = true;
        }
    }
    reader->fault |= arguments != 2 || by > 2 || limit == 0;
    uint32_t status = ask_read(ask);
    struct place *places;
    size_t len;
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    status = select_places(ask, space, &selection, by, &places, &len);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    qsort(places, len, sizeof *places, compare_places);
    for (size_t at = 0; descending && at < len / 2; at++) {
        struct place swapped = places[at];
        places[at] = places[len - 1 - at];
        places[len - 1 - at] = swapped;
    }
    size_t first = 0;
    while (cursor.is_given && first < len && !is_after(&places[first], &cursor, descending)) {
        first++;
    }
    size_t count = 0;
    for (size_t bytes = 0; first + count < len && count < limit && bytes <= PAGE_BYTES; count++) {
        const struct memory *memory = places[first + count].memory;
        bytes += text_field(memory, FIELD_CONTENT).len + text_field(memory, FIELD_METADATA).len;
    }
    bool more = first + count < len;
    cbor_put_map(&ask->reply, more ? 2 : 1);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_list(&ask->reply, count);
    for (size_t at = 0; at < count; at++) {
        memory_write(places[first + at].memory, &ask->reply);
    }
    if (more) {
        cbor_put_unsigned(&ask->reply, 2);
        cbor_put_boolean(&ask->reply, true);
    }
    free(places);
    return POLYMNIA_STATUS_OK;
}

/* Reads a namespace and a selection, and selects. */
static uint32_t select_all(struct ask *ask, struct space **space, struct place **places, size_t *len) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    *space = store_space(ask->open->store, cbor_text(reader), false);
    struct selection selection = read_selection(reader);
    reader->fault |= arguments != 2;
    uint32_t status = ask_read(ask);
    return status == POLYMNIA_STATUS_OK ? select_places(ask, *space, &selection, 0, places, len) : status;
}

uint32_t do_count(struct ask *ask) {
    struct space *space;
    struct place *places;
    size_t len;
    uint32_t status = select_all(ask, &space, &places, &len);
    if (status == POLYMNIA_STATUS_OK) {
        cbor_put_unsigned(&ask->reply, len);
        free(places);
    }
    return status;
}

uint32_t do_delete_matching(struct ask *ask) {
    struct space *space;
    struct place *places;
    size_t len;
    uint32_t status = select_all(ask, &space, &places, &len);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    /* From the last on, for what is taken moves those behind it. */
    for (size_t at = len; at > 0; at--) {
        struct memory taken;
        uint8_t id[ID_BYTES];
        memcpy(id, places[at - 1].memory->id, ID_BYTES);
        if (space_take(space, id, &taken)) {
            memory_free(&taken);
        }
    }
    free(places);
    cbor_put_unsigned(&ask->reply, len);
    return POLYMNIA_STATUS_OK;
}

uint32_t do_explain(struct ask *ask) {
    uint64_t started = ask_clock();
    span name = {NULL, 0};
    cbor_reader arguments = ask->arguments;
    if (cbor_list(&arguments) == 2) {
        name = cbor_text(&arguments);
    }
    uint32_t status = do_query(ask);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    /* What the query answered is only counted: it begins with the memories. */
    cbor_reader answer = cbor_read((span){ask->reply.data, ask->reply.len});
    cbor_map(&answer);
    cbor_unsigned(&answer);
    uint64_t rows = cbor_list(&answer);
    const struct space *space = store_space(ask->open->store, name, false);
    uint64_t candidates = space == NULL ? 0 : space->len;
    ask->reply.len = 0;
    cbor_writer *reply = &ask->reply;
    cbor_put_map(reply, 7);
    cbor_put_unsigned(reply, 1); /* dialect */
    cbor_put_text(reply, DIALECT_NAME);
    cbor_put_unsigned(reply, 2); /* access: a scan */
    cbor_put_unsigned(reply, 4);
    cbor_put_unsigned(reply, 4); /* streamed */
    cbor_put_boolean(reply, false);
    cbor_put_unsigned(reply, 6); /* candidates */
    cbor_put_unsigned(reply, candidates);
    cbor_put_unsigned(reply, 7); /* rechecks: there is no filter */
    cbor_put_unsigned(reply, 0);
    cbor_put_unsigned(reply, 8); /* rows */
    cbor_put_unsigned(reply, rows);
    cbor_put_unsigned(reply, 9); /* elapsed */
    cbor_put_unsigned(reply, ask_clock() - started + 1);
    return status;
}
