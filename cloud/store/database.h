/* SQLite under the store: statements declared once as data, and typed binding and reading. Private to
 * cloud/store. */
#ifndef TANDEM_CLOUD_DATABASE_H
#define TANDEM_CLOUD_DATABASE_H

#include <sqlite3.h>

#include "cloud/store/store.h"

#define DEVICE_FIELDS                                                                                        \
    "template, name, last_seen, checked_in, foreign_template, type, version, build, hardware, digest, "      \
    "state, counter, reports, shipment"
#define FIRMWARE_FIELDS                                                                                      \
    "name, package, size, sha256, md5, type, version, build, uploaded, digest, hardware, image_bytes, "      \
    "counter, key_id, encoding"
#define TARGET_FIELDS                                                                                        \
    "status, reason, ended, stage, bytes, size, wire_bytes, attempts, period_start, attempt_start, "         \
    "repeats, due, updated"

/* X(NAME, sql) */
#define STATEMENTS(X)                                                                                        \
    X(BEGIN, "BEGIN IMMEDIATE")                                                                              \
    X(COMMIT, "COMMIT")                                                                                      \
    X(ROLLBACK, "ROLLBACK")                                                                                  \
    X(STEP_BEGIN, "SAVEPOINT step")                                                                          \
    X(STEP_UNDO, "ROLLBACK TO step")                                                                         \
    X(STEP_END, "RELEASE step")                                                                              \
    X(SETTING_GET, "SELECT value FROM setting WHERE key = ?")                                                \
    X(SETTING_SET, "INSERT OR REPLACE INTO setting (key, value) VALUES (?, ?)")                              \
    X(TOKEN_ADD, "INSERT INTO token (hash, name, created) VALUES (?, ?, ?)")                                 \
    X(TOKENS, "SELECT hash FROM token")                                                                      \
    X(TEMPLATE_ADD, "INSERT OR IGNORE INTO template (name) VALUES (?)")                                      \
    X(TEMPLATE_GET, "SELECT 1 FROM template WHERE name = ?")                                                 \
    X(DEVICE_ADD, "INSERT INTO device (token_hash, created, " DEVICE_FIELDS                                  \
                  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                               \
    X(DEVICE_UPDATE,                                                                                         \
      "UPDATE device SET (" DEVICE_FIELDS ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE id = ?")     \
    X(DEVICE_GET, "SELECT id, token_hash, created, " DEVICE_FIELDS " FROM device WHERE id = ?")              \
    X(DEVICE_DELETE, "DELETE FROM device WHERE id = ?")                                                      \
    X(DEVICES, "SELECT id, token_hash, created, " DEVICE_FIELDS                                              \
               " FROM device WHERE ?1 IS NULL OR template = ?1 ORDER BY id")                                 \
    X(EVENT_ADD, "INSERT INTO event (device, time, kind, text) VALUES (?, ?, ?, ?)")                         \
    X(EVENT_TRIM, "DELETE FROM event WHERE device = ?1 AND id <= (SELECT id FROM event WHERE device = ?1 "   \
                  "ORDER BY id DESC LIMIT 1 OFFSET ?2)")                                                     \
    X(EVENTS, "SELECT time, kind, text FROM event WHERE device = ? ORDER BY id")                             \
    X(REJECTION_ADD, "INSERT OR REPLACE INTO rejection (device, head, reason, time) VALUES (?, ?, ?, ?)")    \
    X(REJECTION_GET, "SELECT reason FROM rejection WHERE device = ? AND head = ?")                           \
    X(FIRMWARE_ADD,                                                                                          \
      "INSERT INTO firmware (" FIRMWARE_FIELDS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")     \
    X(FIRMWARE_GET, "SELECT id, " FIRMWARE_FIELDS " FROM firmware WHERE id = ?")                             \
    X(FIRMWARE_FIND, "SELECT id, " FIRMWARE_FIELDS " FROM firmware WHERE sha256 = ?")                        \
    X(FIRMWARE_DELETE, "DELETE FROM firmware WHERE id = ?")                                                  \
    X(FIRMWARES, "SELECT id, " FIRMWARE_FIELDS " FROM firmware ORDER BY id DESC")                            \
    X(SHIPMENT_ADD, "INSERT INTO shipment (name, template, firmware, all_devices, state, created, ended) "   \
                    "VALUES (?, ?, ?, ?, ?, ?, ?)")                                                          \
    X(SHIPMENT_UPDATE, "UPDATE shipment SET state = ?, ended = ? WHERE id = ?")                              \
    X(SHIPMENT_GET, "SELECT id, name, template, firmware, all_devices, state, created, ended "               \
                    "FROM shipment WHERE id = ?")                                                            \
    X(SHIPMENTS, "SELECT id, name, template, firmware, all_devices, state, created, ended "                  \
                 "FROM shipment ORDER BY id DESC")                                                           \
    X(PROGRESS, "SELECT count(*), coalesce(sum(ended AND status IN (?2, ?3)), 0), "                          \
                "coalesce(sum(ended AND status NOT IN (?2, ?3)), 0) FROM target WHERE shipment = ?1")        \
    X(TARGET_ADD, "INSERT INTO target (shipment, device, " TARGET_FIELDS                                     \
                  ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                  \
    X(TARGET_UPDATE, "UPDATE target SET (" TARGET_FIELDS                                                     \
                     ") = (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) WHERE shipment = ? AND device = ?")        \
    X(TARGET_GET,                                                                                            \
      "SELECT shipment, device, " TARGET_FIELDS " FROM target WHERE shipment = ? AND device = ?")            \
    X(TARGETS_OF_SHIPMENT,                                                                                   \
      "SELECT shipment, device, " TARGET_FIELDS " FROM target WHERE shipment = ? ORDER BY device")           \
    X(TARGETS_OF_DEVICE,                                                                                     \
      "SELECT shipment, device, " TARGET_FIELDS " FROM target WHERE device = ? ORDER BY shipment DESC")      \
    X(TARGETS_DUE, "SELECT shipment, device, " TARGET_FIELDS                                                 \
                   " FROM target WHERE due > 0 AND due <= ? ORDER BY due LIMIT ?")

enum statement {
#define STATEMENT_ENUM(name, sql) SQL_##name,
    STATEMENTS(STATEMENT_ENUM)
#undef STATEMENT_ENUM
        SQL_COUNT
};

struct store {
    sqlite3 *database;
    sqlite3_stmt *prepared[SQL_COUNT]; /* filled as they are first used */
};

/* A statement being filled and read. The first failure sticks, so that only the end needs a check. */
struct query {
    struct store *store;
    sqlite3_stmt *statement;
    int next; /* parameter to bind, or column to read */
    int failure;
};

struct query db__query(struct store *store, enum statement statement);
void db__put_int(struct query *query, int64_t value);
void db__put_text(struct query *query, const char *text); /* NULL binds NULL */
void db__put_blob(struct query *query, const void *data, size_t bytes);

/* The next row is there: true. False at the end or after a failure. */
bool db__row(struct query *query);
int64_t db__int(struct query *query);
void db__text(struct query *query, char *to, size_t capacity);
/* False if the column is NULL or has another length. */
bool db__blob(struct query *query, void *to, size_t bytes);

/* Ends a query that was read. */
TDM_MUST_USE int db__end(struct query *query);
/* Runs a statement that gives no rows. */
TDM_MUST_USE int db__run(struct query *query);
/* Runs a statement that must change exactly one row: else STORE_NOT_FOUND. */
TDM_MUST_USE int db__run_one(struct query *query);

/* Appends room for one element of bytes to the list; NULL without memory (the query fails). The list grows by
 * doubling. */
void *db__append(struct query *query, void **list, size_t *count, size_t bytes);
/* Ends a query that filled a list; on failure the list is freed. */
TDM_MUST_USE int db__end_list(struct query *query, void **list, size_t *count);

#endif
