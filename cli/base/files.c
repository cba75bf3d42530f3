#include "cli/base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/base/command.h"
#include "cli/base/output.h"

#define READ_STEP  ((size_t)1 << 16)
#define INPUTS_MAX 16 /* files that one command reads: firmware, base, keys, ... */

/* The files that were read, each of which an output could destroy. */
static struct stat inputs[INPUTS_MAX];
static size_t input_count;

void *memory_take(size_t size)
{
    void *memory = malloc(size ? size : 1);

    if (!memory) {
        output_fail(CLI_FAILED, "out of memory (%zu bytes)", size);
        exit(CLI_FAILED);
    }
    return memory;
}

static int fail_errno(const char *what, const char *path)
{
    if (path[0] == '\0')
        return output_fail(CLI_FAILED,
                           "the name of a file is empty; is a variable of the command line unset?");
    return output_fail(CLI_FAILED, "%s: %s: %s", path, what, strerror(errno));
}

/* Reads to the end of the file; sizes are not asked for, so that pipes work too. */
static int read_all(struct file_bytes *file, int fd, const char *path)
{
    size_t room = 0;

    for (;;) {
        ssize_t count;

        if (file->size == room) {
            uint8_t *larger = realloc(file->data, room = 2 * room + READ_STEP);

            if (!larger)
                return output_fail(CLI_FAILED, "%s: out of memory", path);
            file->data = larger;
        }
        count = read(fd, file->data + file->size, room - file->size);
        if (count == 0)
            return CLI_OK;
        if (count < 0 && errno != EINTR)
            return fail_errno("can't be read", path);
        file->size += count > 0 ? (size_t)count : 0;
        if (file->size > FILE_BYTES_MAX)
            return output_fail(CLI_FAILED, "%s: over 1 GiB; is this the right file?", path);
    }
}

int file_read(struct file_bytes *file, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc;

    file->data = NULL;
    file->size = 0;
    if (fd < 0)
        return fail_errno("can't be opened", path);
    if (input_count < INPUTS_MAX && fstat(fd, &inputs[input_count]) == 0)
        input_count++;
    rc = read_all(file, fd, path);
    close(fd);
    if (rc != CLI_OK)
        file_free(file);
    return rc;
}

void file_free(struct file_bytes *file)
{
    free(file->data);
    file->data = NULL;
    file->size = 0;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, data, size);

        if (count < 0 && errno != EINTR)
            return false;
        data += count > 0 ? count : 0;
        size -= count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* Writes and closes fd; errno says why it failed. Pipes and terminals can't be synced, which is no failure.
 */
static bool write_and_close(int fd, const void *data, size_t size)
{
    bool written = write_all(fd, data, size) && (fsync(fd) == 0 || errno == EINVAL || errno == EROFS);
    int why = errno;
    bool closed = close(fd) == 0;

    if (!written)
        errno = why;
    return written && closed;
}

int file_create(const char *path, const void *data, size_t size, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);

    if (fd < 0 && errno == EEXIST)
        return output_fail(CLI_FAILED, "%s: exists already, and is not overwritten; move it away first",
                           path);
    if (fd < 0)
        return fail_errno("can't be created", path);
    if (!write_and_close(fd, data, size)) {
        fail_errno("can't be written", path);
        unlink(path);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static int write_directly(const char *path, const void *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd < 0 || !write_and_close(fd, data, size))
        return fail_errno("can't be written", path);
    return CLI_OK;
}

/* The mode that open() would give a new file. */
static mode_t masked(mode_t mode)
{
    mode_t mask = umask(0);

    umask(mask);
    return mode & ~mask;
}

static int write_beside(const char *path, char *temporary, const void *data, size_t size, mode_t mode)
{
    int fd = mkostemp(temporary, O_CLOEXEC);

    if (fd < 0)
        return fail_errno("can't be created", path);
    if (fchmod(fd, masked(mode)) != 0 || !write_and_close(fd, data, size) || rename(temporary, path) != 0) {
        fail_errno("can't be written", path);
        unlink(temporary);
        return CLI_FAILED;
    }
    return CLI_OK;
}

static bool is_special(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

/* What mkostemp makes a name beside path of; to be freed. */
static char *name_beside(const char *path)
{
    static const char suffix[] = ".XXXXXX";
    size_t length = strlen(path);
    char *name = memory_take(length + sizeof suffix);

    memcpy(name, path, length);
    memcpy(name + length, suffix, sizeof suffix);
    return name;
}

int file_write(const char *path, const void *data, size_t size, mode_t mode)
{
    char *temporary;
    int rc;

    if (is_special(path))
        return write_directly(path, data, size);
    temporary = name_beside(path);
    rc = write_beside(path, temporary, data, size, mode);
    free(temporary);
    return rc;
}

int file_try(const char *path)
{
    bool special = is_special(path);
    char *temporary = name_beside(path);
    int fd = special ? open(path, O_WRONLY | O_CLOEXEC) : mkostemp(temporary, O_CLOEXEC);
    int rc = fd < 0 ? fail_errno("can't be created", path) : CLI_OK;

    if (fd >= 0)
        close(fd);
    if (fd >= 0 && !special)
        unlink(temporary);
    free(temporary);
    return rc;
}

static bool was_read(const char *path)
{
    struct stat output;

    if (stat(path, &output) != 0 || !S_ISREG(output.st_mode))
        return false;
    for (size_t i = 0; i < input_count; i++) {
        if (inputs[i].st_dev == output.st_dev && inputs[i].st_ino == output.st_ino)
            return true;
    }
    return false;
}

int file_write_output(const char *path, const void *data, size_t size)
{
    if (was_read(path))
        return output_fail(CLI_FAILED,
                           "%s: is one of the files to read, and would be lost; name another output", path);
    return file_write(path, data, size, 0666);
}
