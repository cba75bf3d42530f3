/* PostgreSQL through libpq: one connection, plain SQL, every value and column in binary form.
 *
 * Every transaction is serializable: several servers may decide about the same device at the same time, and
 * one of them is then told STORE_AGAIN. A connection that broke is opened again by the next store_begin,
 * which waits for a server that restarts; a transaction that broke with it is STORE_AGAIN too, unless it was
 * being committed: nobody knows then, and STORE_AWAY is the honest answer. */
#include <endian.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cloud/log.h"
#include "cloud/store/driver.h"

#define VALUES_MAX    128   /* of one statement */
#define ANSWER_MS     30000 /* to any statement; then the connection counts as lost */
#define RETURN_MS     10000 /* that a lost server is waited for */
#define RETRY_MS      200
#define CONNECT_S     "5"
#define TYPE_BYTES    17 /* object ids, as in PostgreSQL's pg_type.dat */
#define TYPE_INT      20
#define TYPE_TEXT     25
#define FORMAT_BINARY 1

struct statement {
    char *sql; /* values marked by $1, $2, ... */
    char name[24];
    unsigned session; /* the connection that it is prepared on; 0 none yet */
    int count;
    Oid types[VALUES_MAX];
    const char *values[VALUES_MAX];
    int lengths[VALUES_MAX];
    int formats[VALUES_MAX];
    uint64_t integers[VALUES_MAX];
    PGresult *result; /* being read */
    int row;
};

struct postgres {
    char *where;
    PGconn *connection;
    unsigned session;    /* counts connections */
    unsigned statements; /* counts names */
    bool given_up;       /* the server was waited for in vain: do not wait again until it is back */
    char message[300];
};

static int64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Failures --- */

/* libpq's messages end with a newline, and have several lines at times. */
static void keep_message(struct postgres *postgres, const char *message)
{
    snprintf(postgres->message, sizeof postgres->message, "%s", message);
    for (char *p = postgres->message; *p != '\0'; p++) {
        if (*p == '\n' || *p == '\t')
            *p = p[1] == '\0' ? '\0' : ' ';
    }
}

static int failed(struct store *store, int result, const char *event, const char *hint)
{
    struct postgres *postgres = store->connection;
    char quoted[LOG_TEXT_MAX];
    log_line(LOG_LEVEL_ERROR, event, "message=%s hint=\"%s\"", log_quote(postgres->message, quoted), hint);
    return result;
}

/* The server can't be used any more: whatever was open is gone. */
static int lost(struct store *store)
{
    struct postgres *postgres = store->connection;
    store->state = STORE_AWAY;
    if (postgres->connection != NULL) {
        (void)failed(store, STORE_AGAIN, "database-lost", "is it restarting? it is connected to again");
        PQfinish(postgres->connection);
        postgres->connection = NULL;
    }
    return STORE_AGAIN;
}

/* X(SQLSTATE or the first two letters of it, result, event, hint) */
#define FAILURES(X)                                                                                          \
    X("53100", STORE_FULL, "database-full", "free some space on the database server's disk")                 \
    X("25006", STORE_READ_ONLY, "database-read-only", "the server takes no writes: is it a standby?")        \
    X("55P03", STORE_LOCKED, "database-locked", "another program holds a lock; end it")                      \
    X("57014", STORE_LOCKED, "database-locked", "another program holds a lock; end it")                      \
    X("XX001", STORE_DAMAGED, "database-damaged", "restore a backup of the PostgreSQL server")               \
    X("XX002", STORE_DAMAGED, "database-damaged", "restore a backup of the PostgreSQL server")               \
    X("", STORE_FAILED, "database-failed", "look into the database server's log")

static int translate_state(struct store *store, const char *state)
{
    static const struct {
        const char *state;
        int result;
        const char *event;
        const char *hint;
    } failures[] = {
#define FAILURE(state, result, event, hint) {state, result, event, hint},
        FAILURES(FAILURE)
#undef FAILURE
    };
    if (strncmp(state, "40", 2) == 0) /* somebody else wrote the same, or a deadlock */
        return STORE_AGAIN;
    if (strncmp(state, "23", 2) == 0) /* an answer, not a fault, so it is not logged */
        return STORE_CONFLICT;
    if (strncmp(state, "57P", 3) == 0 || strncmp(state, "08", 2) == 0)
        return lost(store);
    size_t i = 0;
    while (strncmp(failures[i].state, state, strlen(failures[i].state)) != 0)
        i++;
    return failed(store, failures[i].result, failures[i].event, failures[i].hint);
}

static int translate(struct store *store, PGresult *result)
{
    struct postgres *postgres = store->connection;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return STORE_OK;
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    keep_message(postgres, PQresultErrorMessage(result));
    if (state == NULL || PQstatus(postgres->connection) != CONNECTION_OK)
        return lost(store);
    return translate_state(store, state);
}

/* --- The connection --- */

static void on_notice(void *ctx, const char *message)
{
    (void)ctx;
    char quoted[LOG_TEXT_MAX];
    log_line(LOG_LEVEL_DEBUG, "database-notice", "message=%s", log_quote(message, quoted));
}

/* What the URL says wins over what stands before it. */
static int connect_once(struct store *store)
{
    static const char *const names[] = {"connect_timeout", "application_name", "tcp_user_timeout",
                                        "keepalives_idle", "keepalives_count", "keepalives_interval",
                                        "client_encoding", "dbname",           NULL};
    struct postgres *postgres = store->connection;
    const char *const values[] = {CONNECT_S, "tandem-cloud", "15000",         "10", "3",
                                  "5",       "UTF8",         postgres->where, NULL};
    PGconn *connection = PQconnectdbParams(names, values, 1);
    if (PQstatus(connection) != CONNECTION_OK || PQsetnonblocking(connection, 1) != 0) {
        keep_message(postgres, PQerrorMessage(connection));
        PQfinish(connection);
        return STORE_AWAY;
    }
    PQsetNoticeProcessor(connection, on_notice, NULL);
    postgres->connection = connection;
    postgres->session++;
    return STORE_OK;
}

static bool is_connected(const struct postgres *postgres)
{
    return postgres->connection != NULL && PQstatus(postgres->connection) == CONNECTION_OK;
}

/* Waits for a server that is away, once; after that, until it is back, each call tries once. */
static int connect_again(struct store *store)
{
    struct postgres *postgres = store->connection;
    int64_t end = clock_ms() + (postgres->given_up ? 0 : RETURN_MS);
    lost(store);
    while (connect_once(store) != STORE_OK) {
        if (clock_ms() >= end) {
            if (!postgres->given_up)
                (void)failed(store, STORE_AWAY, "database-away", "start it; until then requests are refused");
            postgres->given_up = true;
            return STORE_AWAY;
        }
        poll(NULL, 0, RETRY_MS);
    }
    postgres->given_up = false;
    store->state = STORE_OK;
    log_line(LOG_LEVEL_INFO, "database-connected", "session=%u", postgres->session);
    return STORE_OK;
}

/* The next result, NULL at the end; within the limit, or the connection is given up. */
static PGresult *next_result(struct store *store, int64_t end)
{
    struct postgres *postgres = store->connection;
    PGconn *connection = postgres->connection;
    int flush;
    while ((flush = PQflush(connection)) > 0 || PQisBusy(connection)) {
        struct pollfd fd = {PQsocket(connection), (short)(POLLIN | (flush > 0 ? POLLOUT : 0)), 0};
        int64_t left = end - clock_ms();
        int ready = poll(&fd, 1, left > 0 ? (int)left : 0);
        if (ready == 0) {
            keep_message(postgres, "the server does not answer");
            lost(store);
            return NULL;
        }
        if (ready > 0 && !PQconsumeInput(connection))
            break; /* the result says so */
    }
    return PQgetResult(connection);
}

/* Waits for what was sent; *rows is the last result, if it is one with rows or a count. */
static int take_results(struct store *store, int sent, PGresult **rows)
{
    struct postgres *postgres = store->connection;
    int64_t end = clock_ms() + ANSWER_MS;
    int status = STORE_OK;
    if (!sent) {
        keep_message(postgres, PQerrorMessage(postgres->connection));
        return lost(store);
    }
    for (PGresult *result; postgres->connection != NULL && (result = next_result(store, end)) != NULL;) {
        int one = translate(store, result);
        status = status == STORE_OK ? one : status;
        if (rows != NULL && one == STORE_OK) {
            PQclear(*rows);
            *rows = result;
        } else {
            PQclear(result);
        }
    }
    return status == STORE_OK && postgres->connection == NULL ? STORE_AGAIN : status;
}

static int postgres_execute(struct store *store, const char *sql)
{
    struct postgres *postgres = store->connection;
    if (!is_connected(postgres))
        return lost(store);
    return take_results(store, PQsendQuery(postgres->connection, sql), NULL);
}

static int postgres_open(struct store *store, const char *where, char *why, size_t capacity)
{
    struct postgres *postgres = calloc(1, sizeof *postgres);
    if (postgres == NULL || (postgres->where = strdup(where)) == NULL)
        abort();
    store->connection = postgres;
    postgres->given_up = true; /* at the start somebody looks on: do not wait */
    snprintf(store->name, sizeof store->name, "the PostgreSQL database");
    int result = connect_again(store);
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
    int result = is_connected(postgres) ? postgres_execute(store, sql) : STORE_AGAIN;
    if (result == STORE_AGAIN) { /* it broke while nobody used it */
        result = connect_again(store);
        if (result == STORE_OK)
            result = postgres_execute(store, sql);
    }
    return result;
}

static bool postgres_broken(struct store *store)
{
    struct postgres *postgres = store->connection;
    if (!is_connected(postgres))
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

/* `?` becomes $1, $2, ... in order, `?2` becomes $2; the caller frees it. */
static char *mark_values(const char *sql)
{
    char *text = NULL;
    size_t bytes = 0;
    int next = 1;
    FILE *to = open_memstream(&text, &bytes);
    if (to == NULL)
        abort();
    bool quoted = false;
    for (const char *p = sql; *p != '\0'; p++) {
        bool numbered = p[1] >= '0' && p[1] <= '9';
        quoted ^= *p == '\'';
        if (*p == '?' && !quoted && numbered)
            fputc('$', to);
        else if (*p == '?' && !quoted)
            fprintf(to, "$%d", next++);
        else
            fputc(*p, to);
    }
    if (fclose(to) != 0)
        abort();
    return text;
}

/* The server learns of it when it first runs: only then are the types of its values known. */
static int postgres_prepare(struct store *store, const char *sql, void **prepared)
{
    struct postgres *postgres = store->connection;
    struct statement *statement = calloc(1, sizeof *statement);
    if (statement == NULL)
        abort();
    statement->sql = mark_values(sql);
    snprintf(statement->name, sizeof statement->name, "s%u", ++postgres->statements);
    *prepared = statement;
    return STORE_OK;
}

static void put(struct statement *statement, int index, Oid type, const void *value, size_t bytes)
{
    if (index >= VALUES_MAX)
        abort(); /* a statement of ours has too many */
    statement->types[index] = type;
    statement->values[index] = value;
    statement->lengths[index] = (int)bytes;
    statement->formats[index] = FORMAT_BINARY;
    if (index >= statement->count)
        statement->count = index + 1;
}

static void postgres_put_int(void *prepared, int index, int64_t value)
{
    struct statement *statement = prepared;
    put(statement, index, TYPE_INT, &statement->integers[index], sizeof value);
    statement->integers[index] = htobe64((uint64_t)value);
}

/* How much of text is valid UTF-8: the server refuses the rest. */
static size_t valid_bytes(const char *text, size_t bytes)
{
    size_t at = 0;
    while (at < bytes) {
        unsigned char first = (unsigned char)text[at];
        size_t more = first < 0x80   ? 0
                      : first < 0xC2 ? 9
                      : first < 0xE0 ? 1
                      : first < 0xF0 ? 2
                      : first < 0xF5 ? 3
                                     : 9;
        if (more > bytes - at - 1)
            return at;
        unsigned char second = more > 0 ? (unsigned char)text[at + 1] : 0x80;
        bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second >= 0xA0) ||
                   (first == 0xF0 && second < 0x90) || (first == 0xF4 && second >= 0x90);
        for (size_t i = 1; i <= more; i++)
            bad |= ((unsigned char)text[at + i] & 0xC0) != 0x80;
        if (bad)
            return at;
        at += more + 1;
    }
    return bytes;
}

static void postgres_put_text(void *prepared, int index, const char *text, size_t bytes)
{
    put(prepared, index, TYPE_TEXT, text, valid_bytes(text, bytes));
}

static void postgres_put_bytes(void *prepared, int index, const void *data, size_t bytes)
{
    put(prepared, index, TYPE_BYTES, data, bytes);
}

static int tell_server(struct store *store, struct statement *statement)
{
    struct postgres *postgres = store->connection;
    if (!is_connected(postgres))
        return lost(store);
    if (statement->session == postgres->session)
        return STORE_OK;
    int result = take_results(store,
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
    return take_results(store, sent, &statement->result);
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
    .reset = postgres_reset,
    .finalize = postgres_finalize,
    .message = postgres_message,
};
