/* The tables, as the steps that lead to them. Private to cloud/store.
 *
 * A database has the number of the last step that it took. A new one takes them all, an older one those it
 * lacks, each in a transaction of its own; a newer one is refused. A step that was released is never changed
 * again: what it did wrong, another mends. */
#ifndef TANDEM_CLOUD_MIGRATIONS_H
#define TANDEM_CLOUD_MIGRATIONS_H

#include "cloud/store/store.h"

/* Brings the database up to date. On failure why says what is wrong. */
TDM_MUST_USE int migrations_run(struct store *store, char *why, size_t capacity);

#endif
