/* PostgreSQL: one connection, plain SQL, every value and column in binary form.
 *
 * Every transaction is serializable: several servers may decide about the same device at the same time, and
 * one of them is then told STORE_AGAIN. A transaction that broke with its connection is STORE_AGAIN too,
 * unless it was being committed: nobody knows then, and STORE_AWAY is the honest answer. */
#include <ctype.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cloud/store/postgres_connection.h"
#include "cloud/text.h"

#define TYPE_BYTES    17 /* object ids, as in PostgreSQL's pg_type.dat */
#define TYPE_INT      20
#define TYPE_TEXT     25
#define FORMAT_BINARY 1

struct statement {
    char *sql; /* values marked by $1, $2, ... */
    char name[24];
    unsigned session; /* the connection that it is prepared on; 0 none yet */
    int count;
    /* Of its values, as libpq wants them; integers have their bytes here. */
    Oid *types;
    const char **values;
    int *lengths, *formats;
    uint64_t *integers;
    PGresult *result; /* being read */
    int row;
};

static int postgres_execute(struct store *store, const char *sql)
{
    struct postgres *postgres = store->connection;
    if (!postgres__is_connected(postgres))
        return postgres__lost(store);
    return postgres__take_results(store, PQsendQuery(postgres->connection, sql), NULL);
}

static int postgres_open(struct store *store, const char *where, char *why, size_t capacity)
{
    struct postgres *postgres = calloc(1, sizeof *postgres);
    if (postgres == NULL || (postgres->where = strdup(where)) == NULL)
        abort();
    store->connection = postgres;
    postgres->given_up = true; /* at the start somebody looks on: do not wait */
    snprintf(store->name, sizeof store->name, "the PostgreSQL database");
    int result = postgres__connect(store);
    if (result != STORE_OK)
        snprintf(why, capacity, "%s", postgres->message);
    else
        snprintf(store->name, sizeof store->name, "PostgreSQL database %s at %s", PQdb(postgres->connection),
                 PQhost(postgres->connection));
    return result;
}

static void postgres_close(struct store *store)
{
    struct postgres *postgres = store->connection;
    PQfinish(postgres->connection);
    free(postgres->where);
    free(postgres);
}

/* --- Transactions --- */

static int postgres_begin(struct store *store)
{
    struct postgres *postgres = store->connection;
    static const char sql[] = "BEGIN ISOLATION LEVEL SERIALIZABLE";
    int result = postgres__is_connected(postgres) ? postgres_execute(store, sql) : STORE_AGAIN;
    if (result == STORE_AGAIN) { /* it broke while nobody used it */
        result = postgres__connect(store);
        if (result == STORE_OK)
            result = postgres_execute(store, sql);
    }
    return result;
}

static bool postgres_broken(struct store *store)
{
    struct postgres *postgres = store->connection;
    if (!postgres__is_connected(postgres))
        return true;
    PGTransactionStatusType status = PQtransactionStatus(postgres->connection);
    return status != PQTRANS_INTRANS && status != PQTRANS_INERROR;
}

static void postgres_rollback(struct store *store)
{
    if (!postgres_broken(store))
        (void)!postgres_execute(store, "ROLLBACK");
}

static int postgres_commit(struct store *store)
{
    struct postgres *postgres = store->connection;
    if (postgres_broken(store))
        return STORE_AGAIN;
    if (PQtransactionStatus(postgres->connection) == PQTRANS_INERROR) {
        postgres_rollback(store); /* COMMIT would do the same, and call it a success */
        return STORE_FAILED;
    }
    int result = postgres_execute(store, "COMMIT");
    if (result == STORE_AGAIN && postgres->connection == NULL)
        return STORE_AWAY;
    if (result != STORE_OK)
        postgres_rollback(store);
    return result;
}

/* --- Statements --- */

/* `?` becomes $1, $2, ... in order, `?2` becomes $2; the caller frees it. *count: how many it has. */
static char *mark_values(const char *sql, int *count)
{
    char *text = NULL;
    size_t bytes = 0;
    *count = 0;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        abort();
    bool quoted = false;
    for (const char *p = sql; *p != '\0'; p++) {
        int number = isdigit((unsigned char)p[1]) ? (int)strtol(p + 1, NULL, 10) : 0;
        quoted ^= *p == '\'';
        if (*p != '?' || quoted) {
            fputc(*p, to);
            continue;
        }
        if (number > 0)
            fputc('$', to);
        else
            fprintf(to, "$%d", number = *count + 1);
        *count = number > *count ? number : *count;
    }
    if (fclose(to) != 0)
        abort();
    return text;
}

static void *room_for(int count, size_t bytes)
{
    void *room = calloc((size_t)count + 1, bytes);
    if (room == NULL)
        abort();
    return room;
}

static void make_room(struct statement *statement)
{
    statement->types = room_for(statement->count, sizeof *statement->types);
    statement->values = room_for(statement->count, sizeof *statement->values);
    statement->lengths = room_for(statement->count, sizeof *statement->lengths);
    statement->formats = room_for(statement->count, sizeof *statement->formats);
    statement->integers = room_for(statement->count, sizeof *statement->integers);
}

/* The server learns of it when it first runs: only then are the types of its values known. */
static int postgres_prepare(struct store *store, const char *sql, void **prepared)
{
    struct postgres *postgres = store->connection;
    struct statement *statement = calloc(1, sizeof *statement);
    if (statement == NULL)
        abort();
    statement->sql = mark_values(sql, &statement->count);
    make_room(statement);
    snprintf(statement->name, sizeof statement->name, "s%u", ++postgres->statements);
    *prepared = statement;
    return STORE_OK;
}

static void put(struct statement *statement, int index, Oid type, const void *value, size_t bytes)
{
    if (index >= statement->count)
        abort(); /* more than its SQL has */
    statement->types[index] = type;
    statement->values[index] = value;
    statement->lengths[index] = (int)bytes;
    statement->formats[index] = FORMAT_BINARY;
}

static void postgres_put_int(void *prepared, int index, int64_t value)
{
    struct statement *statement = prepared;
    put(statement, index, TYPE_INT, &statement->integers[index], sizeof value);
    statement->integers[index] = htobe64((uint64_t)value);
}

static void postgres_put_text(void *prepared, int index, const char *text, size_t bytes)
{
    put(prepared, index, TYPE_TEXT, text, text_valid_bytes(text, bytes));
}

static void postgres_put_bytes(void *prepared, int index, const void *data, size_t bytes)
{
    put(prepared, index, TYPE_BYTES, data, bytes);
}

static int tell_server(struct store *store, struct statement *statement)
{
    struct postgres *postgres = store->connection;
    if (!postgres__is_connected(postgres))
        return postgres__lost(store);
    if (statement->session == postgres->session)
        return STORE_OK;
    int result = postgres__take_results(store,
                                        PQsendPrepare(postgres->connection, statement->name, statement->sql,
                                                      statement->count, statement->types),
                                        NULL);
    if (result == STORE_OK)
        statement->session = postgres->session;
    return result;
}

static int run(struct store *store, struct statement *statement)
{
    struct postgres *postgres = store->connection;
    int result = tell_server(store, statement);
    if (result != STORE_OK)
        return result;
    int sent = PQsendQueryPrepared(postgres->connection, statement->name, statement->count, statement->values,
                                   statement->lengths, statement->formats, FORMAT_BINARY);
    return postgres__take_results(store, sent, &statement->result);
}

static int postgres_step(struct store *store, void *prepared)
{
    struct statement *statement = prepared;
    if (statement->result == NULL) {
        int result = run(store, statement);
        if (result != STORE_OK)
            return result;
        statement->row = -1;
    }
    if (statement->row + 1 >= PQntuples(statement->result))
        return STORE_OK;
    statement->row++;
    return DRIVER_ROW;
}

static int64_t postgres_column_int(void *prepared, int column)
{
    struct statement *statement = prepared;
    const char *value = PQgetvalue(statement->result, statement->row, column);
    uint64_t eight;
    uint32_t four;
    switch (PQgetlength(statement->result, statement->row, column)) {
    case sizeof eight:
        memcpy(&eight, value, sizeof eight);
        return (int64_t)be64toh(eight);
    case sizeof four:
        memcpy(&four, value, sizeof four);
        return (int32_t)be32toh(four);
    default:
        return 0; /* NULL */
    }
}

static const void *postgres_column(void *prepared, int column, size_t *bytes)
{
    struct statement *statement = prepared;
    if (PQgetisnull(statement->result, statement->row, column))
        return NULL;
    *bytes = (size_t)PQgetlength(statement->result, statement->row, column);
    return PQgetvalue(statement->result, statement->row, column);
}

static int64_t postgres_changed(struct store *store, void *prepared)
{
    struct statement *statement = prepared;
    (void)store;
    return strtoll(PQcmdTuples(statement->result), NULL, 10);
}

static int64_t postgres_added(struct store *store, void *prepared)
{
    (void)store;
    return postgres_column_int(prepared, 0);
}

static void postgres_reset(void *prepared)
{
    struct statement *statement = prepared;
    PQclear(statement->result);
    statement->result = NULL;
}

static void postgres_finalize(void *prepared)
{
    struct statement *statement = prepared;
    PQclear(statement->result);
    free(statement->sql);
    free(statement->types);
    free(statement->values);
    free(statement->lengths);
    free(statement->formats);
    free(statement->integers);
    free(statement);
}

static const char *postgres_message(struct store *store)
{
    struct postgres *postgres = store->connection;
    return postgres->message;
}

const struct driver driver_postgres = {
    .words = {.id = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
              .row = "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
              .bytes = "BYTEA",
              .keyed = "",
              .audit_seal = "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                            "RAISE EXCEPTION 'the audit log is only added to'; END $$;"
                            "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit "
                            "FOR EACH ROW EXECUTE FUNCTION audit_refuse();"
                            "CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit "
                            "FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();"},
    .version_setup = "CREATE TABLE IF NOT EXISTS format (version BIGINT PRIMARY KEY)",
    .version_get = "SELECT coalesce(max(version), 0) FROM format",
    .version_set = "INSERT INTO format (version) VALUES (%d)",
    .open = postgres_open,
    .close = postgres_close,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .rollback = postgres_rollback,
    .broken = postgres_broken,
    .execute = postgres_execute,
    .prepare = postgres_prepare,
    .put_int = postgres_put_int,
    .put_text = postgres_put_text,
    .put_bytes = postgres_put_bytes,
    .step = postgres_step,
    .column_int = postgres_column_int,
    .column = postgres_column,
    .changed = postgres_changed,
    .added = postgres_added,
    .reset = postgres_reset,
    .finalize = postgres_finalize,
    .message = postgres_message,
};
