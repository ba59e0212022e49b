#include "store.h"

#include <stdlib.h>
#include <string.h>

static struct store *stores;

/* Returns room for one more item, or nothing. */
static void *room(void *items, size_t len, size_t *capacity, size_t size) {
    if (len < *capacity) {
        return items;
    }
    size_t more = *capacity == 0 ? 8 : *capacity * 2;
    if (more > SIZE_MAX / size) {
        return NULL;
    }
    void *moved = realloc(items, more * size);
    if (moved != NULL) {
        *capacity = more;
    }
    return moved;
}

static uint8_t *copy(span bytes) {
    uint8_t *copied = malloc(bytes.len == 0 ? 1 : bytes.len);
    if (copied != NULL && bytes.len > 0) {
        memcpy(copied, bytes.data, bytes.len);
    }
    return copied;
}

bool memory_is_live(const struct memory *memory, int64_t now) {
    return memory->expires_at == NEVER || memory->expires_at > now;
}

span memory_field(const struct memory *memory, uint64_t number) {
    cbor_reader reader = cbor_read((span){memory->fields, memory->fields_len});
    while (!cbor_is_done(&reader) && !reader.fault) {
        uint64_t found = cbor_unsigned(&reader);
        span item = cbor_item(&reader);
        if (found == number && !reader.fault) {
            return item;
        }
    }
    return (span){NULL, 0};
}

void memory_write(const struct memory *memory, cbor_writer *writer) {
    bool expires = memory->expires_at != NEVER;
    cbor_put_map(writer, memory->field_count + (expires ? 5 : 4));
    cbor_put_unsigned(writer, FIELD_ID);
    cbor_put_bytes(writer, memory->id, ID_BYTES);
    cbor_put_raw(writer, (span){memory->fields, memory->fields_len});
    cbor_put_unsigned(writer, FIELD_REVISION);
    cbor_put_signed(writer, memory->revision);
    cbor_put_unsigned(writer, FIELD_CREATED);
    cbor_put_signed(writer, memory->created_at);
    cbor_put_unsigned(writer, FIELD_UPDATED);
    cbor_put_signed(writer, memory->updated_at);
    if (expires) {
        cbor_put_unsigned(writer, FIELD_EXPIRES);
        cbor_put_signed(writer, memory->expires_at);
    }
}

void memory_free(struct memory *memory) {
    free(memory->fields);
    memory->fields = NULL;
}

size_t space_find(const struct space *space, const uint8_t *id, bool *found) {
    size_t from = 0;
    size_t until = space->len;
    while (from < until) {
        size_t middle = from + (until - from) / 2;
        int order = memcmp(space->memories[middle].id, id, ID_BYTES);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0) {
            from = middle + 1;
        } else {
            until = middle;
        }
    }
    *found = false;
    return from;
}

bool space_put(struct space *space, struct memory new, struct memory *old, bool *was_there) {
    size_t at = space_find(space, new.id, was_there);
    if (*was_there) {
        *old = space->memories[at];
    } else {
        struct memory *memories = room(space->memories, space->len, &space->capacity, sizeof *memories);
        if (memories == NULL) {
            return false;
        }
        space->memories = memories;
        memmove(memories + at + 1, memories + at, (space->len - at) * sizeof *memories);
        space->len++;
    }
    space->memories[at] = new;
    return true;
}

bool space_take(struct space *space, const uint8_t *id, struct memory *old) {
    bool found;
    size_t at = space_find(space, id, &found);
    if (found) {
        *old = space->memories[at];
        space->len--;
        memmove(space->memories + at, space->memories + at + 1, (space->len - at) * sizeof *old);
    }
    return found;
}

bool rows_insert(struct rows *rows, size_t at, span item) {
    span *items = room(rows->items, rows->len, &rows->capacity, sizeof *items);
    if (items == NULL) {
        return false;
    }
    rows->items = items;
    uint8_t *copied = copy(item);
    if (copied == NULL) {
        return false;
    }
    memmove(items + at + 1, items + at, (rows->len - at) * sizeof *items);
    items[at] = (span){copied, item.len};
    rows->len++;
    return true;
}

void rows_remove(struct rows *rows, size_t at) {
    free((void *) (uintptr_t) rows->items[at].data);
    rows->len--;
    memmove(rows->items + at, rows->items + at + 1, (rows->len - at) * sizeof *rows->items);
}

void rows_clear(struct rows *rows) {
    while (rows->len > 0) {
        rows_remove(rows, rows->len - 1);
    }
    free(rows->items);
    rows->items = NULL;
    rows->capacity = 0;
}

static bool rows_copy(struct rows *to, const struct rows *from) {
    for (size_t at = 0; at < from->len; at++) {
        if (!rows_insert(to, at, from->items[at])) {
            return false;
        }
    }
    return true;
}

bool records_copy(struct records *to, const struct records *from) {
    *to = (struct records){.prepared = from->prepared};
    if (rows_copy(&to->entries, &from->entries) && rows_copy(&to->log, &from->log)) {
        return true;
    }
    records_clear(to);
    return false;
}

void records_clear(struct records *records) {
    rows_clear(&records->entries);
    rows_clear(&records->log);
    records->prepared = false;
}

static struct store *store_new(span name) {
    struct store *new = calloc(1, sizeof *new);
    uint8_t *copied = new == NULL ? NULL : copy(name);
    if (copied == NULL) {
        free(new);
        return NULL;
    }
    *new = (struct store){.next = stores, .name = copied, .name_len = name.len, .uses = 1};
    stores = new;
    return new;
}

struct store *store_open(span name) {
    for (struct store *one = stores; one != NULL; one = one->next) {
        if (span_equals((span){one->name, one->name_len}, name)) {
            one->uses++;
            return one;
        }
    }
    return store_new(name);
}

static bool space_copy(struct space *to, const struct space *from) {
    for (size_t at = 0; at < from->len; at++) {
        struct memory new = from->memories[at];
        struct memory old;
        bool was_there;
        new.fields = copy((span){new.fields, new.fields_len});
        if (new.fields == NULL || !space_put(to, new, &old, &was_there)) {
            memory_free(&new);
            return false;
        }
    }
    return true;
}

struct store *store_scratch(const struct store *copied) {
    /* No name that is opened is empty. */
    struct store *new = store_new((span){NULL, 0});
    bool is_whole = new != NULL && (copied == NULL || records_copy(&new->records, &copied->records));
    for (size_t at = 0; is_whole && copied != NULL && at < copied->space_count; at++) {
        const struct space *from = &copied->spaces[at];
        struct space *to = store_space(new, (span){from->name, from->name_len}, true);
        is_whole = to != NULL && space_copy(to, from);
    }
    if (!is_whole && new != NULL) {
        store_close(new);
        return NULL;
    }
    return new;
}

void store_close(struct store *store) {
    if (--store->uses > 0) {
        return;
    }
    struct store **place = &stores;
    while (*place != store) {
        place = &(*place)->next;
    }
    *place = store->next;
    store_clear(store);
    records_clear(&store->records);
    free(store->name);
    free(store);
}

void store_clear(struct store *store) {
    for (size_t at = 0; at < store->space_count; at++) {
        struct space *space = &store->spaces[at];
        for (size_t one = 0; one < space->len; one++) {
            memory_free(&space->memories[one]);
        }
        free(space->memories);
        free(space->name);
    }
    free(store->spaces);
    store->spaces = NULL;
    store->space_count = 0;
}

size_t store_count(const struct store *store) {
    size_t memories = 0;
    for (size_t at = 0; at < store->space_count; at++) {
        memories += store->spaces[at].len;
    }
    return memories;
}

struct space *store_space(struct store *store, span name, bool create) {
    for (size_t at = 0; at < store->space_count; at++) {
        if (span_equals((span){store->spaces[at].name, store->spaces[at].name_len}, name)) {
            return &store->spaces[at];
        }
    }
    if (!create) {
        return NULL;
    }
    struct space *spaces = realloc(store->spaces, (store->space_count + 1) * sizeof *spaces);
    if (spaces == NULL) {
        return NULL;
    }
    store->spaces = spaces;
    uint8_t *copied = copy(name);
    if (copied == NULL) {
        return NULL;
    }
    spaces[store->space_count] = (struct space){.name = copied, .name_len = name.len};
    return &spaces[store->space_count++];
}
