#include "cbor.h"

#include <stdlib.h>
#include <string.h>

/* What an item begins with: the kind, and a number that is its value or its length. */
enum { UNSIGNED, NEGATIVE, BYTES, TEXT, LIST, MAP, TAG, SIMPLE };
enum { FALSE = 0xf4, TRUE = 0xf5, NULL_ITEM = 0xf6, FLOAT64 = 0xfb };

bool span_equals(span left, span right) {
    return left.len == right.len && (left.len == 0 || memcmp(left.data, right.data, left.len) == 0);
}

cbor_reader cbor_read(span bytes) {
    return (cbor_reader){.at = bytes.data, .end = bytes.len == 0 ? bytes.data : bytes.data + bytes.len, .fault = false};
}

static size_t left(const cbor_reader *reader) {
    return (size_t) (reader->end - reader->at);
}

bool cbor_is_done(const cbor_reader *reader) {
    return !reader->fault && left(reader) == 0;
}

static uint64_t fault(cbor_reader *reader) {
    reader->fault = true;
    reader->at = reader->end;
    return 0;
}

static uint64_t big_endian(cbor_reader *reader, size_t bytes) {
    if (left(reader) < bytes) {
        return fault(reader);
    }
    uint64_t number = 0;
    for (size_t at = 0; at < bytes; at++) {
        number = number << 8 | *reader->at++;
    }
    return number;
}

static uint64_t head(cbor_reader *reader, unsigned *kind) {
    *kind = SIMPLE;
    if (left(reader) == 0) {
        return fault(reader);
    }
    uint8_t first = *reader->at++;
    *kind = first >> 5;
    unsigned small = first & 31;
    if (small < 24) {
        return small;
    }
    return small > 27 ? fault(reader) : big_endian(reader, (size_t) 1 << (small - 24));
}

static uint64_t expect(cbor_reader *reader, unsigned expected) {
    unsigned kind;
    uint64_t number = head(reader, &kind);
    return kind == expected ? number : fault(reader);
}

/* An item takes a byte at least, so that no length is believed that can't be true. */
static size_t length(cbor_reader *reader, unsigned expected) {
    uint64_t number = expect(reader, expected);
    return number <= left(reader) ? (size_t) number : (size_t) fault(reader);
}

size_t cbor_list(cbor_reader *reader) {
    return length(reader, LIST);
}

size_t cbor_map(cbor_reader *reader) {
    return length(reader, MAP);
}

uint64_t cbor_choice(cbor_reader *reader, size_t *items) {
    *items = 0;
    if (left(reader) > 0 && *reader->at >> 5 == LIST) {
        size_t all = cbor_list(reader);
        if (all == 0) {
            return fault(reader);
        }
        *items = all - 1;
    }
    return cbor_unsigned(reader);
}

bool cbor_null(cbor_reader *reader) {
    if (left(reader) == 0 || *reader->at != NULL_ITEM) {
        return false;
    }
    reader->at++;
    return true;
}

bool cbor_boolean(cbor_reader *reader) {
    if (left(reader) == 0 || (*reader->at != TRUE && *reader->at != FALSE)) {
        return fault(reader) != 0;
    }
    return *reader->at++ == TRUE;
}

uint64_t cbor_unsigned(cbor_reader *reader) {
    return expect(reader, UNSIGNED);
}

int64_t cbor_signed(cbor_reader *reader) {
    unsigned kind;
    uint64_t number = head(reader, &kind);
    if (kind > NEGATIVE || number > INT64_MAX) {
        return (int64_t) fault(reader);
    }
    return kind == NEGATIVE ? -1 - (int64_t) number : (int64_t) number;
}

uint64_t cbor_real(cbor_reader *reader) {
    if (left(reader) == 0 || *reader->at != FLOAT64) {
        return fault(reader);
    }
    reader->at++;
    return big_endian(reader, 8);
}

static span string(cbor_reader *reader, unsigned kind) {
    size_t len = length(reader, kind);
    span bytes = {reader->at, len};
    reader->at += len;
    return bytes;
}

span cbor_text(cbor_reader *reader) {
    return string(reader, TEXT);
}

span cbor_bytes(cbor_reader *reader) {
    return string(reader, BYTES);
}

span cbor_item(cbor_reader *reader) {
    const uint8_t *from = reader->at;
    /* How many items are still to be read: a list of what is left instead of recursion. */
    for (size_t items = 1; items > 0; items--) {
        unsigned kind;
        uint64_t number = head(reader, &kind);
        if (kind == BYTES || kind == TEXT) {
            if (number > left(reader)) {
                fault(reader);
            } else {
                reader->at += number;
            }
        } else if (kind == LIST || kind == MAP) {
            if (number > left(reader) || items - 1 > left(reader)) {
                fault(reader);
            } else {
                items += (size_t) number * (kind == MAP ? 2 : 1);
            }
        } else if (kind == TAG) {
            items++;
        }
        if (reader->fault) {
            return (span){NULL, 0};
        }
    }
    return (span){from, (size_t) (reader->at - from)};
}

static void put(cbor_writer *writer, const uint8_t *bytes, size_t len) {
    if (writer->failed || len == 0) {
        return;
    }
    if (writer->capacity - writer->len < len) {
        size_t capacity = writer->capacity < 64 ? 64 : writer->capacity;
        while (capacity - writer->len < len) {
            if (capacity > SIZE_MAX / 2) {
                writer->failed = true;
                return;
            }
            capacity *= 2;
        }
        uint8_t *data = realloc(writer->data, capacity);
        if (data == NULL) {
            writer->failed = true;
            return;
        }
        writer->data = data;
        writer->capacity = capacity;
    }
    memcpy(writer->data + writer->len, bytes, len);
    writer->len += len;
}

static void put_head(cbor_writer *writer, unsigned kind, uint64_t number) {
    uint8_t bytes[9];
    size_t size = number < 24 ? 0 : number <= UINT8_MAX ? 1 : number <= UINT16_MAX ? 2 : number <= UINT32_MAX ? 4 : 8;
    unsigned small = size == 0 ? (unsigned) number : size == 1 ? 24 : size == 2 ? 25 : size == 4 ? 26 : 27;
    bytes[0] = (uint8_t) (kind << 5 | small);
    for (size_t at = 0; at < size; at++) {
        bytes[1 + at] = (uint8_t) (number >> (8 * (size - 1 - at)));
    }
    put(writer, bytes, 1 + size);
}

void cbor_put_list(cbor_writer *writer, size_t items) {
    put_head(writer, LIST, items);
}

void cbor_put_map(cbor_writer *writer, size_t pairs) {
    put_head(writer, MAP, pairs);
}

void cbor_put_unsigned(cbor_writer *writer, uint64_t number) {
    put_head(writer, UNSIGNED, number);
}

void cbor_put_signed(cbor_writer *writer, int64_t number) {
    if (number < 0) {
        put_head(writer, NEGATIVE, (uint64_t) (-1 - number));
    } else {
        put_head(writer, UNSIGNED, (uint64_t) number);
    }
}

void cbor_put_boolean(cbor_writer *writer, bool value) {
    uint8_t byte = value ? TRUE : FALSE;
    put(writer, &byte, 1);
}

void cbor_put_null(cbor_writer *writer) {
    uint8_t byte = NULL_ITEM;
    put(writer, &byte, 1);
}

void cbor_put_text(cbor_writer *writer, const char *text) {
    cbor_put_name(writer, (span){(const uint8_t *) text, strlen(text)});
}

void cbor_put_name(cbor_writer *writer, span text) {
    put_head(writer, TEXT, text.len);
    put(writer, text.data, text.len);
}

void cbor_put_bytes(cbor_writer *writer, const uint8_t *bytes, size_t len) {
    put_head(writer, BYTES, len);
    put(writer, bytes, len);
}

void cbor_put_raw(cbor_writer *writer, span item) {
    put(writer, item.data, item.len);
}
