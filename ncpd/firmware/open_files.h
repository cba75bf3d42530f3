/* Firmware files that are open, by the numbers that core/ncp knows them by. All zero: none. */
#ifndef NCPD_OPEN_FILES_H
#define NCPD_OPEN_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPEN_FILES_MAX = 3 /* under way, next, and the one that takes its place */ };

struct open_files {
    struct {
        uint32_t id; /* 0: free */
        int fd;
    } rows[OPEN_FILES_MAX];
    uint32_t last_id;
};

/* Takes fd over. Returns the file's number, 0 (and fd is closed) if there is no room. */
uint32_t open_files_keep(struct open_files *files, int fd);

/* All of the bytes at offset. False with errno set: EBADF where there is no such file, ENODATA behind its
 * end. */
bool open_files_read(const struct open_files *files, uint32_t id, uint32_t offset, void *to, size_t bytes);

/* Nothing happens where there is no such file. */
void open_files_close(struct open_files *files, uint32_t id);
void open_files_close_all(struct open_files *files);

#endif
