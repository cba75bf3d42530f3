/* A connection to PostgreSQL through libpq that comes back. Private to driver_postgres.c.
 *
 * No wait is without a limit: a server that does not answer counts as lost. A connection that broke is opened
 * again by postgres__connect, which waits for a server that restarts. */
#ifndef TANDEM_CLOUD_POSTGRES_CONNECTION_H
#define TANDEM_CLOUD_POSTGRES_CONNECTION_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "cloud/store/driver.h"

struct postgres {
    char *where;
    PGconn *connection;
    unsigned session;    /* counts connections */
    unsigned statements; /* counts names */
    bool given_up;       /* the server was waited for in vain: do not wait again until it is back */
    char message[300];
};

bool postgres__is_connected(const struct postgres *postgres);

/* Connects anew. Waits for a server that is away, once; after that, until it is back, each call tries once:
 * STORE_AWAY. */
int postgres__connect(struct store *store);

/* Gives the connection up: whatever was open is gone. STORE_AGAIN. */
int postgres__lost(struct store *store);

/* Waits for what was sent (what the PQsend... call returned), to its end. *rows, which may be NULL, becomes
 * the last result, if it is one with rows or a count. */
int postgres__take_results(struct store *store, int sent, PGresult **rows);

#endif
