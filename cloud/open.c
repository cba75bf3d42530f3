/* What a server opens before it lets anybody in: its folder, its store, and what of it is held in memory. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/cloud.h"
#include "cloud/fleet/firmware/firmware.h"
#include "cloud/fleet/node.h"
#include "cloud/log.h"
#include "cloud/text.h"

#define TOKENS_AT_ONCE 10000
#define TRIES_MAX      20 /* to open the store while other servers do the same */

void cloud_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("tandem-cloud: ", stderr);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

/* --- The data folder --- */

static void path_in(const struct cloud *cloud, const char *name, char *to, size_t capacity)
{
    snprintf(to, capacity, "%s/%s", cloud->options.data, name);
}

/* Held as long as the process lives, so that two servers never share a folder. */
static void lock_folder(const struct cloud *cloud)
{
    char path[CLOUD_PATH_MAX];
    path_in(cloud, "lock", path, sizeof path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        cloud_fail("cannot write %s: %s; choose another --data or change its owner", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        cloud_fail("another tandem-cloud uses %s; stop it first", cloud->options.data);
}

void cloud_open_folder(struct cloud *cloud)
{
    if (mkdir(cloud->options.data, 0700) != 0 && errno != EEXIST)
        cloud_fail(
            "cannot create the data folder %s: %s; create the folder above it, or choose another --data",
            cloud->options.data, strerror(errno));
    lock_folder(cloud);
    path_in(cloud, "firmware", cloud->folder, sizeof cloud->folder);
    path_in(cloud, "deltas", cloud->forms, sizeof cloud->forms);
    if (!maker_open_folder(cloud->forms))
        cloud_fail("cannot write in %s: %s; change its owner", cloud->forms, strerror(errno));
}

/* --- The store, and what it holds in memory --- */

/* The file first: a token that is known but not written down anywhere would be lost. So would the one that is
 * there, of another database: --database may have been forgotten. */
static void write_token_file(const struct cloud *cloud, const char *token)
{
    char path[CLOUD_PATH_MAX];
    char old[CLOUD_PATH_MAX];
    path_in(cloud, "admin.token", path, sizeof path);
    path_in(cloud, "admin.token.old", old, sizeof old);
    if (rename(path, old) == 0)
        log_line(
            LOG_LEVEL_WARNING, "new-database",
            "hint=\"this database is empty, and %s was of another one: it is kept as %s. If you did not mean "
            "a new database, look at --database and --data\"",
            path, old);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || dprintf(fd, "%s\n", token) < 0 || fsync(fd) != 0 || close(fd) != 0)
        cloud_fail("cannot write %s: %s", path, strerror(errno));
}

static void refuse_others_firmware(const struct cloud *cloud)
{
    if (firmware_kept(cloud->folder))
        cloud_fail("the database is new, and %s holds files of another database; look at --database and "
                   "--data, restore a backup, or choose an empty --data",
                   cloud->folder);
}

/* Says once what the first admin gets in with: of the token only where it is, for what is printed here stays
 * in a log, and the token is good for longer than one sign-in. */
static int make_first_admin(struct cloud *cloud)
{
    char token[SECRET_TOKEN_MAX];
    char password[SECRET_TOKEN_MAX];
    int result = people_first(cloud->fleet.store, text_now_ms(), token, password);
    if (result != STORE_OK || token[0] == '\0')
        return result;
    /* --database may have been forgotten, or the file got lost: the sweep would remove what is left. */
    refuse_others_firmware(cloud);
    write_token_file(cloud, token);
    result = store_commit(cloud->fleet.store); /* of servers that start together, one gets here */
    if (result != STORE_OK) {
        char path[CLOUD_PATH_MAX];
        path_in(cloud, "admin.token", path, sizeof path);
        unlink(path);
        return result;
    }
    printf("admin token: kept in %s/admin.token\n"
           "admin password: %s (for the first sign-in as admin, which sets a new one)\n",
           cloud->options.data, password);
    fflush(stdout);
    return store_begin(cloud->fleet.store);
}

static int load_page(struct cloud *cloud, size_t *count)
{
    struct store *store = cloud->fleet.store;
    struct watch *watch = &cloud->fleet.watch;
    struct device_token *page;
    int result = store_begin(store);
    if (result != STORE_OK)
        return result;
    result = store_device_tokens(store, watch->newest_device, TOKENS_AT_ONCE, &page, count);
    for (size_t i = 0; i < *count; i++) {
        (void)tokens_add(&cloud->devices, page[i].hash, page[i].device);
        watch->newest_device = page[i].device;
    }
    free(page);
    store_rollback(store); /* it only read */
    return result;
}

/* By pages: a transaction over a million rows would be in the way of every server that writes one of them.
 * What is added meanwhile is learned like everything that comes later (fleet/node.h). */
static int load_devices(struct cloud *cloud)
{
    size_t count = TOKENS_AT_ONCE;
    int result = STORE_OK;
    while (result == STORE_OK && count == TOKENS_AT_ONCE)
        result = load_page(cloud, &count);
    return result;
}

/* One for all servers on this database; made by the first. */
static int load_key(struct cloud *cloud, const char *name, uint8_t key[SECRET_KEY_BYTES])
{
    int result = store_setting_get(cloud->fleet.store, name, key, SECRET_KEY_BYTES);
    if (result != STORE_NOT_FOUND)
        return result;
    secret_random(key, SECRET_KEY_BYTES);
    return store_setting_set(cloud->fleet.store, name, key, SECRET_KEY_BYTES);
}

static int load_keys(struct cloud *cloud)
{
    uint8_t *key = cloud->fleet.tickets.key;
    int result = load_key(cloud, "ticket-key", key);
    if (result == STORE_OK)
        result = load_key(cloud, "sign-in-key", cloud->sign_in_key);
    if (result == STORE_OK)
        result = load_key(cloud, "known-key", cloud->people.known_key);
    memcpy(cloud->front.ticket_key, key, SECRET_KEY_BYTES);
    return result;
}

static void set_zone(struct fleet *fleet, const char *name)
{
    if (zone_find(&fleet->zones, name) == NULL)
        cloud_fail("--timezone: there is no time zone %s; write it as Europe/Berlin, and see that tzdata is "
                   "installed",
                   name);
    snprintf(fleet->zone, sizeof fleet->zone, "%s", name);
}

/* In one transaction, so that of several servers that start on an empty database one makes what all use. */
static int load_all(struct cloud *cloud)
{
    struct fleet *fleet = &cloud->fleet;
    bool alone = cloud->options.database == NULL;
    int result = store_begin(fleet->store);
    if (result == STORE_OK)
        result = node_join(fleet, alone);
    if (result == STORE_OK)
        result = make_first_admin(cloud);
    if (result == STORE_OK)
        result = load_keys(cloud);
    if (result == STORE_OK)
        result = firmware_sweep(fleet);
    if (result == STORE_OK)
        return store_commit(fleet->store);
    store_rollback(fleet->store);
    return result;
}

void cloud_open_store(struct cloud *cloud)
{
    char path[CLOUD_PATH_MAX];
    char why[CLOUD_PATH_MAX + CLOUD_WHY_MAX];
    struct fleet *fleet = &cloud->fleet;
    const char *where = cloud->options.database;
    path_in(cloud, "tandem.db", path, sizeof path);
    if (where == NULL && access(path, F_OK) != 0)
        refuse_others_firmware(cloud); /* before anything is made that would be in the way of a restore */
    if (store_open(&fleet->store, where != NULL ? where : path, why, sizeof why) != STORE_OK)
        cloud_fail("cannot open the database: %s%s", why,
                   where != NULL ? "; docs/OPERATING.md, \"PostgreSQL\", says what it takes" : "");
    fleet->limits = status_limits_default;
    fleet->limits.settle_ms = cloud->options.settle_ms;
    if (cloud->options.zone != NULL)
        set_zone(fleet, cloud->options.zone);
    fleet->public_url = cloud->options.public_url;
    fleet->folder = cloud->folder;
    fleet->forms.off = cloud->options.deltas_off;
    fleet->forms.wait_ms = cloud->options.deltas_wait_ms;
    fleet->forms.space_bytes = cloud->options.deltas_space_mib << 20;
    fleet->forms.folder = cloud->forms;
    fleet->now = text_now_ms();
    int result = STORE_AGAIN;
    for (int tries = 0; tries < TRIES_MAX && result == STORE_AGAIN; tries++)
        result = load_all(cloud);
    if (result == STORE_OK)
        result = load_devices(cloud);
    if (result != STORE_OK)
        cloud_fail("cannot use the database: %s; the log above says more", store_result_text(result));
}
