/* SQLite's write-ahead log, written in few large pieces. Private to cloud/store.
 *
 * SQLite writes each page that a commit changed by two calls, one for a header of 24 bytes: under load that
 * costs more than the writing. This layer between it and the system's files keeps what is written to a log
 * until the log is synced or read, or until 64 KiB are together. With synchronous = FULL each commit syncs
 * the log before anybody may see it or is told of it, so nothing that was committed is ever only here. */
#ifndef TANDEM_CLOUD_SQLITE_GATHER_H
#define TANDEM_CLOUD_SQLITE_GATHER_H

/* The name to open databases with, NULL on failure. For PRAGMA synchronous = FULL or EXTRA alone. */
const char *sqlite_gather(void);

#endif
