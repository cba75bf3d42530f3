#include "tests/cloud/store/fresh.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[64];

bool fresh_is_postgres(void)
{
    return getenv("TANDEM_TEST_DATABASE") != NULL;
}

const char *fresh_where(void)
{
    return fresh_is_postgres() ? getenv("TANDEM_TEST_DATABASE") : path;
}

static void empty_server(void)
{
    PGconn *connection = PQconnectdb(fresh_where());
    PGresult *result = PQexec(connection, "SET client_min_messages = error; DROP SCHEMA public CASCADE; "
                                          "CREATE SCHEMA public");
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(connection));
    PQclear(result);
    PQfinish(connection);
}

static void remove_files(void)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char name[80];
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        unlink(name);
    }
}

void fresh_begin(void)
{
    snprintf(path, sizeof path, "/tmp/tandem-store-%d", (int)getpid());
    if (fresh_is_postgres())
        empty_server();
    else
        remove_files();
}

void fresh_end(void)
{
    if (!fresh_is_postgres())
        remove_files();
}

static struct store *open_at(const char *where)
{
    struct store *store;
    char why[400];
    if (store_open(&store, where, why, sizeof why) != STORE_OK)
        fail_msg("%s", why);
    return store;
}

struct store *fresh_open(void)
{
    return open_at(fresh_where());
}

struct store *fresh_open_alone(void)
{
    return open_at(fresh_is_postgres() ? fresh_where() : ":memory:");
}
