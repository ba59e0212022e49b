/* A program with functions by the names of SQLite's and libpq's, which it shows to every library it loads. A plugin that
 * called one of them would end it. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "polymnia_plugin.h"

#define OURS(name) \
    void name(void); \
    void name(void) { \
        fputs("the plugin called the program's " #name "\n", stderr); \
        abort(); \
    }

OURS(sqlite3_initialize)
OURS(sqlite3_open_v2)
OURS(sqlite3_prepare_v2)
OURS(sqlite3_prepare_v3)
OURS(sqlite3_step)
OURS(sqlite3_exec)
OURS(sqlite3_malloc64)
OURS(sqlite3_auto_extension)
OURS(PQconninfoParse)
OURS(PQconnectdb)
OURS(PQconnectStart)

/* Names that a plugin keeps to itself. */
static const char *const HIDDEN[] = {"sqlite3_open_v2", "sqlite3_malloc64", "PQconnectdb", "SSL_new", "main"};

static int fail(const char *what, uint32_t status) {
    fprintf(stderr, "%s: %u\n", what, (unsigned)status);
    return 1;
}

/* Takes the path of a plugin, and the URL of a database that needs no server, if there is one. */
int main(int count, char **arguments) {
    const polymnia_circumstances circumstances = {
        .size = sizeof circumstances,
        .now_micros = 1772442000000000,
        .remaining_nanos = POLYMNIA_NO_DEADLINE,
        .max_reply = 1u << 20,
    };
    polymnia_buffer reply;
    uint64_t handle;
    uint32_t status;
    void *library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    for (size_t i = 0; i < sizeof HIDDEN / sizeof *HIDDEN; i++) {
        if (dlsym(library, HIDDEN[i]) != NULL) {
            fprintf(stderr, "the plugin shows %s\n", HIDDEN[i]);
            return 1;
        }
    }
    const polymnia_plugin *plugin = dlsym(library, POLYMNIA_ENTRY);
    if (plugin == NULL || (status = plugin->describe(NULL, &reply)) != POLYMNIA_STATUS_OK) {
        return fail("describe", plugin == NULL ? 0 : status);
    }
    plugin->free(reply);
    if (count > 2) {
        /* A list of one: a map whose field 1 is the URL. */
        unsigned char request[64] = {0x81, 0xa1, 0x01, 0x60};
        size_t length = 4;
        for (const char *url = arguments[2]; *url != 0 && length < sizeof request; url++, request[3]++) {
            request[length++] = (unsigned char)*url;
        }
        const polymnia_bytes bytes = {request, length};
        if ((status = plugin->open(bytes, &circumstances, &handle, &reply)) != POLYMNIA_STATUS_OK) {
            return fail("open", status);
        }
        plugin->free(reply);
        const polymnia_bytes none = {NULL, 0};
        if ((status = plugin->call(handle, POLYMNIA_OPERATION_INFO, none, &circumstances, &reply)) != POLYMNIA_STATUS_OK) {
            return fail("info", status);
        }
        plugin->free(reply);
        if ((status = plugin->close(handle, &reply)) != POLYMNIA_STATUS_OK) {
            return fail("close", status);
        }
    }
    return 0;
}
