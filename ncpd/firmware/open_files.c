#include "ncpd/firmware/open_files.h"

#include <errno.h>
#include <unistd.h>

/* The row of id, 0 for a free one; -1 if there is none. */
static int row_of(const struct open_files *files, uint32_t id)
{
    for (int i = 0; i < OPEN_FILES_MAX; i++) {
        if (files->rows[i].id == id)
            return i;
    }
    return -1;
}

uint32_t open_files_keep(struct open_files *files, int fd)
{
    int row = row_of(files, 0);

    if (row < 0) {
        close(fd);
        return 0;
    }
    files->rows[row].fd = fd;
    files->rows[row].id = ++files->last_id;
    return files->last_id;
}

bool open_files_read(const struct open_files *files, uint32_t id, uint32_t offset, void *to, size_t bytes)
{
    int row = row_of(files, id);
    ssize_t count;

    if (id == 0 || row < 0) {
        errno = EBADF;
        return false;
    }
    count = pread(files->rows[row].fd, to, bytes, offset);
    if (count >= 0 && (size_t)count < bytes)
        errno = ENODATA;
    return count == (ssize_t)bytes;
}

void open_files_close(struct open_files *files, uint32_t id)
{
    int row = id != 0 ? row_of(files, id) : -1;

    if (row >= 0) {
        close(files->rows[row].fd);
        files->rows[row].id = 0;
    }
}

void open_files_close_all(struct open_files *files)
{
    for (int i = 0; i < OPEN_FILES_MAX; i++)
        open_files_close(files, files->rows[i].id);
}
