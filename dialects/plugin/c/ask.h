/* What is asked in one call, and how it is answered. */

#ifndef ASK_H
#define ASK_H

#include "cbor.h"
#include "polymnia_plugin.h"
#include "store.h"

/* The kinds of errors, as core numbers them. */
enum {
    INVALID_INPUT = 1,
    UNSUPPORTED = 2,
    CONFIG = 3,
    NOT_FOUND = 4,
    CONFLICT = 5,
    UNAVAILABLE = 6,
    MIGRATION = 9,
    PLUGIN = 10,
    TIMEOUT = 11,
    CANCELLED = 12,
    UNEXPECTED = 15
};

/* What a handle stands for. */
struct open {
    enum { CLOSED, ENGINE, SESSION } kind;
    uint32_t generation; /* of the slot: a handle that was closed is not the next one's */
    struct store *store;
    uint64_t timeout_nanos;
    /* Of a session: what was recorded when the transaction began, if there is one. */
    bool in_transaction;
    struct records before;
};

struct ask {
    const polymnia_circumstances *circumstances;
    uint64_t deadline; /* nanoseconds of the monotonic clock */
    cbor_reader arguments;
    cbor_writer reply;
    struct open *open; /* null for the dialect */
};

/* Returns what time it is on a clock that only measures, in nanoseconds. */
uint64_t ask_clock(void);
/* Begins an answer. */
void ask_begin(struct ask *ask, polymnia_bytes request, const polymnia_circumstances *circumstances);
/* Lets the call end earlier. */
void ask_limit(struct ask *ask, uint64_t nanos);
/* Fails if the caller cancelled or the deadline passed. To be called in every long loop. */
uint32_t ask_check(struct ask *ask);
/* Fails if the arguments are not what they should be. To be called once they are read. */
uint32_t ask_read(struct ask *ask);
/* Answers with an error: no content, no values. */
__attribute__((format(printf, 3, 4))) uint32_t ask_fail(struct ask *ask, unsigned kind, const char *format, ...);
/* The same, with a fact beside the message and a hint; either may be null. */
uint32_t ask_fail_with(
    struct ask *ask, unsigned kind, const char *message, const char *name, const char *value, const char *hint);
uint32_t ask_no_memory(struct ask *ask);
/* Ends an answer: hands the reply over. */
uint32_t ask_end(struct ask *ask, uint32_t status, polymnia_buffer *reply);

#endif
