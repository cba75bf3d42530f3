/* SQLite's write-ahead log, written in few large pieces. Private to cloud/store.
 *
 * SQLite writes each page that a commit changed by two calls, one for a header of 24 bytes: under load that
 * costs more than the writing. This layer between it and the system's files keeps what is written to a log
 * until the log is synced or read, or until 64 KiB are together. With synchronous = FULL each commit syncs
 * the log before anybody may see it or is told of it, so nothing that was committed is ever only here. What
 * was gathered of a transaction that is taken back is dropped with it. */
#ifndef TANDEM_CLOUD_SQLITE_GATHER_H
#define TANDEM_CLOUD_SQLITE_GATHER_H

#include <sqlite3.h>

/* Opens the database of this name, as sqlite3_open does. For PRAGMA synchronous = FULL or EXTRA alone. */
int sqlite_gather_open(const char *path, sqlite3 **database);

#endif
