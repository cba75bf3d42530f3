#include "cloud/store/postgres_connection.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "cloud/log.h"
#include "cloud/text.h"

#define ANSWER_MS 30000 /* to any statement; then the connection counts as lost */
#define RETURN_MS 10000 /* that a lost server is waited for */
#define RETRY_MS  200
#define CONNECT_S "5"

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

int postgres__lost(struct store *store)
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
        return postgres__lost(store);
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
        return postgres__lost(store);
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

bool postgres__is_connected(const struct postgres *postgres)
{
    return postgres->connection != NULL && PQstatus(postgres->connection) == CONNECTION_OK;
}

int postgres__connect(struct store *store)
{
    struct postgres *postgres = store->connection;
    int64_t end = text_steady_ms() + (postgres->given_up ? 0 : RETURN_MS);
    postgres__lost(store);
    while (connect_once(store) != STORE_OK) {
        if (text_steady_ms() >= end) {
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
        int64_t left = end - text_steady_ms();
        int ready = poll(&fd, 1, left > 0 ? (int)left : 0);
        if (ready == 0) {
            keep_message(postgres, "the server does not answer");
            postgres__lost(store);
            return NULL;
        }
        if (ready > 0 && !PQconsumeInput(connection))
            break; /* the result says so */
    }
    return PQgetResult(connection);
}

int postgres__take_results(struct store *store, int sent, PGresult **rows)
{
    struct postgres *postgres = store->connection;
    int64_t end = text_steady_ms() + ANSWER_MS;
    int status = STORE_OK;
    if (!sent) {
        keep_message(postgres, PQerrorMessage(postgres->connection));
        return postgres__lost(store);
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
