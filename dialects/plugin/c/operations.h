/* What can be done on a handle. Each reads its arguments, writes its reply and returns a status. */

#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "ask.h"

#define DIALECT_NAME "mem-c"
#define SCHEMA_VERSION "20260101000000"

/* read.c */
uint32_t do_get(struct ask *ask);
uint32_t do_query(struct ask *ask);
uint32_t do_count(struct ask *ask);
uint32_t do_delete_matching(struct ask *ask);
uint32_t do_explain(struct ask *ask);

/* apply.c */
uint32_t do_apply(struct ask *ask);

/* admin.c */
uint32_t do_ping(struct ask *ask);
uint32_t do_info(struct ask *ask);
uint32_t do_namespaces(struct ask *ask);
uint32_t do_delete_namespace(struct ask *ask);
uint32_t do_rename_namespace(struct ask *ask);
uint32_t do_sweep(struct ask *ask);
uint32_t do_optimize(struct ask *ask);
uint32_t do_verify(struct ask *ask);
uint32_t do_drop_index(struct ask *ask);

/* stats.c */
uint32_t do_stats(struct ask *ask);

/* schema.c */
void write_source(cbor_writer *reply);
/* What is known of an engine once it is open. */
void write_opened(cbor_writer *reply);
bool is_migrated(const struct store *store);
uint32_t do_migrations(struct ask *ask);
uint32_t do_nothing_listed(struct ask *ask);
uint32_t do_ledger(struct ask *ask);
uint32_t do_log(struct ask *ask);
uint32_t do_lock_holder(struct ask *ask);
uint32_t do_health(struct ask *ask);

/* session.c */
uint32_t do_prepare(struct ask *ask);
uint32_t do_begin(struct ask *ask);
uint32_t do_commit(struct ask *ask);
uint32_t do_rollback(struct ask *ask);
uint32_t do_record(struct ask *ask);
uint32_t do_forget(struct ask *ask);
uint32_t do_add_to_log(struct ask *ask);
uint32_t do_dismantle(struct ask *ask);
uint32_t do_row_counts(struct ask *ask);
uint32_t do_has_index(struct ask *ask);
/* Gives back what a session holds. */
void end_session(struct open *session);

#endif
