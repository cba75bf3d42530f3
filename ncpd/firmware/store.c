#include "ncpd/firmware/store.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ncpd/base/hex.h"
#include "ncpd/base/log.h"

#define PART     "download.part"
#define PART_OF  "download.json"
#define COMPLETE "firmware.bin"
#define UPDATE   "update.json"

/* --- The folder --- */

static int open_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd >= 0 && (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

bool store_open(struct store *store, const struct mcu_config *mcu)
{
    *store = (struct store){.mcu = mcu, .folder = -1, .part = -1};
    if (mkdir(mcu->data, 0700) != 0 && errno != EEXIST) {
        log_error(mcu->name, "data folder %s: cannot be created: %s; name one where this user may write",
                  mcu->data, strerror(errno));
        return false;
    }
    store->folder = open_folder(mcu->data);
    if (store->folder < 0 && errno == EWOULDBLOCK)
        log_error(mcu->name, "data folder %s: in use by another tandem-ncp; give each its own Data",
                  mcu->data);
    else if (store->folder < 0)
        log_error(
            mcu->name,
            "data folder %s: cannot be written: %s; make it writable for this user, or name another Data",
            mcu->data, strerror(errno));
    return store->folder >= 0;
}

/* The folder that was opened may be gone, with another in its place: a disk that was taken out and put back.
 */
static void look_for_folder(struct store *store)
{
    struct stat ours, there;
    int folder;

    if (fstat(store->folder, &ours) == 0 && stat(store->mcu->data, &there) == 0 &&
        ours.st_dev == there.st_dev && ours.st_ino == there.st_ino)
        return;
    (void)mkdir(store->mcu->data, 0700);
    folder = open_folder(store->mcu->data);
    if (folder >= 0) {
        log_warning(store->mcu->name, "data folder %s: opened anew", store->mcu->data);
        close(store->folder);
        store->folder = folder;
    }
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
    while ((count = read(fd, bytes, sizeof bytes)) > 0)
        digests_add(store, bytes, (size_t)count);
    return count == 0;
}

/* --- Small files --- */

/* Takes object over. The file is the old or the new one whatever happens. False with errno set. */
static bool write_json(const struct store *store, const char *name, json_t *object)
{
    static const char temporary[] = "new.json";
    int fd = openat(store->folder, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool good = fd >= 0 && json_dumpfd(object, fd, JSON_COMPACT) == 0 && fsync(fd) == 0;
    int error = errno;

    json_decref(object);
    if (fd >= 0)
        close(fd);
    if (good && renameat(store->folder, temporary, store->folder, name) == 0)
        return fsync(store->folder) == 0;
    errno = good ? errno : error;
    return false;
}

/* NULL if there is none. */
static json_t *read_json(const struct store *store, const char *name)
{
    int fd = openat(store->folder, name, O_RDONLY | O_CLOEXEC);
    json_t *object = fd >= 0 ? json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL) : NULL;

    if (fd >= 0)
        close(fd);
    return object;
}

static json_t *hex_value(const uint8_t sha256[TDM_SHA256_BYTES])
{
    char hex[2 * TDM_SHA256_BYTES + 1];

    hex_encode(hex, sha256, TDM_SHA256_BYTES);
    return json_string(hex);
}

static bool get_sha256(const json_t *object, uint8_t sha256[TDM_SHA256_BYTES])
{
    const char *hex = json_string_value(json_object_get(object, "sha256"));

    return hex != NULL && hex_decode(sha256, TDM_SHA256_BYTES, hex);
}

/* "" where there is none that fits. */
static void get_text(const json_t *object, const char *key, char *to, size_t room)
{
    const char *text = json_string_value(json_object_get(object, key));

    snprintf(to, room, "%s", text != NULL && strlen(text) < room ? text : "");
}

/* --- The part --- */

static bool write_part_of(const struct store *store, const struct store_part *part)
{
    json_t *object = json_object();

    json_object_set_new(object, "sha256", hex_value(part->sha256));
    json_object_set_new(object, "size", json_integer(part->size));
    json_object_set_new(object, "etag", json_string(part->etag));
    return write_json(store, PART_OF, object);
}

static bool read_part_of(const struct store *store, struct store_part *part)
{
    json_t *object = read_json(store, PART_OF);
    json_int_t size = json_integer_value(json_object_get(object, "size"));
    bool good = get_sha256(object, part->sha256) && size > 0 && size <= UINT32_MAX;

    part->size = good ? (uint32_t)size : 0;
    get_text(object, "etag", part->etag, sizeof part->etag);
    json_decref(object);
    return good;
}

uint32_t store_part_kept(const struct store *store, struct store_part *part)
{
    struct stat file;

    if (!read_part_of(store, part) || fstatat(store->folder, PART, &file, 0) != 0 ||
        file.st_size >= part->size)
        return 0;
    return (uint32_t)file.st_size;
}

bool store_part_begin(struct store *store, const struct store_part *part)
{
    look_for_folder(store);
    store_part_drop(store);
    digests_start(store);
    if (!write_part_of(store, part))
        return false;
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

        if (count < 0 && errno != EINTR)
            return false;
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
        fsync(store->folder) != 0)
        return -1;
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

    if (fd < 0)
        return -1;
    if (fstat(fd, &file) == 0 && file.st_size == (off_t)size && digests_read(&hashing, fd)) {
        store_part_digests(&hashing, digests);
        if (memcmp(digests->sha256, sha256, TDM_SHA256_BYTES) == 0)
            return fd;
    }
    close(fd);
    return -1;
}

/* --- The update --- */

bool store_remember(struct store *store, const struct store_update *update)
{
    json_t *object;

    if (update == NULL)
        return unlinkat(store->folder, UPDATE, 0) == 0 || errno == ENOENT;
    object = json_object();
    json_object_set_new(object, "sha256", hex_value(update->sha256));
    json_object_set_new(object, "size", json_integer(update->offer.size));
    json_object_set_new(object, "name", json_string(offer_url_shown(&update->offer)));
    json_object_set_new(object, "type", json_string(update->offer.type));
    json_object_set_new(object, "version", json_string(update->offer.version));
    json_object_set_new(object, "build", json_string(update->offer.build));
    json_object_set_new(object, "began", json_integer(update->began_s));
    return write_json(store, UPDATE, object);
}

bool store_recall(const struct store *store, struct store_update *update)
{
    json_t *object = read_json(store, UPDATE);
    json_int_t size = json_integer_value(json_object_get(object, "size"));
    bool good = get_sha256(object, update->sha256) && size > 0 && size <= UINT32_MAX;

    memset(&update->offer, 0, sizeof update->offer);
    update->offer.size = good ? (uint32_t)size : 0;
    get_text(object, "name", update->offer.url, sizeof update->offer.url);
    get_text(object, "type", update->offer.type, sizeof update->offer.type);
    get_text(object, "version", update->offer.version, sizeof update->offer.version);
    get_text(object, "build", update->offer.build, sizeof update->offer.build);
    update->began_s = json_integer_value(json_object_get(object, "began"));
    json_decref(object);
    return good;
}

/* --- Old files --- */

static bool is_old(const struct store *store, const char *name, uint32_t age_s)
{
    struct stat file;

    return fstatat(store->folder, name, &file, 0) == 0 && time(NULL) - file.st_mtime > (time_t)age_s;
}

void store_prune(struct store *store, uint32_t age_s)
{
    if (store->part < 0 && is_old(store, PART, age_s)) {
        log_info(store->mcu->name, "data folder: removes the part of a download that nobody went on with");
        store_part_drop(store);
    }
    if (faccessat(store->folder, UPDATE, F_OK, 0) != 0 && is_old(store, COMPLETE, age_s)) {
        log_info(store->mcu->name, "data folder: removes a firmware that is not needed any more");
        (void)unlinkat(store->folder, COMPLETE, 0);
    }
}

void store_clear(struct store *store)
{
    store_part_drop(store);
    (void)store_remember(store, NULL);
    (void)unlinkat(store->folder, COMPLETE, 0);
}
