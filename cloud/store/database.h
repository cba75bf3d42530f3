/* What the store's calls are written in: a statement is SQL that stands where it is used, in the words that
 * SQLite and PostgreSQL share; it is prepared once, filled, and read. Private to cloud/store.
 *
 *     struct query query = db__query(store, "SELECT name FROM device WHERE id = ?");
 *     db__put_int(&query, id);
 *     return db__one(&query, read_name, device);
 *
 * The SQL
 *   - is a literal: it is known again by its address;
 *   - marks values by `?`, or by ?1, ?2, ... where one is used twice (not both in one statement);
 *   - has integers of 64 bits (BIGINT), texts and bytes, no booleans: `ended <> 0`, and a CASE where one
 *     is counted;
 *   - adds by `INSERT ... ON CONFLICT DO NOTHING RETURNING id`: a conflict that is an error would cost
 *     PostgreSQL the whole transaction;
 *   - casts a sum to BIGINT, and takes no other function than count, sum, min, max, coalesce, length,
 *     lower, substr.
 *
 * What was put must stay as it is until the query ran. The first failure sticks, so that only the end needs a
 * check. */
#ifndef TANDEM_CLOUD_DATABASE_H
#define TANDEM_CLOUD_DATABASE_H

#include "cloud/store/store.h"

struct query {
    struct store *store;
    void *statement; /* the driver's */
    int next;        /* value to put, or column to read */
    int failure;
};

struct query db__query(struct store *store, const char *sql);
void db__put_int(struct query *query, int64_t value);
void db__put_text(struct query *query, const char *text);                /* NULL puts NULL */
void db__put_bytes(struct query *query, const void *data, size_t bytes); /* so it does here */

/* The next row is there: true. False at the end or after a failure. */
bool db__row(struct query *query);
int64_t db__int(struct query *query);
void db__text(struct query *query, char *to, size_t capacity);
/* False if the column is NULL or has another length. */
bool db__bytes(struct query *query, void *to, size_t bytes);
/* As many bytes as there are; 0 if the column is NULL or has more than capacity. */
size_t db__blob(struct query *query, void *to, size_t capacity);

/* Ends a query that was read. */
TDM_MUST_USE int db__end(struct query *query);
/* Runs a statement that gives no rows. */
TDM_MUST_USE int db__run(struct query *query);
/* Runs a statement that must change exactly one row: else STORE_NOT_FOUND. */
TDM_MUST_USE int db__run_one(struct query *query);
/* Runs an INSERT that returns the id of what it added: else STORE_CONFLICT. */
TDM_MUST_USE int db__run_add(struct query *query, int64_t *id);

/* Reads the columns of a row into a record that is all zero. */
typedef void db_read_fn(struct query *query, void *record);
/* Of columns node, connection, origin. */
db_read_fn db__read_presence;
/* The only row into record: else STORE_NOT_FOUND, and record stays as it is. */
TDM_MUST_USE int db__one(struct query *query, db_read_fn *read, void *record, size_t bytes);
/* Its only column, where that is a number. */
TDM_MUST_USE int db__one_int(struct query *query, int64_t *value);
/* All rows into a new array of records of that size; NULL without rows or on failure. */
TDM_MUST_USE int db__list(struct query *query, db_read_fn *read, size_t bytes, void *list, size_t *count);

#endif
