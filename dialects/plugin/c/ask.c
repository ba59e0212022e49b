#define _POSIX_C_SOURCE 200809L

#include "ask.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

uint64_t ask_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t) time.tv_sec * UINT64_C(1000000000) + (uint64_t) time.tv_nsec;
}

void ask_begin(struct ask *ask, polymnia_bytes request, const polymnia_circumstances *circumstances) {
    *ask = (struct ask){
        .circumstances = circumstances,
        .deadline = UINT64_MAX,
        .arguments = cbor_read((span){request.data, request.len}),
    };
    if (circumstances->remaining_nanos != POLYMNIA_NO_DEADLINE) {
        ask_limit(ask, circumstances->remaining_nanos);
    }
}

void ask_limit(struct ask *ask, uint64_t nanos) {
    uint64_t now = ask_clock();
    uint64_t deadline = nanos > UINT64_MAX - now ? UINT64_MAX : now + nanos;
    ask->deadline = deadline < ask->deadline ? deadline : ask->deadline;
}

uint32_t ask_check(struct ask *ask) {
    const polymnia_circumstances *circumstances = ask->circumstances;
    uint32_t told = circumstances->interrupted == NULL ? POLYMNIA_GO_ON : circumstances->interrupted(circumstances->context);
    if (told == POLYMNIA_CANCELLED) {
        return ask_fail(ask, CANCELLED, "cancelled by the caller");
    }
    if (told == POLYMNIA_TIMED_OUT || (ask->deadline != UINT64_MAX && ask_clock() >= ask->deadline)) {
        return ask_fail(ask, TIMEOUT, "the deadline passed");
    }
    return POLYMNIA_STATUS_OK;
}

uint32_t ask_read(struct ask *ask) {
    return cbor_is_done(&ask->arguments) ? POLYMNIA_STATUS_OK : ask_fail(ask, INVALID_INPUT, "malformed request");
}

uint32_t ask_fail_with(
    struct ask *ask, unsigned kind, const char *message, const char *name, const char *value, const char *hint) {
    ask->reply.len = 0;
    cbor_put_map(&ask->reply, 2u + (hint == NULL ? 0u : 1u) + (name == NULL ? 0u : 1u));
    cbor_put_unsigned(&ask->reply, 1);
    cbor_put_unsigned(&ask->reply, kind);
    cbor_put_unsigned(&ask->reply, 3);
    cbor_put_text(&ask->reply, message);
    if (hint != NULL) {
        cbor_put_unsigned(&ask->reply, 5);
        cbor_put_text(&ask->reply, hint);
    }
    if (name != NULL) {
        cbor_put_unsigned(&ask->reply, 6);
        cbor_put_list(&ask->reply, 1);
        cbor_put_list(&ask->reply, 2);
        cbor_put_text(&ask->reply, name);
        cbor_put_text(&ask->reply, value);
    }
    return POLYMNIA_STATUS_ERROR;
}

uint32_t ask_fail(struct ask *ask, unsigned kind, const char *format, ...) {
    char message[512];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    return ask_fail_with(ask, kind, message, NULL, NULL, NULL);
}

uint32_t ask_no_memory(struct ask *ask) {
    return ask_fail(ask, UNEXPECTED, "the plugin has no memory left");
}

uint32_t ask_end(struct ask *ask, uint32_t status, polymnia_buffer *reply) {
    if (status == POLYMNIA_STATUS_OK && !ask->reply.failed && ask->reply.len > ask->circumstances->max_reply) {
        status = ask_fail(ask, PLUGIN, "the reply is longer than the host accepts");
    }
    if (ask->reply.failed) {
        /* Without memory there is no reply: an error that nobody can read is one all the same. */
        free(ask->reply.data);
        ask->reply = (cbor_writer){0};
        status = POLYMNIA_STATUS_ERROR;
    }
    *reply = (polymnia_buffer){.data = ask->reply.data, .len = ask->reply.len, .extra = 0};
    return status;
}
