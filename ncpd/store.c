#include "ncpd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ncpd/hex.h"
#include "ncpd/log.h"

#define PART     "download.part"
#define PART_OF  "download.json"
#define COMPLETE "firmware.bin"

/* --- The folder --- */

bool store_open(struct store *store, const struct mcu_config *mcu)
{
    const char *name = mcu->name;
    const char *path = mcu->data;

    *store = (struct store){.folder = -1, .part = -1};
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        log_error(name, "data folder %s: cannot be created: %s", path, strerror(errno));
        return false;
    }
    store->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->folder < 0 || faccessat(store->folder, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        log_error(
            name,
            "data folder %s: cannot be written: %s; make it writable for this user, or give another --data",
            path, strerror(errno));
    } else if (flock(store->folder, LOCK_EX | LOCK_NB) != 0) {
        log_error(name, "data folder %s: in use by another tandem-ncp; give each its own --data", path);
    } else {
        return true;
    }
    store_close(store);
    return false;
}

void store_close(struct store *store)
{
    store_part_keep(store);
    if (store->folder >= 0) {
        close(store->folder);
        store->folder = -1;
    }
}

/* --- Digests --- */

static void digests_start(struct store *store)
{
    store->bytes = 0;
    store->crc32 = 0;
    tdm_md5_init(&store->md5);
    tdm_sha256_init(&store->sha256);
}

static void digests_add(struct store *store, const void *data, size_t bytes)
{
    store->bytes += (uint32_t)bytes;
    store->crc32 = tdm_crc32(store->crc32, data, bytes);
    tdm_md5_update(&store->md5, data, bytes);
    tdm_sha256_update(&store->sha256, data, bytes);
}

void store_part_digests(const struct store *store, struct store_digests *digests)
{
    digests->bytes = store->bytes;
    digests->crc32 = store->crc32;
    tdm_md5_result(&store->md5, digests->md5);
    tdm_sha256_result(&store->sha256, digests->sha256);
}

/* Of the whole file, from where it stands. */
static bool digests_read(struct store *store, int fd)
{
    uint8_t bytes[65536];
    ssize_t count;

    digests_start(store);
    while ((count = read(fd, bytes, sizeof bytes)) > 0) {
        digests_add(store, bytes, (size_t)count);
    }
    return count == 0;
}

/* --- The part --- */

static bool write_part_of(const struct store *store, const uint8_t sha256[TDM_SHA256_BYTES], uint32_t size)
{
    char hex[2 * TDM_SHA256_BYTES + 1];
    int fd = openat(store->folder, PART_OF, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good;

    if (fd < 0) {
        return false;
    }
    hex_encode(hex, sha256, TDM_SHA256_BYTES);
    good = dprintf(fd, "{\"sha256\":\"%s\",\"size\":%u}\n", hex, size) > 0 && fsync(fd) == 0;
    close(fd);
    return good;
}

static bool read_part_of(const struct store *store, uint8_t sha256[TDM_SHA256_BYTES], uint32_t *size)
{
    int fd = openat(store->folder, PART_OF, O_RDONLY | O_CLOEXEC);
    json_t *object = fd >= 0 ? json_loadfd(fd, 0, NULL) : NULL;
    const char *hex = json_string_value(json_object_get(object, "sha256"));
    json_int_t value = json_integer_value(json_object_get(object, "size"));
    bool good = hex != NULL && hex_decode(sha256, TDM_SHA256_BYTES, hex) && value > 0 && value <= UINT32_MAX;

    *size = good ? (uint32_t)value : 0;
    json_decref(object);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

uint32_t store_part_kept(const struct store *store, uint8_t sha256[TDM_SHA256_BYTES], uint32_t *size)
{
    struct stat part;

    if (!read_part_of(store, sha256, size) || fstatat(store->folder, PART, &part, 0) != 0 ||
        part.st_size >= *size) {
        return 0;
    }
    return (uint32_t)part.st_size;
}

bool store_part_begin(struct store *store, const uint8_t sha256[TDM_SHA256_BYTES], uint32_t size)
{
    store_part_drop(store);
    digests_start(store);
    if (!write_part_of(store, sha256, size)) {
        return false;
    }
    store->part = openat(store->folder, PART, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return store->part >= 0;
}

bool store_part_resume(struct store *store)
{
    store_part_keep(store);
    store->part = openat(store->folder, PART, O_RDWR | O_CLOEXEC);
    return store->part >= 0 && digests_read(store, store->part);
}

bool store_part_write(struct store *store, const void *data, size_t bytes)
{
    size_t done = 0;

    while (done < bytes) {
        ssize_t count = write(store->part, (const char *)data + done, bytes - done);

        if (count < 0 && errno != EINTR) {
            return false;
        }
        done += count > 0 ? (size_t)count : 0;
    }
    digests_add(store, data, bytes);
    return true;
}

void store_part_keep(struct store *store)
{
    if (store->part >= 0) {
        close(store->part);
        store->part = -1;
    }
}

void store_part_drop(struct store *store)
{
    store_part_keep(store);
    (void)unlinkat(store->folder, PART, 0);
    (void)unlinkat(store->folder, PART_OF, 0);
}

int store_part_complete(struct store *store)
{
    int fd = store->part;

    if (fsync(fd) != 0 || renameat(store->folder, PART, store->folder, COMPLETE) != 0 ||
        fsync(store->folder) != 0) {
        return -1;
    }
    store->part = -1;
    (void)unlinkat(store->folder, PART_OF, 0);
    return fd;
}

int store_find(struct store *store, const uint8_t sha256[TDM_SHA256_BYTES], uint32_t size,
               struct store_digests *digests)
{
    int fd = openat(store->folder, COMPLETE, O_RDONLY | O_CLOEXEC);
    struct store hashing = {.folder = -1, .part = -1};
    struct stat file;

    if (fd < 0) {
        return -1;
    }
    if (fstat(fd, &file) == 0 && file.st_size == (off_t)size && digests_read(&hashing, fd)) {
        store_part_digests(&hashing, digests);
        if (memcmp(digests->sha256, sha256, TDM_SHA256_BYTES) == 0) {
            return fd;
        }
    }
    close(fd);
    return -1;
}
