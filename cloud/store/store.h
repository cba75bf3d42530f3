/* The store: everything that must outlive a kill -9, behind typed calls.
 *
 * One thread owns a store and calls it (fleet/desk.h); every call works inside the transaction that the owner
 * opened with store_begin. Nothing is promised to anyone before store_commit returned STORE_OK.
 *
 * Lists are given as one allocated array that the caller frees; it is NULL when the count is 0.
 *
 * What belongs together has a header and a source of its own, which nobody else touches:
 *
 *     store.h         opening, transactions, settings
 *     organization.h  organizations, whose what is      account.h    people, sessions, tokens
 *     device.h        devices                           timeline.h   what happened to devices
 *     template.h      templates of devices              value.h      the last values of a device
 *     rejection.h     images that devices rejected
 *     firmware.h      firmware files                    form.h       deltas and compressed forms of them
 *     shipment.h      shipments and their waves         target.h     each device in a shipment
 *     node.h          servers and connected devices     filter.h     filters that were saved by name
 *     failure.h       what failed lately                key.h        signing keys, their public halves
 *     counts.h        how much there is of everything   chart.h      what charts are drawn from
 *     audit.h         who did what                      clock.h      times that lie ahead
 *     removal.h       files to remove                   repeat.h     answers to requests that may come again
 *     webhook.h       webhooks and their deliveries
 *
 * To add a table, a statement, a call:
 *   1. records.h (or the domain's header): the record, a plain structure.
 *   2. migrations.c: append a step with the CREATE TABLE and its indices. Never change one that is there.
 *   3. DOMAIN.h: the call, and what it promises. DOMAIN.c: the call, with its SQL in it; database.h says in
 *      which words. A new DOMAIN.c goes into cloud/CMakeLists.txt.
 *   4. tests/cloud/store/test_store.c: one case; it runs on every database.
 * A statement that changes shipments or firmware drops them from the shelf (shelf.h).
 * Every WHERE and ORDER BY of a table that grows with the fleet needs an index, and its list a limit. */
#ifndef TANDEM_CLOUD_STORE_H
#define TANDEM_CLOUD_STORE_H

#include "cloud/store/records.h"
#include "tandem/error.h"

/* Results of every call, and of the fleet's. X(NAME, number, text) */
#define STORE_RESULTS(X)                                                                                     \
    X(OK, 0, "done")                                                                                         \
    X(NOT_FOUND, -1, "it is not there")                                                                      \
    X(CONFLICT, -2, "something with this name, hash or id is there already")                                 \
    X(FULL, -3, "the disk is full")                                                                          \
    X(FAILED, -4, "the database failed")                                                                     \
    X(READ_ONLY, -5, "the database is read-only")                                                            \
    X(LOCKED, -6, "another program holds a lock on the database")                                            \
    X(DAMAGED, -7, "the database is damaged")                                                                \
    X(AGAIN, -8, "another server wrote the same; nothing happened, do it again")                             \
    X(AWAY, -9, "the database cannot be reached")

enum store_result {
#define STORE_RESULT_ENUM(name, number, text) STORE_##name = number,
    STORE_RESULTS(STORE_RESULT_ENUM)
#undef STORE_RESULT_ENUM
};

/* For people. What exactly failed was logged. */
const char *store_result_text(int result);

struct store;

/* Opens or creates the database at where, the path of a file (":memory:" for tests) or the URL of a
 * PostgreSQL database (postgresql://...), and brings it up to date. On failure *store is NULL and why says
 * what happened. */
TDM_MUST_USE int store_open(struct store **store, const char *where, char *why, size_t capacity);
void store_close(struct store *store);

/* Whether transactions go through at present: STORE_OK, or why not; once STORE_DAMAGED, always that. From any
 * thread. */
int store_state(const struct store *store);

TDM_MUST_USE int store_begin(struct store *store);
/* Refuses, with its result, if a call outside of steps failed for good. */
TDM_MUST_USE int store_commit(struct store *store);
void store_rollback(struct store *store);
/* A step inside a transaction, which can be taken back alone. */
TDM_MUST_USE int store_step_begin(struct store *store);
/* Keeps it, unless a call in it failed for good (anything but STORE_NOT_FOUND and STORE_CONFLICT): then it is
 * taken back all the same, and that failure is the result. */
TDM_MUST_USE int store_step_end(struct store *store, bool keep);

/* Small values of the server itself: its signing key. */
TDM_MUST_USE int store_setting_get(struct store *store, const char *key, void *value, size_t bytes);
TDM_MUST_USE int store_setting_set(struct store *store, const char *key, const void *value, size_t bytes);

#include "cloud/store/account.h"
#include "cloud/store/audit.h"
#include "cloud/store/chart.h"
#include "cloud/store/counts.h"
#include "cloud/store/device.h"
#include "cloud/store/failure.h"
#include "cloud/store/filter.h"
#include "cloud/store/firmware.h"
#include "cloud/store/key.h"
#include "cloud/store/node.h"
#include "cloud/store/organization.h"
#include "cloud/store/rejection.h"
#include "cloud/store/removal.h"
#include "cloud/store/repeat.h"
#include "cloud/store/shipment.h"
#include "cloud/store/target.h"
#include "cloud/store/template.h"
#include "cloud/store/timeline.h"
#include "cloud/store/value.h"
#include "cloud/store/webhook.h"

#endif
