/* Where firmware files are kept for good when that is not the server's own folder: a directory that several
 * servers share, or a bucket of S3. The own folder is then a cache that can be lost.
 *
 * A file's name is the SHA-256 of its bytes in hex, so a name never means two contents. All calls block, for
 * minutes at worst: they are for the porter's thread (porter.h). */
#ifndef TANDEM_CLOUD_FILES_H
#define TANDEM_CLOUD_FILES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define FILES_NAME_MAX 65

enum files_result {
    FILES_OK,
    FILES_ABSENT, /* there is no such file */
    FILES_FULL,   /* no room */
    FILES_FAILED  /* anything else; it was logged */
};

struct files;

/* What a kind of place must do. */
struct files_kind {
    const char *scheme; /* how an address of it begins */
    /* NULL, and why says what happened. */
    void *(*open)(const char *address, char *why, size_t capacity);
    void (*close)(void *place);
    /* The file at path, whole, under name; durable once this returns. Over one that is there already. */
    enum files_result (*put)(void *place, const char *name, const char *path, const atomic_bool *stop);
    /* The other way round, into a new file at path. What was got is checked by the caller. */
    enum files_result (*get)(void *place, const char *name, const char *path, const atomic_bool *stop);
    /* Fine if it is not there. */
    enum files_result (*remove)(void *place, const char *name, const atomic_bool *stop);
};

extern const struct files_kind files_directory; /* an absolute path */
extern const struct files_kind files_s3;        /* s3://BUCKET[/PREFIX] */

/* On failure NULL, and why says what happened. */
struct files *files_open(const char *address, char *why, size_t capacity);
void files_close(struct files *files);

/* As the kind's; *stop, set from another thread, ends a call soon with FILES_FAILED. */
enum files_result files_put(struct files *files, const char *name, const char *path, const atomic_bool *stop);
/* The file at path appears whole or not at all. */
enum files_result files_get(struct files *files, const char *name, const char *path, const atomic_bool *stop);
enum files_result files_remove(struct files *files, const char *name, const atomic_bool *stop);

#endif
