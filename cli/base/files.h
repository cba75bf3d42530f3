/* Whole files in and out. Every error is printed with the file's name. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILE_BYTES_MAX ((size_t)1 << 30) /* larger inputs are refused: no firmware is */

struct file_bytes {
    uint8_t *data; /* from malloc; NULL before file_read and after file_free */
    size_t size;
};

/* CLI_OK, or CLI_FAILED with the reason on standard error. file_free is safe either way. */
int file_read(struct file_bytes *file, const char *path);
void file_free(struct file_bytes *file);

/* Writes path whole or not at all: a temporary file beside it is renamed once all is on disk. What is not a
 * regular file (a pipe, a terminal) is written to directly. CLI_OK or CLI_FAILED. */
int file_write(const char *path, const void *data, size_t size, mode_t mode);

/* CLI_OK if path's folder lets file_write make a file, before work that takes long is done for it. Leaves
 * path as it is. */
int file_try(const char *path);

/* file_write for what a command makes of files, which is never written over one that it read: a firmware, or
 * the only copy of a key. */
int file_write_output(const char *path, const void *data, size_t size);

/* file_write for a file that must not exist yet; it never replaces one. */
int file_create(const char *path, const void *data, size_t size, mode_t mode);

/* size bytes from malloc, or the end of the program with a message: nothing here can go on without memory. */
void *memory_take(size_t size);

#endif
