#include "cloud/store/sqlite_gather.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <string.h>

#define NAME           "tandem-gather"
#define GATHERED_BYTES (64 * 1024) /* the system's layer takes no more than that in one call */

/* A log. The system's own file lies behind it. */
struct log_file {
    sqlite3_file file;
    unsigned char *gathered; /* NULL before the first write */
    int bytes;               /* of gathered, not written yet */
    sqlite3_int64 offset;    /* where they belong */
    int lost;                /* the error of a write that failed: SQLite was told that it succeeded */
};

static sqlite3_file *under(sqlite3_file *file)
{
    return (sqlite3_file *)((struct log_file *)file + 1);
}

/* A transaction of which something was lost must not be committed, though SQLite may take but one statement
 * back for the error, and go on: each call fails until all of it is taken back. */
static int flush(sqlite3_file *file)
{
    struct log_file *log = (struct log_file *)file;
    int bytes = log->bytes;
    log->bytes = 0;
    if (log->lost == SQLITE_OK && bytes > 0)
        log->lost = under(file)->pMethods->xWrite(under(file), log->gathered, bytes, log->offset);
    return log->lost;
}

static int log_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 offset)
{
    struct log_file *log = (struct log_file *)file;
    bool follows = log->bytes > 0 && offset == log->offset + log->bytes;
    int code = follows && bytes <= GATHERED_BYTES - log->bytes ? log->lost : flush(file);
    if (code != SQLITE_OK)
        return code;
    if (log->gathered == NULL)
        log->gathered = sqlite3_malloc(GATHERED_BYTES);
    if (log->gathered == NULL || bytes > GATHERED_BYTES)
        return under(file)->pMethods->xWrite(under(file), data, bytes, offset);
    if (log->bytes == 0)
        log->offset = offset;
    memcpy(log->gathered + log->bytes, data, (size_t)bytes);
    log->bytes += bytes;
    return SQLITE_OK;
}

static int log_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 offset)
{
    int code = flush(file);
    return code == SQLITE_OK ? under(file)->pMethods->xRead(under(file), to, bytes, offset) : code;
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int code = flush(file);
    return code == SQLITE_OK ? under(file)->pMethods->xTruncate(under(file), size) : code;
}

static int log_sync(sqlite3_file *file, int flags)
{
    int code = flush(file);
    return code == SQLITE_OK ? under(file)->pMethods->xSync(under(file), flags) : code;
}

static int log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int code = flush(file);
    return code == SQLITE_OK ? under(file)->pMethods->xFileSize(under(file), size) : code;
}

/* What was not synced by now was not committed. */
static int log_close(sqlite3_file *file)
{
    struct log_file *log = (struct log_file *)file;
    sqlite3_free(log->gathered);
    return under(file)->pMethods->xClose(under(file));
}

/* A log is locked by its database. */
static int log_lock(sqlite3_file *file, int level)
{
    (void)file;
    (void)level;
    return SQLITE_OK;
}

static int log_reserved(sqlite3_file *file, int *reserved)
{
    (void)file;
    *reserved = 0;
    return SQLITE_OK;
}

static int log_control(sqlite3_file *file, int what, void *argument)
{
    return under(file)->pMethods->xFileControl(under(file), what, argument);
}

static int log_sector(sqlite3_file *file)
{
    return under(file)->pMethods->xSectorSize(under(file));
}

static int log_traits(sqlite3_file *file)
{
    return under(file)->pMethods->xDeviceCharacteristics(under(file));
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_lock,
    .xCheckReservedLock = log_reserved,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_traits,
};

/* Everything but a log is the system's own file. */
static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
    (void)vfs;
    sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if ((flags & SQLITE_OPEN_WAL) == 0)
        return system->xOpen(system, name, file, flags, got);
    *(struct log_file *)file = (struct log_file){0};
    int code = system->xOpen(system, name, under(file), flags, got);
    if (code == SQLITE_OK)
        file->pMethods = &log_methods;
    return code;
}

static const char *gather_name(void)
{
    static sqlite3_vfs gather; /* SQLite keeps it; whoever comes second finds it there */
    if (sqlite3_vfs_find(NAME) != NULL)
        return NAME;
    const sqlite3_vfs *system = sqlite3_vfs_find(NULL);
    if (system == NULL)
        return NULL;
    gather = *system;
    gather.pNext = NULL;
    gather.zName = NAME;
    gather.szOsFile = (int)sizeof(struct log_file) + system->szOsFile;
    gather.xOpen = gather_open;
    return sqlite3_vfs_register(&gather, 0) == SQLITE_OK ? NAME : NULL;
}

/* The transaction is taken back, and its lock is free: what it gathered must not be written any more, for
 * there another program may be writing. */
static void on_rollback(void *database)
{
    sqlite3_file *file = NULL;
    if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK ||
        file == NULL || file->pMethods != &log_methods)
        return;
    struct log_file *log = (struct log_file *)file;
    log->bytes = 0;
    log->lost = SQLITE_OK;
}

int sqlite_gather_open(const char *path, sqlite3 **database)
{
    int code = sqlite3_open_v2(
        path, database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, gather_name());
    if (code == SQLITE_OK)
        sqlite3_rollback_hook(*database, on_rollback, *database);
    return code;
}
