/* Batches: one mutation after the other, all of it or nothing. */

#include "operations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PUT, UPDATE, DELETE, RESTORE };
enum { EXPECT_ANY, EXPECT_ABSENT, EXPECT_REVISION };
enum { CREATED, UPDATED, DELETED, MISSING, SKIPPED };
enum { CONFLICT_FAILS, CONFLICT_SKIPS, CONFLICT_REPLACES };
enum { KEEP, CLEAR, SET };

/* The items of a map of a memory, by number; nothing where there is none. */
struct draft {
    span fields[FIELDS];
};

static struct draft read_draft(cbor_reader *reader) {
    struct draft draft = {0};
    for (size_t pairs = cbor_map(reader); pairs > 0 && !reader->fault; pairs--) {
        uint64_t field = cbor_unsigned(reader);
        if (field == 0 || field >= FIELDS || draft.fields[field].len > 0) {
            reader->fault = true;
            break;
        }
        draft.fields[field] = cbor_item(reader);
    }
    return draft;
}

static int64_t number_or(const struct draft *draft, unsigned field, int64_t otherwise) {
    cbor_reader reader = cbor_read(draft->fields[field]);
    return draft->fields[field].len == 0 ? otherwise : cbor_signed(&reader);
}

/* Takes the fields that are kept as they came. Returns whether there was memory for them. */
static bool take_fields(struct memory *memory, const struct draft *draft) {
    cbor_writer writer = {0};
    memory->field_count = 0;
    for (unsigned field = FIELD_USER; field <= FIELD_RELATED; field++) {
        if (draft->fields[field].len > 0) {
            cbor_put_unsigned(&writer, field);
            cbor_put_raw(&writer, draft->fields[field]);
            memory->field_count++;
        }
    }
    memory->fields = writer.data;
    memory->fields_len = writer.len;
    return !writer.failed;
}

/* What a mutation replaced, so that a batch that fails can be taken back. */
struct undo {
    uint8_t id[ID_BYTES];
    bool is_changed;
    bool was_there;
    struct memory before;
};

struct batch {
    struct ask *ask;
    struct space *space;
    struct undo *undo;
    size_t done;
    size_t len;
};

struct expectation {
    uint64_t kind;
    int64_t revision;
};

static struct expectation read_expectation(cbor_reader *reader) {
    size_t items;
    struct expectation expect = {.kind = cbor_choice(reader, &items)};
    if (expect.kind == EXPECT_REVISION && items == 1) {
        expect.revision = cbor_signed(reader);
    } else if (expect.kind > EXPECT_ABSENT || items != 0) {
        reader->fault = true;
    }
    return expect;
}

static const char *shown(const uint8_t *id, char text[37]) {
    char *at = text;
    for (unsigned byte = 0; byte < ID_BYTES; byte++) {
        at += sprintf(at, byte == 4 || byte == 6 || byte == 8 || byte == 10 ? "-%02x" : "%02x", id[byte]);
    }
    return text;
}

/* Fails in the words of core, with the mutation's place if there are several. */
static uint32_t refuse(const struct batch *batch, unsigned kind, const char *message) {
    char place[24];
    snprintf(place, sizeof place, "%zu", batch->done);
    return ask_fail_with(batch->ask, kind, message, batch->len > 1 ? "mutation" : NULL, place, NULL);
}

static uint32_t check(const struct batch *batch, const uint8_t *id, struct expectation expect, const struct memory *found) {
    char text[37];
    char message[160];
    if (expect.kind == EXPECT_ABSENT && found != NULL) {
        snprintf(message, sizeof message, "memory %s exists: expected none", shown(id, text));
    } else if (expect.kind == EXPECT_REVISION && found == NULL) {
        snprintf(
            message, sizeof message, "there is no memory %s: expected revision %" PRId64, shown(id, text), expect.revision);
    } else if (expect.kind == EXPECT_REVISION && found->revision != expect.revision) {
        snprintf(
            message, sizeof message, "memory %s is at revision %" PRId64 ": expected %" PRId64, shown(id, text),
            found->revision, expect.revision);
    } else {
        return POLYMNIA_STATUS_OK;
    }
    return refuse(batch, CONFLICT, message);
}

static uint32_t next_revision(const struct batch *batch, const struct memory *found, int64_t *revision) {
    char text[37];
    char message[160];
    if (found->revision == INT64_MAX) {
        snprintf(
            message, sizeof message, "memory %s is at revision %" PRId64 ", the last there is: it can't be written any more",
            shown(found->id, text), found->revision);
        return refuse(batch, CONFLICT, message);
    }
    *revision = found->revision + 1;
    return POLYMNIA_STATUS_OK;
}

static void put_outcome(struct ask *ask, const uint8_t *id, uint64_t effect, int64_t revision) {
    cbor_put_map(&ask->reply, revision > 0 ? 3 : 2);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_bytes(&ask->reply, id, ID_BYTES);
    cbor_put_unsigned(&ask->reply, 2);
    cbor_put_unsigned(&ask->reply, effect);
    if (revision > 0) {
        cbor_put_unsigned(&ask->reply, 3);
        cbor_put_signed(&ask->reply, revision);
    }
}

/* Stores what a mutation made, and remembers what was there. */
static uint32_t store_written(struct batch *batch, struct memory new, const struct draft *draft, bool over_another) {
    struct undo *undo = &batch->undo[batch->done];
    if (!take_fields(&new, draft) || !space_put(batch->space, new, &undo->before, &undo->was_there)) {
        memory_free(&new);
        return ask_no_memory(batch->ask);
    }
    undo->is_changed = true;
    put_outcome(batch->ask, new.id, over_another ? UPDATED : CREATED, new.revision);
    return POLYMNIA_STATUS_OK;
}

static uint32_t put(struct batch *batch, struct memory new, const struct draft *draft, const struct memory *found) {
    int64_t now = batch->ask->circumstances->now_micros;
    new.revision = 1;
    new.created_at = number_or(draft, FIELD_CREATED, now);
    new.updated_at = now;
    new.expires_at = number_or(draft, FIELD_EXPIRES, NEVER);
    if (found != NULL) {
        if (draft->fields[FIELD_CREATED].len > 0 && new.created_at != found->created_at) {
            char text[37];
            char message[128];
            snprintf(
                message, sizeof message, "memory %s was created at another time: expected the same time or none",
                shown(new.id, text));
            return refuse(batch, CONFLICT, message);
        }
        uint32_t status = next_revision(batch, found, &new.revision);
        if (status != POLYMNIA_STATUS_OK) {
            return status;
        }
        new.created_at = found->created_at;
        new.updated_at = found->updated_at > now ? found->updated_at : now;
    }
    return store_written(batch, new, draft, found != NULL);
}

/* Takes what an update says of a field that may be absent: an item, nothing, or what was there. */
static span changed(cbor_reader *reader, span change, span old) {
    size_t items;
    cbor_reader choice = cbor_read(change);
    if (change.len == 0) {
        return old;
    }
    switch (cbor_choice(&choice, &items)) {
    case KEEP: return old;
    case CLEAR: return (span){NULL, 0};
    case SET: return cbor_item(&choice);
    default: reader->fault = true; return old;
    }
}

static uint32_t update(struct batch *batch, const struct draft *patch, const struct memory *found) {
    cbor_reader *reader = &batch->ask->arguments;
    int64_t now = batch->ask->circumstances->now_micros;
    struct memory new = *found;
    struct draft draft = {0};
    for (unsigned field = FIELD_USER; field <= FIELD_RELATED; field++) {
        span old = memory_field(found, field);
        span given = patch->fields[field];
        draft.fields[field] = field <= FIELD_THREAD ? changed(reader, given, old) : given.len > 0 ? given : old;
    }
    if (patch->fields[FIELD_EXPIRES].len > 0) {
        cbor_writer kept = {0};
        cbor_put_signed(&kept, found->expires_at);
        draft.fields[FIELD_EXPIRES] = changed(reader, patch->fields[FIELD_EXPIRES], (span){kept.data, kept.len});
        new.expires_at = number_or(&draft, FIELD_EXPIRES, NEVER);
        free(kept.data);
    }
    uint32_t status = next_revision(batch, found, &new.revision);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    new.updated_at = found->updated_at > now ? found->updated_at : now;
    return store_written(batch, new, &draft, true);
}

static uint32_t delete(struct batch *batch, const uint8_t *id, bool was_live) {
    /* An expired row is missing, and goes all the same. */
    struct undo *undo = &batch->undo[batch->done];
    undo->was_there = space_take(batch->space, id, &undo->before);
    undo->is_changed = undo->was_there;
    put_outcome(batch->ask, id, was_live ? DELETED : MISSING, 0);
    return POLYMNIA_STATUS_OK;
}

static uint32_t restore(
    struct batch *batch, struct memory new, const struct draft *draft, const struct memory *found, uint64_t on_conflict) {
    if (found != NULL && on_conflict == CONFLICT_FAILS) {
        return check(batch, new.id, (struct expectation){.kind = EXPECT_ABSENT}, found);
    }
    if (found != NULL && on_conflict == CONFLICT_SKIPS) {
        put_outcome(batch->ask, new.id, SKIPPED, 0);
        return POLYMNIA_STATUS_OK;
    }
    new.revision = number_or(draft, FIELD_REVISION, 1);
    new.created_at = number_or(draft, FIELD_CREATED, 0);
    new.updated_at = number_or(draft, FIELD_UPDATED, 0);
    new.expires_at = number_or(draft, FIELD_EXPIRES, NEVER);
    return store_written(batch, new, draft, found != NULL);
}

static uint32_t apply_one(struct batch *batch) {
    cbor_reader *reader = &batch->ask->arguments;
    size_t items;
    uint64_t kind = cbor_choice(reader, &items);
    span id = kind == RESTORE ? (span){NULL, 0} : cbor_bytes(reader);
    struct draft draft = kind == DELETE ? (struct draft){0} : read_draft(reader);
    struct expectation expect = {0};
    uint64_t on_conflict = 0;
    if (kind == RESTORE) {
        cbor_reader field = cbor_read(draft.fields[FIELD_ID]);
        id = cbor_bytes(&field);
        on_conflict = cbor_unsigned(reader);
    } else {
        expect = read_expectation(reader);
    }
    /* What only the store decides, or an update can't change. */
    reader->fault |= (kind == PUT || kind == UPDATE) && (draft.fields[FIELD_ID].len > 0 || draft.fields[FIELD_REVISION].len > 0 ||
        draft.fields[FIELD_UPDATED].len > 0);
    reader->fault |= kind == UPDATE && draft.fields[FIELD_CREATED].len > 0;
    static const size_t expected[] = {3, 3, 2, 2};
    if (reader->fault || kind > RESTORE || items != expected[kind] || id.len != ID_BYTES || on_conflict > CONFLICT_REPLACES) {
        reader->fault = true;
        return ask_read(batch->ask);
    }
    struct memory new = {0};
    memcpy(new.id, id.data, ID_BYTES);
    memcpy(batch->undo[batch->done].id, id.data, ID_BYTES);
    bool is_there;
    size_t at = space_find(batch->space, id.data, &is_there);
    const struct memory *found = is_there ? &batch->space->memories[at] : NULL;
    if (found != NULL && !memory_is_live(found, batch->ask->circumstances->now_micros)) {
        found = NULL;
    }
    if (kind == UPDATE && found == NULL) {
        char text[37];
        char message[64];
        snprintf(message, sizeof message, "there is no memory %s", shown(id.data, text));
        return refuse(batch, NOT_FOUND, message);
    }
    uint32_t status = check(batch, id.data, expect, found);
    if (status != POLYMNIA_STATUS_OK) {
        return status;
    }
    switch (kind) {
    case PUT: return put(batch, new, &draft, found);
    case UPDATE: return update(batch, &draft, found);
    case DELETE: return delete(batch, id.data, found != NULL);
    default: return restore(batch, new, &draft, found, on_conflict);
    }
}

/* Takes back what was done, the last first; or, once all is done, lets go of what it replaced. */
static void finish(struct batch *batch, bool take_back) {
    while (batch->done > 0) {
        struct undo *undo = &batch->undo[--batch->done];
        struct memory other = take_back ? (struct memory){0} : undo->before;
        if (take_back && undo->is_changed) {
            bool was_there;
            space_take(batch->space, undo->id, &other);
            /* There was room for it before, and none was given up since. */
            if (undo->was_there) {
                space_put(batch->space, undo->before, &other, &was_there);
            }
        }
        memory_free(&other);
    }
    free(batch->undo);
}

uint32_t do_apply(struct ask *ask) {
    cbor_reader *reader = &ask->arguments;
    size_t arguments = cbor_list(reader);
    span name = cbor_text(reader);
    size_t mutations = cbor_list(reader);
    if (reader->fault || arguments != 2) {
        reader->fault = true;
        return ask_read(ask);
    }
    struct batch batch = {.ask = ask, .space = store_space(ask->open->store, name, true), .len = mutations};
    batch.undo = calloc(mutations == 0 ? 1 : mutations, sizeof *batch.undo);
    if (batch.space == NULL || batch.undo == NULL) {
        free(batch.undo);
        return ask_no_memory(ask);
    }
    cbor_put_map(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_list(&ask->reply, mutations);
    uint32_t status = POLYMNIA_STATUS_OK;
    while (status == POLYMNIA_STATUS_OK && batch.done < mutations) {
        status = batch.done % 256 == 0 ? ask_check(ask) : POLYMNIA_STATUS_OK;
        status = status == POLYMNIA_STATUS_OK ? apply_one(&batch) : status;
        batch.done += status == POLYMNIA_STATUS_OK ? 1 : 0;
    }
    if (status == POLYMNIA_STATUS_OK) {
        status = ask_read(ask);
    }
    if (ask->reply.failed) {
        status = POLYMNIA_STATUS_ERROR;
    }
    finish(&batch, status != POLYMNIA_STATUS_OK);
    return status;
}
