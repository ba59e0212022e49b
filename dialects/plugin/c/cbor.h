/* CBOR (RFC 8949) of definite lengths, as far as docs/plugins/wire.md needs it. */

#ifndef CBOR_H
#define CBOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of somebody else. */
typedef struct span {
    const uint8_t *data;
    size_t len;
} span;

bool span_equals(span left, span right);

/* Reads items one after the other. After the first fault nothing is read any more, and everything is 0 or empty. */
typedef struct cbor_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool fault;
} cbor_reader;

cbor_reader cbor_read(span bytes);
/* Returns whether everything was read, and nothing was wrong with it. */
bool cbor_is_done(const cbor_reader *reader);
/* Returns how many items, or pairs of them, follow. */
size_t cbor_list(cbor_reader *reader);
size_t cbor_map(cbor_reader *reader);
/* Reads the number of a choice, and says how many items of data follow. */
uint64_t cbor_choice(cbor_reader *reader, size_t *items);
/* Reads a null, if there is one. */
bool cbor_null(cbor_reader *reader);
bool cbor_boolean(cbor_reader *reader);
uint64_t cbor_unsigned(cbor_reader *reader);
int64_t cbor_signed(cbor_reader *reader);
/* Returns the bits of a float of 64 bits. */
uint64_t cbor_real(cbor_reader *reader);
span cbor_text(cbor_reader *reader);
span cbor_bytes(cbor_reader *reader);
/* Reads an item of whatever kind, with all that is in it, and returns its bytes. */
span cbor_item(cbor_reader *reader);

/* Writes items one after the other into memory of its own. */
typedef struct cbor_writer {
    uint8_t *data;
    size_t len;
    size_t capacity;
    bool failed; /* there was no memory */
} cbor_writer;

void cbor_put_list(cbor_writer *writer, size_t items);
void cbor_put_map(cbor_writer *writer, size_t pairs);
void cbor_put_unsigned(cbor_writer *writer, uint64_t number);
void cbor_put_signed(cbor_writer *writer, int64_t number);
void cbor_put_boolean(cbor_writer *writer, bool value);
void cbor_put_null(cbor_writer *writer);
void cbor_put_text(cbor_writer *writer, const char *text);
void cbor_put_name(cbor_writer *writer, span text);
void cbor_put_bytes(cbor_writer *writer, const uint8_t *bytes, size_t len);
/* Writes what is an item already. */
void cbor_put_raw(cbor_writer *writer, span item);

#endif
