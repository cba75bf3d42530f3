/* What a kind of database must do for database.c. Private to cloud/store.
 *
 * Results are enum store_result; a driver logs what the caller of the store can't be told. */
#ifndef TANDEM_CLOUD_DRIVER_H
#define TANDEM_CLOUD_DRIVER_H

#include "cloud/idmap.h"
#include "cloud/store/crowd.h"
#include "cloud/store/shelf.h"
#include "cloud/store/store.h"

#define DRIVER_ROW 1 /* step: a row is there */

/* The words of migrations that differ (migrations.h). */
struct driver_words {
    const char *id;         /* a key that counts up and is never given twice */
    const char *row;        /* a key that counts up */
    const char *bytes;      /* the type of byte strings */
    const char *keyed;      /* behind a table that lies in the order of its key */
    const char *audit_seal; /* triggers that refuse to change or remove what is in audit */
};

struct driver {
    struct driver_words words;
    const char *version_setup; /* makes room for the format's number */
    const char *version_get;
    const char *version_set; /* %d */

    /* Fills store->connection and store->name. On failure why says what happened. */
    int (*open)(struct store *store, const char *where, char *why, size_t capacity);
    void (*close)(struct store *store);

    /* Opens a transaction that may write, as if no other were open at the same time. */
    int (*begin)(struct store *store);
    /* On failure nothing is kept, and no transaction is open. */
    int (*commit)(struct store *store);
    void (*rollback)(struct store *store);
    /* A failure has ended the transaction already, or broken it for good. */
    bool (*broken)(struct store *store);

    /* Statements without values and rows, separated by semicolons. */
    int (*execute)(struct store *store, const char *sql);

    int (*prepare)(struct store *store, const char *sql, void **statement);
    void (*put_int)(void *statement, int index, int64_t value);
    void (*put_text)(void *statement, int index, const char *text, size_t bytes);
    void (*put_bytes)(void *statement, int index, const void *data, size_t bytes);
    /* DRIVER_ROW, STORE_OK at the end, or an error. */
    int (*step)(struct store *store, void *statement);
    int64_t (*column_int)(void *statement, int column);
    /* Text or bytes until the next step; NULL if the column is. */
    const void *(*column)(void *statement, int column, size_t *bytes);
    /* How many rows the statement changed. */
    int64_t (*changed)(struct store *store, void *statement);
    /* The id that an INSERT ... RETURNING id gave to the one row that it added. */
    int64_t (*added)(struct store *store, void *statement);
    /* Ready to be put into again. */
    void (*reset)(void *statement);
    void (*finalize)(void *statement);
    /* What went wrong last. */
    const char *(*message)(struct store *store);
};

extern const struct driver driver_sqlite;
extern const struct driver driver_postgres;

struct store {
    const struct driver *driver;
    void *connection;
    char name[200];          /* of the database, for people */
    _Atomic int state;       /* store_state */
    int failure;             /* the first of this step, STORE_OK none */
    struct idmap statements; /* address of the SQL -> prepared statement */
    struct shelf shelf;      /* read in this transaction */
    struct crowd crowd;      /* counted in it, */
    struct crowd before;     /* and before its present step */
};

#endif
