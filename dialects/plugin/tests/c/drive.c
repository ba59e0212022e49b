/* Drives the plugin as a host does: what is right, what is truncated at every byte, what is random, on several threads. */

#include "operations.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4

static const polymnia_plugin *const plugin = &polymnia_plugin_v1;

static void expect(bool is_so, const char *what) {
    if (!is_so) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

static const polymnia_circumstances circumstances = {
    .size = sizeof circumstances,
    .now_micros = 1700000000000000,
    .remaining_nanos = POLYMNIA_NO_DEADLINE,
    .max_reply = 1 << 20,
};

static polymnia_bytes bytes_of(const cbor_writer *request) {
    return (polymnia_bytes){request->data, request->len};
}

/* Asks, and gives the reply back. */
static uint32_t ask(uint64_t handle, uint32_t operation, polymnia_bytes request, uint64_t *number) {
    polymnia_buffer reply = {0};
    uint32_t status = plugin->call(handle, operation, request, &circumstances, &reply);
    if (number != NULL) {
        cbor_reader reader = cbor_read((span){reply.data, reply.len});
        *number = cbor_unsigned(&reader);
    }
    plugin->free(reply);
    return status;
}

static uint32_t ask_without(uint64_t handle, uint32_t operation) {
    return ask(handle, operation, (polymnia_bytes){NULL, 0}, NULL);
}

static uint64_t open_named(const char *url) {
    cbor_writer request = {0};
    cbor_put_list(&request, 1);
    cbor_put_map(&request, 1);
    cbor_put_unsigned(&request, 1);
    cbor_put_text(&request, url);
    uint64_t handle = 0;
    polymnia_buffer reply = {0};
    expect(plugin->open(bytes_of(&request), &circumstances, &handle, &reply) == POLYMNIA_STATUS_OK, "open");
    expect(handle != 0, "a handle");
    plugin->free(reply);
    free(request.data);
    return handle;
}

static void close_handle(uint64_t handle) {
    polymnia_buffer reply = {0};
    expect(plugin->close(handle, &reply) == POLYMNIA_STATUS_OK, "close");
}

/* Opens a session, records the one version, and closes it. */
static void migrate(uint64_t engine) {
    cbor_writer request = {0};
    cbor_put_list(&request, 1);
    cbor_put_map(&request, 2);
    for (unsigned field = 1; field <= 2; field++) {
        cbor_put_unsigned(&request, field);
        cbor_put_unsigned(&request, UINT64_C(10000000000));
    }
    polymnia_buffer reply = {0};
    uint32_t status = plugin->call(engine, POLYMNIA_OPERATION_OPEN_SESSION, bytes_of(&request), &circumstances, &reply);
    expect(status == POLYMNIA_STATUS_OK, "a session");
    cbor_reader reader = cbor_read((span){reply.data, reply.len});
    cbor_map(&reader);
    cbor_unsigned(&reader);
    uint64_t session = cbor_unsigned(&reader);
    plugin->free(reply);
    free(request.data);
    expect(ask_without(session, POLYMNIA_OPERATION_SESSION_PREPARE) == POLYMNIA_STATUS_OK, "prepare");
    static const uint8_t begin[] = {0x81, 0x00};
    polymnia_bytes plain = {begin, sizeof begin};
    expect(ask(session, POLYMNIA_OPERATION_SESSION_BEGIN, plain, NULL) == POLYMNIA_STATUS_OK, "begin");
    cbor_writer entry = {0};
    cbor_put_list(&entry, 1);
    cbor_put_map(&entry, 3);
    cbor_put_unsigned(&entry, 1);
    cbor_put_text(&entry, SCHEMA_VERSION);
    cbor_put_unsigned(&entry, 3);
    cbor_put_unsigned(&entry, 1);
    cbor_put_unsigned(&entry, 4);
    cbor_put_unsigned(&entry, 1);
    expect(ask(session, POLYMNIA_OPERATION_SESSION_RECORD, bytes_of(&entry), NULL) == POLYMNIA_STATUS_OK, "record");
    expect(ask_without(session, POLYMNIA_OPERATION_SESSION_ROLLBACK) == POLYMNIA_STATUS_OK, "rollback");
    expect(ask(session, POLYMNIA_OPERATION_SESSION_BEGIN, plain, NULL) == POLYMNIA_STATUS_OK, "begin again");
    expect(ask(session, POLYMNIA_OPERATION_SESSION_RECORD, bytes_of(&entry), NULL) == POLYMNIA_STATUS_OK, "record again");
    expect(ask_without(session, POLYMNIA_OPERATION_SESSION_COMMIT) == POLYMNIA_STATUS_OK, "commit");
    free(entry.data);
    close_handle(session);
    close_handle(session);
    expect(ask_without(session, POLYMNIA_OPERATION_SESSION_COMMIT) == POLYMNIA_STATUS_ERROR, "a closed handle");
}

/* Writes a batch: a put, an update, a put and a delete of another, and, if it is to fail, a put that expects too much. */
static cbor_writer batch(const char *namespace, uint8_t number, bool fails) {
    cbor_writer request = {0};
    uint8_t id[ID_BYTES] = {number};
    cbor_put_list(&request, 2);
    cbor_put_text(&request, namespace);
    cbor_put_list(&request, fails ? 4 : 3);
    for (unsigned at = 0; at < (fails ? 2u : 1u); at++) {
        cbor_put_list(&request, 4);
        cbor_put_unsigned(&request, 0); /* put */
        cbor_put_bytes(&request, id, ID_BYTES);
        cbor_put_map(&request, 4);
        cbor_put_unsigned(&request, 2);
        cbor_put_text(&request, "mara");
        cbor_put_unsigned(&request, 5);
        cbor_put_text(&request, "short_term");
        cbor_put_unsigned(&request, 6);
        cbor_put_text(&request, "content");
        cbor_put_unsigned(&request, 7);
        cbor_put_text(&request, "{}");
        cbor_put_unsigned(&request, at == 0 ? 0 : 1); /* expect anything, or nothing there */
        if (at == 0) {
            cbor_put_list(&request, 4);
            cbor_put_unsigned(&request, 1); /* update */
            cbor_put_bytes(&request, id, ID_BYTES);
            cbor_put_map(&request, 2);
            cbor_put_unsigned(&request, 2);
            cbor_put_unsigned(&request, 1); /* clear */
            cbor_put_unsigned(&request, 13);
            cbor_put_list(&request, 2);
            cbor_put_unsigned(&request, 2); /* set */
            cbor_put_signed(&request, 1800000000000000);
            cbor_put_unsigned(&request, 0);
            uint8_t other[ID_BYTES] = {number, 1};
            cbor_put_list(&request, 3);
            cbor_put_unsigned(&request, 2); /* delete */
            cbor_put_bytes(&request, other, ID_BYTES);
            cbor_put_unsigned(&request, 0);
        }
    }
    return request;
}

static cbor_writer query(const char *namespace) {
    cbor_writer request = {0};
    cbor_put_list(&request, 2);
    cbor_put_text(&request, namespace);
    cbor_put_map(&request, 2);
    cbor_put_unsigned(&request, 1);
    cbor_put_map(&request, 2);
    cbor_put_unsigned(&request, 1);
    cbor_put_unsigned(&request, 1); /* without a user */
    cbor_put_unsigned(&request, 5);
    cbor_put_list(&request, 1);
    cbor_put_text(&request, "short_term");
    cbor_put_unsigned(&request, 4);
    cbor_put_unsigned(&request, 10);
    return request;
}

static uint64_t count(uint64_t engine, const char *namespace) {
    cbor_writer request = {0};
    cbor_put_list(&request, 2);
    cbor_put_text(&request, namespace);
    cbor_put_map(&request, 0);
    uint64_t number;
    expect(ask(engine, POLYMNIA_OPERATION_COUNT, bytes_of(&request), &number) == POLYMNIA_STATUS_OK, "count");
    free(request.data);
    return number;
}

/* Every prefix of a request is refused; a copy of it, so that reading past its end is found. */
static void truncate(uint64_t engine, uint32_t operation, const cbor_writer *request) {
    for (size_t len = 0; len < request->len; len++) {
        uint8_t *part = malloc(len + 1);
        expect(part != NULL, "memory");
        memcpy(part, request->data, len);
        part = realloc(part, len == 0 ? 1 : len);
        expect(ask(engine, operation, (polymnia_bytes){part, len}, NULL) == POLYMNIA_STATUS_ERROR, "a truncated request");
        free(part);
    }
}

/* Whatever bytes come, there is an answer. */
static void surprise(uint64_t engine, uint32_t operation, const cbor_writer *request, unsigned seed) {
    for (unsigned round = 0; round < 2000; round++) {
        uint8_t *changed = malloc(request->len);
        expect(changed != NULL, "memory");
        memcpy(changed, request->data, request->len);
        for (unsigned times = 0; times < 1 + round % 4; times++) {
            seed = seed * 1664525u + 1013904223u;
            changed[(seed >> 16) % request->len] = (uint8_t) (seed >> 8);
        }
        expect(ask(engine, operation, (polymnia_bytes){changed, request->len}, NULL) <= POLYMNIA_STATUS_UNSUPPORTED, "a status");
        free(changed);
    }
}

static void *work(void *argument) {
    unsigned number = *(unsigned *) argument;
    char namespace[16];
    snprintf(namespace, sizeof namespace, "n%u", number);
    uint64_t engine = open_named("mem-c://shared");
    for (uint8_t round = 1; round <= 50; round++) {
        cbor_writer right = batch(namespace, round, false);
        cbor_writer wrong = batch(namespace, round, true);
        expect(ask(engine, POLYMNIA_OPERATION_APPLY, bytes_of(&right), NULL) == POLYMNIA_STATUS_OK, "a batch");
        expect(ask(engine, POLYMNIA_OPERATION_APPLY, bytes_of(&wrong), NULL) == POLYMNIA_STATUS_ERROR, "a batch that fails");
        free(right.data);
        free(wrong.data);
    }
    expect(count(engine, namespace) == 50, "what was written");
    close_handle(engine);
    return NULL;
}

int main(void) {
    polymnia_buffer reply = {0};
    expect(plugin->describe(NULL, &reply) == POLYMNIA_STATUS_OK && reply.len > 0, "describe");
    plugin->free(reply);
    uint64_t engine = open_named("mem-c://shared");
    expect(ask_without(engine, POLYMNIA_OPERATION_NOTHING) == POLYMNIA_STATUS_OK, "nothing");
    expect(ask_without(engine, 4711) == POLYMNIA_STATUS_UNSUPPORTED, "an unknown operation");
    cbor_writer request = batch("n", 1, false);
    expect(ask(engine, POLYMNIA_OPERATION_APPLY, bytes_of(&request), NULL) == POLYMNIA_STATUS_ERROR, "without a schema");
    migrate(engine);
    truncate(engine, POLYMNIA_OPERATION_APPLY, &request);
    expect(count(engine, "n") == 0, "nothing of what was truncated");
    surprise(engine, POLYMNIA_OPERATION_APPLY, &request, 1);
    free(request.data);
    request = query("n");
    expect(ask(engine, POLYMNIA_OPERATION_QUERY, bytes_of(&request), NULL) == POLYMNIA_STATUS_OK, "a query");
    truncate(engine, POLYMNIA_OPERATION_QUERY, &request);
    surprise(engine, POLYMNIA_OPERATION_QUERY, &request, 2);
    free(request.data);
    pthread_t threads[THREADS];
    unsigned numbers[THREADS];
    for (unsigned at = 0; at < THREADS; at++) {
        numbers[at] = at;
        expect(pthread_create(&threads[at], NULL, work, &numbers[at]) == 0, "a thread");
    }
    for (unsigned at = 0; at < THREADS; at++) {
        pthread_join(threads[at], NULL);
    }
    close_handle(engine);
    return 0;
}
