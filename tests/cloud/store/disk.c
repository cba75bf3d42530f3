#include "tests/cloud/store/disk.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define SECTOR    512
#define STEPS_MAX 20000
#define IMAGE_MAX (2 * 1024 * 1024)

enum { DATABASE, LOG, FILES };
enum kind { WRITE, TRUNCATE, SYNC };

struct step {
    enum kind kind;
    int file;
    size_t at; /* TRUNCATE: the new size */
    size_t bytes;
    unsigned char *data;
};

/* One of the two files; the system's own lies behind it. */
struct noted_file {
    sqlite3_file file;
    int which;
};

struct image {
    size_t size;
    unsigned char bytes[IMAGE_MAX];
};

static struct step steps[STEPS_MAX];
static size_t step_count;
static int writes_left = -1; /* to a log, until one fails */
static bool write_failed;
static sqlite3_vfs *system_layer;
static sqlite3_vfs layer;

static sqlite3_file *under(sqlite3_file *file)
{
    return (sqlite3_file *)((struct noted_file *)file + 1);
}

static void note(enum kind kind, sqlite3_file *file, size_t at, const void *data, size_t bytes)
{
    assert_true(step_count < STEPS_MAX && at + bytes <= IMAGE_MAX);
    struct step *step = &steps[step_count++];
    *step = (struct step){kind, ((struct noted_file *)file)->which, at, bytes, NULL};
    if (bytes > 0) {
        step->data = malloc(bytes);
        assert_non_null(step->data);
        memcpy(step->data, data, bytes);
    }
}

/* --- The layer --- */

static int disk_close(sqlite3_file *file)
{
    return under(file)->pMethods->xClose(under(file));
}

static int disk_read(sqlite3_file *file, void *to, int bytes, sqlite3_int64 at)
{
    return under(file)->pMethods->xRead(under(file), to, bytes, at);
}

static int disk_write(sqlite3_file *file, const void *data, int bytes, sqlite3_int64 at)
{
    bool log = ((struct noted_file *)file)->which == LOG;
    if (log && writes_left >= 0 && writes_left-- == 0) {
        write_failed = true;
        return SQLITE_FULL;
    }
    note(WRITE, file, (size_t)at, data, (size_t)bytes);
    return under(file)->pMethods->xWrite(under(file), data, bytes, at);
}

static int disk_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    note(TRUNCATE, file, (size_t)size, NULL, 0);
    return under(file)->pMethods->xTruncate(under(file), size);
}

static int disk_sync(sqlite3_file *file, int flags)
{
    (void)flags; /* of the real disk nothing is asked */
    note(SYNC, file, 0, NULL, 0);
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return under(file)->pMethods->xFileSize(under(file), size);
}

static int disk_lock(sqlite3_file *file, int level)
{
    return under(file)->pMethods->xLock(under(file), level);
}

static int disk_unlock(sqlite3_file *file, int level)
{
    return under(file)->pMethods->xUnlock(under(file), level);
}

static int disk_reserved(sqlite3_file *file, int *reserved)
{
    return under(file)->pMethods->xCheckReservedLock(under(file), reserved);
}

static int disk_control(sqlite3_file *file, int what, void *argument)
{
    return under(file)->pMethods->xFileControl(under(file), what, argument);
}

static int disk_sector(sqlite3_file *file)
{
    return under(file)->pMethods->xSectorSize(under(file));
}

static int disk_traits(sqlite3_file *file)
{
    return under(file)->pMethods->xDeviceCharacteristics(under(file));
}

static int disk_map(sqlite3_file *file, int page, int bytes, int extend, void volatile **to)
{
    return under(file)->pMethods->xShmMap(under(file), page, bytes, extend, to);
}

static int disk_shared_lock(sqlite3_file *file, int offset, int count, int flags)
{
    return under(file)->pMethods->xShmLock(under(file), offset, count, flags);
}

static void disk_barrier(sqlite3_file *file)
{
    under(file)->pMethods->xShmBarrier(under(file));
}

static int disk_unmap(sqlite3_file *file, int unlink)
{
    return under(file)->pMethods->xShmUnmap(under(file), unlink);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_reserved,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_traits,
    .xShmMap = disk_map,
    .xShmLock = disk_shared_lock,
    .xShmBarrier = disk_barrier,
    .xShmUnmap = disk_unmap,
};

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *got)
{
    (void)vfs;
    if ((flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)) == 0)
        return system_layer->xOpen(system_layer, name, file, flags, got);
    *(struct noted_file *)file =
        (struct noted_file){.which = (flags & SQLITE_OPEN_WAL) != 0 ? LOG : DATABASE};
    int code = system_layer->xOpen(system_layer, name, under(file), flags, got);
    if (code == SQLITE_OK)
        file->pMethods = &methods;
    return code;
}

void disk_begin(void)
{
    if (system_layer == NULL) {
        system_layer = sqlite3_vfs_find("unix");
        assert_non_null(system_layer);
        layer = *system_layer;
        layer.pNext = NULL;
        layer.zName = "noted";
        layer.szOsFile = (int)sizeof(struct noted_file) + system_layer->szOsFile;
        layer.xOpen = disk_open;
    }
    assert_int_equal(sqlite3_vfs_register(&layer, 1), SQLITE_OK);
}

void disk_end(void)
{
    while (step_count > 0)
        free(steps[--step_count].data);
    writes_left = -1;
    assert_int_equal(sqlite3_vfs_register(system_layer, 1), SQLITE_OK);
}

size_t disk_steps(void)
{
    return step_count;
}

void disk_fail_after(int writes)
{
    writes_left = writes;
    write_failed = false;
}

bool disk_failed(void)
{
    return write_failed;
}

/* --- After the cut --- */

static void apply(struct image *image, const struct step *step, size_t from, size_t bytes)
{
    if (step->kind == TRUNCATE) {
        if (step->at < image->size)
            memset(image->bytes + step->at, 0, image->size - step->at);
        image->size = step->at;
    } else if (step->kind == WRITE) {
        memcpy(image->bytes + step->at + from, step->data + from, bytes);
        if (image->size < step->at + from + bytes)
            image->size = step->at + from + bytes;
    }
}

/* Each sector of what a step wrote, or not. */
static void apply_some(struct image *image, const struct step *step)
{
    for (size_t from = 0; from < step->bytes;) {
        size_t bytes = SECTOR - (step->at + from) % SECTOR;
        bytes = bytes < step->bytes - from ? bytes : step->bytes - from;
        if (rand() % 2 == 0)
            apply(image, step, from, bytes);
        from += bytes;
    }
    if (step->bytes == 0 && rand() % 2 == 0)
        apply(image, step, 0, 0);
}

static void save(const struct image *image, const char *path, const char *ending)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", path, ending);
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image->bytes, image->size), image->size);
    close(fd);
}

void disk_cut(size_t count, enum disk_mode mode, const char *path)
{
    static struct image image;
    static const char *const endings[FILES] = {"", "-wal"};
    char index[128];
    snprintf(index, sizeof index, "%s-shm", path);
    unlink(index); /* memory that is gone */
    for (int file = 0; file < FILES; file++) {
        size_t synced = 0; /* steps before this one are on the disk */
        for (size_t i = 0; i < count; i++)
            synced = steps[i].file == file && steps[i].kind == SYNC ? i : synced;
        memset(image.bytes, 0, image.size);
        image.size = 0;
        for (size_t i = 0; i < count; i++) {
            if (steps[i].file != file)
                continue;
            if (i < synced || mode == DISK_ALL)
                apply(&image, &steps[i], 0, steps[i].bytes);
            else if (mode == DISK_SOME)
                apply_some(&image, &steps[i]);
        }
        save(&image, path, endings[file]);
    }
}
