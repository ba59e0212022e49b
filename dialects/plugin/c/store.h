/* What there is: databases by name, and what one of them holds. Whoever calls holds the lock of plugin.c. */

#ifndef STORE_H
#define STORE_H

#include "cbor.h"

/* The fields of a memory, by number: docs/plugins/wire.md. */
enum {
    FIELD_ID = 1,
    FIELD_USER = 2,
    FIELD_AGENT = 3,
    FIELD_THREAD = 4,
    FIELD_TIER = 5,
    FIELD_CONTENT = 6,
    FIELD_METADATA = 7,
    FIELD_IMPORTANCE = 8,
    FIELD_RELATED = 9,
    FIELD_REVISION = 10,
    FIELD_CREATED = 11,
    FIELD_UPDATED = 12,
    FIELD_EXPIRES = 13,
    FIELDS = 14
};

#define ID_BYTES 16
#define NEVER INT64_MAX

/* A memory: what the store decides itself, and the fields 2 to 9 as they came, each after its number. */
struct memory {
    uint8_t id[ID_BYTES];
    int64_t revision;
    int64_t created_at;
    int64_t updated_at;
    int64_t expires_at; /* NEVER, perhaps */
    uint8_t *fields;
    size_t fields_len;
    size_t field_count;
};

bool memory_is_live(const struct memory *memory, int64_t now);
/* Returns the item of a field, or nothing. */
span memory_field(const struct memory *memory, uint64_t number);
void memory_write(const struct memory *memory, cbor_writer *writer);
void memory_free(struct memory *memory);

/* The memories of a namespace, by id. */
struct space {
    uint8_t *name;
    size_t name_len;
    struct memory *memories;
    size_t len;
    size_t capacity;
};

/* Returns where the memory is, or belongs. */
size_t space_find(const struct space *space, const uint8_t *id, bool *found);
/* Puts a memory in the place of the one of its id, and gives that back. Returns whether there was memory for it. */
bool space_put(struct space *space, struct memory new, struct memory *old, bool *was_there);
/* Takes a memory out, if it is there. */
bool space_take(struct space *space, const uint8_t *id, struct memory *old);

/* Items that are kept as they came. */
struct rows {
    span *items;
    size_t len;
    size_t capacity;
};

bool rows_insert(struct rows *rows, size_t at, span item);
void rows_remove(struct rows *rows, size_t at);
void rows_clear(struct rows *rows);

/* What is recorded of migrations. */
struct records {
    bool prepared;
    struct rows entries;
    struct rows log;
};

bool records_copy(struct records *to, const struct records *from);
void records_clear(struct records *records);

struct store {
    struct store *next;
    uint8_t *name;
    size_t name_len;
    size_t uses;
    bool migrating;
    struct records records;
    struct space *spaces;
    size_t space_count;
};

/* Returns the database of that name, one more use of it, or nothing if there is no memory. */
struct store *store_open(span name);
/* Returns a database that nobody can open by name, empty or a copy of another. */
struct store *store_scratch(const struct store *copied);
/* Ends a use. With the last one everything goes. */
void store_close(struct store *store);
/* Removes every memory. */
void store_clear(struct store *store);
size_t store_count(const struct store *store);
/* Returns the namespace, a new one if there is none and `create`; nothing if there is none, or no memory. */
struct space *store_space(struct store *store, span name, bool create);

#endif
