#include "cloud/fleet/firmware/firmware.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cloud/fleet/firmware/key.h"
#include "cloud/fleet/firmware/removal.h"
#include "cloud/log.h"
#include "cloud/text.h"

void firmware_path(const char *folder, const uint8_t sha256[RECORD_DIGEST_BYTES], char to[FIRMWARE_PATH_MAX])
{
    char hex[2 * RECORD_DIGEST_BYTES + 1];
    snprintf(to, FIRMWARE_PATH_MAX, "%s/%s", folder, text_hex(sha256, RECORD_DIGEST_BYTES, hex));
}

static int file_failed(const char *path, const char *what)
{
    int result = errno == ENOSPC || errno == EDQUOT ? STORE_FULL : STORE_FAILED;
    log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=%s error=\"%s\"%s", path, what, strerror(errno),
             errno == EACCES ? " hint=\"see that it and its folder belong to the server's user\"" : "");
    return result;
}

static int sync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return file_failed(path, "open");
    int result = fsync(fd) == 0 ? STORE_OK : file_failed(path, "fsync");
    close(fd);
    return result;
}

/* Content first, then the name: a crash leaves either no file or the whole one. */
static int put_in_place(struct fleet *fleet, const char *temporary, const char *path)
{
    if (access(temporary, F_OK) != 0 && access(path, F_OK) == 0)
        return STORE_OK; /* the job runs again */
    int result = sync_path(temporary, O_RDONLY);
    if (result == STORE_OK && rename(temporary, path) != 0)
        result = file_failed(path, "rename");
    return result == STORE_OK ? sync_path(fleet->folder, O_RDONLY | O_DIRECTORY) : result;
}

int firmware_add(struct fleet *fleet, struct firmware *firmware, const char *temporary, bool *known)
{
    char path[FIRMWARE_PATH_MAX];
    struct firmware there;
    int result = store_firmware_find(fleet->store, firmware->organization, firmware->sha256, &there);
    *known = result == STORE_OK;
    firmware_path(fleet->folder, firmware->sha256, path);
    if (*known) {
        *firmware = there;
        result = put_in_place(fleet, temporary, path); /* the one there may be damaged, or gone */
    } else if (result == STORE_NOT_FOUND) {
        result = key_find_signer(fleet, firmware);
        if (result == STORE_OK)
            result = put_in_place(fleet, temporary, path);
        firmware->uploaded = fleet->now;
        if (result == STORE_OK)
            result = store_firmware_add(fleet->store, firmware);
    }
    unlink(temporary);
    return result;
}

int firmware_delete(struct fleet *fleet, int64_t id, int64_t *after, bool *more)
{
    struct firmware firmware;
    struct shipment *shipments;
    size_t count;
    int result = store_firmware_get(fleet->store, id, &firmware);
    if (result != STORE_OK)
        return result;
    result = store_shipments(fleet->store, firmware.organization, &shipments, &count);
    for (size_t i = 0; i < count && result == STORE_OK; i++) {
        if (shipments[i].firmware == id &&
            (shipments[i].state == SHIPMENT_LIVE || shipments[i].state == SHIPMENT_PAUSED))
            result = STORE_CONFLICT;
    }
    free(shipments);
    return result == STORE_OK ? removal_delete_firmware(fleet, id, after, more) : result;
}

/* A file that no firmware refers to. Whether it is gone is not the database's trouble. */
static int sweep_file(struct fleet *fleet, const char *name, const uint8_t sha256[RECORD_DIGEST_BYTES])
{
    char path[FIRMWARE_PATH_MAX];
    struct firmware firmware;
    int result = sha256 == NULL ? STORE_NOT_FOUND : store_firmware_find(fleet->store, 0, sha256, &firmware);
    if (result != STORE_NOT_FOUND)
        return result;
    snprintf(path, sizeof path, "%s/%s", fleet->folder, name);
    log_line(LOG_LEVEL_INFO, "file-removed", "path=%s reason=unused", path);
    if (unlink(path) != 0)
        (void)file_failed(path, "unlink");
    return STORE_OK;
}

static int sweep(struct fleet *fleet, DIR *folder, bool unfinished)
{
    uint8_t sha256[RECORD_DIGEST_BYTES];
    int result = STORE_OK;
    for (struct dirent *entry; result == STORE_OK && (entry = readdir(folder)) != NULL;) {
        const char *name = entry->d_name;
        if (text_hex_parse(name, sha256, sizeof sha256))
            result = sweep_file(fleet, name, sha256);
        else if (unfinished && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            result = sweep_file(fleet, name, NULL);
    }
    closedir(folder);
    return result;
}

bool firmware_kept(const char *folder)
{
    uint8_t sha256[RECORD_DIGEST_BYTES];
    bool found = false;
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return false;
    for (struct dirent *entry; !found && (entry = readdir(entries)) != NULL;)
        found = text_hex_parse(entry->d_name, sha256, sizeof sha256);
    closedir(entries);
    return found;
}

int firmware_sweep(struct fleet *fleet)
{
    if (mkdir(fleet->folder, 0700) != 0 && errno != EEXIST)
        return file_failed(fleet->folder, "mkdir");
    DIR *folder = opendir(fleet->folder);
    return folder != NULL ? sweep(fleet, folder, true) : file_failed(fleet->folder, "opendir");
}

int firmware_tidy(struct fleet *fleet)
{
    DIR *folder = fleet->folder != NULL ? opendir(fleet->folder) : NULL;
    if (folder != NULL)
        return sweep(fleet, folder, false);
    if (fleet->folder != NULL)
        (void)file_failed(fleet->folder, "opendir");
    return STORE_OK;
}
