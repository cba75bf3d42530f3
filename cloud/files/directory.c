/* A directory of files, such as one that several servers mount. */
#include "cloud/files/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cloud/log.h"

#define PATH_MAX_ 4200

static enum files_result failed(const char *path, const char *what)
{
    if (errno == ENOENT)
        return FILES_ABSENT;
    log_line(LOG_LEVEL_ERROR, "file-failed", "path=%s what=%s error=\"%s\"", path, what, strerror(errno));
    return errno == ENOSPC || errno == EDQUOT ? FILES_FULL : FILES_FAILED;
}

static void *open_directory(const char *address, char *why, size_t capacity)
{
    if (strlen(address) < PATH_MAX_ - 2 * FILES_NAME_MAX && access(address, R_OK | W_OK | X_OK) == 0)
        return strdup(address);
    snprintf(why, capacity, "cannot use the folder %s: %s", address, strerror(errno));
    return NULL;
}

/* Copies a file, to its last byte on the disk. */
static enum files_result copy(const char *from, const char *to, const atomic_bool *stop)
{
    char piece[65536];
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return failed(from, "open");
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t got = out < 0 ? -1 : 1;
    while (got > 0 && !atomic_load(stop) && (got = read(in, piece, sizeof piece)) > 0) {
        if (write(out, piece, (size_t)got) != got)
            got = -1;
    }
    if (got == 0 && fsync(out) != 0)
        got = -1;
    enum files_result result = got == 0 ? FILES_OK : got > 0 ? FILES_FAILED : failed(to, "write");
    close(in);
    if (out >= 0)
        close(out);
    return result;
}

static enum files_result sync_directory(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    enum files_result result = synced ? FILES_OK : failed(directory, "fsync");
    if (fd >= 0)
        close(fd);
    return result;
}

/* Content first, then the name. */
static enum files_result put(void *place, const char *name, const char *path, const atomic_bool *stop)
{
    char part[PATH_MAX_];
    char final[PATH_MAX_];
    snprintf(part, sizeof part, "%s/.%s-%d", (const char *)place, name, (int)getpid());
    snprintf(final, sizeof final, "%s/%s", (const char *)place, name);
    enum files_result result = copy(path, part, stop);
    if (result == FILES_OK && rename(part, final) != 0)
        result = failed(final, "rename");
    if (result != FILES_OK)
        unlink(part);
    return result == FILES_OK ? sync_directory(place) : result;
}

static enum files_result get(void *place, const char *name, const char *path, const atomic_bool *stop)
{
    char from[PATH_MAX_];
    snprintf(from, sizeof from, "%s/%s", (const char *)place, name);
    return copy(from, path, stop);
}

static enum files_result remove_file(void *place, const char *name, const atomic_bool *stop)
{
    (void)stop;
    char path[PATH_MAX_];
    snprintf(path, sizeof path, "%s/%s", (const char *)place, name);
    return unlink(path) == 0 || errno == ENOENT ? FILES_OK : failed(path, "unlink");
}

const struct files_kind files_directory = {
    .scheme = "/",
    .open = open_directory,
    .close = free,
    .put = put,
    .get = get,
    .remove = remove_file,
};
